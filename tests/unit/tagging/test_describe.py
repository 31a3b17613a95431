import json

import pytest
from chat_server import echo, error

from vlbench.cards.descriptions import read_descriptions
from vlbench.core.errors import DataError
from vlbench.tagging.chat import Chat, Endpoint, EndpointError, Sampling
from vlbench.tagging.describe import Described, describe, read_questions


@pytest.fixture
def tags(tmp_path):
    path = tmp_path / "tags.txt"
    path.write_text("guinea pig\naloe\n")
    return path


@pytest.fixture
def out(tmp_path):
    return tmp_path / "tags.json"


@pytest.fixture
def chat(server):
    return Chat(Endpoint(url=server.url, model="small", retries=0), Sampling(count=2), lambda wait: None)


def test_the_five_questions_are_the_published_ones():
    questions = read_questions()
    assert len(questions) == 5
    assert all(question.count("{}") == 1 for question in questions)
    assert questions[1] == "How can you identify a(n) {} concisely?"


def test_a_tag_has_its_name_in_a_sentence_and_count_answers_to_every_question(tags, out, chat):
    assert describe(tags, out, chat) == Described(asked=2, kept=0)
    found = read_descriptions(out)
    assert list(found) == ["guinea pig", "aloe"]
    assert found["aloe"][0] == "a photo of a aloe."
    assert found["aloe"][1:3] == tuple(
        f"Describe concisely what a(n) aloe looks like: answer {i}" for i in range(2)
    )
    assert len(found["aloe"]) == 1 + 5 * 2


def test_what_is_finished_is_written_before_the_next_tag_and_never_asked_again(tags, out, chat, server):
    server.script += [*[echo] * 5, error(500, "down")]
    with pytest.raises(EndpointError, match="500"):
        describe(tags, out, chat)
    first = read_descriptions(out)
    assert list(first) == ["guinea pig"]
    server.seen.clear()
    assert describe(tags, out, chat) == Described(asked=1, kept=1)
    assert {question_of(seen) for seen in server.seen} == {q.replace("{}", "aloe") for q in read_questions()}
    assert read_descriptions(out)["guinea pig"] == first["guinea pig"]
    server.seen.clear()
    before = out.stat()
    assert describe(tags, out, chat) == Described(asked=0, kept=2)
    assert (server.seen, out.stat()) == ([], before)


def test_a_file_in_the_authors_layout_goes_on_and_other_tags_in_it_stay(tags, out, chat):
    out.write_text(json.dumps([{"aloe": ["A plant."]}, {"zebra": ["An animal."]}]))
    assert describe(tags, out, chat) == Described(asked=1, kept=1)
    found = read_descriptions(out)
    assert (found["aloe"], found["zebra"]) == (("A plant.",), ("An animal.",))
    assert len(found["guinea pig"]) == 11


def test_an_interruption_loses_no_finished_tag(tags, out, chat, server):
    def interrupt(wait):
        raise KeyboardInterrupt

    server.script += [*[echo] * 6, error(503, "busy")]
    asked = Chat(Endpoint(url=server.url, model="small", retries=1), Sampling(count=2), interrupt)
    with pytest.raises(KeyboardInterrupt):
        describe(tags, out, asked)
    assert list(read_descriptions(out)) == ["guinea pig"]
    assert [path.name for path in out.parent.iterdir() if path.name.startswith(".")] == []


@pytest.mark.parametrize("at_once", [True, False])
def test_what_was_paid_for_is_kept_within_a_tag_and_a_question(tags, out, chat, server, at_once):
    """A server that gives one answer a request, or all of a question, and is down at the last one."""
    chat.at_once = 2 if at_once else 1
    paid = 9 if at_once else 19  # of ten questions with two answers each
    server.script += [*[echo] * paid, error(500, "down")]
    with pytest.raises(EndpointError, match="500"):
        describe(tags, out, chat)
    server.seen.clear()
    assert describe(tags, out, chat) == Described(asked=1, kept=1)
    assert len(server.seen) == 1
    assert len(read_descriptions(out)["aloe"]) == 11
    assert sorted(path.name for path in out.parent.iterdir()) == ["tags.json", "tags.txt"]


def test_nothing_is_asked_where_the_answers_could_not_be_kept(tags, tmp_path, chat, server):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="/file"):
        describe(tags, tmp_path / "file" / "tags.json", chat)
    assert server.seen == []


def test_a_damaged_file_is_not_written_over(tags, out, chat, server):
    out.write_text('{"aloe": ["A pl')
    with pytest.raises(DataError, match=r"tags\.json"):
        describe(tags, out, chat)
    assert out.read_text() == '{"aloe": ["A pl'
    assert server.seen == []


def question_of(seen):
    return seen.body["messages"][0]["content"]
