"""The files of a transformers checkpoint, found without importing transformers or torch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from vlbench.core.code_digest import digest_of_code
from vlbench.core.contracts import Identity, Origin, PreprocessMode
from vlbench.core.digest import digest_of
from vlbench.core.errors import Unsupported, WeightsError
from vlbench.core.files import remembered, remembered_sha256
from vlbench.core.text_file import read_json
from vlbench.models.shared.hub_files import fetch_if_there, hub_file, revision_of, source_of
from vlbench.models.shared.named import version_or_none
from vlbench.models.shared.recipe import own_weights

CONFIG = "config.json"
PROCESSORS = ("preprocessor_config.json", "processor_config.json")
"""Files that state how images become pixels; newer releases write the second."""

WEIGHTS = ("model.safetensors", "pytorch_model.bin")
VOCABULARIES = (
    "tokenizer.json",
    "vocab.txt",
    "vocab.json",
    "spiece.model",
    "sentencepiece.bpe.model",
    "tokenizer.model",
)
"""Files of which a tokenizer needs one."""

BESIDE = ("tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "merges.txt")
"""Further files that a tokenizer may have."""

_IMAGES = "vlbench.models.transformers.images"
_TEXTS = "vlbench.models.transformers.texts"
"""The root modules of the sides: they and what they import determine the features."""

_PACKAGES = ("transformers", "torch")
_IMAGE_PACKAGES = (*_PACKAGES, "pillow", "torchvision")
_TEXT_PACKAGES = (*_PACKAGES, "tokenizers")


@dataclass(frozen=True, slots=True)
class Family:
    """What the configuration of a model type does not state.

    `inputs` are the tokenizer outputs that the text tower was trained with. `context` is the number of tokens
    that texts are padded to; None means the length of the position table. `lower` tells whether it was
    trained on lower-case texts.
    """

    inputs: tuple[str, ...]
    context: int | None = None
    lower: bool = False


FAMILIES: Mapping[str, Family] = {
    "align": Family(("input_ids", "attention_mask", "token_type_ids"), context=64),
    "chinese_clip": Family(("input_ids", "attention_mask", "token_type_ids"), context=52),
    "clip": Family(("input_ids", "attention_mask")),
    "metaclip_2": Family(("input_ids", "attention_mask")),
    "siglip": Family(("input_ids",), lower=True),
}
"""Model types with two towers and one shared space. Contexts are those of transformers' own processors;
SigLIP attends to padding. SigLIP 2 with a fixed resolution has the type siglip."""


@dataclass(frozen=True, slots=True)
class Files:
    """The folder of a checkpoint and its weights file."""

    folder: Path
    weights: Path
    origin: str
    changes: tuple[str, ...] = ()
    """Files next to the weights file that are not read."""

    @property
    def config(self) -> Mapping[str, object]:
        """The model's configuration.

        Raises:
            WeightsError: it is missing or not a JSON object.
        """
        return json_object(self.folder / CONFIG)

    @property
    def family(self) -> Family:
        """What the configuration of the model's type does not state.

        Raises:
            Unsupported: the type is not a supported dual encoder.
        """
        kind = self.config.get("model_type")
        if not isinstance(kind, str) or kind not in FAMILIES:
            raise Unsupported(
                f"{self.folder / CONFIG}: model_type {kind!r} is no dual encoder that runs here; known: "
                f"{', '.join(sorted(FAMILIES))}"
            )
        return FAMILIES[kind]


def files_in(origin: Origin, folder: Path) -> Files:
    """The files in a folder from `save_pretrained`: model, image processor and tokenizer.

    Raises:
        WeightsError: one is missing.
    """
    for names, what in (
        ((CONFIG,), "configuration"),
        (PROCESSORS, "image processor"),
        (VOCABULARIES, "tokenizer"),
    ):
        if not any((folder / name).is_file() for name in names):
            raise WeightsError(
                f"{folder}: no {what} ({' or '.join(names)}); save it there with save_pretrained"
            )
    return _with_weights(origin, folder, "folder")


def files_of(origin: Origin, repository: str, *, revision: str | None = None) -> Files:
    """The files of a hub repository, at a commit if `revision` is given.

    Raises:
        WeightsError: a file is missing or cannot be downloaded.
    """
    key = f"transformers|{repository}|{revision}|{origin.weights is None}"
    folder = Path(remembered(key, origin.cache, lambda: str(_fetched(origin, repository, revision))))
    if not (folder / CONFIG).is_file():
        folder = _fetched(origin, repository, revision)
    return _with_weights(origin, folder, repository)


def identity_of(
    files: Files, *, context: int | None, preprocess: PreprocessMode, cache: Path | None
) -> Identity:
    """Digests of all that can change a side of the model. Imports no torch."""
    sha256 = remembered_sha256(files.weights, cache)
    config = dict(files.config)
    text, vision = config.pop("text_config", None), config.pop("vision_config", None)
    config.pop("transformers_version", None)
    both = {"weights": sha256, "config": config}
    image = {
        **both,
        "vision": vision,
        "processor": {name: json_object(files.folder / name) for name in _present(files.folder, PROCESSORS)},
        "mode": preprocess,
        "packages": {name: version_or_none(name) for name in _IMAGE_PACKAGES},
        "code": digest_of_code(_IMAGES, cache=cache),
    }
    words = {
        **both,
        "text": text,
        "context": context,
        "tokenizer": {
            name: remembered_sha256(files.folder / name, cache)
            for name in _present(files.folder, (*VOCABULARIES, *BESIDE))
        },
        "packages": {name: version_or_none(name) for name in _TEXT_PACKAGES},
        "code": digest_of_code(_TEXTS, cache=cache),
    }
    return Identity(
        image=digest_of(image),
        text=digest_of(words),
        whole=digest_of({"image": image, "text": words}),
        weights={files.weights.name: sha256},
        origin=files.origin,
    )


def json_object(path: Path) -> Mapping[str, object]:
    """A file that holds a JSON object.

    Raises:
        WeightsError: the file is missing or contains something else.
    """
    content = read_json(path, WeightsError, "fetch the model again")
    if not isinstance(content, dict):
        raise WeightsError(f"{path}: no JSON object; fetch it again")
    return content


def _with_weights(origin: Origin, folder: Path, where: str) -> Files:
    if origin.weights is not None:
        return Files(folder, own_weights(origin.weights), f"file:{origin.weights.name}")
    found = _present(folder, WEIGHTS)
    if not found:
        raise WeightsError(
            f"{folder}: no {' or '.join(WEIGHTS)}; weights in several files are not read, save them as one"
        )
    path = folder / found[0]
    beside = (f"not read, beside {path.name}: {', '.join(found[1:])}",) if found[1:] else ()
    return Files(folder, path, f"{source_of(where, path)}:{path.name}", beside)


def _fetched(origin: Origin, repository: str, revision: str | None) -> Path:
    advice = "fetch the repository on another machine and name its folder: transformers:FOLDER"

    def fetch(names: Sequence[str], commit: str | None) -> Path:
        return hub_file(repository, names, model=origin.name, advice=advice, revision=commit)

    config = fetch((CONFIG,), revision)
    commit = revision_of(config) or revision  # all of one commit, whatever is pushed meanwhile
    for names in (PROCESSORS, VOCABULARIES, *(() if origin.weights is not None else (WEIGHTS,))):
        fetch(names, commit)
    for name in (*VOCABULARIES, *BESIDE):
        fetch_if_there(repository, name, revision=commit)
    return config.parent


def _present(folder: Path, names: Sequence[str]) -> list[str]:
    return [name for name in names if (folder / name).is_file()]
