"""Findings of a check as text for a terminal, Markdown, or JSON."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Literal

from vlbench.report.gate.check import Finding
from vlbench.report.table import Table, decimals

Form = Literal["text", "json", "markdown"]

_HEAD = ("", "model", "task", "metric", "baseline", "now", "change", "allowed", "what")


def findings_text(findings: Sequence[Finding], form: Form, width: int | None = None) -> str:
    """Findings in a form; without any, an empty text, or an empty list in JSON. `width` is the terminal's."""
    if form == "json":
        rows = [
            asdict(each) | {"change": each.change, "failed": each.failed, "warned": each.warned}
            for each in findings
        ]
        return json.dumps(rows, indent=1, ensure_ascii=False)
    if not findings:
        return ""
    lines = []
    for each in findings:
        state = "FAIL" if each.failed else "WARN" if each.warned else "ok"
        numbers = decimals(each.before), decimals(each.after), decimals(each.change, sign="+")
        allowed = decimals(each.allowed)
        lines.append([state, each.model, each.task, each.metric or "-", *numbers, allowed, each.message])
    table = Table(_HEAD, lines, right=_HEAD[4:8])
    return table.markdown() if form == "markdown" else table.text(width=width, keys=4)


def counts_line(findings: Sequence[Finding]) -> str:
    """How many findings there are of each verdict: `2 worse, 1 better, 4 within`; failures first."""
    ordered = sorted(findings, key=lambda finding: not finding.failed)
    verdicts = [finding.verdict for finding in ordered]
    return ", ".join(f"{verdicts.count(name)} {name}" for name in dict.fromkeys(verdicts)) or "nothing moved"
