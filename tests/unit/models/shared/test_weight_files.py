"""Files of weights: every layout to one state dict; what would run code is refused by name."""

import os
import pickle
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from vlbench.core.errors import WeightsError
from vlbench.models.shared.weight_files import read_weights

STATE = {"a.weight": torch.arange(6.0).reshape(2, 3), "b": torch.tensor(3)}


class Creator:
    """Pickled as a call of os.mkdir(path)."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return os.mkdir, (self.path,)


def equal(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[key], other[key]) for key in one)


@pytest.mark.parametrize("prefix", ["", "module."])
@pytest.mark.parametrize("wrapped", [False, True])
@pytest.mark.parametrize("zipped", [False, True])
def test_checkpoints_with_and_without_wrapping(
    tmp_path: Path, prefix: str, wrapped: bool, zipped: bool
) -> None:
    path = tmp_path / "epoch_1.pt"
    content: object = {prefix + key: value for key, value in STATE.items()}
    if wrapped:
        content = {"epoch": 1, "state_dict": content}
    torch.save(content, path, _use_new_zipfile_serialization=zipped)
    assert equal(read_weights(path).state, STATE)


def test_safetensors(tmp_path: Path) -> None:
    save_file({f"module.{key}": value for key, value in STATE.items()}, tmp_path / "w.safetensors")
    assert equal(read_weights(tmp_path / "w.safetensors").state, STATE)


def test_a_file_of_no_tensors_is_refused(tmp_path: Path) -> None:
    save_file({}, tmp_path / "w.safetensors")
    with pytest.raises(WeightsError, match="holds no tensor"):
        read_weights(tmp_path / "w.safetensors")


@pytest.mark.parametrize("kind", ["zip", "old", "raw"])
def test_a_pickle_that_would_run_code_is_refused_by_name(tmp_path: Path, kind: str) -> None:
    made, path = tmp_path / "made", tmp_path / "weights.pt"
    content = {**STATE, "x": Creator(str(made))}
    if kind == "raw":
        path.write_bytes(pickle.dumps(content["x"]))
    else:
        torch.save(content, path, _use_new_zipfile_serialization=kind == "zip")
    with pytest.raises(WeightsError, match=r"weights\.pt: a pickle that would run \w+\.mkdir; only tensors"):
        read_weights(path)
    assert not made.exists()


@pytest.mark.parametrize("name", ["w.safetensors", "w.pt", "w.bin"])
def test_a_damaged_file(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"\x07 no weights at all" * 9)
    with pytest.raises(WeightsError, match=name):
        read_weights(tmp_path / name)


def test_a_truncated_zip(tmp_path: Path) -> None:
    torch.save(STATE, tmp_path / "w.pt")
    whole = (tmp_path / "w.pt").read_bytes()
    (tmp_path / "w.pt").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(WeightsError, match=r"w\.pt"):
        read_weights(tmp_path / "w.pt")


@pytest.mark.parametrize("content", [[1, 2], {}, {"lr": 0.1, "steps": 3}])
def test_what_is_no_state_dict(tmp_path: Path, content: object) -> None:
    torch.save(content, tmp_path / "w.pt")
    with pytest.raises(WeightsError, match="no state dict"):
        read_weights(tmp_path / "w.pt")
