"""Single files of a model hub's repositories: from its cache where they lie, fetched otherwise."""

from collections.abc import Sequence
from pathlib import Path

from vlbench.core.errors import WeightsError


def hub_file(repository: str, names: Sequence[str], *, model: str) -> Path:
    """Path of the first of `names` that a repository has.

    A cached file is taken as it is, so that what ran yesterday runs without a network; HF_HUB_OFFLINE
    and HF_HOME are heeded. `model` is named in errors.

    Raises:
        WeightsError: the repository has none of them, or cannot be reached.
    """
    from huggingface_hub import hf_hub_download, try_to_load_from_cache
    from huggingface_hub.errors import EntryNotFoundError, HFValidationError, LocalEntryNotFoundError

    try:
        for name in names:
            cached = try_to_load_from_cache(repository, name)
            if isinstance(cached, str):
                return Path(cached)
        for name in names:
            try:
                return Path(hf_hub_download(repository, name))
            except LocalEntryNotFoundError as error:
                raise _unreachable(repository, names, model, error) from error
            except EntryNotFoundError:
                continue
    except HFValidationError as error:
        raise WeightsError(f"{model}: {repository!r} names no repository; write ORGANISATION/NAME") from error
    except OSError as error:
        raise _unreachable(repository, names, model, error) from error
    raise WeightsError(
        f"{model}: {repository} has no {' or '.join(names)}; is it a model of open_clip's layout?"
    )


def revision_of(path: Path) -> str:
    """The commit whose snapshot a cached file belongs to; empty for any other file."""
    parents = path.parts
    return parents[parents.index("snapshots") + 1] if "snapshots" in parents[:-2] else ""


def _unreachable(repository: str, names: Sequence[str], model: str, error: Exception) -> WeightsError:
    reason = next(iter(str(error).strip().splitlines()), type(error).__name__).rstrip(".")
    return WeightsError(
        f"{model}: {names[0]} of {repository} is not on this machine and could not be fetched "
        f"({reason}); fetch it on another machine and pass --weights FILE"
    )
