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
WriteFolder = Callable[..., Path]


@pytest.fixture(scope="session")
def tiny_state() -> dict[str, Tensor]:
    return state_dict(TINY)


@pytest.fixture(scope="session")
def tiny_config() -> dict[str, object]:
    config: dict[str, object] = layout(TINY)["meta"]["config"]
    return config


@pytest.fixture(scope="session")
def write_folder() -> WriteFolder:
    """Write a model folder: its configuration and, where there is one, a state dict."""

    def write(
        folder: Path, model: object, *, preprocess: object = None, state: dict[str, Tensor] | None = None
    ) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        content = {"model_cfg": model, "preprocess_cfg": preprocess or {}}
        (folder / "open_clip_config.json").write_text(json.dumps(content), encoding="utf-8")
        if state is not None:
            save_file(
                {key: value.contiguous() for key, value in state.items()},
                folder / "open_clip_model.safetensors",
            )
        return folder

    return write


@pytest.fixture(scope="session")
def tiny_folder(
    tmp_path_factory: pytest.TempPathFactory,
    tiny_state: dict[str, Tensor],
    tiny_config: dict[str, object],
    write_folder: WriteFolder,
) -> Path:
    return write_folder(tmp_path_factory.mktemp("tiny"), tiny_config, state=tiny_state)


@pytest.fixture
def origin(tmp_path: Path) -> Origin:
    """An origin with a cache of the test's own."""
    return Origin("m", cache=tmp_path / "cache")
