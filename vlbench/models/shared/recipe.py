"""Recipe: an open_clip checkpoint as configuration, preprocessing and weights. Imports no torch."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from importlib.util import find_spec
from pathlib import Path
from typing import cast

from vlbench.core.contracts import Origin
from vlbench.core.errors import Unsupported, WeightsError
from vlbench.core.files import file_state, remembered
from vlbench.core.text_file import read_json
from vlbench.models.shared.file_kind import uses_quick_gelu
from vlbench.models.shared.weights import is_safetensors

CONFIG_FILE = "open_clip_config.json"
"""The name of the configuration file in open_clip's folder and hub layout."""

MERGES_FILE = "bpe_merges.txt.gz"
"""The merges of a model's own BPE vocabulary, next to its weights. Without it, open_clip's are used."""

Config = Mapping[str, object]
"""A model_cfg of open_clip: embed_dim, vision_cfg, text_cfg and so on."""

_WEIGHT_FILES = (
    "open_clip_model.safetensors",
    "open_clip_pytorch_model.safetensors",
    "open_clip_pytorch_model.bin",
    "open_clip_pytorch_model.pth",
    "model.safetensors",
    "pytorch_model.bin",
    "pytorch_model.pth",
    "model.pth",
)
"""The order in which open_clip looks for weights in a folder (factory.py, _find_checkpoint_in_dir)."""


