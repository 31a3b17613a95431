"""Prompts of learned contexts: the authors' token ids, and where the context goes among them."""

import json

import open_clip
import pytest
from parity_weights import FIXTURES, layout

from vlbench.models.coop.prompts import name_lengths, prompt_rows

COOP = FIXTURES / "coop"
CASES = {
    name: case for name, case in json.loads((COOP / "coop.json").read_text()).items() if "tokens" in case
}
NAMES = layout(COOP / "tiny_clip.weights.json")["meta"]["classnames"]
BEGIN, END, STOP, DOG = 49406, 49407, 269, 1929
TOKENIZER = open_clip.SimpleTokenizer()


def rows_of(names, n_ctx, position, first=None):
    first = first or [50000] * len(names)
    rows, lengths = prompt_rows(TOKENIZER, names, n_ctx=n_ctx, position=position, first=first)
    return [row[:length].tolist() for row, length in zip(rows, lengths.tolist(), strict=True)]


def test_the_fixtures_are_all_there():
    assert len(CASES) == 14


@pytest.mark.parametrize("case", sorted(CASES))
def test_the_authors_tokens_pooled_places_and_name_lengths(case):
    golden = CASES[case]
    n_ctx = golden["ctx_shape"][-2]
    rows, lengths = prompt_rows(TOKENIZER, NAMES, n_ctx=n_ctx, position="end", first=[50000] * len(NAMES))
    assert rows.shape == (len(NAMES), 77)
    for row, length, tokens in zip(rows.tolist(), lengths.tolist(), golden["tokens"], strict=True):
        context = list(range(50000, 50000 + n_ctx))
        assert row[:length] == [tokens[0], *context, *tokens[1 + n_ctx :]]
    assert (lengths - 1).tolist() == golden["eot_index"]
    spoken = [name.replace("_", " ") for name in NAMES]
    assert name_lengths(TOKENIZER, spoken).tolist() == golden["name_lens"]


@pytest.mark.parametrize(
    ("position", "expected"),
    [
        ("end", [BEGIN, 50000, 50001, 50002, DOG, STOP, END]),
        ("middle", [BEGIN, 50000, DOG, 50001, 50002, STOP, END]),
        ("front", [BEGIN, DOG, 50000, 50001, 50002, STOP, END]),
    ],
)
def test_an_odd_context_around_a_name(position, expected):
    assert rows_of(["dog"], 3, position) == [expected]


def test_each_class_has_the_ids_it_is_given():
    cat = TOKENIZER(["cat"])[0, 1].item()
    assert rows_of(["dog", "cat"], 2, "middle", first=[60000, 60002]) == [
        [BEGIN, 60000, DOG, 60001, STOP, END],
        [BEGIN, 60002, cat, 60003, STOP, END],
    ]


def test_a_name_that_merges_with_the_full_stop_is_cut_as_upstream_cuts_it():
    """`etc.` is two tokens, `etc..` as well: the name takes the merged one, and no stop is left behind."""
    etc, stop = TOKENIZER(["etc."])[0, 1:3].tolist()
    merged = TOKENIZER(["etc.."])[0, 2].item()
    assert stop == STOP != merged
    assert rows_of(["etc."], 2, "middle") == [[BEGIN, 50000, etc, merged, 50001, END]]
    assert rows_of(["etc."], 2, "end") == [[BEGIN, 50000, 50001, etc, merged, END]]


@pytest.mark.parametrize("position", ["end", "middle", "front"])
def test_a_name_that_is_too_long_is_cut_and_still_ends(position):
    (row,) = rows_of(["dog " * 100], 4, position)
    assert len(row) == 77
    assert row[-1] == END
    assert row.count(DOG) == 77 - 4 - 2
    assert [token for token in row if token >= 50000] == [50000, 50001, 50002, 50003]
