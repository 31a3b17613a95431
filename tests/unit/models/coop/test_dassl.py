"""Dassl's directories: the context is read, nothing that lies beside it is built or run."""

import json
import os
import pickle
from pathlib import Path

import pytest
import torch
from dassl_directory import ConstantWarmupScheduler, checkpoint, install_dassl, write_directory
from parity_weights import FIXTURES

from vlbench.core.errors import WeightsError
from vlbench.models.coop.dassl import dassl_file, directory_facts, read_dassl

LAYOUT = json.loads((FIXTURES / "coop" / "checkpoint_layout.json").read_text())
CONTEXT = torch.arange(16 * 64.0).reshape(16, 64) / 1024
LAST, BEST = "model.pth.tar-50", "model-best.pth.tar"


class Runs:
    """A pickle that runs something when it is read by Python's own unpickler."""

    def __init__(self, function, *arguments):
        self.call = (function, arguments)

    def __reduce__(self):
        return self.call


def test_a_directory_of_the_layout_facts_is_read(tmp_path):
    """As the authors' code leaves it: SGD, CosineAnnealingLR and defaultdicts pickled as objects."""
    folder = write_directory(tmp_path / "seed1", {LAST: CONTEXT, BEST: CONTEXT}, newest=BEST)
    path = folder / "prompt_learner" / LAST
    written = {str(each.relative_to(folder)) for each in folder.rglob("*") if each.is_file()}
    assert written == set(LAYOUT["files_written"])
    assert (folder / "prompt_learner" / "checkpoint").read_text() == LAYOUT[
        "content_of_file_named_checkpoint"
    ]
    inner = LAYOUT[LAST]
    content = torch.load(path, weights_only=False)
    assert content.keys() == inner.keys()
    assert {key: list(t.shape) for key, t in content["state_dict"].items()} == {
        key: json.loads(said.split(" ", 1)[1].rsplit(" ", 1)[0]) for key, said in inner["state_dict"].items()
    }
    unsafe = set(torch.serialization.get_unsafe_globals_in_checkpoint(path))
    assert {"torch.optim.sgd.SGD", "torch.optim.lr_scheduler.CosineAnnealingLR"} < unsafe
    with pytest.raises(pickle.UnpicklingError):
        torch.load(path, weights_only=True)
    found = read_dassl(path)
    assert torch.equal(found.vectors, CONTEXT)
    assert (found.precision, found.epochs) == ("fp32", 50)


def test_half_precision_becomes_float32_and_is_told_of(tmp_path):
    path = tmp_path / LAST
    torch.save(checkpoint(CONTEXT.half()), path)
    found = read_dassl(path)
    assert found.vectors.dtype == torch.float32
    assert torch.equal(found.vectors, CONTEXT.half().float())
    assert found.precision == "fp16"


def test_class_specific_contexts_and_the_marks_of_parallel_training(tmp_path):
    content = checkpoint(CONTEXT.reshape(2, 8, 64))
    content["state_dict"] = {f"module.{key}": value for key, value in content["state_dict"].items()}
    torch.save(content, tmp_path / LAST)
    assert read_dassl(tmp_path / LAST).vectors.shape == (2, 8, 64)


def test_dassls_own_scheduler_objects_are_taken_as_nothing(tmp_path, monkeypatch):
    install_dassl(monkeypatch)
    content = checkpoint(CONTEXT)
    optimiser = torch.optim.SGD([torch.zeros(1)], lr=0.1)
    content["scheduler"]["successor"] = ConstantWarmupScheduler(optimiser, object)
    content["scheduler"]["successor"].successor = content["scheduler"]
    torch.save(content, tmp_path / LAST)
    monkeypatch.undo()
    with pytest.raises(ModuleNotFoundError, match="dassl"):
        torch.load(tmp_path / LAST, weights_only=False)
    assert torch.equal(read_dassl(tmp_path / LAST).vectors, CONTEXT)


def test_files_of_the_layout_before_zip_are_read(tmp_path):
    torch.save(checkpoint(CONTEXT), tmp_path / LAST, _use_new_zipfile_serialization=False)
    assert torch.equal(read_dassl(tmp_path / LAST).vectors, CONTEXT)


