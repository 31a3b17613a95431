"""Values that tests of several packages need."""

from collections.abc import Callable, Iterator

import pytest

from vlbench.core.measurement import Measurement, Part
from vlbench.core.result import Result, Timing


def build_result(**changes: object) -> Result:
    """A result of one model on one task; `changes` replace its fields."""
    timing = Timing(
        seconds=3.5,
        encode_images_seconds=2.0,
        encode_texts_seconds=1.0,
        score_seconds=0.1,
        images_encoded=200,
        texts_encoded=4,
        images_per_second=100.0,
        peak_memory_bytes=1_000_000,
        peak_device_bytes=None,
        workers=2,
    )
    fields: dict[str, object] = {
        "model": "small",
        "task": "shapes",
        "kind": "classification",
        "protocol": "held-out",
        "protocol_digest": "d" * 32,
        "primary": "acc1",
        "metrics": (
            Measurement(0.75, 200, 0.7, 0.8, "wilson", metric="acc5"),
            Measurement(0.5, 200, 0.4, 0.6, "wilson", parts=(Part("réd, square", None, 0),), metric="acc1"),
        ),
        "n_images": 200,
        "n_texts": 4,
        "n_relevant": 200,
        "partial": "",
        "adapter": "clip",
        "origin": "card",
        "weights": {"small.safetensors": "a" * 64},
        "source": "shapes",
        "source_revision": "1",
        "digests": {"model": "m" * 32, "data": "e" * 32},
        "settings": {"device": "cpu", "precision": "fp32", "preprocess": "exact", "seed": 0},
        "software": {"torch": "2.6"},
        "timing": timing,
        "protocol_statement": {"templates": ["a {}."]},
        "zero_shot": "yes",
        "facts": {"family": "openai", "parameters": 151.28, "image_size": 224, "licence": "MIT"},
    }
    return Result(**(fields | changes))


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What commands keep lies in a folder of the tests, not in the user's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VLBENCH_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session")
def make_result() -> Callable[..., Result]:
    """Results by their differing fields: `make_result(model="large", acc1=0.9)`."""

    def make(*, acc1: float | None = 0.5, **changes: object) -> Result:
        result = build_result(**changes)
        if "metrics" in changes or acc1 == 0.5:
            return result
        metrics = (result.metrics[0], Measurement(acc1, 200, metric="acc1"))
        return build_result(**changes, metrics=metrics)

    return make


@pytest.fixture
def unchecked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let torchvision read miniatures, which have not the MD5 of the real files."""
    from torchvision.datasets import utils

    monkeypatch.setattr(utils, "check_md5", lambda *_, **__: True)
