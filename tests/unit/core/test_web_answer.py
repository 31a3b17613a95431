import time
from email.message import Message
from http.client import IncompleteRead
from io import BytesIO
from urllib.request import Request

import pytest

from vlbench.core.errors import DataError
from vlbench.core.web_answer import Address, Pace, _Redirects, read_whole, without_secrets


@pytest.mark.parametrize(
    ("text", "url", "shown", "login"),
    [
        ("http://a/v1", "http://a/v1", "http://a/v1", ""),
        ("https://me:w%20d@A.b:8/x?k=1#f", "https://a.b:8/x?k=1", "https://a.b:8/x?***", "me:w d"),
        ("http://a@b@host/x", "http://host/x", "http://host/x", "a@b"),
        ("http://[::1]:80/\u00e9?\u00fc", "http://[::1]:80/%C3%A9?%C3%BC", "http://[::1]:80/%C3%A9?***", ""),
        ("http://b\u00fccher.de", "http://xn--bcher-kva.de", "http://xn--bcher-kva.de", ""),
    ],
)  # fmt: skip
def test_an_address_is_asked_in_ascii_and_shown_without_secrets(text, url, shown, login):
    found = Address.of(text)
    assert (found.url, found.shown, found.login) == (url, shown, login)
    assert not found.login or found.login not in repr(found)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "a",
            "ftp://a",
            "file:///a",
            "http://",
            "http://a b",
            "http://a:0",
            "http://a:99999",
            "http://[",
        ),
        *("http://a\n", f"http://{'a' * 300}", "http://a..b", "//a/b", "http://a\x00b", "http://\udc80"),
    ],
)
def test_what_is_no_http_address_is_refused_unshown(text):
    with pytest.raises(ValueError, match=r"^no http address$"):
        Address.of(text)


def test_a_broken_address_is_shown_without_what_may_be_secret():
    assert without_secrets("http//me:word@host/v1?key=1") == "***@host/v1?***"
    assert without_secrets("host:8/v1") == "host:8/v1"


@pytest.mark.slow
def test_a_pace_for_all_ends_and_one_for_each_stretch_goes_on_while_enough_comes():
    whole, stretches = Pace(0.05), Pace(0.05, least=10)
    for _ in range(3):
        stretches.note(10)
        time.sleep(0.06)
        assert 0 < stretches.left() <= 0.05
    with pytest.raises(TimeoutError, match=r"^timed out$"):
        whole.left()
    stretches.note(9)
    time.sleep(0.06)
    with pytest.raises(TimeoutError, match=r"fewer than 10 bytes came in 0\.05 s"):
        stretches.left()


def test_a_body_that_is_cut_short_or_too_long_is_none():
    assert read_whole(BytesIO(b"12345"), 5) == b"12345"
    with pytest.raises(ValueError, match="more than 4 bytes"):
        read_whole(BytesIO(b"12345"), 4)

    class Short(BytesIO):
        length = 2

    with pytest.raises(IncompleteRead):
        read_whole(Short(b"12345"), 9)


def followed(to, *, asked="https://hub.example/a"):
    request = Request(asked, headers={"Authorization": "Bearer secret", "Range": "bytes=5-"})
    return _Redirects().redirect_request(request, None, 302, "Found", Message(), to)


@pytest.mark.parametrize(
    ("to", "token"),
    [
        ("https://store.example/a", None),
        ("https://hub.example/b", "Bearer secret"),
        ("http://hub.example/b", None),
        ("https://hub.example:444/b", None),
    ],
)
def test_a_token_goes_to_no_other_host_and_never_in_clear(to, token):
    following = followed(to)
    assert following.get_header("Authorization") == token
    assert following.get_header("Range") == "bytes=5-"


@pytest.mark.parametrize(
    "to", ["ftp://hub.example/a", "file:///etc/passwd", "data:,x", "gopher://a", "http://"]
)
def test_a_redirect_to_no_http_address_is_refused(to):
    headers = Message()
    headers["Location"] = to
    said = rf"hub\.example/a: the server redirects to '{to.partition(':')[0]}' and not to an http address"
    with pytest.raises(DataError, match=said):
        _Redirects().http_error_307(Request("https://hub.example/a"), BytesIO(), 307, "Moved", headers)
