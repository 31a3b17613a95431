"""What `vlbench show` prints."""

import textwrap
from collections.abc import Iterator, Mapping, Sequence

from vlbench.cards.facts import CollectionFacts, Facts, ModelFacts, Quoted, TaskFacts
from vlbench.core.published import PublishedScore
from vlbench.core.visible import visible
from vlbench.report.table import Table

INDENT = 16
WIDTH = 100
ELSEWHERE = frozenset({"title", "published", "sources", "data", "trained_on"})
"""Fields of a card that are printed elsewhere, or in another form."""
SCORES = 8
"""The number of published scores that are printed."""
SOURCE_WIDTH = 60
Part = str | tuple[str, str] | Table
"""A line, a field and its value, or a table."""


def lines(facts: Facts, width: int | None = None) -> Iterator[str]:
    """The facts, line by line, in the `width` of a terminal."""
    for part in _parts(facts):
        if isinstance(part, Table):
            yield textwrap.indent(part.text(ruled=False, width=width and width - 2), "  ")
        elif isinstance(part, tuple):
            yield _line(*part, width=min(width or WIDTH, WIDTH))
        else:
            yield part


def _parts(facts: Facts) -> Iterator[Part]:
    if isinstance(facts, ModelFacts):
        yield from _model_lines(facts)
    elif isinstance(facts, TaskFacts):
        yield from _task_lines(facts)
    elif isinstance(facts, CollectionFacts):
        yield from _collection_lines(facts)


def _task_lines(facts: TaskFacts) -> Iterator[Part]:
    yield visible(f"{facts.name}: {facts.card['title']}")
    yield "file", facts.file
    yield from _fields(facts.card, {"names": facts.names, "templates": facts.templates})
    if facts.collections:
        yield "collections", ", ".join(facts.collections)
    if facts.other_protocols:
        others = (f"{each.name} ({each.protocol}, {each.primary})" for each in facts.other_protocols)
        yield "also as", ", ".join(others)
    trained = facts.card.get("data")
    if isinstance(trained, list) and trained:
        yield "zero-shot", f"not for models trained on {', '.join(map(str, trained))}"
    on_hub = any("repo" in source.options for source in facts.data)
    fetched = f"`vlbench data get {facts.name}`, or --data-root" if on_hub else "pass --data-root"
    yield "data here", facts.here or f"no; {fetched}"
    yield from _published(facts.published, str(facts.card["primary"]), "model")
    yield "data, the first that is there:"
    for source in facts.data:
        yield visible(f"  {source.kind:<{INDENT}}{_pairs(source.options)}".rstrip())
        for place in source.places:
            yield visible(f"  {'':<{INDENT}}{'found' if place in source.found else 'not there'}: {place}")


def _model_lines(facts: ModelFacts) -> Iterator[Part]:
    yield visible(f"{facts.name}: {facts.card['title']}")
    yield "file", facts.file
    yield from _fields(facts.card, {})
    trained = facts.card.get("trained_on")
    known = ", ".join(map(str, trained)) if isinstance(trained, list) else "unknown"
    yield "trained on", known or "nothing that is published as a data set"
    absent = "no; pass --weights FILE, or name a model that it builds on"
    if facts.weights_sought:
        absent = f"no; the first run fetches them into {', '.join(facts.weights_sought)}"
    yield "weights here", facts.weights_here or absent
    if facts.install:
        yield "install", f"pip install '{facts.install}'"
    own = facts.card.get("published")
    if not facts.published and isinstance(own, list) and own:
        yield "published, as the card states it:"
        yield Table.of(own)
    else:
        yield from _published(facts.published, None, "task")


def _collection_lines(facts: CollectionFacts) -> Iterator[Part]:
    yield visible(f"{facts.name}: {facts.title}")
    yield "file", facts.file
    if facts.about:
        yield "about", facts.about
    if facts.source:
        yield "source", facts.source
    here = sum(each.here is not None for each in facts.tasks)
    yield "data here", f"of {here} of {len(facts.tasks)} tasks"
    rows = [
        {
            "task": each.name,
            "kind": each.kind,
            "protocol": each.protocol,
            "averaged": ", ".join(each.averaged) or "no",
            "share": f"{each.share:.4f}",
            "images": each.images,
            "texts": each.texts,
            "here": "yes" if each.here else "",
        }
        for each in facts.tasks
    ]
    yield Table.of(rows)


def _published(scores: Sequence[PublishedScore], primary: str | None, other: str) -> Iterator[Part]:
    """The highest scores of the primary metric, or else the first scores.

    Those of another protocol come last.
    """
    if not scores:
        yield "published", "nothing that vlbench knows of"
        return
    ordered = (
        sorted(scores, key=lambda score: (score.metric != primary, bool(score.differs), -score.value))
        if primary is not None
        else scores
    )
    differing = sum(bool(score.differs) for score in scores)
    yield (
        f"published: {len(scores)} scores"
        f"{f', {differing} of them by another protocol' if differing else ''}"
        f"{f'; the first {SCORES}, --json has all' if len(scores) > SCORES else ''}"
    )
    rows = [
        {
            other: getattr(score, other),
            "metric": score.metric,
            "value": score.printed,
            "source": textwrap.shorten(score.source, SOURCE_WIDTH, placeholder=" ..."),
            "differs": textwrap.shorten(score.differs, SOURCE_WIDTH, placeholder=" ..."),
        }
        for score in ordered[:SCORES]
    ]
    yield Table.of(rows)


def _fields(card: Mapping[str, object], quoted: Mapping[str, Quoted | None]) -> Iterator[Part]:
    for field, value in card.items():
        if value and field not in ELSEWHERE:
            text = _pairs(value) if isinstance(value, Mapping) else _plain(value)
            if (quote := quoted.get(field)) is not None:
                more = ", ..." if quote.count > len(quote.first) else ""
                text = f"{quote.count} in {quote.file}: {', '.join(quote.first)}{more}"
            yield field, text


def _line(field: str, text: str, width: int) -> str:
    """A field and its value, wrapped below the value. Long words (addresses, digests) are not split."""
    return textwrap.fill(
        visible(f"  {field:<{INDENT}}{text}", keep="\t\n"),  # blanks, when wrapped
        width=width,
        subsequent_indent=" " * (INDENT + 2),
        break_long_words=False,
        break_on_hyphens=False,
    )


def _plain(value: object) -> str:
    """A value on one line, in the flow style of YAML."""
    if isinstance(value, Mapping):
        return f"{{{_pairs(value)}}}"
    if isinstance(value, list):
        return ", ".join(_plain(item) for item in value)
    return str(value)


def _pairs(value: Mapping[str, object]) -> str:
    return ", ".join(f"{key}: {_plain(item)}" for key, item in value.items() if item is not None)
