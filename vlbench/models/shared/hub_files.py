"""Single files from repositories of a model hub: from its cache if they are there, else downloaded."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from vlbench.core.errors import WeightsError
from vlbench.core.network import has_network
from vlbench.core.outside_name import inner_path


def hub_file(
    repository: str,
    names: Sequence[str],
    *,
    model: str,
    advice: str = "fetch it on another machine and pass --weights FILE",
    revision: str | None = None,
) -> Path:
    """The path of the first of `names` that a repository has, at a commit if `revision` is given.

    A cached file is used unchanged, so that what ran before runs without a network. HF_HUB_OFFLINE, HF_HOME
    and HF_ENDPOINT are respected. `model` and `advice` are part of errors.

    Raises:
        WeightsError: the repository has none of them, or cannot be reached.
    """
    from huggingface_hub import hf_hub_download, try_to_load_from_cache
    from huggingface_hub.errors import EntryNotFoundError, HFValidationError, LocalEntryNotFoundError

    def unreachable(reason: str) -> WeightsError:
        where = f"{model}: {names[0]} of {repository} is not on this machine and could not be fetched"
        return WeightsError(f"{where} ({reason}); {advice}")

    for name in (repository, *names, *([revision] if revision else [])):
        inner_path(name, f"{model}: a name on the hub", WeightsError)
    try:
        for name in names:
            cached = try_to_load_from_cache(repository, name, revision=revision)
            if isinstance(cached, str):
                return Path(cached)
        if not has_network():
            raise unreachable("no connection to the hub")
        for name in names:
            try:
                return Path(hf_hub_download(repository, name, revision=revision))
            except LocalEntryNotFoundError as error:
                raise unreachable("no connection, or HF_HUB_OFFLINE") from error
            except EntryNotFoundError:
                continue
    except HFValidationError as error:
        raise WeightsError(f"{model}: {repository!r} names no repository; write ORGANISATION/NAME") from error
    except OSError as error:
        reason = next(iter(str(error).strip().splitlines()), type(error).__name__).rstrip(".")
        raise unreachable(reason) from error
    raise WeightsError(f"{model}: {repository} has no {' or '.join(names)}; is it a model of another layout?")


def fetch_if_there(repository: str, name: str, *, revision: str | None = None) -> None:
    """Download a file that not every repository has. Without a network, nothing happens."""
    from huggingface_hub import hf_hub_download, try_to_load_from_cache
    from huggingface_hub.errors import EntryNotFoundError

    if try_to_load_from_cache(repository, name, revision=revision) is not None or not has_network():
        return
    with suppress(EntryNotFoundError, OSError):
        hf_hub_download(repository, name, revision=revision)


def revision_of(path: Path) -> str:
    """The commit of the snapshot that a cached file belongs to; empty for any other file."""
    parents = path.parts
    return parents[parents.index("snapshots") + 1] if "snapshots" in parents[:-2] else ""


def source_of(repository: str, path: Path) -> str:
    """The origin of a file: its repository, with the commit if it is known."""
    return "@".join(filter(None, (repository, revision_of(path))))
