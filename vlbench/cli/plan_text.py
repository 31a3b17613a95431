"""What `vlbench run --dry-run` prints."""

from collections.abc import Sequence

from vlbench.api.dry_run import PlannedPass
from vlbench.cli.cache_text import size_text
from vlbench.report.table import Table

_UNITS = ((1, 120, "s"), (60, 120, "min"), (3600, 48, "h"))


def plan_text(passes: Sequence[PlannedPass], width: int | None = None) -> str:
    """A row a pass, and the sum of what is known; a dash where nothing is."""
    head = ["model", "of", "tasks", "stored", "to encode", "features", "time"]
    rows = [
        [
            *(each.model, each.of, ",".join(each.tasks), f"{each.stored:,}", f"{each.to_encode:,}"),
            "-" if each.size is None else size_text(each.size),
            "-" if each.seconds is None else time_text(each.seconds),
        ]
        for each in passes
    ]
    images = sum(each.to_encode for each in passes if each.of != "texts")
    texts = sum(each.to_encode for each in passes) - images
    known = [each.seconds for each in passes if each.seconds is not None]
    time = f", about {time_text(sum(known))}" if passes and len(known) == len(passes) else ""
    size = size_text(sum(each.size or 0 for each in passes))
    size = f", {size} of features" if passes and all(each.size for each in passes) else ""
    total = f"at most {images:,} images and {texts:,} texts to encode{size}{time}; nothing was run"
    table = Table(head, rows, right=head[3:]).text(width=width, keys=2)
    return "\n\n".join([*([table] if rows else []), total])


def time_text(seconds: float) -> str:
    """A time for people.

    >>> time_text(0.4), time_text(90), time_text(1000), time_text(1e6)
    ('0 s', '90 s', '17 min', '11.6 days')
    """
    for size, most, unit in _UNITS:
        if seconds < size * most:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds / 86400:.1f} days"
