"""What `vlbench data` prints: a check of one task in full, of several as a table, and a download plan."""

from collections.abc import Iterator, Mapping, Sequence

from vlbench.acquiring.check import DataCheck
from vlbench.acquiring.get import Plan
from vlbench.report.table import Table

INDENT = 14
MOST_NAMES = 12
"""Of own data, so many names are printed; JSON has all."""
STATES = {"fits": "fits its card", "differs": "differs from its card", "missing": "no data"}


def check_lines(check: DataCheck) -> Iterator[str]:
    """A check in full: the sources that were tried, the counts, and what differs."""
    yield f"{check.task}: {check.title}{f' ({check.protocol})' if check.protocol else ''}"
    for passed in check.passed_over:
        yield _line(passed.kind, f"passed over: {passed.looked}")
    if check.used is not None:
        yield _line(check.used.kind, f"used: {check.used.name}")
        yield _line("", f"revision {check.used.revision}")
    for count in check.counts:
        expected = "" if count.expected is None else f", {count.expected:,} expected"
        lacking = count.with_images is not None and count.with_images < count.found
        shown = f", {count.with_images:,} of them have images" if lacking else ""
        yield _line(count.what, f"{count.found:,}{expected}{shown}")
    if check.counts:
        yield _line("opened", f"{check.opened:,} images")
    for what, text in check.read.items():
        yield _line("read" if what == "data" else what, text)
    if check.names:
        more = len(check.names) - MOST_NAMES
        told = ", ".join(check.names[:MOST_NAMES]) + (f" and {more:,} more" if more > 0 else "")
        yield _line("names", told)
    for note in check.notes:
        yield _line("note", note)
    for difference in check.differs:
        yield _line("differs", difference)
    yield _line("answer", STATES[check.state])
    if check.state == "missing":
        for advice in dict.fromkeys(passed.advice for passed in check.passed_over):
            yield _line("", advice)
        if any("repo" in passed.options for passed in check.passed_over):
            yield _line("", f"`vlbench data get {check.task}` fetches what lies on the hub")


def checks_table(checks: Sequence[DataCheck], width: int | None = None) -> str:
    """Checks of several tasks, one row each, and how many of them match."""
    rows = [_row(check) for check in checks]
    states = [check.state for check in checks]
    summary = ", ".join(f"{states.count(state)} {state}" for state in STATES if state in states)
    return f"{Table.of(rows).text(ruled=False, width=width)}\n\n{len(checks)} tasks: {summary}"


def plans_lines(plans: Sequence[Plan]) -> Iterator[str]:
    """The files of plans with their sizes, and which of them are to be fetched."""
    for plan in plans:
        yield f"{plan.task}: {plan.listing.repo}@{plan.listing.commit} into {plan.destination}"
        for each in plan.files:
            yield _sized(each.file.size, f"{each.file.name}{'  (here)' if each.here else ''}")
        yield _sized(plan.missing_bytes, f"bytes to fetch, of {plan.bytes:,}")
    if len(plans) > 1:
        yield "all together:"
        yield _sized(sum(plan.missing_bytes for plan in plans), "bytes to fetch")


def _sized(size: int, text: str) -> str:
    return f"  {size:>17,}  {text}"


def _line(label: str, text: str) -> str:
    return f"  {label:<{INDENT}}{text}"


def _row(check: DataCheck) -> Mapping[str, str | int | None]:
    images = next((count.found for count in check.counts if count.what == "images"), None)
    texts = next((count.found for count in check.counts if count.what != "images"), None)
    looked = "; ".join(passed.looked for passed in check.passed_over[:1])
    return {
        "task": check.task,
        "data": check.state,
        "source": check.used.name if check.used is not None else None,
        "images": images,
        "texts": texts,
        "says": "; ".join(check.differs) or "; ".join(check.notes) or looked,
    }
