"""Prompts: what a pool is asked by, each template of each class by itself."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vlbench.core.capabilities import NAMES_ALONE
from vlbench.core.contracts import Checkpoint, Text
from vlbench.core.errors import Unsupported
from vlbench.core.reading import CAPTIONS
from vlbench.core.task import Task


@dataclass(frozen=True, slots=True, eq=False)
class ClassPrompts:
    """The names of classes, the sentences [q] that they are asked by, and the class of each, ascending."""

    classes: tuple[str, ...]
    sentences: tuple[str, ...]
    of_class: NDArray[np.int64]

    @classmethod
    def of(cls, task: Task) -> "ClassPrompts":
        """The prompts of a task's classes or tags; where they are described, the descriptions.

        Raises:
            Unsupported: the task asks by captions or images.

        >>> import vlbench
        >>> prompts = ClassPrompts.of(vlbench.load_task("digits"))
        >>> prompts.classes[1], prompts.sentences[:2], prompts.of_class[:2].tolist()
        ('one', ('zero', 'the digit zero'), [0, 0])
        """
        problem = task.problem
        if not problem.by_words or task.called == CAPTIONS or not problem.texts:
            raise Unsupported(f"{task.name} has no classes to ask a pool by; name a classification or tags")
        of_each = [text.prompts or text.descriptions or (text.name,) for text in problem.texts]
        return cls(
            tuple(text.name for text in problem.texts),
            tuple(sentence for sentences in of_each for sentence in sentences),
            np.repeat(np.arange(len(of_each)), [len(sentences) for sentences in of_each]),
        )


def as_texts(sentences: tuple[str, ...]) -> tuple[Text, ...]:
    """Sentences as texts, each its own prompt, as captions are.

    >>> as_texts(("a dog",))[0].prompts
    ('a dog',)
    """
    return tuple(Text(sentence, prompts=(sentence,)) for sentence in sentences)


def refuse_names_alone(checkpoint: Checkpoint) -> None:
    """Raise Unsupported for a model that reads names and no sentences."""
    if NAMES_ALONE in checkpoint.capabilities:
        raise Unsupported(f"{checkpoint.name} reads names alone, and no captions; choose another model")
