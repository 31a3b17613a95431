import json
from types import SimpleNamespace

import pytest
from click.testing import CliRunner
from PIL import Image

import vlbench.api.retrieval
from vlbench.cli.main import group
from vlbench.cli.retrieve import command
from vlbench.core.errors import VlbenchError
from vlbench.pairs.report import ClassReport, CosineRange, Report

CLASSES = (
    ClassReport("cat", "cat", 9, {"image": CosineRange(0.2, 0.3, 0.4)}),
    ClassReport("dog", "dog", 4, {"image": CosineRange(0.1, 0.25, 0.3)}),
    ClassReport("emu", "emu", 12, {}),
)
FOUND = Report("pets", "web", "small", {"k": 5}, 1000, 6, 20, CLASSES, (), ())


@pytest.fixture
def asked(monkeypatch):
    seen = SimpleNamespace(names=(), options={})

    def retrieve(*names, **options):
        seen.names, seen.options = names, options
        return FOUND

    monkeypatch.setattr(vlbench.api.retrieval, "retrieve", retrieve)
    return seen


def test_lines_say_what_was_found_and_which_classes_found_little(asked):
    done = CliRunner().invoke(
        command, ["-m", "small", "-t", "pets", "-p", "web", "-x", "a", "-x", "b", "--no-near"]
    )
    assert done.output.splitlines() == [
        "20 of 1,000 pairs of web for pets, found by small with 6 prompts",
        "pairs a class: 4 to 12, median 9",
        "cosines of prompts and images: 0.100 to 0.400, median 0.275",
        "classes that found little, 1 of 3: dog (4)",
    ]
    assert asked.names == ("small", "pets", "web")
    assert (asked.options["exclude"], asked.options["near"], asked.options["k"]) == (("a", "b"), False, 50)


@pytest.mark.usefixtures("asked")
def test_json_holds_every_field():
    done = CliRunner().invoke(command, ["-m", "small", "-t", "pets", "-p", "web", "--json"])
    said = json.loads(done.output)
    assert (said["few"], said["classes"][2]["pairs"]) == (["dog"], 12)


@pytest.fixture
def drawings(tmp_path, monkeypatch):
    """Captioned drawings, one of which is in a folder of another task as well."""
    monkeypatch.chdir(tmp_path)
    lines = []
    for number, colour in enumerate(("red", "blue", "green")):
        for folder in ("pool", *["other/a", "other/b"] * (colour == "blue")):
            (tmp_path / folder).mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (64, 64), colour).save(tmp_path / folder / f"{number}.png")
        lines.append(json.dumps({"file_name": f"{number}.png", "caption": f"a {colour} square"}))
    (tmp_path / "pool" / "metadata.jsonl").write_text("\n".join(lines))


@pytest.mark.slow
@pytest.mark.usefixtures("drawings")
def test_images_of_a_task_that_is_excluded_are_not_taken(tmp_path):
    names = ["-m", "tiny-clip", "-t", "digits-half", "-p", "retrieval:pool", "-x", "classification:other"]
    done = CliRunner().invoke(group, ["retrieve", *names, "--device", "cpu", "--no-near", "--json"])
    assert done.exit_code == 0, done.output
    (found,) = json.loads(done.stdout)["like_tests"]
    assert (found["pair"], found["other"], found["how"]) == (1, "a/1.png", "copy")
    images = tmp_path / "pairs" / "images"
    assert sorted(path.name for path in images.iterdir()) == ["000000000.png", "000000002.png"]


@pytest.mark.usefixtures("drawings")
@pytest.mark.parametrize(
    ("task", "pool", "options", "told"),
    [
        ("digits-half", "digits", {}, "digits has no captions"),
        ("shapes-retrieval", "retrieval:pool", {}, "shapes-retrieval has no classes to ask a pool by"),
        ("digits-half", "embeddings:pool", {}, "pool: has no img_emb_0.npy"),
        ("digits-half", "retrieval:pool", {"out": "pool"}, "pool is there already; name another folder"),
        ("digits-half", "retrieval:pool", {"k": 0}, "0 pairs a prompt and None a class leave none"),
        ("digits-half", "digits*", {}, "is [0-9] tasks; name one"),
    ],
)
def test_a_wrong_pool_task_or_option_is_told_before_anything_is_encoded(task, pool, options, told):
    with pytest.raises(VlbenchError, match=told):
        vlbench.api.retrieval.retrieve("tiny-clip", task, pool, **options)
