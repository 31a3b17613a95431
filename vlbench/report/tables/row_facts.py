"""Facts about the models of a leaderboard row, shown with its scores and averages."""

from collections.abc import Iterable, Sequence

from vlbench.core.result import Result, ZeroShot

CARD_FACTS = ("family", "parameters", "gflops", "image_size", "licence")
ROW_FACTS = (*CARD_FACTS, "zero_shot")
"""The last columns of `leaderboard.csv`, which are facts about the row's models."""


def row_facts(results: Sequence[Result]) -> dict[str, object]:
    """The facts of a row; empty where its results state none."""
    facts: dict[str, object] = {name: _first(each.facts.get(name) for each in results) for name in CARD_FACTS}
    return {**facts, "zero_shot": zero_shot_of(results)}


def zero_shot_of(results: Sequence[Result]) -> ZeroShot:
    """Whether a row is zero-shot on all of its tasks: "no" if one is not, else "unknown" if one is
    unknown."""
    stated = {each.zero_shot for each in results}
    if "no" in stated:
        return "no"
    return "yes" if stated == {"yes"} else "unknown"


def _first(values: Iterable[object]) -> object:
    return next((value for value in values if value not in (None, "")), "")
