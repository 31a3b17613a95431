"""Which results a folder lacks: not there, of other weights, by another method, or of another question."""

from pathlib import Path

from vlbench.core.files import file_name
from vlbench.report.comparable import Question
from vlbench.report.results import read_result


def has_result(
    folder: Path, *, model: str, model_digest: str, question: Question, method_digest: str = ""
) -> bool:
    """Whether a folder has a model's whole result that may stand beside any other answer to a question.

    `method_digest` is that of the method in the model's name, empty for none.

    Raises:
        DataError: the file is damaged.
    """
    path = folder / file_name(question.task) / f"{file_name(model)}.json"
    if not path.is_file():
        return False
    result = read_result(path)
    there = Question.of(result)
    by = result.digests.get("model"), result.digests.get("method", "")
    learned = (there.validation, there.training) == (question.validation, question.training)
    return by == (model_digest, method_digest) and learned and not there.differs_from(question)
