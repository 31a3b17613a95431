"""Files of weights with damaged bytes, in each format: read, or refused in one line."""

import io
import random
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import torch
from safetensors.torch import save

from vlbench.core.errors import WeightsError
from vlbench.models.shared.file_kind import uses_quick_gelu
from vlbench.models.shared.weight_files import read_weights

pytestmark = [
    pytest.mark.any_kernel,
    pytest.mark.filterwarnings("ignore:.*torch.jit.* is deprecated", "ignore::torch.jit.TracerWarning"),
]
STATE = {"a.weight": torch.arange(12.0).reshape(3, 4), "b": torch.tensor(3), "c": torch.ones(5).half()}
MUTANTS = 100


def saved(*, zipped: bool) -> bytes:
    buffer = io.BytesIO()
    torch.save(STATE, buffer, _use_new_zipfile_serialization=zipped)
    return buffer.getvalue()


def packed(whole: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(whole)) as old, zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, old.read(name))
    return buffer.getvalue()


def archive() -> bytes:
    buffer = io.BytesIO()
    torch.jit.save(torch.jit.script(torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Sigmoid())), buffer)
    return buffer.getvalue()


FORMATS: Mapping[str, Callable[[], bytes]] = {
    "zip": lambda: saved(zipped=True),
    "packed zip": lambda: packed(saved(zipped=True)),
    "legacy": lambda: saved(zipped=False),
    "TorchScript": archive,
    "packed TorchScript": lambda: packed(archive()),
    "safetensors": lambda: save(STATE, {"format": "pt"}),
}


def damaged(whole: bytes, dice: random.Random) -> bytes:
    data = bytearray(whole)
    for _ in range(dice.choice((1, 1, 2, 5))):
        at = dice.randrange(len(data))
        match dice.randrange(5):
            case 0:
                del data[at : at + dice.choice((1, 8, 100))]
            case 1:
                data[at:at] = dice.randbytes(3)
            case 2:
                data[at : at + 4] = b"\xff\xff\xff\x7f"
            case _:
                data[at] = dice.randrange(256)
    return bytes(data)


@pytest.mark.parametrize("kind", FORMATS)
def test_a_damaged_file_is_read_or_refused_in_a_line(tmp_path: Path, kind: str) -> None:
    whole, path, refused = FORMATS[kind](), tmp_path / "w.pt", 0
    for seed in range(MUTANTS):
        path.write_bytes(damaged(whole, random.Random(seed)))
        for read in (read_weights, uses_quick_gelu):
            try:
                read(path)
            except WeightsError as error:
                refused += 1
                told = str(error)
                assert told.startswith(str(path)), (kind, seed)
                assert "\n" not in told, (kind, seed)
    assert refused > MUTANTS // 4


@pytest.mark.parametrize("kind", ["zip", "packed zip", "TorchScript"])
def test_a_byte_of_the_central_directory(tmp_path: Path, kind: str) -> None:
    path, data = tmp_path / "w.pt", bytearray(FORMATS[kind]())
    data[data.rfind(b"PK\x01\x02")] = 0
    path.write_bytes(data)
    with pytest.raises(WeightsError, match=r"w\.pt is a damaged zip archive \(.*\); fetch it again"):
        read_weights(path)
