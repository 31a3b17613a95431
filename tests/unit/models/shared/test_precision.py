"""Devices and precisions that are refused before any work, and the context that a model runs in."""

import pytest
import torch

from vlbench.core.contracts import Placement
from vlbench.core.errors import Unsupported
from vlbench.models.shared.precision import check_placement, inference


@pytest.mark.parametrize(
    ("placement", "reason"),
    [
        (Placement("cpu", "fp16"), "no half-precision kernels"),
        (Placement("toaster"), "'toaster' is no device"),
        (Placement("cuda:99"), "CUDA devices here"),
        (Placement("meta", "bf16"), "meta has no autocast"),
    ],
)
def test_placements_that_are_refused(placement: Placement, reason: str) -> None:
    with pytest.raises(Unsupported, match=reason):
        check_placement(placement)


def test_bf16_on_a_cpu_is_autocast() -> None:
    check_placement(Placement("cpu", "bf16"))
    product = torch.ones(2, 2), torch.ones(2, 2)
    with inference(Placement("cpu", "bf16")):
        assert (product[0] @ product[1]).dtype == torch.bfloat16
    with inference(Placement("cpu")):
        result = product[0] @ product[1]
    assert result.dtype == torch.float32
    assert result.is_inference()


def test_tf32_is_off_inside_and_as_before_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    before = torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32
    with inference(Placement("cuda")):
        assert not torch.backends.cudnn.allow_tf32
        assert not torch.backends.cuda.matmul.allow_tf32
    assert (torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32) == before
