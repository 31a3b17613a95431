"""Options of the API: what is none of the known words is refused before anything is found or loaded."""

import pytest

from vlbench.core.errors import VlbenchError
from vlbench.request import request_of


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"precision": "float16"}, "precision is 'float16'; give fp32 or bf16 or fp16"),
        ({"preprocess": "slow"}, "preprocess is 'slow'; give exact or fast"),
        ({"limit": 0}, "limit is 0; give 1 or more"),
        ({"presicion": "fp32"}, "unknown options"),
    ],
)
def test_what_no_run_could_mean_is_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(VlbenchError, match=message):
        request_of("tiny-clip", "shapes", {"device": "cpu", **options})  # type: ignore[typeddict-item]
