"""What an open_clip checkpoint is made of, found without importing torch once the cache knows it."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path

from vlbench.adapters.architectures import (
    CONFIG_FILE,
    Config,
    Preprocessing,
    architecture_config,
    read_config_file,
    section,
)
from vlbench.adapters.hub_files import hub_file, revision_of
from vlbench.adapters.torchscript_archive import uses_quick_gelu
from vlbench.core.contracts import Origin
from vlbench.core.errors import UnknownName, WeightsError
from vlbench.core.files import file_state, remembered, remembered_sha256

MERGES_FILE = "bpe_merges.txt.gz"
"""Merges of a model's own BPE vocabulary, beside its weights; without it open_clip's are taken."""

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
"""The order in which open_clip looks in a folder (factory.py, _find_checkpoint_in_dir)."""

_HUB_WEIGHT_FILES = ("open_clip_model.safetensors", "open_clip_pytorch_model.bin")


def _as_it_is(config: Config) -> Config:
    return config


@dataclass(frozen=True, slots=True)
class Recipe:
    """Configuration, preprocessing and weights of a checkpoint; `folder` holds its tokenizer's files.

    `changes` say what its files state and what is not taken.
    """

    config: Config
    preprocessing: Preprocessing
    weights: Path
    origin: str
    folder: Path | None = None
    merges: Path | None = None
    changes: tuple[str, ...] = ()


def from_registry(
    origin: Origin, *, arch: str, tag: str | None, adapt: Callable[[Config], Config] = _as_it_is
) -> Recipe:
    """A recipe of open_clip's own architectures and pretrained tags.

    `adapt` turns the architecture's configuration into the model's. QuickGELU is switched on where the
    tag's weights were trained with it, which open_clip only warns of.

    Raises:
        UnknownName: no such architecture or tag.
        WeightsError: neither a tag nor the user's weights, or files that cannot be fetched.
    """
    config = adapt(architecture_config(arch))
    facts = _tag_facts(arch, tag, origin.cache) if tag is not None else {}
    if origin.weights is not None:
        weights, source = _own_weights(origin.weights), "file"
    elif tag is None:
        tags = ", ".join(_tags(arch)) or "none"
        raise WeightsError(
            f"{origin.name}: {arch} is an architecture without weights; add a tag (open_clip:{arch}/TAG) or "
            "--weights FILE; "
            f"tags: {tags}"
        )
    else:
        weights = _tag_file(facts, f"{arch}/{tag}", origin.cache)
        source = "@".join(
            part for part in (str(facts.get("hf_hub", "")).rstrip("/"), revision_of(weights)) if part
        )
    return _complete(config, facts, weights=weights, source=source, cache=origin.cache)


def from_folder(origin: Origin, *, folder: Path, adapt: Callable[[Config], Config] = _as_it_is) -> Recipe:
    """A recipe of a folder in open_clip's layout: configuration, weights, perhaps BPE merges.

    `adapt` turns the folder's configuration into the model's.

    Raises:
        WeightsError: a file is missing, or it is not clear which file holds the weights.
    """
    config, preprocess = read_config_file(folder / CONFIG_FILE)
    weights = _own_weights(origin.weights) if origin.weights is not None else _weights_in(folder)
    source = "file" if origin.weights is not None else "folder"
    recipe = _complete(adapt(config), preprocess, weights=weights, source=source, cache=origin.cache)
    merges = folder / MERGES_FILE
    others = [path.name for path in _known_weights(folder) if path.name != weights.name]
    beside = (
        (f"not read, beside {weights.name}: {', '.join(others)}",) if source == "folder" and others else ()
    )
    return replace(
        recipe,
        folder=folder,
        merges=merges if merges.is_file() else None,
        changes=(*recipe.changes, *beside),
    )


def from_files(
    origin: Origin,
    *,
    config: Config,
    facts: Mapping[str, object],
    repository: str,
    file: str,
    sha256: str | None,
) -> Recipe:
    """A recipe of a configuration and one file of a hub repository, or the user's own file in its place.

    Raises:
        WeightsError: the file cannot be had, or a fetched one is not the published one.
    """
    if origin.weights is not None:
        return _complete(
            config, facts, weights=_own_weights(origin.weights), source="file", cache=origin.cache
        )
    key = f"hub|{repository}|{file}"
    path = _remembered_path(key, origin.cache, lambda: hub_file(repository, (file,), model=origin.name))
    found = remembered_sha256(path, origin.cache)
    if sha256 is not None and found != sha256:
        raise WeightsError(
            f"{path}: its SHA-256 begins {found[:12]}, that of {repository}'s {file} {sha256[:12]}; "
            "delete it and fetch it again, or pass it as --weights FILE"
        )
    source = "@".join(part for part in (repository, revision_of(path)) if part)
    return _complete(config, facts, weights=path, source=source, cache=origin.cache)


def from_hub(origin: Origin, *, repository: str) -> Recipe:
    """A recipe of a hub repository in open_clip's layout.

    Raises:
        WeightsError: the repository or a file of it cannot be had.
    """
    model = f"hf-hub:{repository}"
    advice = "fetch the repository on another machine and name its folder: local-dir:FOLDER"

    def fetch(names: tuple[str, ...]) -> Path:
        key = f"hub|{repository}|{names[0]}"
        return _remembered_path(
            key, origin.cache, lambda: hub_file(repository, names, model=model, advice=advice)
        )

    config, preprocess = read_config_file(fetch((CONFIG_FILE,)))
    if origin.weights is not None:
        return _complete(
            config, preprocess, weights=_own_weights(origin.weights), source="file", cache=origin.cache
        )
    weights = fetch(_HUB_WEIGHT_FILES)
    source = "@".join(part for part in (repository, revision_of(weights)) if part)
    return _complete(config, preprocess, weights=weights, source=source, cache=origin.cache)


def _complete(
    config: Config, facts: Mapping[str, object], *, weights: Path, source: str, cache: Path | None
) -> Recipe:
    """Settle the activation: what the tag says, and what an archive's own code computes."""
    key = f"quick gelu|{file_state(weights)}"
    archive = remembered(key, cache, lambda: "yes" if uses_quick_gelu(weights) else "no") == "yes"
    said: tuple[str, ...] = ()
    if (facts.get("quick_gelu") or archive) and not config.get("quick_gelu"):
        config = {**config, "quick_gelu": True}
        said = (
            f"computed with QuickGELU, as {'the archive does' if archive else 'its weights were trained'}",
        )
    preprocessing = Preprocessing.of(config, facts)
    said += _not_taken(facts, preprocessing)
    said += _other_statements(weights, config, preprocessing) if source == "file" else ()
    return Recipe(config, preprocessing, weights, f"{source}:{weights.name}", changes=said)


