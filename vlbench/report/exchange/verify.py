"""Compares results with published scores: reproduced, off by how much, or not comparable and why."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from vlbench.core.digest import digest_of
from vlbench.core.measurement import Measurement
from vlbench.core.published import CardProtocol, PublishedScore
from vlbench.core.result import Result
from vlbench.report.task_name import data_set_of

TOLERANCE = 0.002
"""How much a result may differ from a published value, as a fraction, whatever its interval: other kernels,
image decoders and half precision change as much."""

Verdict = Literal["reproduced", "off", "undecided", "not comparable"]
_SLACK = 1e-9
"""Allowance for binary fractions: 0.634 + 0.0005 is not exactly 0.6345."""
_LEAST_DIGITS, _MOST_DIGITS = 3, 4


@dataclass(frozen=True, slots=True)
class Cards:
    """What cards state: the protocols of tasks, and the SHA-256 of the published weights of models."""

    protocols: Mapping[str, CardProtocol] = field(default_factory=dict)
    weights: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PublishedComparison:
    """A published score, and the result compared with it.

    `value` is the result's, None where it has none; `difference` is value - published. `reason` tells why the
    two are not comparable, or undecided. `stale` tells how the result's protocol differs from its card.
    """

    model: str
    task: str
    metric: str
    published: PublishedScore
    verdict: Verdict
    value: float | None = None
    ci_low: float | None = None
    ci_high: float | None = None
    difference: float | None = None
    reason: str = ""
    stale: bool = False

    @property
    def judgement(self) -> str:
        """The verdict in words: `reproduced`, `off by +0.012`, `not comparable: templates: ...`."""
        if self.verdict == "off" and self.difference is not None:
            digits = min(max(self.published.digits, _LEAST_DIGITS), _MOST_DIGITS)
            return f"off by {self.difference:+.{digits}f}"
        return f"{self.verdict}: {self.reason}" if self.reason else self.verdict


def card_models(model: str) -> tuple[str, ...]:
    """The names under which a model may be published: its own, and those without marks.

    >>> card_models("clip-b32@12ab34+bf16+probe@4~3fa2c1.s1")[1:]
    ('clip-b32@12ab34', 'clip-b32')
    """
    unmarked = model.split("+", maxsplit=1)[0]
    return tuple(dict.fromkeys([model, unmarked, unmarked.split("@", maxsplit=1)[0]]))


def compare(
    results: Iterable[Result],
    published: Iterable[PublishedScore],
    cards: Cards,
    *,
    tolerance: float = TOLERANCE,
) -> list[PublishedComparison]:
    """Compare each result with every published score of its model on its data set.

    A score is reproduced if it differs from the result's value by at most the tolerance, or half a unit of
    its last digit if that is larger. It is undecided if it differs by more and the values that round to it
    overlap the result's 95 % interval: there are too few images to tell. Sorted by task, model, metric and
    source.
    """
    by_name: dict[tuple[str, str], list[PublishedScore]] = {}
    for score in published:
        by_name.setdefault((score.model, data_set_of(score.task)), []).append(score)
    found = []
    for result in results:
        names = dict.fromkeys([*card_models(result.model), *card_models(result.replicate_of)])
        for name in filter(None, names):
            scores = by_name.get((name, data_set_of(result.task)), ())
            found += [_compared(result, score, cards, tolerance) for score in scores]
    return sorted(
        found,
        key=lambda each: (
            *(each.task, each.model, each.metric, each.published.task != each.task),
            *(each.published.source, each.published.notes),
        ),
    )


def unreproduced(comparisons: Iterable[PublishedComparison]) -> list[PublishedComparison]:
    """Scores that are off, undecided or compared with a stale result, if no source of them is reproduced.

    Sources that contradict one another cannot all be reproduced, so one is enough. An imported score does not
    count: it may be an export of the result itself.
    """
    groups: dict[tuple[str, str, str], list[PublishedComparison]] = {}
    for each in comparisons:
        groups.setdefault((each.model, each.task, each.metric), []).append(each)
    return [
        each
        for group in groups.values()
        if not any(other.verdict == "reproduced" and not other.published.imported for other in group)
        for each in group
        if each.verdict in ("off", "undecided") or each.stale
    ]


def _compared(result: Result, score: PublishedScore, cards: Cards, tolerance: float) -> PublishedComparison:
    value = next((each for each in result.metrics if each.metric == score.metric), None)
    reason = _why_not(result, score, cards)
    stale = bool(reason) and reason == _stale(result, cards)
    names = (result.model, result.task, score.metric, score)
    if value is None or value.value is None:
        missing = "is not among the result's" if value is None else "could not be measured"
        why = reason or f"metric: {score.metric} {missing}"
        return PublishedComparison(*names, "not comparable", reason=why, stale=stale)
    verdict: Verdict = "not comparable"
    if not reason:
        verdict, reason = _judged(result, value, score, tolerance)
    difference = value.value - score.value
    measured = (value.value, value.ci_low, value.ci_high, difference)
    return PublishedComparison(*names, verdict, *measured, reason, stale)


def _judged(
    result: Result, value: Measurement, score: PublishedScore, tolerance: float
) -> tuple[Verdict, str]:
    """The verdict on two comparable values, and its reason."""
    half = 0.5 * 10.0**-score.digits + _SLACK  # of the last printed digit: what rounding may have hidden
    difference = (value.value or 0.0) - score.value
    if abs(difference) <= max(tolerance + _SLACK, half):
        return "reproduced", ""
    low, high = value.ci_low, value.ci_high
    if low is not None and high is not None and low - half <= score.value <= high + half:
        return "undecided", f"{difference:+.4f}, within its interval, too few images ({value.n:,}) to tell"
    reason = _arithmetic(result, difference)
    return ("not comparable", reason) if reason else ("off", "")


def _why_not(result: Result, score: PublishedScore, cards: Cards) -> str:
    """Why a result and a score are not comparable, whatever their values; empty if they are."""
    if score.differs:
        return score.differs
    if result.partial:
        return f"partial result: {result.partial}"
    if result.method:
        return f"method: {result.method}, and the score is the model's own"
    named = {name.split("+", maxsplit=1)[0] for name in (result.model, result.replicate_of)}
    if score.model not in named and cards.weights.get(score.model) not in result.weights.values():
        return "weights: a file of the user's own"
    card, *marks = result.task.split("+")
    if marks:
        return f"{marks[0].partition('@')[0]}: of the user's own"
    stale = _stale(result, cards)
    if stale or score.task == card:
        return stale
    mine = cards.protocols.get(card)
    theirs = cards.protocols.get(score.task)
    if mine is None or theirs is None:
        return f"protocol: the score's is {score.task}"
    return theirs.difference(mine)


def _stale(result: Result, cards: Cards) -> str:
    """How a result's protocol differs from its card; empty if it does not, or there is no card."""
    card = cards.protocols.get(result.task.split("+", maxsplit=1)[0])
    if card is None:
        return ""
    if result.protocol != card.protocol:
        return f"protocol: the result's is {result.protocol}, the card's {card.protocol}; run it again"
    if card.texts is not None and result.n_texts != card.texts:
        return f"names: {result.n_texts:,} in the result, {card.texts:,} on the card; run it again"
    templates = result.protocol_statement.get("templates")
    told = card.templates is not None and isinstance(templates, Sequence)
    if told and digest_of(templates) != digest_of(card.templates):
        return "templates: the result's are not the card's; run it again"
    return _other_digest(result, card)


