"""Chat completions from any endpoint with OpenAI's protocol, with retries. The key is never shown."""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from http.client import HTTPException, IncompleteRead
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit

from vlbench.core.errors import DataError, VlbenchError
from vlbench.core.json_text import parsed_json
from vlbench.core.web_answer import HIDDEN, LOST, Address, Pace, open_answer, read_whole, without_secrets

_PATH = "/chat/completions"
_FIRST_WAIT = 1.0
_LONGEST_WAIT = 60.0
_MOST_BYTES = 2**24
_QUOTED = 200
"""How many characters of an endpoint's own message an error quotes."""
_BAD_REQUEST, _KEY_REFUSED, _TOO_MANY = 400, (401, 403), 429


class EndpointError(VlbenchError):
    """An endpoint that refuses, fails, or returns something unexpected.

    `status` is the HTTP status, if any.
    """

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """An endpoint: `url` with or without /chat/completions, and how to call it; `timeout` is in seconds.

    `key` may be empty for servers that want none; `key_name` is the environment variable it came from.
    `timeout` bounds a whole answer. `retries` are made after 429, 5xx, a timeout, a lost connection or an
    answer cut short, each wait twice the one before.
    """

    url: str
    model: str
    key: str = field(default="", repr=False)
    key_name: str = "OPENAI_API_KEY"
    timeout: float = 60.0
    retries: int = 5

    def __post_init__(self) -> None:
        if not (self.key.isascii() and self.key.isprintable()):
            raise EndpointError(
                f"the environment variable {self.key_name} holds characters that no key has; set it anew"
            )

    @property
    def address(self) -> Address:
        """The address that is asked.

        Raises:
            EndpointError: it is not an http address.
        """
        try:
            parts = urlsplit(self.url)
            path = parts.path.rstrip("/")
            whole = parts._replace(path=path if path.endswith(_PATH) else path + _PATH)
            return Address.of(whole.geturl())
        except ValueError:
            shown = without_secrets(self.url)
            raise EndpointError(
                f"--endpoint {shown!r} is no http address; give one such as https://HOST/v1"
            ) from None


@dataclass(frozen=True, slots=True)
class Sampling:
    """The number of answers per question, and how they are sampled.

    The defaults are those of RAM++'s authors.
    """

    count: int = 10
    temperature: float = 0.99
    max_tokens: int = 77


@dataclass(slots=True)
class Chat:
    """Asks an endpoint. If a server gives fewer answers than asked for, or refuses several at once, it is
    asked again."""

    endpoint: Endpoint
    sampling: Sampling
    sleep: Callable[[float], None] = time.sleep
    at_once: int = field(init=False)
    """How many answers one request asks for."""

    def __post_init__(self) -> None:
        self.at_once = self.sampling.count

    def answers(
        self,
        question: str,
        kept: Sequence[str] = (),
        keep: Callable[[list[str]], object] = lambda _: None,
    ) -> list[str]:
        """`count` answers to a question, each on one line; `kept` are some that came before.

        `keep` is handed all that there are after each request.

        Raises:
            EndpointError: the endpoint refuses, cannot be reached, or returns something unexpected.
        """
        found = list(kept)
        while len(found) < self.sampling.count:
            wanted = min(self.at_once, self.sampling.count - len(found))
            try:
                texts = self._complete(question, wanted)
            except EndpointError as error:
                if error.status != _BAD_REQUEST or wanted == 1:
                    raise
                self.at_once = 1  # some servers take no n above 1
                continue
            if not any(texts):
                raise EndpointError(
                    f"{self.endpoint.address.shown} answers {question!r} with empty texts; raise "
                    "--max-tokens, or take a model that does not think aloud"
                )
            found += [text for text in texts if text]
            keep(found)
        return found[: self.sampling.count]

    def _complete(self, question: str, count: int) -> list[str]:
        body = {
            "model": self.endpoint.model,
            "messages": [{"role": "user", "content": question}],
            "temperature": self.sampling.temperature,
            "max_tokens": self.sampling.max_tokens,
            **({"n": count} if count > 1 else {}),
        }
        wait = _FIRST_WAIT
        for left in reversed(range(self.endpoint.retries + 1)):
            try:
                return _texts(_post(self.endpoint, body), self.endpoint)
            except HTTPError as error:
                with error:
                    if left == 0 or not (error.code == _TOO_MANY or error.code >= 500):
                        raise _refusal(error, self.endpoint) from None
                    self.sleep(_wait(error, wait))
            except (OSError, HTTPException) as error:
                reason = error.reason if isinstance(error, URLError) else error
                if left == 0 or not isinstance(reason, LOST):
                    raise _unreachable(reason, self.endpoint) from None
                self.sleep(wait)
            wait = min(2 * wait, _LONGEST_WAIT)
        raise AssertionError("the last try returns or raises")