@dataclass(frozen=True, slots=True)
class Preprocessing:
    """How images become pixels: open_clip's preprocess_cfg; `size` is (height, width).

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
        """The defaults, replaced by what the weights state, with the image size of the tower."""
        known = {field.name for field in fields(cls)} - {"size"}
        said = {key: value for key, value in overrides.items() if key in known and value is not None}
        for key in ("mean", "std"):
            value = said.get(key)
            if value is not None:
                said[key] = tuple(value) if isinstance(value, list | tuple) else (value,) * 3
        size = section(config, "vision_cfg").get("image_size", 224)
        height, width = size if isinstance(size, list | tuple) else (size, size)
        return cls(size=(cast(int, height), cast(int, width)), **said)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class Recipe:
    """The configuration, preprocessing and weights of a checkpoint; `folder` has the tokenizer's files.

    `changes` lists what its files state that is not used.
    """

    config: Config
    preprocessing: Preprocessing
    weights: Path
    origin: str
    folder: Path | None = None
    merges: Path | None = None
    changes: tuple[str, ...] = ()


def from_folder(origin: Origin, *, folder: Path, adapt: Callable[[Config], Config] | None = None) -> Recipe:
    """The recipe of a folder in open_clip's layout: configuration, weights, possibly BPE merges.

    `adapt` changes the folder's configuration into the model's.

    Raises:
        WeightsError: a file is missing, or it is not clear which file has the weights.
    """
    config, preprocess = read_config_file(folder / CONFIG_FILE)
    known = [folder / name for name in _WEIGHT_FILES if (folder / name).is_file()]
    beside: tuple[str, ...] = ()
    if origin.weights is not None:
        weights, source = own_weights(origin.weights), "file"
    else:
        weights, source = known[0] if known else _only_weights(folder), "folder"
        if others := [path.name for path in known if path != weights]:
            beside = (f"not read, beside {weights.name}: {', '.join(others)}",)
    recipe = completed(
        adapt(config) if adapt else config, preprocess, weights=weights, source=source, cache=origin.cache
    )
    merges = folder / MERGES_FILE
    return replace(
        recipe,
        folder=folder,
        merges=merges if merges.is_file() else None,
        changes=(*recipe.changes, *beside),
    )


def completed(
    config: Config, facts: Mapping[str, object], *, weights: Path, source: str, cache: Path | None
) -> Recipe:
    """A recipe with activation and preprocessing determined by the facts about the weights.

    `facts` are a preprocess_cfg, or what open_clip states about a tag. The code in an archive takes
    precedence.
    """
    archive = not is_safetensors(weights) and "yes" == remembered(
        f"quick gelu|{file_state(weights)}", cache, lambda: "yes" if uses_quick_gelu(weights) else "no"
    )
    said = []
    if (facts.get("quick_gelu") or archive) and not config.get("quick_gelu"):
        config = {**config, "quick_gelu": True}
        said.append(
            f"computed with QuickGELU, as {'the archive does' if archive else 'its weights were trained'}"
        )
    preprocessing = Preprocessing.of(config, facts)
    # the image tower's own size, and RGB, go before what a preprocess_cfg says
    size = facts.get("size")
    stated = tuple(size) if isinstance(size, list | tuple) else (size, size)
    if size is not None and stated != preprocessing.size:
        said.append(f"preprocess_cfg says size {size}, the image tower's {preprocessing.size} is taken")
    if facts.get("mode", "RGB") != "RGB":
        said.append(f"preprocess_cfg says mode {facts['mode']}, RGB is taken")
    if source == "file":
        said += _other_statements(weights, config, preprocessing)
    return Recipe(config, preprocessing, weights, f"{source}:{weights.name}", changes=tuple(said))


def read_config_file(path: Path) -> tuple[Config, Config]:
    """The model_cfg and preprocess_cfg of an open_clip_config.json.

    Raises:
        WeightsError: the file is missing, is not JSON or has no model_cfg.
    """
    whole = read_json(path, WeightsError, "write one, as a model folder of open_clip's layout holds it")
    if not isinstance(whole, dict):
        raise WeightsError(f"{path}: not JSON (the top level is no object); write it anew")
    model = section(whole, "model_cfg")
    missing = [key for key in ("embed_dim", "vision_cfg", "text_cfg") if key not in model]
    if missing:
        raise WeightsError(f"{path}: model_cfg lacks {', '.join(missing)}; see open_clip's model_configs")
    return model, section(whole, "preprocess_cfg")


def section(config: Config, name: str) -> dict[str, object]:
    """A sub-section of a configuration; empty if it has none."""
    value = config.get(name)
    return dict(value) if isinstance(value, Mapping) else {}


def check_transformers(what: str) -> None:
    """Raise Unsupported if the package transformers is not installed."""
    if find_spec("transformers") is None:
        raise Unsupported(f"{what} needs the package transformers; run: pip install transformers")


def own_weights(path: Path) -> Path:
    """The weights file that a user names.

    Raises:
        WeightsError: the file does not exist.
    """
    if not path.is_file():
        raise WeightsError(f"{path}: no such file; --weights takes a file of weights")
    return path


def _other_statements(weights: Path, config: Config, preprocessing: Preprocessing) -> tuple[str, ...]:
    """What a configuration next to the user's own weights states differently from the card."""
    path = weights.parent / CONFIG_FILE
    if not path.is_file():
        return ()
    theirs, facts = read_config_file(path)
    stated, taken = asdict(Preprocessing.of(theirs, facts)), asdict(preprocessing)
    told = [f"{key} {stated[key]}, taken {taken[key]}" for key in taken if stated[key] != taken[key]]
    told += [
        f"{name}.{key} {value}, taken {section(config, name).get(key)}"
        for name in ("vision_cfg", "text_cfg")
        for key, value in section(theirs, name).items()
        if section(config, name).get(key) != value and (name, key) != ("vision_cfg", "image_size")
    ]
    return (f"{CONFIG_FILE} beside the weights says {'; '.join(told)}",) if told else ()


def _only_weights(folder: Path) -> Path:
    found = sorted(
        path for path in folder.iterdir() if path.suffix in {".safetensors", ".bin", ".pth", ".pt"}
    )
    if len(found) == 1:
        return found[0]
    if index := next(folder.glob("*.index.json"), None):
        raise WeightsError(f"{index}: weights in several files are not read; save them as {_WEIGHT_FILES[0]}")
    what = f"{len(found)} files of weights" if found else "no file of weights"
    raise WeightsError(f"{folder}: {what}; name one {_WEIGHT_FILES[0]}, or pass --weights FILE")
