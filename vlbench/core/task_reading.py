"""What a task read from its data, as a result records it, and the line that a run prints about it."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping

from vlbench.core.reading import CAPTIONS, short
from vlbench.core.task import Task

MOST_NAMED = 6
"""A line names all texts up to this number; above it, only the first."""
_NUMBER_OR_ID = re.compile(r"[a-z]?\d+")


def what_was_read(task: Task) -> dict[str, str]:
    """What a task read, as a result records it; empty entries are left out.

    `data` is the layout, else the kind that the data set's name begins with, and the name. `images` is how
    many there are and what was left out, `texts` the names, or the first name and their number. `prompt` is
    the first prompt, `labels` where the labels come from, `notes` the rest. `train` and `validation` are the
    splits that a method learns from.
    """
    problem = task.problem
    name, reading = problem.images.name, problem.images.reading
    texts, count = problem.texts, len(problem.queries)
    names = [text.name for text in texts] if len(texts) == count else problem.names
    named = [short(each) for each in names[:MOST_NAMED]]
    some = f", the first {named[0]!r}" if count > MOST_NAMED else f": {', '.join(named)}"
    images = f"{len(problem.images):,} images"
    said = {
        "data": f"{reading.layout or name.partition(':')[0]} ({name})" if name else "",
        "images": "; ".join([images, *(f"left out: {each}" for each in reading.left_out)]),
        "texts": f"{count:,} {task.called}{some}" if count else "",
        "prompt": short((*texts[0].prompts, *texts[0].descriptions, texts[0].name)[0]) if texts else "",
        "labels": reading.labels,
        "notes": "; ".join([*filter(None, [reading.lacks]), *reading.remarks, *task.remarks, *_seen(task)]),
    }
    for split, learned in task.learn_from.items():
        said[split] = f"{len(learned.images):,} images of {learned.images.name}"
    return {what: text for what, text in said.items() if text}


def reading_line(task: str, said: Mapping[str, str]) -> str:
    """One line about what was read.

    >>> reading_line("t", {"data": "folder (folder:t)", "images": "2 images", "prompt": "a dog"})
    't: read folder (folder:t); 2 images; first prompt "a dog"'
    """
    forms = {
        "prompt": 'first prompt "{}"',
        "labels": "labels: {}",
        "notes": "note: {}",
        "data": "read {}",
        "train": "train split: {}",
        "validation": "validation split: {}",
    }
    parts = (forms.get(what, "{}").replace("{}", text) for what, text in said.items())
    return f"{task}: {' '.join('; '.join(parts).split())}"


def _seen(task: Task) -> Iterable[str]:
    """What looks odd in the texts: numbers instead of names, underscores, repeated names, names without an
    image."""
    texts, images = task.problem.texts, task.problem.images
    names = [text.name for text in texts]
    broken = [name for name in names if "\n" in name.strip()]
    if broken:
        yield f"{len(broken):,} {task.called} hold line breaks and are read as one each"
    if task.called == CAPTIONS or not task.problem.by_words or not len(images):
        return
    numbers = [text for text in texts if _NUMBER_OR_ID.fullmatch(text.name)]
    if numbers:
        first = (*numbers[0].prompts, *numbers[0].descriptions, numbers[0].name)[0]
        yield f"{len(numbers):,} of {len(names):,} names are numbers or ids: prompts read {short(first)!r}"
    lines = [name for name in names if "_" in name]
    if lines:
        yield f"{len(lines):,} of {len(names):,} names hold underscores, which prompts keep: {lines[0]!r}"
    if blank := sum(not name.strip() for name in names):
        yield f"{blank:,} of {len(names):,} names are blank"
    repeated = [name for name, count in Counter(names).items() if count > 1]
    if repeated:
        yield f"{len(repeated):,} names stand for several {task.called}: {repeated[0]!r}"
    alike: dict[str, list[str]] = {}
    for name in dict.fromkeys(names):
        alike.setdefault(" ".join(name.casefold().replace("_", " ").split()), []).append(name)
    twice = [same for same in alike.values() if len(same) > 1]
    if twice:
        yield f"{len(twice):,} names stand twice but for case or blanks: {twice[0][0]!r}, {twice[0][1]!r}"
    lacking = (task.problem.relevant.column_counts == 0).nonzero()[0].tolist()
    if lacking:
        share = f"{len(lacking):,} of {len(names):,} {task.called}"
        yield f"{share} have no image, the first {names[lacking[0]]!r}"
    target = images[0].target
    marks = (target.label, *(target.tags or ()))
    if (
        not task.partial
        and lacking[:1] == [0]
        and 1 not in lacking
        and any(isinstance(mark, int) for mark in marks)
    ):
        yield f"no image is of number 0 ({names[0]!r}): do the labels count from 1?"