def _post(endpoint: Endpoint, body: Mapping[str, object]) -> bytes:
    """The answer's body, whole and within the timeout, whose bytes may come as slowly as they like."""
    headers = {"Content-Type": "application/json", "Accept": "application/json", "User-Agent": "vlbench"}
    if endpoint.key:
        headers["Authorization"] = f"Bearer {endpoint.key}"
    request = endpoint.address.request(headers, json.dumps(body).encode())
    # no redirect is followed: a key must not reach another host
    with open_answer(request, Pace(endpoint.timeout), follow=False) as response:
        try:
            data = read_whole(response, _MOST_BYTES)
        except ValueError as error:
            raise EndpointError(f"{endpoint.address.shown} answers {error}; check --endpoint") from None
        # without a stated length, only the text says that it was cut short
        if data.lstrip().startswith(b"{") and not data.rstrip().endswith(b"}"):
            raise IncompleteRead(data)
    return data


def _texts(data: bytes, endpoint: Endpoint) -> list[str]:
    """What the choices of an answer say, each on one line; an empty one stays empty.

    One that holds half a character, which no file takes, counts as empty.
    """
    try:
        contents = [choice["message"]["content"] for choice in json.loads(data)["choices"]]
        if not contents:
            raise ValueError("no choices")
        return ["" if _is_torn(text) else text for text in (" ".join((c or "").split()) for c in contents)]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise EndpointError(
            f"{endpoint.address.shown} answers something else than a chat completion: "
            f"{_hidden(data.decode(errors='replace'), endpoint)!r}; check --endpoint (it often ends in /v1)"
        ) from error


def _is_torn(text: str) -> bool:
    return any("\ud800" <= letter <= "\udfff" for letter in text)


def _refusal(error: HTTPError, endpoint: Endpoint) -> EndpointError:
    body = ""
    with suppress(OSError, HTTPException):
        body = error.read(_MOST_BYTES).decode(errors="replace")
    try:
        said = _hidden(str(parsed_json(body)["error"]["message"]), endpoint)
    except (DataError, LookupError, TypeError):
        said = _hidden(body, endpoint)
    advice = "check --endpoint and --model"
    if error.code in _KEY_REFUSED:
        given = "is not set" if not endpoint.key else "is refused"
        advice = f"the key of the environment variable {endpoint.key_name} {given}"
    elif error.code == _TOO_MANY or error.code >= 500:
        advice = "try again later: finished tags are kept"
    return EndpointError(f"{endpoint.address.shown} answers {error.code} ({said}); {advice}", error.code)


def _unreachable(reason: str | BaseException, endpoint: Endpoint) -> EndpointError:
    said = _hidden(str(reason) or type(reason).__name__, endpoint)
    return EndpointError(
        f"{endpoint.address.shown}: {said}; check --endpoint, or raise --timeout ({endpoint.timeout:g} s) "
        "and --retries"
    )


def _wait(error: HTTPError, otherwise: float) -> float:
    """The seconds that the server asks to wait, within bounds; else `otherwise`."""
    stated = error.headers.get("Retry-After", "")
    return min(float(stated), _LONGEST_WAIT) if stated.isascii() and stated.isdigit() else otherwise


def _hidden(text: str, endpoint: Endpoint) -> str:
    """A piece of a server's text without the key and what else is secret, which some servers repeat."""
    for secret in filter(None, (endpoint.key, *endpoint.address.secrets)):
        text = text.replace(secret, HIDDEN)
    return " ".join(text.split())[:_QUOTED]
