"""Sentences that a model reads in part are said, when they are encoded and when they are stored."""

from types import SimpleNamespace

from vlbench.core.contracts import Text
from vlbench.engine.cut_sentences import keep_cut, kept_cut
from vlbench.engine.kept_rows import LOST_LINE

TEXTS = (Text("a", prompts=("short", "much too long")), Text("b", prompts=("fits",)), Text("far too long"))


class Short:
    """A model that reads eight letters."""

    def cut(self, texts):
        sentences = [each for text in texts for each in text.prompts or (text.name,)]
        return [each for each in sentences if len(each) > 8]


def encoded(*places):
    return {TEXTS[place].name: TEXTS[place] for place in places}


def job_of(*places):
    texts = tuple(TEXTS[place] for place in places)
    keys = SimpleNamespace(texts=tuple(text.name for text in texts), text_space="space")
    return SimpleNamespace(keys=keys, task=SimpleNamespace(problem=SimpleNamespace(texts=texts)))


def test_sentences_that_several_runs_encoded_are_said_together(tmp_path):
    keep_cut(job_of(1), Short(), encoded(1), tmp_path)
    assert not (tmp_path / "cut").exists()
    keep_cut(job_of(0, 1), Short(), encoded(0, 1), tmp_path)
    keep_cut(job_of(1, 2), Short(), encoded(2), tmp_path)
    told = "sentences longer than the model reads, their ends left out"
    assert kept_cut(job_of(0, 1, 2), tmp_path) == f"2 {told} (the first: much too long)"
    assert kept_cut(job_of(2), tmp_path) == f"1 {told} (the first: far too long)"
    assert kept_cut(job_of(1), tmp_path) == ""
    (file,) = (tmp_path / "cut").iterdir()
    file.write_text("{}")
    assert kept_cut(job_of(1), tmp_path) == LOST_LINE


def test_a_model_that_does_not_say_is_not_asked(tmp_path):
    keep_cut(job_of(0), SimpleNamespace(), encoded(0), tmp_path)
    assert kept_cut(job_of(0), tmp_path) == ""
