"""Architectures that open_clip ships, read from its configuration files without importing it."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from importlib.util import find_spec
from pathlib import Path
from typing import cast

from vlbench.core.errors import PluginError, UnknownName, WeightsError

CONFIG_FILE = "open_clip_config.json"
"""Name of the configuration in open_clip's folder and hub layout."""

Config = Mapping[str, object]
"""A model_cfg of open_clip: embed_dim, vision_cfg, text_cfg and more."""


@dataclass(frozen=True, slots=True)
class Preprocessing:
    """How images become pixels: open_clip's preprocess_cfg, `size` being (height, width).

    The defaults are open_clip's, mean and std those of OpenAI's CLIP (open_clip/constants.py).
    """

    size: tuple[int, int] = (224, 224)
    mean: tuple[float, ...] = (0.48145466, 0.4578275, 0.40821073)
    std: tuple[float, ...] = (0.26862954, 0.26130258, 0.27577711)
    interpolation: str = "bicubic"
    resize_mode: str = "shortest"
    fill_color: int = 0

    @classmethod
    def of(cls, config: Config, overrides: Config) -> "Preprocessing":
        """Defaults, what the weights say over them, and the size that the image tower takes."""
        known = {field.name for field in fields(cls)} - {"size"}
        said = {key: value for key, value in overrides.items() if key in known and value is not None}
        for key in ("mean", "std"):
            value = said.get(key)
            if value is not None:
                said[key] = tuple(value) if isinstance(value, list | tuple) else (value,) * 3
        size = section(config, "vision_cfg").get("image_size", 224)
        height, width = size if isinstance(size, list | tuple) else (size, size)
        return cls(size=(cast(int, height), cast(int, width)), **said)  # type: ignore[arg-type]

    def as_mapping(self) -> dict[str, object]:
        return asdict(self)


def section(config: Config, name: str) -> dict[str, object]:
    """A sub-section of a configuration, empty where it has none."""
    value = config.get(name)
    return dict(value) if isinstance(value, Mapping) else {}


def architecture_names() -> tuple[str, ...]:
    """Names of all architectures, sorted."""
    return tuple(sorted(path.stem for path in _config_folder().glob("*.json")))


def architecture_config(name: str) -> Config:
    """Configuration of an architecture.

    Raises:
        UnknownName: open_clip has none of that name; close matches are given.
    """
    check_architecture(name)
    return _read_json(_config_folder() / f"{name}.json")


def check_architecture(name: str) -> None:
    """Raise UnknownName, with close matches, unless open_clip has an architecture of that name."""
    if not name or Path(name).name != name or not (_config_folder() / f"{name}.json").is_file():
        advice = "an architecture of your own lies with its weights in a folder: local-dir:FOLDER"
        raise UnknownName("open_clip architecture", name, architecture_names(), advice=advice)


def read_config_file(path: Path) -> tuple[Config, Config]:
    """The model_cfg and preprocess_cfg of an open_clip_config.json.

    Raises:
        WeightsError: the file is missing, is not JSON or has no model_cfg.
    """
    try:
        whole = _read_json(path)
    except FileNotFoundError:
        raise WeightsError(f"{path}: no such file; a model folder of open_clip's layout holds one") from None
    except ValueError as error:
        raise WeightsError(f"{path}: not JSON ({error}); write it anew") from None
    model = section(whole, "model_cfg")
    missing = [key for key in ("embed_dim", "vision_cfg", "text_cfg") if key not in model]
    if missing:
        raise WeightsError(f"{path}: model_cfg lacks {', '.join(missing)}; see open_clip's model_configs")
    return model, section(whole, "preprocess_cfg")


def _config_folder() -> Path:
    spec = find_spec("open_clip")
    if spec is None or spec.origin is None:
        raise PluginError("the package open_clip is not installed; run: pip install open_clip_torch")
    return Path(spec.origin).parent / "model_configs"


def _read_json(path: Path) -> Config:
    value = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(value, dict):
        raise ValueError("the top level is no object")
    return value
