"""Passes over the images of data sets: read, digest, and encode for every sink that needs them."""

from collections.abc import Iterator, Sequence
from typing import Protocol

from vlbench.core.contracts import Dataset
from vlbench.core.progress import progress_bar
from vlbench.engine.chunk import Encoded
from vlbench.engine.image_pass import Done, ImagePass, Sink
from vlbench.engine.settings import RunSettings


class Executor(Protocol):
    """Where images are encoded: `rates` says how fast each of several workers is, empty for one."""

    @property
    def settings(self) -> RunSettings: ...
    @property
    def rates(self) -> str: ...
    def encode_passes(self, passes: Sequence[ImagePass]) -> Iterator[tuple[ImagePass, Encoded]]: ...


def encode_images(
    executor: Executor, dataset: Dataset, keys: Sequence[str] | None, sinks: Sequence[Sink], done: Done
) -> None:
    """Encode the images that some sink lacks; progress is recorded in `done`.

    `keys` are the keys of all images. None means that they are not known; then every image is read.

    Raises:
        DataError: an image does not decode.
        NotFinite: the model answers NaN or infinity.
    """
    settings = executor.settings
    one = ImagePass(dataset, keys, sinks, settings.chunk_size, settings.share, done)
    encode_passes(executor, [one])
    if done.error is not None:
        raise done.error


def encode_passes(executor: Executor, passes: Sequence[ImagePass]) -> None:
    """Encode several passes, of which one that cannot go on leaves its error in `done`, where others can."""
    total = sum(each.count for each in passes)
    stored = total - sum(len(each.lacking()) for each in passes)
    with progress_bar("images", total, "img", initial=stored, smoothing=0.05, leave=None) as progress:
        for each, encoded in executor.encode_passes(passes):
            progress.update(each.take(encoded))
            progress.set_postfix_str(executor.rates, refresh=False)
