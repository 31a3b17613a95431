"""A loaded model for use by hand, in the numbers of an evaluation."""

import warnings
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial as bind
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from scipy.special import softmax

from vlbench.api.surroundings import undisturbed
from vlbench.core.capabilities import CutsSentences
from vlbench.core.contracts import Dataset, Example, Model, ModelInfo, Text
from vlbench.core.errors import DataError, Unsupported
from vlbench.core.image import decoding_text
from vlbench.core.problem import Problem, by_words
from vlbench.core.protocol import BARE, asked
from vlbench.core.reading import wrong_template
from vlbench.core.relevance import Relevance
from vlbench.datasets.memory.items import picture_of
from vlbench.engine.chunk import NO_TRUTH, Chunk, Features, Reduction
from vlbench.engine.executors.local import LocalExecutor, to_numpy
from vlbench.engine.feature_store import leading_bytes
from vlbench.engine.remarks import cut_line
from vlbench.engine.scoring import fresh_scores
from vlbench.engine.settings import RunSettings

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A model with its weights, which encodes and classifies images and texts that are at hand.

    It runs the code of an evaluation in the same batches, so that its numbers are equal. Nothing is stored.
    What an evaluation records of texts that are cut, and of images that are converted, is a warning here.
    `model` is the model itself, a Model of core/contracts; `templates` are those of data without a card.
    """

    model: Model
    settings: RunSettings
    templates: tuple[str, ...]

    @property
    def info(self) -> ModelInfo:
        """Facts about the model."""
        return self.model.info

    @undisturbed()
    def encode_images(self, images: Sequence[Any]) -> torch.Tensor:
        """Features [n, ...] of images on the CPU: projected, not of unit length.

        An image is a picture of Pillow, a path, encoded bytes, or an array [h, w, 3] of uint8.

        Raises:
            DataError: there is no image, or one does not decode.
        """
        return torch.from_numpy(self._images(_examples(images)))

    @undisturbed()
    def encode_texts(self, texts: Sequence[str | Text]) -> torch.Tensor:
        """Features [m, ...] of sentences on the CPU; of unit length, where the model scores cosines.

        Raises:
            DataError: there is no text.
        """
        return torch.from_numpy(self._texts([_bare(text) for text in _several(texts, "texts")]))

    @undisturbed()
    def score(self, images: Sequence[Any], texts: Sequence[str | Text]) -> "NDArray[np.float32]":
        """Scores [n, m] of images with texts in the model's own unit, such as scaled cosines.

        Raises:
            DataError: as `encode_images` and `encode_texts`.
        """
        return self._scores(images, [_bare(text) for text in _several(texts, "texts")])

    @undisturbed()
    def classify(
        self, images: Sequence[Any], names: Sequence[str | Text], *, templates: Sequence[str] | None = None
    ) -> "NDArray[np.float64]":
        """Probabilities [n, m] of the names of classes for each image: the softmax of its scores.

        Names are filled into `templates`, by default those of data without a card.

        Raises:
            DataError: as `encode_images`, there is no name, or a template is wrong.
            Unsupported: the model's scores are logits of independent probabilities.
        """
        if self.info.unit.kind == "probability":
            raise Unsupported(
                f"{self.info.name} gives each tag a probability of its own, without a softmax; use score"
            )
        for template in _several(templates, "templates") if templates is not None else ():
            if wrong := wrong_template(template):
                raise DataError(f"classify: template {template!r} {wrong}")
        texts = [
            asked(Text(name) if isinstance(name, str) else name, templates or self.templates)
            for name in _several(names, "names")
        ]
        found: NDArray[np.float64] = softmax(self._scores(images, texts).astype(np.float64), axis=1)
        return found

    def _images(self, examples: Sequence[Example]) -> Features:
        rows: dict[str, Features] = {}
        order: list[str] = []
        remarks: dict[str, tuple[str, ...]] = {}
        executor = LocalExecutor(lambda: self.model, self.settings)
        made = executor.encode_images(_chunks(examples, self.settings.chunk_size), lambda _, key: key in rows)
        with closing(made) as encoded:
            for each in encoded:
                order += each.read
                remarks |= each.remarks
                for features in each.arrays:
                    rows |= zip(each.keys, features, strict=True)
        if remarks:
            places = {key: str(place) for place, key in reversed([*enumerate(order)])}
            _warn(decoding_text((places[key], said) for key, said in remarks.items()))
        return np.stack([rows[key] for key in order])

    def _texts(self, texts: Sequence[Text]) -> Features:
        executor = LocalExecutor(lambda: self.model, self.settings)
        with torch.inference_mode():
            found = executor.halving(bind(self.model.encode_texts, texts), "text_batch_size")
            cut = self.model.cut(texts) if isinstance(self.model, CutsSentences) else ()
        if cut:
            _warn(cut_line(cut))
        return to_numpy(found, "text")

    def _scores(self, images: Sequence[Any], texts: Sequence[Text]) -> "NDArray[np.float32]":
        examples = _examples(images)
        features = self._images(examples)
        n, m = len(features), len(texts)
        nothing = np.empty(0, dtype=np.int64)
        problem = Problem(
            candidates=Dataset("images", "", examples),
            queries=by_words(tuple(texts)),
            relevant=Relevance.from_pairs(nothing, nothing, (n, m)),
        )
        blocks = fresh_scores(
            self.model.score,
            features.__getitem__,
            leading_bytes(features),
            texts=self._texts(texts),
            problem=problem,
            device=self.settings.device,
        )
        found = np.empty((n, m), dtype=np.float32)
        with torch.inference_mode():
            for start, stop, block in blocks:
                found[start:stop] = block.float().cpu().numpy()
        return blocks.restored(found)


def _examples(images: Sequence[Any]) -> list[Example]:
    return [
        Example(str(i), bind(picture_of, image, f"image {i}"), NO_TRUTH)
        for i, image in enumerate(_several(images, "images"))
    ]


def _chunks(examples: Sequence[Example], size: int) -> Iterator[Chunk]:
    for start in range(0, len(examples), size):
        part = tuple(examples[start : start + size])
        yield Chunk("images", start, part, ("",) * len(part), (Reduction("features"),))


def _bare(text: str | Text) -> Text:
    if not isinstance(text, str | Text):
        raise DataError(f"{text!r} is no text; give sentences")
    return asked(Text(text), BARE) if isinstance(text, str) else text


def _warn(line: str) -> None:
    warnings.warn(line, stacklevel=5)


def _several(given: Sequence[Any], what: str) -> Sequence[Any]:
    """What was given, if it is a sequence of at least one.

    Raises:
        DataError: it is a single one, or none.
    """
    if isinstance(given, str | bytes) or not hasattr(given, "__len__"):
        raise DataError(f"{what} are a list; this is a single {type(given).__name__}: write [it]")
    if not len(given):
        raise DataError(f"there are no {what}; give one or more")
    return given