def _other_digest(result: Result, card: CardProtocol) -> str:
    """The field in which a result's protocol differs from its card by digest; empty if none does."""
    statement = result.protocol_statement
    # what the card leaves to its data is the result's own: descriptions, captions (no texts of a protocol)
    left = {name: statement[name] for name in ("templates", "descriptions") if name in statement}
    if statement.get("texts") == 0:
        left["texts"] = []
    if "images" not in card.fields and "data" in statement:
        left["data"] = statement["data"]
    covered = {**left, **card.covered}
    if "descriptions" in left:
        covered["templates"] = left.get("templates", [])
    told = {"kind", "texts", "templates"} <= covered.keys()
    if not told or digest_of(covered) == result.protocol_digest:
        return ""
    for name in ("kind", "primary", "ties", "settings"):
        mine, its = statement.get(name), covered.get(name)
        if name in statement and mine != its:
            return f"{name}: {_shown(mine)} in the result, {_shown(its)} on the card; run it again"
    return "protocol digest: not that of the card, which has other names or ids; run it again"


def _shown(stated: object) -> str:
    """A field of a protocol on one line."""
    if isinstance(stated, Mapping):
        return ", ".join(f"{key}={stated[key]}" for key in sorted(stated)) or "none"
    return "none" if stated is None else str(stated)


def _arithmetic(result: Result, difference: float) -> str:
    """The arithmetic setting that may explain a difference; empty if all are exact."""
    plain = {"precision": "fp32", "preprocess": "exact"}
    for name, default in plain.items():
        setting = result.settings.get(name, default)
        if setting != default:
            return f"{name}: {setting}, not {default} ({difference:+.4f})"
    return ""
