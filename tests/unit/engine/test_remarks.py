"""What was changed on the way to a number is kept for stored runs, whichever run changed it."""

from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
from PIL import Image

from vlbench.core.contracts import Dataset, Example, Target, Text
from vlbench.engine.job import Job
from vlbench.engine.remarks import LOST_LINE, keep_cut, keep_decoding, noted

TEXTS = (Text("a", prompts=("short", "much too long")), Text("b", prompts=("fits",)), Text("far too long"))
WIDE = ("of 16 bits or more, whose values above 255 turn white",)


class Short:
    """A model that reads eight letters."""

    def cut(self, texts):
        sentences = [each for text in texts for each in text.prompts or (text.name,)]
        return [each for each in sentences if len(each) > 8]


def job_of(source: Any = None, texts: tuple[int, ...] = ()) -> Job:
    """A job whose keys are all known."""
    keys = SimpleNamespace(
        candidates=tuple(f"k{i}" for i in range(len(source or ()))),
        references=(),
        texts=tuple(TEXTS[place].name for place in texts),
        image_space="images",
        text_space="texts",
        measurement="known",
    )
    problem = SimpleNamespace(images=source, references=None)
    return cast("Job", SimpleNamespace(keys=keys, task=SimpleNamespace(problem=problem)))


def wide(index: int) -> Example:
    """An image, of 16 bits at odd positions."""
    grey = np.zeros((2, 2), dtype="uint16" if index % 2 else "uint8")
    return Example(f"{index}.png", partial(Image.fromarray, grey), Target())


def test_images_that_queries_point_to_are_spoken_of_too(tmp_path: Path) -> None:
    job = job_of(Dataset("wide", "1", [wide(i) for i in range(2)]))
    job.keys.references = ("k1", "r0")  # type: ignore[misc]
    job.task.problem.references = Dataset("asking", "1", [wide(1), wide(3)])  # type: ignore[misc]
    keep_decoding(job, {"k1": WIDE}, tmp_path)
    assert noted(job, tmp_path)["decoding"].startswith("1 images of 16 bits")
    keep_decoding(job, {"r0": WIDE}, tmp_path)
    # k1 is a candidate and a reference, and counts once
    assert noted(job, tmp_path)["decoding"].startswith("2 images of 16 bits")


def test_what_several_runs_decoded_is_said_together(tmp_path: Path) -> None:
    job = job_of(Dataset("wide", "1", [wide(i) for i in range(4)]))
    assert noted(job, tmp_path) == {}
    for place in (1, 3):
        keep_decoding(job, {f"k{place}": WIDE}, tmp_path)
    keep_decoding(job, {}, tmp_path)
    assert noted(job, tmp_path)["decoding"] == f"2 images {WIDE[0]} (the first: 1.png)"
    (file,) = (tmp_path / "decoding").iterdir()
    whole = file.read_text()
    for damaged in (whole.replace("white", "black"), '{"rows": {"k1": []}}', "[]", "\0", ""):
        file.write_text(damaged)
        assert noted(job, tmp_path) == {"decoding": LOST_LINE}
    file.write_bytes(b"\xff\xfe")
    assert noted(job, tmp_path) == {"decoding": LOST_LINE}
    keep_decoding(job, {"k3": ("wide",)}, tmp_path)
    assert noted(job, tmp_path) == {"decoding": f"1 images wide (the first: 3.png); {LOST_LINE}"}


def encoded(*places: int) -> dict[str, Text]:
    return {TEXTS[place].name: TEXTS[place] for place in places}


def test_sentences_that_several_runs_encoded_are_said_together(tmp_path):
    keep_cut(job_of(), Short(), encoded(1), tmp_path)
    assert not (tmp_path / "cut").exists()
    keep_cut(job_of(), Short(), encoded(0, 1), tmp_path)
    keep_cut(job_of(), Short(), encoded(2), tmp_path)
    told = "sentences longer than the model reads, their ends left out"
    assert noted(job_of(texts=(0, 1, 2)), tmp_path) == {"cut": f"2 {told} (the first: much too long)"}
    assert noted(job_of(texts=(2,)), tmp_path) == {"cut": f"1 {told} (the first: far too long)"}
    assert noted(job_of(texts=(1,)), tmp_path) == {}
    (file,) = (tmp_path / "cut").iterdir()
    file.write_text("{}")
    assert noted(job_of(texts=(1,)), tmp_path) == {"cut": LOST_LINE}


def test_a_model_that_does_not_say_is_not_asked(tmp_path):
    keep_cut(job_of(), SimpleNamespace(), encoded(0), tmp_path)
    assert noted(job_of(texts=(0,)), tmp_path) == {}
