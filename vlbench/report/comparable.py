"""Which results may be compared: whole ones that answer the same question about the same data."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from operator import attrgetter

from vlbench.core.result import Result

_COMMIT_DIGITS = 40
_DIGESTS = {
    "images": "image_ids",
    "texts": "texts",
    "validation": "validation_image_ids",
    "training": "train_image_ids",
    "truth": "truth",
    "contents": "image_sample",
}
"""The digests of a result that are part of its question, by field."""
_ASKED = attrgetter("task", "protocol_digest", "n_relevant", "source", "source_revision")
_DATA = frozenset({"image ids", "texts", "right answers", "image contents"})


@dataclass(frozen=True, slots=True, order=True)
class Question:
    """The question of a result, as digests: protocol, images, texts, and which texts are right.

    `truth` is empty for a result of an earlier version, which does not state it; `pairs` then counts the
    right pairs. `validation` and `training` are the images that a method learned from; empty if it learned
    from none. `source` names the data and `revision` the state of their files. `contents` is a digest of a
    few of the images; empty for rendered images and for results of an earlier version.
    """

    task: str
    protocol: str
    images: str
    texts: str
    validation: str
    training: str
    truth: str
    pairs: int
    source: str = ""
    revision: str = ""
    contents: str = ""

    @classmethod
    def of(cls, result: Result) -> "Question":
        return cls.told(
            result.digests,
            task=result.task,
            protocol=result.protocol_digest,
            pairs=result.n_relevant,
            source=result.source,
            revision=result.source_revision,
        )

    @classmethod
    def told(
        cls,
        digests: Mapping[str, str],
        *,
        task: str,
        protocol: str,
        pairs: int,
        source: str = "",
        revision: str = "",
    ) -> "Question":
        """Build a question from digests, keyed as in a result."""
        told = {field: digests.get(name, "") for field, name in _DIGESTS.items()}
        return cls(task=task, protocol=protocol, pairs=pairs, source=source, revision=revision, **told)

    def differs_from(self, other: "Question") -> tuple[str, ...]:
        """The names of what differs from another question; empty if answers are comparable."""
        if self == other:
            return ()
        told = self.truth and other.truth
        seen = self.contents and other.contents
        same = {
            "task": self.task == other.task,
            "protocol": self.protocol == other.protocol,
            "image ids": self.images == other.images,
            "texts": self.texts == other.texts,
            # only what learned from such images has them: an answer by another method stands beside it
            "validation images": _equal_if_told(self.validation, other.validation),
            "training images": _equal_if_told(self.training, other.training),
            "right answers": self.truth == other.truth if told else self.pairs == other.pairs,
            # images of other ids are others anyway
            "image contents": not seen or self.contents == other.contents or self.images != other.images,
        }
        names = tuple(name for name, equal in same.items() if not equal)
        # other labels and captions are other files, too
        return (*names, "files") if self.is_on_other_files(other) and not _DATA & set(names) else names

    def is_on_other_files(self, other: "Question") -> bool:
        """Whether both are about the same source, and its files differ in names, sizes or bytes.

        Commits of a hub are not compared, since a README changes them; nor is a digest of sizes with one of
        bytes.
        """
        alike = len(self.revision) == len(other.revision) != _COMMIT_DIGITS
        return self.source == other.source and alike and self.revision != other.revision


def _equal_if_told(mine: str, theirs: str) -> bool:
    return not (mine and theirs) or mine == theirs


def what_differs(a: Result, b: Result) -> tuple[str, ...]:
    """The names of what differs between two results; empty if they may be in one column.

    A result of an earlier version, which does not state what is right, is comparable if protocol, image ids,
    texts and the number of right pairs are equal.
    """
    return Question.of(a).differs_from(Question.of(b))


@dataclass(frozen=True, slots=True)
class TaskColumn:
    """The results of a task that answer one question, and the others, each with what differs.

    `untold` lists models whose results do not state what is right, if other results do.
    """

    kept: tuple[Result, ...]
    left_out: tuple[tuple[Result, tuple[str, ...]], ...] = ()
    untold: tuple[str, ...] = ()

    @classmethod
    def of(cls, results: Sequence[Result]) -> "TaskColumn":
        """Keep the results on the most frequent question; of equally frequent ones, the smallest."""
        # what questions are made of: one is asked of most tasks, and a folder may hold 10,000 results
        told = {(*_ASKED(each), *map(each.digests.get, _DIGESTS.values())) for each in results}
        if len(told) == 1:
            return cls(tuple(results))
        questions = [Question.of(each) for each in results]
        counts = Counter(questions)

        def order(asked: Question) -> tuple[bool, int, bool, Question]:
            beside = [other for other in counts if not asked.differs_from(other)]
            # who does not tell all stands beside answers that contradict one another
            vague = any(a.differs_from(b) for a, b in combinations(beside, 2))
            return vague, -sum(counts[other] for other in beside), not asked.truth, asked

        one = min(counts, key=order)
        differing = [(each, asked.differs_from(one)) for each, asked in zip(results, questions, strict=True)]
        kept = tuple(each for each, names in differing if not names)
        return cls(
            kept=kept,
            left_out=tuple((each, names) for each, names in differing if names),
            untold=tuple(each.model for each in kept if one.truth and not each.digests.get("truth")),
        )


def whole_results(results: Iterable[Result]) -> list[Result]:
    """Results that are not partial, sorted by task and model."""
    return sorted((each for each in results if not each.partial), key=attrgetter("task", "model"))


def columns(results: Iterable[Result]) -> Mapping[str, TaskColumn]:
    """Group whole results into one column per task; tasks and models are sorted."""
    by_task: dict[str, list[Result]] = {}
    for result in whole_results(results):
        by_task.setdefault(result.task, []).append(result)
    return {task: TaskColumn.of(rows) for task, rows in by_task.items()}
