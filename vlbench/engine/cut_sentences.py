"""Sentences of texts that a model reads in part: noted as they are encoded, kept beside the features."""

from collections.abc import Mapping
from pathlib import Path

from vlbench.core.capabilities import CutsSentences
from vlbench.core.contracts import Model, Text
from vlbench.core.reading import LeftOut
from vlbench.engine.kept_rows import LOST, LOST_LINE, add_rows, read_rows
from vlbench.engine.plan import Job


def keep_cut(job: Job, model: Model, encoded: Mapping[str, Text], cache: Path) -> None:
    """Add those of the texts that were encoded, by their keys, to those that are kept."""
    if not isinstance(model, CutsSentences) or not encoded:
        return
    cut = set(model.cut(tuple(encoded.values())))
    if not cut:
        return
    rows = {}
    for key, text in encoded.items():
        sentences = dict.fromkeys((*text.prompts, *text.descriptions, text.name))
        if found := [sentence for sentence in sentences if sentence in cut]:
            rows[key] = found
    add_rows(_path(job, cache), rows)


def kept_cut(job: Job, cache: Path) -> str:
    """What of a job's texts a model does not read to the end, of stored ones too; empty if nothing."""
    rows = read_rows(_path(job, cache))
    cut = [sentence for key in job.keys.texts for sentence in rows.get(key, ())]
    why = "sentences longer than the model reads, their ends left out"
    said = str(LeftOut(len(cut), why, cut[0])) if cut else ""
    return "; ".join(filter(None, [said, LOST_LINE if LOST in rows else ""]))


def _path(job: Job, cache: Path) -> Path:
    return cache / "cut" / f"{job.keys.text_space}.json"
