"""Cells and small pictures of tables as HTML, made here because there are tens of thousands of them."""

import re
from html import escape

from markupsafe import Markup

from vlbench.report.site.values import Score, Standing
from vlbench.report.site.words import Span, fixed

_MARKS = re.compile(r"([-_@/])")


def cell(score: Score | None, digits: int = 3, *, marked: bool = False) -> Markup:
    """The table cell of a score, with its interval or note as tooltip; marked if the model saw the data.

    >>> cell(Score(0.5, 0.4, 0.6))
    Markup('<td class="number" title="0.400–0.600">0.500</td>')
    """
    if score is None or score.value is None:
        return Markup('<td class="number none">–</td>')
    said = escape(score.note)
    if score.low is not None and score.high is not None:
        said = f"{fixed(score.low, digits)}–{fixed(score.high, digits)}"
    title = f' title="{said}"' if said else ""
    mark = '<span class="mark">†</span>' if marked else ""
    return Markup(f'<td class="number"{title}>{fixed(score.value, digits)}{mark}</td>')  # noqa: S704


def breakable(name: str) -> Markup:
    """A name that may be broken into lines after its marks.

    >>> breakable("macro_f1@0.5")
    Markup('macro_<wbr>f1@<wbr>0.5')
    """
    return Markup(_MARKS.sub(r"\1<wbr>", escape(name)))  # noqa: S704


def bar(value: float | None) -> Markup:
    """The cell of a class or tag: its value on a bar of that length."""
    if value is None:
        return Markup('<td class="number none">–</td>')
    width = f"{100 * min(max(value, 0.0), 1.0):.1f}%"
    return Markup(f'<td class="number bar" style="--part:{width}">{fixed(value)}</td>')  # noqa: S704


def whisker(score: Score, axis: Span, among: Standing | None = None) -> Markup:
    """A score as a dot with its interval on an axis; with `among`, also the median and best of all rows."""
    parts = []
    if among is not None and among.median is not None and among.best is not None:
        parts.append(f'<s style="left:{axis.percent(among.median)}%"></s>')
        parts.append(f'<em style="left:{axis.percent(among.best)}%"></em>')
    if score.value is not None:
        if score.low is not None and score.high is not None:
            parts.append(f'<i style="left:{axis.percent(score.low)}%;right:{axis.rest(score.high)}%"></i>')
        parts.append(f'<b style="left:{axis.percent(score.value)}%"></b>')
    return Markup(f'<span class="whisker" aria-hidden="true">{"".join(parts)}</span>')  # noqa: S704
