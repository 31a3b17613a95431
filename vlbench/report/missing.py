"""Which results a folder lacks: those that are not there, of other weights, or of another question."""

from pathlib import Path

from vlbench.core.files import file_name
from vlbench.report.comparable import Question
from vlbench.report.results import read_result


def has_result(folder: Path, *, model: str, model_digest: str, question: Question) -> bool:
    """Whether a folder has a model's whole result that may stand beside any other answer to a question.

    Raises:
        DataError: the file is damaged.
    """
    path = folder / file_name(question.task) / f"{file_name(model)}.json"
    if not path.is_file():
        return False
    result = read_result(path)
    return result.digests.get("model") == model_digest and not Question.of(result).differs_from(question)
