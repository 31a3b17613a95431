"""Recipes of published models: open_clip's architectures and tags, and files of hub repositories.

The cache keeps what was found, so that open_clip is not imported for it again.
"""

import json
from collections.abc import Callable, Mapping
from functools import partial
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from vlbench.core.contracts import Origin
from vlbench.core.errors import PluginError, UnknownName, WeightsError
from vlbench.core.files import remembered, remembered_sha256
from vlbench.core.json_text import parsed_json
from vlbench.core.text_file import read_json
from vlbench.models.shared.hub_files import hub_file, source_of
from vlbench.models.shared.recipe import CONFIG_FILE, Config, Recipe, completed, own_weights, read_config_file

_HUB_WEIGHT_FILES = ("open_clip_model.safetensors", "open_clip_pytorch_model.bin")


def architecture_names() -> tuple[str, ...]:
    """The names of all architectures, sorted."""
    return tuple(sorted(path.stem for path in _config_folder().glob("*.json")))


def architecture_config(name: str) -> Config:
    """The configuration of an architecture.

    Raises:
        UnknownName: open_clip has no such architecture; the message lists close matches.
    """
    check_architecture(name)
    config: Config = read_json(_config_folder() / f"{name}.json", PluginError, "install open_clip again")
    return config


def check_architecture(name: str) -> None:
    """Raise UnknownName, with close matches, unless open_clip has an architecture of that name."""
    if not name or Path(name).name != name or not (_config_folder() / f"{name}.json").is_file():
        advice = "an architecture of your own lies with its weights in a folder: local-dir:FOLDER"
        raise UnknownName("open_clip architecture", name, architecture_names(), advice=advice)


def from_registry(
    origin: Origin, *, arch: str, tag: str | None, adapt: Callable[[Config], Config] | None = None
) -> Recipe:
    """The recipe of one of open_clip's architectures and pretrained tags.

    `adapt` changes the architecture's configuration into the model's. QuickGELU is switched on if the tag's
    weights were trained with it; open_clip only warns about this.

    Raises:
        UnknownName: there is no such architecture or tag.
        WeightsError: there is neither a tag nor weights of the user, or files cannot be downloaded.
    """
    config = architecture_config(arch)
    if tag is None and origin.weights is None:
        tags = ", ".join(_tags(arch)) or "none"
        raise WeightsError(
            f"{origin.name}: {arch} is an architecture without weights; add a tag (open_clip:{arch}/TAG) or "
            f"--weights FILE; tags: {tags}"
        )
    facts = _tag_facts(arch, tag, origin.cache) if tag is not None else {}
    return _with_weights(
        origin,
        adapt(config) if adapt else config,
        facts,
        repository=str(facts.get("hf_hub", "")).rstrip("/"),
        find=partial(_tag_file, facts, f"{arch}/{tag}", origin.cache),
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
    """The recipe of a configuration with one file of a hub repository, or with the user's own file instead.

    Raises:
        WeightsError: the file cannot be found or downloaded, or a downloaded one differs from the published
            one.
    """
    find = partial(_published_file, repository, file, sha256, origin)
    return _with_weights(origin, config, facts, repository=repository, find=find)


def from_hub(origin: Origin, *, repository: str) -> Recipe:
    """The recipe of a hub repository in open_clip's layout.

    Raises:
        WeightsError: the repository or a file of it cannot be downloaded.
    """
    fetch = partial(
        _fetched,
        repository,
        cache=origin.cache,
        model=f"hf-hub:{repository}",
        advice="fetch the repository on another machine and name its folder: local-dir:FOLDER",
    )
    config, facts = read_config_file(fetch((CONFIG_FILE,)))
    find = partial(fetch, _HUB_WEIGHT_FILES)
    return _with_weights(origin, config, facts, repository=repository, find=find)


def _with_weights(
    origin: Origin,
    config: Config,
    facts: Mapping[str, object],
    *,
    repository: str,
    find: Callable[[], Path],
) -> Recipe:
    """A recipe with the user's own weights, or else with those that `find` downloads from a repository."""
    if origin.weights is not None:
        weights, source = own_weights(origin.weights), "file"
    else:
        weights = find()
        source = source_of(repository, weights)
    return completed(config, facts, weights=weights, source=source, cache=origin.cache)


def _published_file(repository: str, file: str, sha256: str | None, origin: Origin) -> Path:
    path = _fetched(repository, (file,), cache=origin.cache, model=origin.name)
    if sha256 is not None and (found := remembered_sha256(path, origin.cache)) != sha256:
        raise WeightsError(
            f"{path}: its SHA-256 begins {found[:12]}, that of {repository}'s {file} {sha256[:12]}; "
            "delete it and fetch it again, or pass it as --weights FILE"
        )
    return path


def _config_folder() -> Path:
    spec = find_spec("open_clip")
    if spec is None or spec.origin is None:
        raise PluginError("the package open_clip is not installed; run: pip install open_clip_torch")
    return Path(spec.origin).parent / "model_configs"


def _tags(arch: str) -> list[str]:
    from open_clip.pretrained import list_pretrained_tags_by_model

    return list(list_pretrained_tags_by_model(arch))


def _tag_facts(arch: str, tag: str, cache: Path | None) -> Mapping[str, object]:
    """What open_clip's registry states about a tag.

    The import takes seconds, so the cache keeps the answer.
    """

    def look_up() -> str:
        from open_clip.pretrained import get_pretrained_cfg

        facts = get_pretrained_cfg(arch, tag)
        if not facts:
            tags = _tags(arch)
            advice = f"tags: {', '.join(tags)}" if tags else "it has no tags; pass --weights FILE"
            raise UnknownName(f"open_clip tag of {arch}", tag, tags, advice=advice)
        return json.dumps(facts)

    text = remembered(f"tag|{arch}|{tag}|{version('open_clip_torch')}", cache, look_up)
    facts: Mapping[str, object] = parsed_json(text)
    return facts


def _tag_file(facts: Mapping[str, object], name: str, cache: Path | None) -> Path:
    repository, _, file = str(facts.get("hf_hub") or "").rpartition("/")
    if not repository:
        return _remembered_path(f"url|{facts.get('url')}", cache, partial(_download, facts, name))
    names: tuple[str, ...] = _HUB_WEIGHT_FILES
    if file:
        safe = (str(Path(file).with_suffix(".safetensors")),) if file.endswith((".bin", ".pth")) else ()
        names = (*safe, file)
    return _fetched(repository, names, cache=cache, model=name)


def _download(facts: Mapping[str, object], name: str) -> Path:
    from open_clip.pretrained import download_pretrained

    try:
        return Path(download_pretrained(dict(facts)))
    except (OSError, RuntimeError) as error:
        raise WeightsError(
            f"{name}: {facts.get('url')} could not be fetched ({error}); fetch it on another machine and "
            "pass --weights FILE"
        ) from error


def _fetched(repository: str, names: tuple[str, ...], *, cache: Path | None, **told: str) -> Path:
    """The first of `names` that a hub repository has; `told` goes to hub_file, for its errors."""
    return _remembered_path(
        f"hub|{repository}|{names[0]}", cache, partial(hub_file, repository, names, **told)
    )


def _remembered_path(key: str, cache: Path | None, find: Callable[[], Path]) -> Path:
    """A path that was found before; `find` is called again if the file no longer exists."""
    path = Path(remembered(key, cache, lambda: str(find())))
    return path if path.is_file() else find()
