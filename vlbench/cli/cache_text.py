"""What `vlbench cache` prints."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from vlbench.report.table import Table

if TYPE_CHECKING:
    from vlbench.engine.cache.contents import Portion
    from vlbench.engine.cache.prune import Pruned

_KB = 1000


def size_text(size: float) -> str:
    """Bytes for people.

    >>> size_text(999), size_text(1_234_567), size_text(5e12)
    ('999 B', '1.2 MB', '5,000.0 GB')
    """
    if size < _KB:
        return f"{size:.0f} B"
    for unit in ("kB", "MB"):
        size /= _KB
        if size < _KB:
            return f"{size:.1f} {unit}"
    return f"{size / _KB:,.1f} GB"


def portions_text(portions: Sequence["Portion"], width: int | None = None) -> str:
    """A row a kind, model and data set."""
    head = ["model", "data", "what", "files", "size", "last used"]
    rows = [
        [
            *(each.model or "-", each.data or "-", each.kind, each.files, size_text(each.size)),
            datetime.fromtimestamp(each.used, UTC).date().isoformat(),
        ]
        for each in portions
    ]
    return Table(head, rows, right=["files", "size"]).text(width=width, keys=3)


def pruned_text(found: "Pruned", *, dry_run: bool, width: int | None = None) -> str:
    """What went, what is in use, and what is left."""
    kinds: dict[str, list[int]] = {}
    for each in found.removed:
        kinds.setdefault(each.kind, []).append(each.size)
    rows = [[kind, len(sizes), size_text(sum(sizes))] for kind, sizes in kinds.items()]
    would = "would go" if dry_run else "gone"
    table = Table(["what", "files", "size"], rows, right=["files", "size"])
    lines = [table.text(width=width), ""] if rows else []
    lines.append(f"{size_text(found.size)} {would}, {size_text(found.left)} left")
    if found.spared:
        lines.append(f"{len(found.spared)} files stay: a run has them open, or used them in the last hour")
    return "\n".join(lines)
