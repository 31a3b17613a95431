"""A tiny CLIP of open_clip's folder layout, filled by the rule of the parity fixtures."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from parity_weights import FIXTURES, layout, state_dict
from safetensors.torch import save_file
from torch import Tensor

from vlbench.core.contracts import Origin

TINY = FIXTURES / "classifier" / "tiny_open_clip.weights.json"


@pytest.fixture(scope="session")
def tiny_state() -> dict[str, Tensor]:
    return state_dict(TINY)


@pytest.fixture(scope="session")
def tiny_config() -> dict[str, object]:
    config: dict[str, object] = layout(TINY)["meta"]["config"]
    return config


@pytest.fixture(scope="session")
def tiny_folder(
    tmp_path_factory: pytest.TempPathFactory, tiny_state: dict[str, Tensor], tiny_config: dict[str, object]
) -> Path:
    folder = tmp_path_factory.mktemp("tiny")
    write_config(folder, tiny_config)
    save_file({key: value.contiguous() for key, value in tiny_state.items()}, folder / "open_clip_model.safetensors")
    return folder


@pytest.fixture
def origin_with(tmp_path: Path) -> Callable[..., Origin]:
    """Origins with a cache of the test's own."""

    def make(**changes: object) -> Origin:
        return Origin(**({"name": "m", "cache": tmp_path / "cache"} | changes))  # type: ignore[arg-type]

    return make


def write_config(folder: Path, model: object, preprocess: object = None) -> None:
    content = {"model_cfg": model, "preprocess_cfg": preprocess or {}}
    (folder / "open_clip_config.json").write_text(json.dumps(content), encoding="utf-8")
