"""TorchScript archives: bit for bit what torch.jit's own state dict holds, and nothing run."""

import pickle
import zipfile
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from vlbench.core.errors import WeightsError
from vlbench.models.shared.file_kind import is_torchscript, uses_quick_gelu
from vlbench.models.shared.weight_files import read_torchscript

pytestmark = pytest.mark.filterwarnings(
    "ignore:.*torch.jit.* is deprecated", "ignore::torch.jit.TracerWarning"
)


class Block(nn.Module):
    def __init__(self, activation: nn.Module) -> None:
        super().__init__()
        self.attn = nn.MultiheadAttention(8, 2)
        self.norm = nn.LayerNorm(8)
        self.activation = activation
        self.attn_mask = torch.full((3, 3), -1.0)  # a plain attribute: no part of a state dict

    def forward(self, x: Tensor) -> Tensor:
        y = self.attn(x, x, x, need_weights=False, attn_mask=self.attn_mask)[0]
        return self.norm(x + self.activation(y))


class QuickGelu(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x * torch.sigmoid(1.702 * x)


class Archived(nn.Module):
    def __init__(self, activation: nn.Module) -> None:
        super().__init__()
        self.blocks = nn.Sequential(Block(activation), Block(activation))
        self.low = nn.Linear(8, 3).half()
        self.norm = nn.BatchNorm1d(3)
        self.logit_scale = nn.Parameter(torch.tensor(2.5))
        self.register_buffer("context_length", torch.tensor(77))
        self.transposed = nn.Parameter(torch.randn(4, 6).t())

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(self.blocks(x).permute(1, 0, 2)) * self.logit_scale


def archive(path: Path, how: str, activation: nn.Module) -> dict[str, Tensor]:
    torch.manual_seed(0)
    model = Archived(activation).eval()
    example = torch.randn(3, 2, 8)
    made = torch.jit.trace(model, example) if how == "trace" else torch.jit.script(model)
    torch.jit.save(made, str(path))
    return dict(made.state_dict())


@pytest.mark.parametrize("how", ["script", "trace"])
def test_tensors_are_those_of_the_state_dict(tmp_path: Path, how: str) -> None:
    path = tmp_path / "archive.pt"
    expected = archive(path, how, QuickGelu())
    state = read_torchscript(path)
    assert state.keys() == expected.keys()
    for key, value in expected.items():
        assert state[key].dtype == value.dtype
        assert torch.equal(state[key], value), key


@pytest.mark.parametrize("how", ["script", "trace"])
def test_the_archives_code_tells_its_activation(tmp_path: Path, how: str) -> None:
    archive(tmp_path / "quick.pt", how, QuickGelu())
    archive(tmp_path / "exact.pt", how, nn.GELU())
    torch.save({"weight": torch.zeros(1)}, tmp_path / "plain.pt")
    assert uses_quick_gelu(tmp_path / "quick.pt")
    assert not uses_quick_gelu(tmp_path / "exact.pt")
    assert not uses_quick_gelu(tmp_path / "plain.pt")
    assert not is_torchscript(tmp_path / "plain.pt")


class Opener:
    """Pickled as a call of open(path, "w")."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return open, (self.path, "w")


def test_an_archive_that_would_run_code_is_refused_and_does_not(tmp_path: Path) -> None:
    made, path = tmp_path / "made", tmp_path / "archive.pt"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("archive/constants.pkl", b"")
        file.writestr("archive/data.pkl", pickle.dumps(Opener(str(made)), protocol=2))
    with pytest.raises(WeightsError, match=r"would run \S*\.open"):
        read_torchscript(path)
    assert not made.exists()


def test_a_cut_archive_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "archive.pt"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("archive/constants.pkl", b"")
        file.writestr("archive/data.pkl", b"\x80\x02}q\x00")
    with pytest.raises(WeightsError, match="damaged TorchScript archive"):
        read_torchscript(path)
