"""`vlbench describe` by its command line: a file of descriptions, and a key that is never shown."""

import json
from functools import partial
from pathlib import Path

import pytest
from chat_server import chat_server, error

KEY = "sk-secret-0123456789"


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with chat_server() as record:
        yield record


@pytest.fixture
def describe(server, monkeypatch, run):
    """Runs `vlbench describe tags.txt` with a key; the answer is (exit code, stdout, stderr)."""
    monkeypatch.setenv("MY_KEY", KEY)
    Path("tags.txt").write_text("aloe\nzebra\n")
    fixed = f"describe tags.txt --endpoint {server.url} --model small --api-key-env MY_KEY --count 1"
    return partial(run, *fixed.split())


def test_a_file_beside_the_tags_holds_their_descriptions(describe, server):
    server.script.append(error(429, "slow down", Retry_After="0"))
    code, out, err = describe("--temperature", "0.5", "--max-tokens", "20")
    assert (code, out) == (0, "")
    assert err == "tags.descriptions.json: 2 tags described, 0 there before\n"
    found = json.loads(Path("tags.descriptions.json").read_text())
    assert list(found) == ["aloe", "zebra"]
    assert found["zebra"][0] == "a photo of a zebra."
    assert len(found["zebra"]) == 6
    assert len(server.seen) == 11
    assert server.seen[0].authorization == f"Bearer {KEY}"
    assert (server.seen[0].body["temperature"], server.seen[0].body["max_tokens"]) == (0.5, 20)
    assert describe()[2] == "tags.descriptions.json: 0 tags described, 2 there before\n"


def test_a_refused_key_is_one_line_that_does_not_show_it(describe, server):
    server.script.append(error(401, f"Incorrect API key provided: {KEY}"))
    code, out, err = describe("--out", "d.json")
    assert (code, out) == (2, "")
    assert len(err.splitlines()) == 1
    assert (
        "401 (Incorrect API key provided: ***); the key of the environment variable MY_KEY is refused" in err
    )
    assert not Path("d.json").exists()


def test_an_interruption_says_where_the_finished_tags_are(describe, server, monkeypatch):
    from vlbench.tagging.chat import Chat

    answers = Chat.answers

    def interrupted(self, question, kept, keep):
        if "zebra" in question:
            raise KeyboardInterrupt
        return answers(self, question)

    monkeypatch.setattr(Chat, "answers", interrupted)
    code, _, err = describe("--out", "d.json")
    assert code == 130
    assert err == "vlbench: stopped; finished tags are in d.json, the same command goes on from there\n"
    assert list(json.loads(Path("d.json").read_text())) == ["aloe"]
