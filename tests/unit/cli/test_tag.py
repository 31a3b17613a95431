"""`vlbench tag` by its command line: images in, tags out, broken ones named."""

import csv
import io
import json
from dataclasses import asdict
from pathlib import Path

import pytest
from colour_tagger import colour_model, colour_tagger
from jsonschema import Draft202012Validator
from PIL import Image
from safetensors.torch import save_file
from tiny_captions import SIZE, write_word_pieces
from tiny_taggers import TINY, fixture_tags, tagging_state, tiny_state, write_published

from vlbench.core.registry import ADAPTERS

LINE_SCHEMA = {
    "type": "object",
    "required": ["path", "tags"],
    "additionalProperties": False,
    "properties": {
        "path": {"type": "string"},
        "caption": {"type": "string"},
        "tags": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["name", "score", "id"],
                "additionalProperties": False,
                "properties": {
                    "name": {"type": "string", "minLength": 1},
                    "score": {"type": "number", "minimum": -1, "maximum": 1},
                    "id": {"type": ["string", "null"]},
                },
            },
        },
    },
}
"""What a line of `--format json` is."""


@pytest.fixture(autouse=True)
def adapters():
    ADAPTERS.register("colour-tagger")(colour_tagger)
    ADAPTERS.register("colour-model")(colour_model)
    yield
    ADAPTERS.unregister("colour-tagger")
    ADAPTERS.unregister("colour-model")


