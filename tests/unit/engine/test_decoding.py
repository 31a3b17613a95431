"""Remarks on decoding are kept for stored runs, whichever run decoded an image."""

from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
from PIL import Image

from vlbench.core.contracts import Dataset, Example, Target
from vlbench.engine.decoding import keep_remarks, kept_remarks, watched
from vlbench.engine.kept_rows import LOST_LINE
from vlbench.engine.plan import Job


def job_of(source: Any) -> Job:
    keys = SimpleNamespace(candidates=tuple(f"k{i}" for i in range(len(source))), image_space="space")
    task = SimpleNamespace(problem=SimpleNamespace(images=source, references=None))
    return cast("Job", SimpleNamespace(keys=keys, task=task))


def test_images_that_queries_point_to_are_spoken_of_too(tmp_path: Path) -> None:
    job = job_of(Dataset("wide", "1", [wide(i) for i in range(2)]))
    job.keys.references, references = ("k1", "r0"), [wide(1), wide(3)]  # type: ignore[misc]
    job.task.problem.references = Dataset("asking", "1", references)  # type: ignore[misc]
    said = ("of 16 bits or more, whose values above 255 turn white",)
    keep_remarks("space", job.keys.candidates, {1: said}, tmp_path)
    assert kept_remarks(job, tmp_path).startswith("1 images of 16 bits")
    keep_remarks("space", job.keys.references, {1: said}, tmp_path)
    # k1 is a candidate and a reference, and counts once
    assert kept_remarks(job, tmp_path).startswith("2 images of 16 bits")


def wide(index: int) -> Example:
    """An image, of 16 bits at odd positions."""
    grey = np.zeros((2, 2), dtype="uint16" if index % 2 else "uint8")
    return Example(f"{index}.png", partial(Image.fromarray, grey), Target())


def test_what_several_runs_decoded_is_said_together(tmp_path: Path) -> None:
    source = Dataset("wide", "1", [wide(i) for i in range(4)])
    job = job_of(source)
    assert kept_remarks(job, tmp_path) == ""
    for positions in ((0, 1), (2, 3)):
        found: dict[int, tuple[str, ...]] = {}
        seen = watched(source, found)
        for i in positions:
            seen[i].image().load()
        keep_remarks("space", job.keys.candidates, found, tmp_path)
    said = kept_remarks(job, tmp_path)
    assert said == "2 images of 16 bits or more, whose values above 255 turn white (the first: 1.png)"
    (file,) = (tmp_path / "decoding").iterdir()
    whole = file.read_text()
    for damaged in (whole.replace("white", "black"), '{"rows": {"k1": []}}', "[]", "\0", ""):
        file.write_text(damaged)
        assert kept_remarks(job, tmp_path) == LOST_LINE
    file.write_bytes(b"\xff\xfe")
    assert kept_remarks(job, tmp_path) == LOST_LINE
    keep_remarks("space", job.keys.candidates, {3: ("wide",)}, tmp_path)
    assert kept_remarks(job, tmp_path) == f"1 images wide (the first: 3.png); {LOST_LINE}"
