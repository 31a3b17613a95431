"""Which results a folder lacks: those that are not there, or of another protocol, other weights or images."""

from collections.abc import Mapping
from pathlib import Path

from vlbench.core.files import file_name
from vlbench.report.results import read_result


def has_result(
    folder: Path,
    *,
    task: str,
    model: str,
    protocol_digest: str,
    model_digest: str,
    digests: Mapping[str, str],
) -> bool:
    """Whether the whole result of a model on a task lies in a folder, of the same weights, protocol and data.

    `digests` are further ones that its own have to equal, such as `image_ids`.

    Raises:
        DataError: the file is damaged.
    """
    path = folder / file_name(task) / f"{file_name(model)}.json"
    if not path.is_file():
        return False
    result = read_result(path)
    wanted = {**digests, "model": model_digest}
    same = all(result.digests.get(name) == digest for name, digest in wanted.items())
    return result.protocol_digest == protocol_digest and same
