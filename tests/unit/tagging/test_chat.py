import base64
import json
import socket
import threading
import time
from dataclasses import replace

import pytest
from chat_server import Reply, choices, error

from vlbench.tagging.chat import Chat, Endpoint, EndpointError, Sampling

KEY = "sk-0123456789abcdef"


@pytest.fixture
def chat(server):
    """Chats with the server; waits are noted instead of waited."""

    def make(count=2, **endpoint):
        waits = []
        fields = {"url": server.url, "model": "small", "key": KEY, "retries": 2} | endpoint
        made = Chat(Endpoint(**fields), Sampling(count=count), waits.append)
        return made, waits

    return make


def refused(chat):
    with pytest.raises(EndpointError) as caught:
        chat.answers("What?")
    said = str(caught.value)
    assert len(said.splitlines()) == 1
    assert KEY not in said
    return said


def test_a_question_is_asked_as_the_protocol_has_it(chat, server):
    asked, waits = chat(count=2)
    assert asked.answers("What is a dog?") == ["What is a dog? answer 0", "What is a dog? answer 1"]
    (seen,) = server.seen
    assert (seen.path, seen.authorization) == ("/v1/chat/completions", f"Bearer {KEY}")
    assert seen.body == {
        "model": "small",
        "messages": [{"role": "user", "content": "What is a dog?"}],
        "temperature": 0.99,
        "max_tokens": 77,
        "n": 2,
    }
    assert waits == []


def test_without_a_key_none_is_sent_and_one_answer_asks_for_no_number(chat, server):
    chat(count=1, key="", url=f"{server.url}/chat/completions?version=2")[0].answers("What?")
    (seen,) = server.seen
    assert (seen.path, seen.authorization) == ("/v1/chat/completions?version=2", None)
    assert "n" not in seen.body


def test_a_server_in_trouble_is_asked_again_after_longer_and_longer_waits(chat, server):
    server.script += [error(429, "slow down"), error(503, "busy")]
    asked, waits = chat()
    assert len(asked.answers("What?")) == 2
    assert waits == [1.0, 2.0]


def test_a_server_that_says_how_long_is_believed_within_bounds(chat, server):
    server.script += [error(429, "", Retry_After="7"), error(429, "", Retry_After="9999")]
    asked, waits = chat()
    asked.answers("What?")
    assert waits == [7.0, 60.0]


def test_after_the_last_retry_the_servers_words_are_passed_on_without_the_key(chat, server):
    server.script += [error(429, f"no quota for {KEY}")] * 3
    asked, waits = chat()
    assert "answers 429 (no quota for ***); try again later: finished tags are kept" in refused(asked)
    assert (len(server.seen), len(waits)) == (3, 2)


@pytest.mark.parametrize(("key", "state"), [(KEY, "is refused"), ("", "is not set")])
def test_a_wrong_key_is_said_at_once_by_the_name_of_its_variable(chat, server, key, state):
    server.script.append(error(401, "wrong key"))
    asked, waits = chat(key=key, key_name="MY_KEY")
    assert f"401 (wrong key); the key of the environment variable MY_KEY {state}" in refused(asked)
    assert (len(server.seen), waits) == (1, [])


@pytest.mark.parametrize(
    "body",
    ["<html>hello</html>", "[]", "{}", '{"choices": []}', '{"choices": [{"text": "a"}]}', '{"choices": [1]}'],
)
def test_an_answer_of_another_protocol_is_refused(chat, server, body):
    server.script.append(Reply(body=body))
    asked, waits = chat()
    assert "answers something else than a chat completion: " in refused(asked)
    assert waits == []


def test_a_server_that_answers_less_than_asked_is_asked_for_the_rest(chat, server):
    server.script += [choices("one"), choices("two", None), choices("three", "four")]
    assert chat(count=4)[0].answers("What?") == ["one", "two", "three", "four"]
    assert [seen.body.get("n") for seen in server.seen] == [4, 3, 2]


def test_a_server_that_takes_one_at_a_time_is_asked_one_at_a_time_from_then_on(chat, server):
    server.script.append(error(400, "n must be 1"))
    asked, _ = chat(count=2)
    assert len(asked.answers("What?")) == 2
    assert len(asked.answers("How?")) == 2
    assert [seen.body.get("n") for seen in server.seen] == [2, None, None, None, None]


def test_a_request_that_stays_bad_is_refused(chat, server):
    server.script += [error(400, "no such field")] * 2
    assert "answers 400 (no such field); check --endpoint and --model" in refused(chat()[0])


def test_empty_answers_alone_are_refused(chat, server):
    server.script.append(choices("", None, " \n"))
    assert "with empty texts; raise --max-tokens" in refused(chat()[0])


def test_a_redirect_is_not_followed_so_that_the_key_stays_here(chat, server):
    server.script.append(Reply(302, "moved", {"Location": f"{server.url}/elsewhere"}))
    assert "answers 302 (moved)" in refused(chat()[0])
    assert len(server.seen) == 1


def test_a_server_too_slow_is_asked_again_then_named(chat, server):
    release = threading.Event()

    def late(seen):
        release.wait(10)
        return choices("late")

    server.script += [late, late]
    asked, waits = chat(timeout=0.05, retries=1)
    said = refused(asked)
    release.set()
    assert "timed out; check --endpoint, or raise --timeout (0.05 s)" in said
    assert waits == [1.0]


