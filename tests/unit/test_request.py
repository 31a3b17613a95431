"""Options of the API: what is none of the known words is refused before anything is found or loaded."""

import pytest

from vlbench.api import fit_coop, load_model
from vlbench.core.errors import VlbenchError
from vlbench.outlier_detection import ood
from vlbench.prompt_sweep import sweep_prompts
from vlbench.request import request_of

OPTIONS = {"device": "cpu", "method": "best-f1"}


@pytest.mark.parametrize(
    ("call", "what"),
    [
        (lambda: ood("tiny-clip", "shapes", "digits", **OPTIONS), "ood"),
        (lambda: sweep_prompts("tiny-clip", "digits", **OPTIONS), "sweep-prompts"),
        (lambda: list(fit_coop("tiny-clip", "shapes", **OPTIONS)), "fit"),
        (lambda: load_model("tiny-clip", **OPTIONS), "load_model"),
    ],
)
def test_what_takes_no_method_refuses_one_and_does_not_pass_it_over(call, what) -> None:
    with pytest.raises(VlbenchError, match=f"^{what} takes no method; leave best-f1 out$"):
        call()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"precision": "float16"}, "precision is 'float16'; give fp32 or bf16 or fp16"),
        ({"preprocess": "slow"}, "preprocess is 'slow'; give exact or fast"),
        ({"limit": 0}, "limit is 0; give 1 or more"),
        ({"thresholds": "best-f1"}, "best-f1 is a method.*: pass --method best-f1"),
        ({"method": "best-f2"}, "best-f1"),
        ({"method": "best-f1:shots=4"}, "shots"),
        ({"presicion": "fp32"}, "unknown options"),
    ],
)
def test_what_no_run_could_mean_is_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(VlbenchError, match=message):
        request_of("tiny-clip", "shapes", {"device": "cpu", **options})  # type: ignore[typeddict-item]
