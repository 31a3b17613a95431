"""Why two results of a task cannot be compared image by image."""

import json

from vlbench.core.digest import digest_of
from vlbench.core.items import Items
from vlbench.core.result import Result
from vlbench.report.comparable import what_differs

_SHOWN = 60
"""How many characters of a value a message shows."""


def incomparable(a: Result, b: Result) -> str:
    """The first field in which two results differ, such as `templates: ["{}"], not []`.

    Empty if none does.
    """
    for each in (a, b):
        if each.partial:
            return f"the result of {each.model} is partial: {each.partial}"
    for name in ("task", "kind", "protocol", "primary"):
        if getattr(a, name) != getattr(b, name):
            return f"{name}: {getattr(a, name)}, not {getattr(b, name)}"
    for name in sorted({**a.protocol_statement, **b.protocol_statement}):
        mine, theirs = (each.protocol_statement.get(name) for each in (a, b))
        if digest_of(mine) != digest_of(theirs):
            return f"{name}: {_shown(mine)}, not {_shown(theirs)}"
    if a.protocol_digest != b.protocol_digest:
        return f"names or ids of the texts: protocol {a.protocol_digest[:8]}, not {b.protocol_digest[:8]}"
    for name in what_differs(a, b):
        if name == "files":
            return (
                f"files of the data: revision {_digest(a.source_revision)}, not {_digest(b.source_revision)}"
            )
        if name in _DIGESTS:
            what, digest = _DIGESTS[name]
            mine, theirs = a.digests.get(digest), b.digests.get(digest)
            # results of an earlier version tell how many pairs are right, and not which
            if mine != theirs and (digest != "truth" or (mine and theirs)):
                return f"{what}: digest {_digest(mine)}, not {_digest(theirs)}"
    for name, what in (("n_images", "images"), ("n_texts", "texts"), ("n_relevant", "true pairs")):
        if getattr(a, name) != getattr(b, name):
            return f"{what}: {getattr(a, name)}, not {getattr(b, name)}"
    # thresholds that a method learned are each row's own; others are the task's
    learned = any(each.method or "validation_image_ids" in each.digests for each in (a, b))
    if learned or a.thresholds == b.thresholds:
        return ""
    return f"thresholds: {_shown(a.thresholds)}, not {_shown(b.thresholds)}"


def other_truth(a: Items, b: Items) -> str:
    """The first part of the truth in which two per-item records differ; empty if none does."""
    for name, what in (("classes", "labels"), ("text_images", "captions"), ("positives", "tags")):
        mine, theirs = getattr(a, name), getattr(b, name)
        if (mine is None) != (theirs is None):
            return f"{what}: one of the two has none"
        if mine is not None and (mine.shape != theirs.shape or bool((mine != theirs).any())):
            return f"{what} of the images: {_ANNOTATIONS}"
    for name, what in (("image_ranks", "images"), ("text_ranks", "captions")):
        mine, theirs = getattr(a, name), getattr(b, name)
        if mine is not None and theirs is not None and bool(((mine > 0) != (theirs > 0)).any()):
            return f"{what} with something right: {_ANNOTATIONS}"
    return ""


_ANNOTATIONS = "the two were run on other annotations"
_DIGESTS = {
    "image ids": ("image ids", "image_ids"),
    "validation images": ("ids of the validation images", "validation_image_ids"),
    "training images": ("ids of the training images", "train_image_ids"),
    "texts": ("texts as they are asked", "texts"),
    "right answers": ("right answers of the images", "truth"),
    "image contents": ("contents of the images", "image_sample"),
}
"""The words for what `what_differs` names, and the key of its digest in a result."""


def _digest(value: str | None) -> str:
    return "none" if value is None else value[:8]


def _shown(value: object) -> str:
    text = "none" if value is None else json.dumps(value, ensure_ascii=False, default=list)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 4]} ..."
