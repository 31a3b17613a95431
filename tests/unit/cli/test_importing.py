"""`vlbench import coop`: from a Dassl directory to a model that `run` takes by name."""

from functools import partial

import pytest
import torch
from dassl_directory import write_directory

from vlbench import load_model
from vlbench.cards.card_file import read_card
from vlbench.cards.schema import ModelCard
from vlbench.core.contracts import Text
from vlbench.core.errors import WeightsError
from vlbench.models.coop.context import read_facts, read_vectors

BASE = "tiny-clip"
UNIFIED = torch.arange(4 * 128.0).reshape(4, 128) / 1024
SPECIFIC = torch.arange(10 * 4 * 128.0).reshape(10, 4, 128) / 8192
LAST = "model.pth.tar-50"


@pytest.fixture
def run(run, tmp_path, monkeypatch):
    """Runs `vlbench import coop`; the answer is (exit code, stdout, stderr)."""
    monkeypatch.setenv("VLBENCH_CACHE", str(tmp_path / "cache"))
    return partial(run, "import", "coop")


@pytest.mark.slow
def test_a_directory_becomes_a_model_with_a_name(run, tmp_path):
    folder = write_directory(
        tmp_path / "pets" / "rn50_16shots" / "nctx4_cscFalse_ctpmiddle" / "seed2", {LAST: UNIFIED.half()}
    )
    code, said, complained = run(folder, "--base", BASE, "--task", "digits")
    assert (code, complained) == (0, "")
    name = "coop-tiny-clip-digits-16shot-seed2"
    path = tmp_path / "fitted" / f"{name}.safetensors"
    assert said.splitlines()[-1] == f"vlbench run --include-path fitted --model {name} --task TASK"
    assert "whether it is zero-shot is unknown but on the data of digits, where it is not" in said
    facts = read_facts(path)
    assert (facts.base, facts.position, facts.class_specific) == (BASE, "middle", False)
    assert len(facts.backbone) == 64
    assert [text.name for text in facts.classes[:2]] == ["zero", "one"]
    assert facts.trained == {
        "task": "digits",
        "shots": 16,
        "seed": 2,
        "epochs": 50,
        "precision": "fp16",
        "imported_from": LAST,
    }
    assert torch.equal(read_vectors(path), UNIFIED.half().float())
    card = read_card(path.with_suffix(".yaml"), ModelCard).card
    assert card.settings == {"base": BASE, "context": path.name, "replicate_of": name.removesuffix("-seed2")}
    assert "unified context of 4 tokens" in card.about
    assert set(card.trained_on) > {"digits"}
    model = load_model(name, include_path=[path.parent], cache=tmp_path / "cache", device="cpu").model
    assert model.info.name == name
    assert model.encode_texts([Text("anything")], batch_size=2).shape == (1, 128)


def test_options_go_before_what_the_directory_says(run, tmp_path):
    folder = write_directory(
        tmp_path / "a_16shots" / "x_ctpmiddle" / "seed2", {LAST: UNIFIED, "model.pth.tar-5": UNIFIED + 1}
    )
    out = tmp_path / "mine.safetensors"
    options = ("--position", "front", "--shots", 1, "--seed", 3, "--epoch", 5, "--out", out)
    code, said, _ = run(folder, "--base", BASE, *options)
    assert code == 0
    assert "whether it is zero-shot is unknown, and no test image" in said
    card = read_card(out.with_suffix(".yaml"), ModelCard).card
    assert (card.trained_on, card.tuned_on) == (None, ())
    facts = read_facts(out)
    assert (facts.position, facts.classes) == ("front", ())
    assert {key: facts.trained[key] for key in ("shots", "seed", "epochs")} == {
        "shots": 1,
        "seed": 3,
        "epochs": 5,
    }
    assert torch.equal(read_vectors(out), UNIFIED + 1)
    assert read_card(tmp_path / "mine.yaml", ModelCard).card.settings == {"base": BASE, "context": out.name}


def test_a_class_specific_context_needs_its_classes(run, tmp_path):
    folder = write_directory(tmp_path / "run", {LAST: SPECIFIC})
    code, _, said = run(folder, "--base", BASE)
    assert code == 2
    assert "a context for each of 10 classes, and 0 are named" in said
    (tmp_path / "names.txt").write_text("a dog\ncat\n")
    code, _, said = run(folder, "--base", BASE, "--classnames", tmp_path / "names.txt")
    assert "and 2 are named" in said
    assert not (tmp_path / "fitted").exists()
    assert run(folder, "--base", BASE, "--task", "digits", "--name", "own")[0] == 0
    assert len(read_facts(tmp_path / "fitted" / "own.safetensors").classes) == 10
    names = "".join(f"name {number}\tn{number}\n" for number in range(10))
    (tmp_path / "names.tsv").write_text(f"name\twnid\n{names}")
    assert run(folder, "--base", BASE, "--classnames", tmp_path / "names.tsv", "--name", "own")[0] == 0
    facts = read_facts(tmp_path / "fitted" / "own.safetensors")
    assert facts.classes[9] == Text("name 9", ids={"wnid": "n9"})
    assert facts.class_specific


def test_a_base_that_is_not_here_leaves_the_digest_empty(run, tmp_path, monkeypatch):
    def offline(*_: object, **__: object) -> None:
        raise WeightsError("clip-b16: no network")

    monkeypatch.setattr("vlbench.models.clip.architectures.hub_file", offline)
    folder = write_directory(tmp_path / "run", {LAST: torch.ones(16, 512)})
    code, said, complained = run(folder, "--base", "clip-b16")
    assert code == 0
    assert (
        complained == "vlbench: not held against clip-b16, whose weights are not here: clip-b16: no network\n"
    )
    assert "coop-b16-imported.safetensors" in said
    assert read_facts(tmp_path / "fitted" / "coop-b16-imported.safetensors").backbone == ""


def test_a_context_of_another_width_is_refused(run, tmp_path):
    folder = write_directory(tmp_path / "run", {LAST: torch.ones(16, 512)})
    code, _, said = run(folder, "--base", BASE)
    assert code == 2
    assert "ctx is 512 wide, the token embeddings of tiny-clip 128" in said
    assert not (tmp_path / "fitted").exists()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--base", "tiny-clup"], "no model named 'tiny-clup'; did you mean tiny-clip"),
        (["--base", BASE, "--task", "digitz"], "no task named 'digitz'"),
        (["--base", BASE, "--task", "digits", "--classnames", "x"], "give one of them"),
        (["--base", BASE, "--classnames", "gone.txt"], "gone.txt: no such file; correct the name"),
        (["--base", BASE, "--name", "a:b"], "'a:b': a model's name may not contain any of"),
        (["--base", BASE, "--name", "coop-b16"], "'coop-b16': the name of the card"),
        (["--base", BASE, "--out", "c.pt"], "a context file's name ends in .safetensors"),
        (["--base", BASE, "--epoch", "7"], "holds no model.pth.tar-7"),
    ],
)
def test_what_cannot_be_is_refused_in_a_line(options, said, run, tmp_path):
    folder = write_directory(tmp_path / "run", {LAST: UNIFIED})
    code, _, complained = run(folder, *options)
    assert code == 2
    assert said in complained
    assert complained.count("\n") == 1
    assert not (tmp_path / "fitted").exists()
