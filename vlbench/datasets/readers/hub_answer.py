"""What the hub says of a data set, asked within bounds of time and bytes."""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPException
from typing import TYPE_CHECKING
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlsplit

from vlbench.core.errors import DataError
from vlbench.core.json_text import parsed_json
from vlbench.core.network import has_network
from vlbench.core.outside_name import commit_of
from vlbench.core.web_answer import PASSING, Address, Pace, open_answer, read_whole, without_secrets

if TYPE_CHECKING:
    from huggingface_hub import DatasetInfo

SECONDS = 60.0
"""How long an answer may take, from the first byte that is sent."""
MOST_BYTES = 2**26
"""Ten times what the hub says of its data sets with the most files."""
MOST_PAGES = 1000
"""Of commits; the hub puts 50 on each."""
_NEXT = re.compile(r'<([^>]*)>;\s*rel="next"')
GATED = "GatedRepo"
"""The hub's error code for a repository that needs access to be requested."""
WAITS = (1.0, 4.0)
"""Seconds before the second and the third attempt."""


def ask_repository(repo: str, revision: str | None) -> "DatasetInfo":
    """What the hub says of a data set at a revision: its commit and its files, with sizes and digests.

    The hub's own client reads what is said; it would wait for as long, and read as much, as a server sends.

    Raises:
        HFValidationError: no repository has such a name.
        HTTPError: the hub refuses.
        OSError: there is no network or HF_HUB_OFFLINE is set, or the hub cannot be reached or is too slow.
        DataError: the answer is none of the hub's.
    """
    from huggingface_hub import DatasetInfo, constants
    from huggingface_hub.utils._validators import validate_repo_id

    validate_repo_id(repo)
    refuse_without_network()
    place = f"/revision/{quote(revision, safe='')}" if revision is not None else ""
    data, _ = _asked(f"{constants.ENDPOINT}/api/datasets/{repo}{place}?blobs=true")
    with _of_a_hub(repo):
        found = DatasetInfo(**parsed_json(data))  # type: ignore[no-untyped-call]
        if not isinstance(found.sha, str | None):
            raise TypeError("its commit is no text")
        for each in found.siblings or ():
            size = 0 if each.size is None else each.size
            if not isinstance(each.rfilename, str) or not isinstance(size, int) or size < 0:
                raise TypeError(f"a file of the name {each.rfilename!r} and the size {each.size!r}")
            if not isinstance(each.lfs.sha256 if each.lfs else each.blob_id, str):
                raise TypeError(f"the file {each.rfilename!r} without a digest")
    return found


def commits(repo: str) -> Iterator[str]:
    """The commits of a data set's default branch, the newest first.

    Raises:
        Exception: those of `ask_repository`.
        DataError: the list does not end.
    """
    from huggingface_hub import constants
    from huggingface_hub.utils._validators import validate_repo_id

    validate_repo_id(repo)
    refuse_without_network()
    place = f"{constants.ENDPOINT}/api/datasets/{repo}/commits/main"
    query = ""
    for _ in range(MOST_PAGES):
        data, following = _asked(place + query)
        with _of_a_hub(repo):
            found = [each["id"] for each in parsed_json(data)]
        yield from (commit_of(str(each), f"the hub, of {repo}") for each in found)
        if not following:
            return
        query = f"?{following.partition('?')[2]}"  # of the same server, wherever it leads
    raise DataError(f"{repo}: the server lists commits without end; state all 40 digits of one")


@contextmanager
def _of_a_hub(repo: str) -> Iterator[None]:
    try:
        yield
    except (DataError, ValueError, TypeError, KeyError, AttributeError) as error:
        said = f"{type(error).__name__}: {error}"[:100]
        raise DataError(
            f"{repo}: the server does not answer as a hub does ({said}); correct HF_ENDPOINT"
        ) from error


def refuse_without_network() -> None:
    """Raise at once where the hub's client would retry for half a minute.

    Raises:
        ConnectionError: there is no network, or HF_HUB_OFFLINE is set.
    """
    from huggingface_hub import constants
    from huggingface_hub.errors import OfflineModeIsEnabled

    if constants.HF_HUB_OFFLINE:
        raise OfflineModeIsEnabled("HF_HUB_OFFLINE is set")
    if not has_network():
        raise ConnectionError("no connection to the hub")


def request_headers() -> dict[str, str]:
    """The headers of the hub's client: its name, and the user's token if there is one."""
    from huggingface_hub import get_token

    token = get_token()
    return {"User-Agent": "vlbench", **({"Authorization": f"Bearer {token}"} if token else {})}


def is_gated(error: BaseException) -> bool:
    """Whether the hub refused since access has to be asked for."""
    from huggingface_hub.errors import GatedRepoError

    stated = isinstance(error, HTTPError) and error.headers.get("X-Error-Code") == GATED
    return stated or isinstance(error, GatedRepoError)


def _asked(url: str) -> tuple[bytes, str]:
    """The body of an answer, and the address of its next page if it has one; what passes is asked again."""
    try:
        address = Address.of(url)
    except ValueError:
        raise DataError(f"{without_secrets(url)!r} is no http address; correct HF_ENDPOINT") from None
    request = address.request(request_headers())
    for wait in (*WAITS, None):
        try:
            with open_answer(request, Pace(SECONDS), follow=True) as response:
                following = _NEXT.search(response.headers.get("Link", ""))
                return read_whole(response, MOST_BYTES), following[1] if following else ""
        except ValueError as error:
            raise DataError(f"{address.shown} answers {error}; set HF_ENDPOINT to another server") from None
        except HTTPError as error:
            error.close()
            if wait is None or error.code not in PASSING:
                raise
        except (OSError, HTTPException) as error:
            reason = error.reason if isinstance(error, URLError) else error
            if wait is None:
                said = str(reason) or type(reason).__name__
                raise ConnectionError(f"{urlsplit(address.shown).netloc}: {said}") from error
        time.sleep(wait or 0)
    raise AssertionError("the last attempt returns or raises")
