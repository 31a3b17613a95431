"""Answers of web servers, bounded in time and bytes; redirects within http(s) alone; secrets are hidden."""

import base64
import io
import socket
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from http.client import (
    HTTPConnection,
    HTTPException,
    HTTPMessage,
    HTTPResponse,
    HTTPSConnection,
    IncompleteRead,
)
from typing import IO, Any
from urllib.parse import quote, unquote, urljoin, urlsplit
from urllib.request import (
    HTTPDefaultErrorHandler,
    HTTPErrorProcessor,
    HTTPHandler,
    HTTPRedirectHandler,
    HTTPSHandler,
    OpenerDirector,
    ProxyHandler,
    Request,
)

from vlbench.core.errors import DataError

HIDDEN = "***"
_KEPT = "!#$%&'()*+,/:;=?@[]~"
"""Characters of a path or query that stay as they are."""
PASSING = frozenset((408, 429, 500, 502, 503, 504))
"""The HTTP statuses after which another attempt may succeed."""
LOST = (TimeoutError, ConnectionResetError, ConnectionAbortedError, BrokenPipeError, HTTPException)
"""What a connection that may be better the next time raises."""


@dataclass(frozen=True, slots=True)
class Address:
    """An http address: `url` as it is asked, in ASCII and without `login` (USER:PASSWORD).

    `shown` is what messages may show of it: neither a login nor what the query holds.
    """

    url: str
    shown: str
    login: str = field(default="", repr=False)

    @classmethod
    def of(cls, text: str) -> "Address":
        """Read an address.

        Raises:
            ValueError: it is no http address; the message shows nothing of it.
        """
        try:
            parts = urlsplit(text if text.isprintable() and " " not in text else "")
            host, port = (parts.hostname or "").encode("idna").decode(), parts.port
        except ValueError:
            host, port = "", None
        if not host or parts.scheme not in {"http", "https"} or port == 0:
            raise ValueError("no http address")
        place = f"[{host}]" if ":" in host else host
        bare = parts._replace(
            netloc=place if port is None else f"{place}:{port}",
            path=quote(parts.path, safe=_KEPT),
            query=quote(parts.query, safe=_KEPT),
            fragment="",
        )
        login = parts.netloc.rpartition("@")[0]
        return cls(bare.geturl(), bare._replace(query=HIDDEN if parts.query else "").geturl(), unquote(login))

    @property
    def secrets(self) -> tuple[str, ...]:
        """The parts of an address that no message may show: its login and the values in its query."""
        values = (each.partition("=")[2] for each in urlsplit(self.url).query.split("&"))
        found = {self.login, self.login.partition(":")[2], *values, *map(unquote, values)}
        return tuple(sorted((each for each in found if len(each) > 3), key=len, reverse=True))

    def request(self, headers: Mapping[str, str], data: bytes | None = None) -> Request:
        """A request to it; a login is sent where the headers hold no authorization of their own."""
        made = Request(self.url, data, dict(headers))  # noqa: S310 - http(s) alone
        if self.login and not made.has_header("Authorization"):
            made.add_header("Authorization", f"Basic {base64.b64encode(self.login.encode()).decode()}")
        return made


def without_secrets(text: str) -> str:
    """An address that is none as messages may show it: without what stands before an @ or behind a ?.

    >>> without_secrets("htp:/me:word@host/v1?key=1")
    '***@host/v1?***'
    """
    place, mark, _ = text.partition("?")
    _, at, rest = place.rpartition("@")
    return (HIDDEN if at else "") + at + rest + (f"?{HIDDEN}" if mark else "")


@dataclass(slots=True)
class Pace:
    """How long an answer may take: `seconds` for all of it, from now on.

    With `least`, at least so many bytes have to come in each stretch of `seconds`.
    """

    seconds: float
    least: int = 0
    _start: float = field(default_factory=time.monotonic)
    _came: int = 0

    def left(self) -> float:
        """Seconds until enough has to be there.

        Raises:
            TimeoutError: it is not.
        """
        left = self._start + self.seconds - time.monotonic()
        if left > 0:
            return left
        if not self.least or self._came < self.least:
            slow = f"fewer than {self.least:,} bytes came in {self.seconds:g} s"
            raise TimeoutError(slow if self.least else "timed out")
        self._start, self._came = time.monotonic(), 0
        return self.seconds

    def note(self, count: int) -> None:
        """Count bytes that came."""
        self._came += count