def _not_taken(facts: Mapping[str, object], preprocessing: Preprocessing) -> tuple[str, ...]:
    """What a preprocess_cfg says that the image tower's own size, or RGB, goes before."""
    size = facts.get("size")
    stated = tuple(size) if isinstance(size, list | tuple) else (size, size)
    said = []
    if size is not None and stated != preprocessing.size:
        said.append(f"preprocess_cfg says size {size}, the image tower's {preprocessing.size} is taken")
    if facts.get("mode", "RGB") != "RGB":
        said.append(f"preprocess_cfg says mode {facts['mode']}, RGB is taken")
    return tuple(said)


def _other_statements(weights: Path, config: Config, preprocessing: Preprocessing) -> tuple[str, ...]:
    """What a configuration beside the user's own weights says of them otherwise than the card."""
    path = weights.parent / CONFIG_FILE
    if not path.is_file():
        return ()
    theirs, facts = read_config_file(path)
    stated, taken = Preprocessing.of(theirs, facts).as_mapping(), preprocessing.as_mapping()
    told = [f"{key} {stated[key]}, taken {taken[key]}" for key in taken if stated[key] != taken[key]]
    told += [
        f"{name}.{key} {value}, taken {section(config, name).get(key)}"
        for name in ("vision_cfg", "text_cfg")
        for key, value in section(theirs, name).items()
        if section(config, name).get(key) != value and (name, key) != ("vision_cfg", "image_size")
    ]
    return (f"{CONFIG_FILE} beside the weights says {'; '.join(told)}",) if told else ()


def _own_weights(path: Path) -> Path:
    if not path.is_file():
        raise WeightsError(f"{path}: no such file; --weights takes a file of weights")
    return path


def _weights_in(folder: Path) -> Path:
    known = _known_weights(folder)
    if known:
        return known[0]
    found = sorted(
        path for path in folder.iterdir() if path.suffix in {".safetensors", ".bin", ".pth", ".pt"}
    )
    if len(found) == 1:
        return found[0]
    if index := next(folder.glob("*.index.json"), None):
        raise WeightsError(f"{index}: weights in several files are not read; save them as {_WEIGHT_FILES[0]}")
    what = f"{len(found)} files of weights" if found else "no file of weights"
    raise WeightsError(f"{folder}: {what}; name one {_WEIGHT_FILES[0]}, or pass --weights FILE")


def _known_weights(folder: Path) -> list[Path]:
    return [folder / name for name in _WEIGHT_FILES if (folder / name).is_file()]


def _tags(arch: str) -> list[str]:
    from open_clip.pretrained import list_pretrained_tags_by_model

    return list(list_pretrained_tags_by_model(arch))


def _tag_facts(arch: str, tag: str, cache: Path | None) -> Mapping[str, object]:
    """What open_clip's registry says of a tag; importing it costs seconds, so the answer is remembered."""

    def look_up() -> str:
        from open_clip.pretrained import get_pretrained_cfg

        facts = get_pretrained_cfg(arch, tag)
        if not facts:
            tags = _tags(arch)
            advice = f"tags: {', '.join(tags)}" if tags else "it has no tags; pass --weights FILE"
            raise UnknownName(f"open_clip tag of {arch}", tag, tags, advice=advice)
        return json.dumps(facts)

    text = remembered(f"tag|{arch}|{tag}|{version('open_clip_torch')}", cache, look_up)
    facts: Mapping[str, object] = json.loads(text)
    return facts


def _tag_file(facts: Mapping[str, object], name: str, cache: Path | None) -> Path:
    repository, _, file = str(facts.get("hf_hub") or "").rpartition("/")
    if not repository:
        return _remembered_path(f"url|{facts.get('url')}", cache, lambda: _download(facts, name))
    names: tuple[str, ...] = _HUB_WEIGHT_FILES
    if file:
        safe = (str(Path(file).with_suffix(".safetensors")),) if file.endswith((".bin", ".pth")) else ()
        names = (*safe, file)
    key = f"hub|{repository}|{names[0]}"
    return _remembered_path(key, cache, lambda: hub_file(repository, names, model=name))


def _download(facts: Mapping[str, object], name: str) -> Path:
    from open_clip.pretrained import download_pretrained

    try:
        return Path(download_pretrained(dict(facts)))
    except (OSError, RuntimeError) as error:
        raise WeightsError(
            f"{name}: {facts.get('url')} could not be fetched ({error}); fetch it on another machine and "
            "pass --weights FILE"
        ) from error


def _remembered_path(key: str, cache: Path | None, find: Callable[[], Path]) -> Path:
    """A path found once; looked for anew when the file is no longer there."""
    path = Path(remembered(key, cache, lambda: str(find())))
    return path if path.is_file() else find()