@pytest.mark.slow
@pytest.mark.parametrize("where", ["body", "head", "refusal"])
def test_a_byte_now_and_then_is_no_answer_within_the_timeout(chat, server, where):
    whole = choices("one", "two")
    slow = {
        "body": replace(whole, pause=0.02),
        "head": Reply(head=b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 10_000, pause=0.02),
        "refusal": replace(error(404, "no such model"), pause=0.02),
    }[where]
    server.script += [slow, slow]
    asked, waits = chat(timeout=0.3, retries=1)
    start = time.monotonic()
    said = refused(asked)
    assert time.monotonic() - start < 3
    if where == "refusal":
        assert "answers 404" in said
    else:
        assert "timed out; check --endpoint, or raise --timeout (0.3 s)" in said
        assert waits == [1.0]


@pytest.mark.parametrize(("cut", "length"), [(0, True), (5, True), (-1, True), (5, False), (-1, False)])
def test_an_answer_cut_short_is_asked_for_again(chat, server, cut, length):
    server.script.append(replace(choices("one", "two"), cut=cut, length=length))
    asked, waits = chat()
    assert len(asked.answers("What?")) == 2
    assert (len(server.seen), waits) == (2, [1.0])


def test_an_answer_without_end_is_refused(chat, server, monkeypatch):
    monkeypatch.setattr("vlbench.tagging.chat._MOST_BYTES", 1000)
    server.script.append(choices("long " * 1000))
    assert "answers more than 1,000 bytes; check --endpoint" in refused(chat()[0])


@pytest.mark.parametrize("body", ["[" * 100_000, '{"choices": ' * 20_000 + "}"])
def test_an_answer_nested_too_deeply_is_none(chat, server, body):
    server.script.append(Reply(body=body))
    assert "answers something else than a chat completion" in refused(chat()[0])
    server.script.append(Reply(404, body=body))
    assert "answers 404" in refused(chat()[0])


def test_half_a_character_is_no_answer(chat, server):
    body = '{"choices": [{"message": {"content": "a \\ud83d"}}, {"message": {"content": "b"}}]}'
    server.script.append(Reply(body=body))
    assert chat(count=2)[0].answers("What?") == ["b", "What? answer 0"]


SECRET = "pa55word"


def secret_of(server, place="v1"):
    return server.url.replace("://", f"://user:{SECRET}@").replace("v1", f"{place}?key={SECRET}x&version=2")


@pytest.mark.parametrize(
    "reply", [error(404, f"no {SECRET} or {SECRET}x"), error(500, "busy"), Reply(body="x")]
)
def test_a_login_and_a_query_are_sent_and_never_shown(chat, server, reply):
    server.script += [reply] * 3
    said = refused(chat(url=secret_of(server), key="")[0])
    assert SECRET not in said
    assert "/v1/chat/completions?***" in said
    seen = server.seen[0]
    assert seen.path == f"/v1/chat/completions?key={SECRET}x&version=2"
    assert seen.authorization == f"Basic {base64.b64encode(f'user:{SECRET}'.encode()).decode()}"


def test_a_login_gives_way_to_a_key(chat, server):
    chat(url=secret_of(server))[0].answers("What?")
    assert server.seen[0].authorization == f"Bearer {KEY}"


@pytest.mark.parametrize(
    "url",
    [
        f"http//user:{SECRET}@host/v1",
        f"http://user:{SECRET}@host:x/v1?key={SECRET}",
        f"ftp://user:{SECRET}@host",
        f"http://{'a' * 300}/v1?key={SECRET}",
        f"http://user:{SECRET} @host/v1",
        f"http://user:{SECRET}@ho\udc80st/v1",
    ],
)
def test_a_wrong_address_is_refused_without_its_secrets(chat, url):
    said = refused(chat(url=url)[0])
    assert "is no http address" in said
    assert SECRET not in said


def test_letters_beyond_ascii_are_sent_as_the_web_has_them(chat, server):
    chat(url=server.url.replace("/v1", "/\u00e9 b/v1").replace(" ", "%20"))[0].answers("What?")
    assert server.seen[0].path == "/%C3%A9%20b/v1/chat/completions"
    asked, _ = chat(url="http://b\u00fccher.invalid/v1", retries=0)
    assert refused(asked).startswith("http://xn--bcher-kva.invalid/v1/chat/completions: ")


def test_nobody_at_the_address_is_said_at_once(chat, server):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        asked, waits = chat(url=f"http://127.0.0.1:{port}")
        assert f"http://127.0.0.1:{port}/chat/completions: " in refused(asked)
    assert waits == []


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "localhost:8080", "http://", "http://[", "http://a:b/", "http://a b/"]
)
def test_an_address_that_is_none_is_refused(chat, url):
    assert "is no http address" in refused(chat(url=url)[0])


def test_a_key_that_cannot_be_one_is_refused_unshown():
    with pytest.raises(EndpointError, match="MY_KEY holds characters that no key has"):
        Endpoint(url="http://a", model="m", key="sk\nbad", key_name="MY_KEY")
    assert KEY not in repr(Endpoint(url="http://a", model="m", key=KEY))


def test_what_a_server_says_is_cut_short(chat, server):
    server.script.append(Reply(404, json.dumps({"error": {"message": "long " * 1000}})))
    assert len(refused(chat()[0])) < 400
