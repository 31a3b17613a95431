"""What moved against a baseline, as a table for people, Markdown for a summary, or JSON."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Literal

from vlbench.report.gate.check import Finding

Form = Literal["text", "json", "markdown"]
FORMS: tuple[Form, ...] = ("text", "json", "markdown")

_COLUMNS: Mapping[str, Callable[[Finding], str]] = {
    "": lambda finding: "FAIL" if finding.failed else "WARN" if finding.warned else "ok",
    "model": lambda finding: finding.model,
    "task": lambda finding: finding.task,
    "metric": lambda finding: finding.metric or "-",
    "baseline": lambda finding: _number(finding.before),
    "now": lambda finding: _number(finding.after),
    "change": lambda finding: _number(finding.change, sign="+"),
    "allowed": lambda finding: _number(finding.allowed),
    "what": lambda finding: finding.message,
}


def findings_text(findings: Sequence[Finding], form: Form) -> str:
    """Findings in a form; empty text where there are none, an empty list in JSON."""
    if form == "json":
        rows = [
            asdict(each) | {"change": each.change, "failed": each.failed, "warned": each.warned}
            for each in findings
        ]
        return json.dumps(rows, indent=1, ensure_ascii=False)
    if not findings:
        return ""
    return _markdown(findings) if form == "markdown" else _table(findings)


def counts_line(findings: Sequence[Finding]) -> str:
    """How many findings there are of each verdict: `2 worse, 1 better, 4 within`; failures first."""
    ordered = sorted(findings, key=lambda finding: not finding.failed)
    verdicts = [finding.verdict for finding in ordered]
    return ", ".join(f"{verdicts.count(name)} {name}" for name in dict.fromkeys(verdicts)) or "nothing moved"


def _table(findings: Sequence[Finding]) -> str:
    """Columns as wide as their cells, numbers to the right; failing rows begin with FAIL."""
    rows = [[*_COLUMNS], *([say(finding) for say in _COLUMNS.values()] for finding in findings)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_COLUMNS))]
    rows.insert(1, ["-" * width for width in widths])
    numbers = [name in ("baseline", "now", "change", "allowed") for name in _COLUMNS]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(row, widths, numbers, strict=True)
        ).rstrip()
        for row in rows
    )


def _markdown(findings: Sequence[Finding]) -> str:
    lines = ["| " + " | ".join(_COLUMNS) + " |", "|---" * len(_COLUMNS) + "|"]
    for finding in findings:
        cells = (say(finding).replace("|", "\\|") for say in _COLUMNS.values())
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _number(value: float | None, *, sign: str = "") -> str:
    return "-" if value is None else f"{value:{sign}.4f}"
