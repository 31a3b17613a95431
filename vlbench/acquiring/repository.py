"""What a hub repository has: the commit, and the files of a split with their sizes and digests."""

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.error import HTTPError
from urllib.parse import quote

from vlbench.acquiring.download import RemoteFile
from vlbench.core.errors import DataError
from vlbench.core.offline import is_offline
from vlbench.core.outside_name import commit_of, digest_of_server, inner_path
from vlbench.core.web_answer import Address
from vlbench.datasets.readers.hub_answer import GATED, ask_repository
from vlbench.datasets.readers.hub_snapshot import (
    DATA_SUFFIXES,
    SplitFiles,
    matches,
    no_repository,
    not_there,
    reason,
)

if TYPE_CHECKING:
    from huggingface_hub.hf_api import RepoSibling

UNAUTHORISED = 401
NO_ACCESS = frozenset((UNAUTHORISED, 403, 404))


@dataclass(frozen=True, slots=True)
class Listing:
    """The files that a source needs from a repository at a commit."""

    repo: str
    commit: str
    files: tuple[RemoteFile, ...]


def list_repository(wanted: SplitFiles) -> Listing:
    """Ask the hub for the files that a source needs from a data set.

    Raises:
        DataError: there is no such repository, revision or split, no access, or no response.
    """
    from huggingface_hub import get_token
    from huggingface_hub.errors import HFValidationError

    repo = wanted.repo
    try:
        info = ask_repository(repo, wanted.revision)
    except HFValidationError as error:
        raise no_repository(repo, error) from error
    except HTTPError as error:
        raise DataError(refusal(repo, error.code, error.headers.get("X-Error-Code", ""))) from error
    except OSError as error:
        raise DataError(unreachable(repo, error)) from error
    if info.gated and get_token() is None:
        raise DataError(refusal(repo, UNAUTHORISED, GATED))
    if info.sha is None:
        raise DataError(f"the hub names no commit of {repo}; pin a revision in the card")
    files = [
        _remote(each, f"the hub, of {repo}")
        for each in sorted(info.siblings or (), key=lambda each: each.rfilename)
        if matches(each.rfilename, wanted.patterns)
    ]
    if not any(file.name.endswith(DATA_SUFFIXES) for file in files):
        raise not_there(wanted)
    return Listing(repo, commit_of(info.sha, f"the hub, of {repo}"), tuple(files))


def _remote(said: "RepoSibling", where: str) -> RemoteFile:
    """A file as the hub lists it; its name and digests become names on this disk."""
    sha256 = None if said.lfs is None else digest_of_server(said.lfs.sha256, where)
    blob_id = said.blob_id if sha256 else digest_of_server(str(said.blob_id), where)
    return RemoteFile(inner_path(said.rfilename, where), said.size or 0, sha256, blob_id)


def file_address(listing: Listing, file: RemoteFile) -> str:
    """The URL of a file in a listing."""
    from huggingface_hub import constants

    return f"{constants.ENDPOINT}/datasets/{listing.repo}/resolve/{listing.commit}/{quote(file.name)}"


def refuse_offline(repo: str) -> None:
    """Refuse to download if the user wants no network.

    Raises:
        DataError: HF_HUB_OFFLINE is set.
    """
    if is_offline():
        raise DataError(
            f"{repo} is not fetched: HF_HUB_OFFLINE is set; unset it, or fetch elsewhere and copy"
        )


def refusal(repo: str, status: int, code: str) -> str:
    """What a refusal of the hub means, and what to do."""
    from huggingface_hub import constants

    page = Address.of(f"{constants.ENDPOINT}/datasets/{repo}").shown
    if code == GATED:
        return (
            f"{repo} is gated: ask for access at {page}, then `hf auth login` or set HF_TOKEN, and try again"
        )
    if status in NO_ACCESS:
        return f"{page} is not there, or not for you (HTTP {status}); correct the card, or set HF_TOKEN"
    return f"{page} answers HTTP {status}; try again later"


def unreachable(repo: str, error: BaseException) -> str:
    """The error text for a hub that does not respond."""
    said = reason(error) or type(error).__name__
    return f"{repo} could not be fetched ({said}); connect to the hub, or put the data under --data-root"