def test_nothing_of_torchs_own_is_built_and_no_stand_in_stays(tmp_path, monkeypatch):
    torch.save(checkpoint(CONTEXT), tmp_path / LAST)
    before = set(torch.serialization.get_safe_globals())

    def never(*_: object) -> None:
        raise AssertionError("built")

    monkeypatch.setattr(torch.optim.SGD, "__setstate__", never)
    monkeypatch.setattr(torch.optim.lr_scheduler.CosineAnnealingLR, "__setstate__", never, raising=False)
    read_dassl(tmp_path / LAST)
    assert set(torch.serialization.get_safe_globals()) == before


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "before zip"])
@pytest.mark.parametrize("place", ["scheduler", "state_dict", "whole"])
@pytest.mark.parametrize(
    ("named", "function", "arguments"),
    [
        ("posix.mkdir", os.mkdir, ()),
        ("exec", exec, ("import pathlib; pathlib.Path({!r}).mkdir()",)),
    ],
)
def test_a_malicious_pickle_is_refused_by_name_and_not_run(
    zipped, place, named, function, arguments, tmp_path
):
    marker = tmp_path / "marker"
    runs = Runs(function, *(text.format(str(marker)) for text in arguments or ("{}",)))
    content = runs if place == "whole" else {**checkpoint(CONTEXT), place: runs}
    path = tmp_path / LAST
    torch.save(content, path, _use_new_zipfile_serialization=zipped)
    with pytest.raises(WeightsError, match=r"a pickle that would run .*nothing was run") as refused:
        read_dassl(path)
    assert named in str(refused.value)
    assert "\n" not in str(refused.value)
    assert not zipped or "SGD" not in str(refused.value)
    assert not marker.exists()
    torch.load(path, weights_only=False)
    assert marker.exists()  # it would have


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({"epoch": 1}, "holds no state_dict"),
        ([1, 2], "holds no state_dict"),
        ({"state_dict": {"weight": torch.ones(2)}}, "lacks the tensor ctx, holds weight"),
        ({"state_dict": {}}, "lacks the tensor ctx, holds nothing"),
        ({"state_dict": {"ctx": torch.ones(4)}}, r"ctx is torch.float32 \(4,\)"),
        ({"state_dict": {"ctx": torch.ones(2, 4).int()}}, "ctx is torch.int32"),
    ],
)
def test_a_file_without_a_context_is_refused(content, said, tmp_path):
    torch.save(content, tmp_path / LAST)
    with pytest.raises(WeightsError, match=said):
        read_dassl(tmp_path / LAST)


def test_a_damaged_file_is_refused(tmp_path):
    torch.save(checkpoint(CONTEXT), tmp_path / LAST)
    (tmp_path / LAST).write_bytes((tmp_path / LAST).read_bytes()[:-400])
    with pytest.raises(WeightsError, match=LAST):
        read_dassl(tmp_path / LAST)


def names(folder: Path, *files: str, newest: str = "") -> Path:
    inner = folder / "prompt_learner"
    inner.mkdir()
    for file in files:
        (inner / file).touch()
    if newest:
        (inner / "checkpoint").write_text(newest)
    return inner


def test_the_best_file_comes_first_then_the_newest_then_the_last(tmp_path):
    inner = names(tmp_path, "model.pth.tar-5", "model.pth.tar-50", "model.pth.tar-100", "model.pth.tar-9.old")
    assert dassl_file(tmp_path).name == "model.pth.tar-100"
    (inner / "checkpoint").write_text("model.pth.tar-50\n")
    assert dassl_file(tmp_path).name == "model.pth.tar-50"
    (inner / BEST).touch()
    assert dassl_file(inner) == inner / BEST
    assert dassl_file(tmp_path, epoch=5).name == "model.pth.tar-5"
    with pytest.raises(WeightsError, match=r"no model\.pth\.tar-7; epochs there: 5, 50, 100"):
        dassl_file(tmp_path, epoch=7)


@pytest.mark.parametrize("newest", ["", "gone.tar-3", "../../outside", "."])
def test_a_newest_file_that_is_not_there_is_passed_over(newest, tmp_path):
    (tmp_path.parent / "outside").touch()
    names(tmp_path, "model.pth.tar-2", newest=newest)
    assert dassl_file(tmp_path).name == "model.pth.tar-2"


def test_a_directory_without_a_context_is_refused(tmp_path):
    with pytest.raises(WeightsError, match="holds neither model-best"):
        dassl_file(tmp_path)
    with pytest.raises(WeightsError, match="no such directory"):
        dassl_file(tmp_path / "gone")


def test_a_directorys_name_tells_what_the_scripts_wrote_into_it():
    told = directory_facts(
        Path("o/imagenet/CoOp/rn50_ep50_4shots/nctx4_cscTrue_ctpfront/seed2/prompt_learner")
    )
    assert (told.position, told.shots, told.seed) == ("front", 4, 2)
    told = directory_facts(Path("o/seedling/4shotsy/x_ctpmiddleware"))
    assert (told.position, told.shots, told.seed) == (None, None, None)
