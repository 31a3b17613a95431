"""Remarks on what was changed or left out: in a model's files, in decoded images, in long sentences.

The cache keeps them, so that stored runs report them as well.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vlbench.core.capabilities import CutsSentences
from vlbench.core.contracts import Model, Text
from vlbench.core.files import read_checked, write_checked
from vlbench.core.image import decoding_text
from vlbench.core.json_text import parsed_json
from vlbench.core.reading import LeftOut
from vlbench.engine.job import Job
from vlbench.engine.plan import located

LOST = ""
"""The key that marks a file of remarks as damaged; what else it held is not known."""
LOST_LINE = "what else there was to say is not known, as its record in the cache was damaged; empty the cache"


def change_lines(jobs: Sequence[Job], changes: Sequence[str], cache: Path) -> Iterator[str]:
    """Lines on what was changed in a model's files, and in the images and texts of its jobs."""
    if changes:
        yield f"{jobs[0].row}: {'; '.join(changes)}"
    for job in jobs:
        yield from noted_lines(job, noted(job, cache))


def noted(job: Job, cache: Path) -> dict[str, str]:
    """The remarks on a job, also stored ones: what decoding changed, and which sentences are truncated."""
    job = located(job, cache) or job
    problem, keys = job.task.problem, job.keys
    decoded = _read_rows(cache / "decoding" / f"{keys.image_space}.json")
    of_images = []
    for images, of, known in (
        (problem.images, keys.candidates, frozenset[str]()),
        (problem.references, keys.references, frozenset(keys.candidates if decoded else ())),
    ):
        if images is not None and decoded:
            places = (place for place, key in enumerate(of) if key in decoded and key not in known)
            of_images += [(images[place].id, decoded[of[place]]) for place in places]
    cut_of = _read_rows(cache / "cut" / f"{keys.text_space}.json")
    cut = [sentence for key in keys.texts for sentence in cut_of.get(key, ())]
    said = {
        "decoding": [decoding_text(of_images) if of_images else "", LOST_LINE if LOST in decoded else ""],
        "cut": [cut_line(cut), LOST_LINE if LOST in cut_of else ""],
    }
    return {name: text for name, lines in said.items() if (text := "; ".join(filter(None, lines)))}


def cut_line(cut: Sequence[str]) -> str:
    """How many sentences are cut, and the first; empty without any.

    >>> cut_line(["a very long sentence"])
    '1 sentences longer than the model reads, their ends left out (the first: a very long sentence)'
    """
    why = "sentences longer than the model reads, their ends left out"
    return str(LeftOut(len(cut), why, cut[0])) if cut else ""


def cut_texts(job: Job, cache: Path) -> NDArray[np.bool_]:
    """Whether the model truncates each of a job's texts, [m]."""
    rows = _read_rows(cache / "cut" / f"{job.keys.text_space}.json")
    return np.array([bool(rows.get(key)) for key in job.keys.texts], dtype=np.bool_)


def noted_lines(job: Job, found: Mapping[str, str]) -> Iterator[str]:
    """A line for each remark on a job."""
    if "decoding" in found:
        yield f"{job.task.name}: decoded {found['decoding']}"
    if "cut" in found:
        yield f"{job.row} on {job.task.name}: {found['cut']}"


def keep_decoding(job: Job, remarks: Mapping[str, Sequence[str]], cache: Path) -> None:
    """Add remarks on how images were decoded, by key, to those stored with their features."""
    path = cache / "decoding" / f"{job.keys.image_space}.json"
    if remarks:
        write_checked(path, json.dumps({**_read_rows(path), **remarks}))


def keep_cut(job: Job, model: Model, encoded: Mapping[str, Text], cache: Path) -> None:
    """Add the sentences that a model truncates to the stored ones; `encoded` holds the texts by key."""
    if not isinstance(model, CutsSentences) or not encoded:
        return
    cut = set(model.cut(tuple(encoded.values())))
    rows: dict[str, list[str]] = {}
    for key, text in encoded.items() if cut else ():
        sentences = dict.fromkeys((*text.prompts, *text.descriptions, text.name))
        if found := [sentence for sentence in sentences if sentence in cut]:
            rows[key] = found
    path = cache / "cut" / f"{job.keys.text_space}.json"
    if rows:
        write_checked(path, json.dumps({**_read_rows(path), **rows}))


def _read_rows(path: Path) -> dict[str, list[str]]:
    """Lines by key; empty without a file, `LOST` alone where the file is damaged."""
    kept = read_checked(path)
    if kept is None:
        return {LOST: []} if path.exists() else {}
    rows: dict[str, list[str]] = parsed_json(kept)
    return rows