@pytest.fixture
def photos(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = Path("photos")
    folder.mkdir()
    for name, colour in {"1.png": "red", "2.png": "blue", "3.png": (10, 10, 10)}.items():
        Image.new("RGB", (4, 4), colour).save(folder / name)
    return folder


@pytest.fixture
def tag(run):
    """Runs `vlbench tag`; the answer is (exit code, stdout, stderr)."""

    def tag(*arguments, model="colour-tagger:x"):
        return run("tag", *arguments, "--model", model, "--device", "cpu", "--cache", "cache")

    return tag


def test_a_tagger_uses_its_own_list_and_thresholds(tag, photos):
    code, out, err = tag(photos)
    assert (code, err) == (0, "")
    assert out.splitlines() == [
        "photos/1.png: red 0.98",
        "photos/2.png: blue 0.98",
        "photos/3.png: (no tag above its threshold)",
    ]


def test_chinese_names_come_from_the_models_list_and_for_tags_of_the_users(tag, photos):
    Path("mine.txt").write_text("blue\nblack\n")
    assert tag(photos / "1.png", "--language", "zh")[1] == "photos/1.png: 红 0.98\n"
    code, out, _ = tag(photos / "2.png", "--language", "zh", "--tags", "mine.txt", "--threshold", "0.5")
    assert (code, out) == (0, "photos/2.png: 蓝 0.98\n")


def test_a_file_of_thresholds_has_one_for_each_tag(tag, photos):
    Path("mine.txt").write_text("blue\nblack\n")
    Path("t.json").write_text('{"blue": 0.99, "black": 0.5}')
    asked = ("--tags", "mine.txt", "--threshold", "t.json")
    assert tag(photos / "2.png", *asked)[:2] == (0, "photos/2.png: (no tag above its threshold)\n")
    Path("t.json").write_text('{"blue": 0.9, "black": 0.5}')
    assert tag(photos / "2.png", *asked)[:2] == (0, "photos/2.png: blue 0.98\n")
    Path("t.json").write_text('{"blue": 0.9}')
    assert tag(photos / "2.png", *asked)[0] == 2


def test_json_lines_validate_and_keep_the_ids(tag, photos):
    code, out, _ = tag(photos, "--format", "json", "--top-k", 2)
    lines = [json.loads(line) for line in out.splitlines()]
    assert code == 0
    for line in lines:
        Draft202012Validator(LINE_SCHEMA).validate(line)
    assert lines[0]["tags"][0] == {"name": "red", "score": 0.982, "id": "0"}
    assert [len(line["tags"]) for line in lines] == [2, 2, 2]


def test_csv_has_a_row_a_tag(tag, photos):
    rows = list(csv.DictReader(io.StringIO(tag(photos, "--format", "csv")[1])))
    assert [(row["path"], row["tag"], row["id"]) for row in rows] == [
        ("photos/1.png", "red", "0"),
        ("photos/2.png", "blue", "2"),
        ("photos/3.png", "", ""),
    ]


def test_a_broken_image_is_named_the_rest_are_tagged_and_the_exit_code_is_1(tag, photos):
    whole = (photos / "1.png").read_bytes()
    (photos / "1b.png").write_bytes(whole[:20])
    (photos / "2b.png").write_bytes(b"")
    code, out, err = tag(photos, "--format", "json", "--batch-size", 2)
    assert code == 1
    assert [json.loads(line)["path"] for line in out.splitlines()] == [
        f"photos/{name}" for name in ("1.png", "2.png", "3.png")
    ]
    first, second, last = err.splitlines()
    assert first.startswith(f"vlbench: {photos.absolute()}/1b.png does not decode")
    assert second.startswith(f"vlbench: {photos.absolute()}/2b.png is empty")
    assert last == "vlbench: 2 of 5 images cannot be read; they are named above"


def test_a_model_without_tags_wants_some_and_gives_the_best_of_them(tag, photos):
    code, out, err = tag(photos, model="colour-model:x")
    assert (code, out) == (2, "")
    assert "has no tag list of its own; give it one: --tags FILE" in err
    Path("tags.txt").write_text("red\ngreen\nblue\n")
    code, out, _ = tag(photos / "2.png", "--tags", "tags.txt", "--top-k", 1, model="colour-model:x")
    assert (code, out) == (0, "photos/2.png: blue 0.00\n")


def test_clip_scores_tags_by_cosine_and_by_descriptions(tag, photos):
    Path("tags.tsv").write_text("name\tid\nred square\ta\nblue square\tb\n")
    Path("d.json").write_text(
        json.dumps({"red square": ["a photo of a red square."], "blue square": ["a photo of a blue square."]})
    )
    arguments = (photos / "1.png", "--tags", "tags.tsv", "--format", "json")
    code, out, err = tag(*arguments, model="tiny-clip")
    assert (code, err) == (0, "")
    (line,) = map(json.loads, out.splitlines())
    assert [each["id"] for each in line["tags"]] == ["a", "b"]
    assert all(-1 <= each["score"] <= 1 for each in line["tags"])
    assert tag(*arguments, "--descriptions", "d.json", model="tiny-clip")[1] == out
    Path("d.json").write_text(
        json.dumps({"red square": ["a blue square."], "blue square": ["a red square."]})
    )
    (turned,) = map(
        json.loads, tag(*arguments, "--descriptions", "d.json", model="tiny-clip")[1].splitlines()
    )
    assert [each["id"] for each in turned["tags"]] == ["b", "a"]


@pytest.mark.parametrize(
    ("arguments", "model", "said"),
    [
        (["absent.png"], "colour-tagger:x", "absent.png: no such file or folder"),
        (["photos", "--threshold", "high"], "colour-tagger:x", "--threshold 'high' is neither auto nor a"),
        (["photos", "--threshold", "nan"], "colour-tagger:x", "--threshold 'nan' is neither auto nor a"),
        (["photos", "--threshold", "68"], "colour-tagger:x", "states a probability; give a number from 0"),
        (["photos", "--batch-size", "0"], "colour-tagger:x", "--batch-size '0' is neither auto nor a number"),
        (
            ["photos", "--tags", "sky.txt", "--threshold", "auto"],
            "colour-model:x",
            "has no thresholds of its",
        ),
        (["photos", "--tags", "sky.txt", "--language", "zh"], "colour-model:x", "have no Chinese name ('red"),
        (["photos", "--descriptions", "d.json"], "colour-tagger:x", "reads no descriptions; leave them out"),
        (["photos", "--tags", "sky.txt", "--descriptions", "d.json"], "colour-model:x", "'red sky'"),
        (["photos", "--caption"], "colour-tagger:x", "--caption: colour-tagger:x writes no captions; take"),
        (["photos", "--guide", "dog"], "colour-tagger:x", "--guide leads captions; add --caption"),
        (["photos", "--caption", "--guide", ","], "colour-tagger:x", "--guide ',' names no tag"),
        (["photos"], "colour-tigger:x", "did you mean colour-tagger"),
    ],
)
def test_a_mistake_is_one_line(tag, photos, arguments, model, said):
    Path("sky.txt").write_text("red sky\n")
    Path("d.json").write_text('{"sea": ["Water."]}')
    code, out, err = tag(*arguments, model=model)
    assert (code, out) == (2, "")
    assert len(err.splitlines()) == 1
    assert said in err


@pytest.mark.slow
def test_ram_plus_tags_by_its_list_in_both_languages(tag, photos):
    folder = Path("cards")
    folder.mkdir()
    save_file(tagging_state("ram_plus"), folder / "model.safetensors")
    names = fixture_tags("ram_plus")
    rows = [f"{i}\t{name}\t名{i}\t{0.0 if i != 3 else 1.0}" for i, name in enumerate(names)]
    (folder / "tags.tsv").write_text("\n".join(["index\tname\tzh\tthreshold", *rows, ""]), encoding="utf-8")
    card = {
        "adapter": "ram_plus",
        "title": "RAM++ of the parity fixtures",
        "settings": {"network": asdict(TINY), "tags": "tags.tsv", "directory": "."},
    }
    (folder / "small.yaml").write_text(json.dumps(card))
    place = ("--include-path", folder, "--format", "json")
    found = {}
    for language in ("en", "zh"):
        code, out, err = tag(photos, *place, "--language", language, model="small")
        assert (code, err) == (0, "")
        found[language] = [json.loads(line) for line in out.splitlines()]
    for english, chinese in zip(found["en"], found["zh"], strict=True):
        Draft202012Validator(LINE_SCHEMA).validate(chinese)
        assert sorted(tag["id"] for tag in english["tags"]) == ["0", "1", "2", "4", "5", "6"]
        assert [tag["name"] for tag in english["tags"]] == [names[int(tag["id"])] for tag in english["tags"]]
        assert [tag["name"] for tag in chinese["tags"]] == [f"名{tag['id']}" for tag in english["tags"]]
        scores = [tag["score"] for tag in english["tags"]]
        assert scores == sorted(scores, reverse=True)
    Path("some.txt").write_text(f"{names[2]}\nno such tag\n")
    code, _, err = tag(photos, *place, "--tags", "some.txt", model="small")
    assert code == 2
    assert "'no such tag'" in err


@pytest.fixture
def tag2text_card():
    """The card of the parity fixtures' Tag2Text in a folder, all its tags but one always given."""
    folder = Path("cards")
    folder.mkdir()
    rows = [f"{i}\t{name}\t{0.0 if i != 3 else 1.0}" for i, name in enumerate(fixture_tags("tag2text"))]
    (folder / "tags.tsv").write_text("\n".join(["index\tname\tthreshold", *rows, ""]), encoding="utf-8")
    write_published(folder / "tag2text.pth", tiny_state("tag2text"))
    settings = {"network": asdict(TINY), "tags": "tags.tsv", "captions": asdict(SIZE)}
    card = {
        "adapter": "tag2text",
        "title": "Tag2Text of the parity fixtures",
        "settings": {
            **settings,
            "word_pieces": write_word_pieces(folder),
            "ignorable": ["tag_encoder.*", "text_decoder.*"],
        },
    }
    (folder / "small.yaml").write_text(json.dumps(card))
    return "--include-path", folder, "--weights", folder / "tag2text.pth"


@pytest.mark.slow
def test_captions_in_each_format_led_by_tags_that_are_given(tag, photos, tag2text_card):
    place = (photos, *tag2text_card, "--batch-size", 2)
    code, out, err = tag(*place, "--caption", "--format", "json", model="small")
    assert (code, err.count("\n")) == (0, 1)
    assert "not read, beside it: optimizer, epoch" in err
    lines = [json.loads(line) for line in out.splitlines()]
    for line in lines:
        Draft202012Validator(LINE_SCHEMA).validate(line)
        assert len(line["tags"]) == 6
    captions = [line["caption"] for line in lines]
    assert all(captions)
    everything = ",".join(name for i, name in enumerate(fixture_tags("tag2text")) if i != 3)
    guided = tag(*place, "--caption", "--guide", everything, "--format", "csv", model="small")[1]
    rows = list(csv.DictReader(io.StringIO(guided)))
    assert [row["caption"] for row in rows[::6]] == captions
    assert len(rows) == 18
    text = tag(*place, "--caption", "--guide", "golf, bravo", model="small")[1].splitlines()
    assert text[0].startswith("photos/1.png: ")
    assert text[0].endswith(")")
    assert all(caption not in line for caption, line in zip(captions, text, strict=True))


@pytest.mark.slow
def test_no_caption_is_written_unasked(tag, photos, tag2text_card, monkeypatch):
    monkeypatch.setattr("vlbench.models.ram.captions.CaptioningTaggerModel.captioner", None)
    code, out, err = tag(photos, *tag2text_card, "--format", "json", model="small")
    assert (code, err.count("\n")) == (0, 1)
    assert "not read, beside it: optimizer, epoch" in err
    assert {tuple(json.loads(line)) for line in out.splitlines()} == {("path", "tags")}


def test_a_model_without_captions_is_refused_before_it_loads(tag, photos, monkeypatch):
    monkeypatch.setattr("colour_tagger.ColourTaggerCheckpoint.load", None)
    code, _, err = tag(photos, "--caption")
    assert code == 2
    assert err.endswith("writes no captions; take one that does (tag2text)\n")
