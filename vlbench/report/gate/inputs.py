"""Compares how a value was measured (protocol, weights, data, precision) with a baseline."""

from collections.abc import Iterator
from typing import Literal

from vlbench.report.comparable import Question
from vlbench.report.gate.baseline import BaselineRow

Change = Literal["protocol", "weights", "data", "precision"]


def changed_inputs(was: BaselineRow, now: BaselineRow) -> Iterator[tuple[Change, str]]:
    """Yield each difference in the inputs of two rows of the same model, task and metric: a kind and a
    sentence."""
    names = set(_question(was, now).differs_from(_question(now, was)))
    if "protocol" in names:
        before, after = (f"{row.protocol} ({_short(row.protocol_digest)})" for row in (was, now))
        yield "protocol", f"another protocol: was {before}, is {after}"
    elif "texts" in names:
        yield _other("the texts", was.texts, now.texts)
    if was.weights != now.weights:
        yield "weights", f"other weights: were {_short(was.weights)}, are {_short(now.weights)}"
    if "image ids" in names:
        yield _other("the images", was.image_ids, now.image_ids)
    else:
        yield from _other_images(was, now)
    if "right answers" in names and was.truth and now.truth:
        yield _other("the right answers", was.truth, now.truth)
    elif "right answers" in names or _told(was.n_relevant, now.n_relevant):
        yield "data", f"other data: {was.n_relevant} right answers, now {now.n_relevant}"
    # of one row: where one of the two learned from none, that is a change, too
    if _told(was.validation, now.validation):
        yield _other("the validation images", was.validation, now.validation)
    if _told(was.training, now.training):
        yield _other("the training images", was.training, now.training)
    if was.precision != now.precision:
        yield "precision", f"another precision: was {was.precision or 'none'}, is {now.precision or 'none'}"


def _other(what: str, before: str | None, after: str | None) -> tuple[Change, str]:
    return "data", f"other data: {what} were {_short(before)}, are {_short(after)}"


def other_count(was: BaselineRow, now: BaselineRow) -> str:
    """A text about a changed number of items that a metric is measured over; empty if it is the same."""
    if was.n == now.n and not _told(was.left_out, now.left_out):
        return ""
    before, after = (
        f"{row.n}{'' if not row.left_out else f' ({row.left_out} left out)'}" for row in (was, now)
    )
    return f"other data: measured over {before}, now over {after}"


def equal_inputs(was: BaselineRow, now: BaselineRow) -> bool:
    """Whether two rows state the same images, weights, precision and kind of device.

    Equal inputs have the same score apart from rounding, so the interval over samples of images does not
    apply.
    """
    told = was.image_ids and was.weights and was.device
    return bool(told) and was.device == now.device and not any(changed_inputs(was, now))


def _question(row: BaselineRow, other: BaselineRow) -> Question:
    """The question of a row, without what the other row does not state."""
    truth = "" if row.truth is None or other.truth is None else row.truth
    return Question.told(
        {"image_ids": row.image_ids, "texts": row.texts, "truth": truth},
        task=row.task,
        protocol=row.protocol_digest,
        pairs=0 if row.n_relevant is None or other.n_relevant is None else row.n_relevant,
    )


def _other_images(was: BaselineRow, now: BaselineRow) -> Iterator[tuple[Change, str]]:
    """Yield signs that images with equal ids differ: their number, or the revision of their source."""
    if _told(was.n_images, now.n_images):
        yield "data", f"other data: {was.n_images} images, now {now.n_images}"
    before, after = was.source_revision, now.source_revision
    # a digest of bytes (--verify-data) and one of names and sizes say nothing of each other
    if before is None or after is None or before.startswith(_BYTES) != after.startswith(_BYTES):
        return
    if before != after:
        yield "data", f"other data: the source's revision was {before or 'none'}, is {after or 'none'}"


_BYTES = "sha256:"


def _told(was: int | str | None, now: int | str | None) -> bool:
    """Whether two counts or digests differ, if both are stated."""
    return was is not None and now is not None and was != now


def _short(digest: str | None) -> str:
    return (digest or "none")[:8]