def open_answer(request: Request, pace: Pace, *, follow: bool) -> HTTPResponse:
    """Ask, and answer what can be read at a pace; `follow` redirects, within http(s).

    Raises:
        HTTPError: the server refuses.
        OSError: as those of `LOST` and URLError: the connection fails.
        DataError: it redirects to something else than http(s).
    """
    opener = OpenerDirector()
    kinds = (ProxyHandler(), _Http(pace), _Https(pace), HTTPErrorProcessor(), HTTPDefaultErrorHandler())
    for kind in (*kinds, _Redirects()) if follow else kinds:
        opener.add_handler(kind)
    response: HTTPResponse = opener.open(request, timeout=pace.left())
    return response


def read_whole(response: IO[bytes], most: int) -> bytes:
    """The body of an answer, of at most `most` bytes.

    Raises:
        IncompleteRead: it is cut short.
        ValueError: it has more.
    """
    data = response.read(most + 1)
    if len(data) > most:
        raise ValueError(f"more than {most:,} bytes")
    lacking = getattr(response, "length", None)
    if lacking:  # a read of a given length does not tell
        raise IncompleteRead(data, lacking)
    return data


class _Redirects(HTTPRedirectHandler):
    """Follows redirects to where files are stored; a token goes to no other host, and in clear to none."""

    def http_error_302(self, req: Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage) -> Any:
        """Refuse what leads elsewhere than to an http address: the library would follow to ftp too."""
        stated = headers.get("Location", "").replace(" ", "%20")
        try:
            Address.of(urljoin(req.full_url, stated))
        except ValueError:
            fp.close()
            where, scheme = Address.of(req.full_url).shown, stated.partition(":")[0][:20]
            raise DataError(
                f"{where}: the server redirects to {scheme!r} and not to an http address; ask another one"
            ) from None
        return super().http_error_302(req, fp, code, msg, headers)

    http_error_301 = http_error_303 = http_error_307 = http_error_308 = http_error_302

    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> Request | None:
        """The request that follows, without the token where the host or the scheme differs."""
        address = Address.of(newurl)
        following = super().redirect_request(req, fp, code, msg, headers, address.url)
        if following is not None and urlsplit(address.url)[:2] != urlsplit(req.full_url)[:2]:
            following.remove_header("Authorization")
        return following


class _Paced(io.RawIOBase):
    """What a socket brings, at a pace: however its bytes are spread over reads."""

    def __init__(self, raw: io.RawIOBase, sock: socket.socket, pace: Pace) -> None:
        self._raw, self._sock, self._pace = raw, sock, pace

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while True:
            self._sock.settimeout(self._pace.left())
            with suppress(TimeoutError):  # the pace says whether that was too long
                count = self._sock.recv_into(buffer)
                self._pace.note(count)
                return count

    def close(self) -> None:
        self._raw.close()
        super().close()


def _response(pace: Pace, sock: socket.socket, *arguments: Any, **keywords: Any) -> HTTPResponse:
    made = HTTPResponse(sock, *arguments, **keywords)
    made.fp = io.BufferedReader(_Paced(made.fp.detach(), sock, pace))
    return made


def _connection(kind: type[HTTPConnection], pace: Pace, host: str, **keywords: Any) -> HTTPConnection:
    made = kind(host, **keywords)
    made.response_class = partial(_response, pace)  # type: ignore[assignment]
    return made


class _Http(HTTPHandler):
    def __init__(self, pace: Pace) -> None:
        super().__init__()
        self.pace = pace

    def http_open(self, req: Request) -> HTTPResponse:
        return self.do_open(partial(_connection, HTTPConnection, self.pace), req)


class _Https(HTTPSHandler):
    def __init__(self, pace: Pace) -> None:
        super().__init__()
        self.pace = pace

    def https_open(self, req: Request) -> HTTPResponse:
        return self.do_open(partial(_connection, HTTPSConnection, self.pace), req)
