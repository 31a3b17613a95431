"""Result: the record of one run, with all that is needed to repeat it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from vlbench.core.errors import DataError
from vlbench.core.json_text import parsed_json
from vlbench.core.measurement import Measurement
from vlbench.core.metric import old_kind, out_of_range
from vlbench.core.record import as_record, record_of

SCHEMA = 1
"""Version of the JSON layout."""

ZeroShot = Literal["yes", "no", "unknown"]


@dataclass(frozen=True, slots=True)
class Timing:
    """What a run cost. Two equal runs differ in nothing else.

    Seconds are wall-clock. `images_per_second` counts encoded images only; None where all were stored.
    `peak_memory_bytes` is the process's, `peak_device_bytes` the accelerator's.
    """

    seconds: float
    encode_images_seconds: float
    encode_texts_seconds: float
    score_seconds: float
    images_encoded: int
    texts_encoded: int
    images_per_second: float | None
    peak_memory_bytes: int
    peak_device_bytes: int | None
    workers: int


@dataclass(frozen=True, slots=True, repr=False)
class Result:
    """The result of one model on one task.

    `model` is the name of the leaderboard row. `digests` holds: model, image_side, text_side, image_ids,
    texts, truth (which texts are right for which images, and the images' groups), image_sample (a digest of a
    few images, where they are files), code, and for a method that learned: method, and train_image_ids or
    validation_image_ids.
    `settings` holds what the user chose: device, precision, batch_size, text_batch_size, preprocess, seed,
    and for a method: method with its settings, and shots, the number of images of each class. A checkpoint of
    a training run has its step, and steps_of, the row without it. With `--config`, config is the SHA-256
    digest of the file.
    `partial` tells why the run is not the whole task; empty if it is.
    `replicate_of` is the leaderboard row of which this model is one seed; empty for a row of its own.
    `method` is what acted on the model's features or scores, as its row names it; empty for zero-shot.
    `thresholds` are those that the task stated or the method learned, one for each text, in the units that
    people state; empty where they are the model's own. `zero_shot` is "no" where the model saw the task's
    data in training, as far as its card tells, or a method learned. `seen_images` counts the test images that
    the model or its method learned from, by their digests (learned_from, validation_images, train_images).
    `facts` are the card's: family, parameters (millions), gflops (per image), image_size (pixels), licence.
    `read` records what was read from the data: data, images, texts, prompt, labels, notes, decoding, cut.
    `changes` lists what was converted, resampled, renamed or not read from the model's files. `learned` is
    what a method reports about its learning, and for which row, where another row shares it; of a checkpoint
    of a training run validation_METRIC, its score on the validation split.

    >>> from tempfile import TemporaryDirectory
    >>> import vlbench
    >>> with TemporaryDirectory() as cache:
    ...     (result,) = vlbench.evaluate("tiny-clip", "digits", limit=8, device="cpu", cache=cache)
    >>> result.model, result.metric("acc1").n, result.partial
    ('tiny-clip', 8, 'limit 8')
    """

    model: str
    task: str
    kind: str
    protocol: str
    protocol_digest: str
    primary: str
    metrics: tuple[Measurement, ...]
    n_images: int
    n_texts: int
    n_relevant: int
    partial: str
    adapter: str
    origin: str
    weights: Mapping[str, str]
    source: str
    source_revision: str
    digests: Mapping[str, str]
    settings: Mapping[str, str | int]
    software: Mapping[str, str]
    timing: Timing
    protocol_statement: Mapping[str, object] = field(default_factory=dict)
    replicate_of: str = ""
    method: str = ""
    thresholds: tuple[float, ...] = ()
    zero_shot: ZeroShot = "unknown"
    seen_images: int = 0
    facts: Mapping[str, str | int | float] = field(default_factory=dict)
    read: Mapping[str, str] = field(default_factory=dict)
    changes: tuple[str, ...] = ()
    learned: Mapping[str, str | int | float] = field(default_factory=dict)
    schema: int = SCHEMA

    def __repr__(self) -> str:
        """The pair and its primary metric, on one line."""
        found = next((each for each in self.metrics if each.metric == self.primary), None)
        value = "not measured" if found is None or found.value is None else f"{found.value:.4f}"
        if found is not None and found.ci_low is not None:
            value += f" [{found.ci_low:.4f}, {found.ci_high:.4f}]"
        part = f", partial: {self.partial}" if self.partial else ""
        return f"Result({self.model} on {self.task}: {self.primary} {value}, {self.n_images} images{part})"

    def metric(self, name: str) -> Measurement:
        """The measurement of a metric.

        Raises:
            DataError: the run did not measure it.
        """
        for value in self.metrics:
            if value.metric == name:
                return value
        known = ", ".join(value.metric for value in self.metrics)
        raise DataError(f"{self.model} on {self.task} has no metric {name!r}; it has {known}")

    @property
    def score(self) -> float | None:
        """The value of the primary metric."""
        return self.metric(self.primary).value

    @property
    def lower_is_better(self) -> bool:
        """Whether a lower score is the better one."""
        return self.metric(self.primary).lower_is_better

    def to_json(self) -> str:
        """The record as indented JSON with sorted keys and a final newline."""
        return json.dumps(as_record(self), indent=1, sort_keys=True, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str | bytes) -> "Result":
        """Read a record back.

        Raises:
            DataError: the text is not a record of this schema, a field has a value of another type, a metric
                appears twice or has an impossible value; the message names the field.
        """
        try:
            fields = parsed_json(text)
            schema = fields.get("schema") if isinstance(fields, dict) else None
            if schema is not None and schema != SCHEMA:
                raise DataError(f"its schema {schema} is not {SCHEMA}")
            result = record_of(cls, _with_kinds(fields))
            names = [each.metric for each in result.metrics]
            if "" in names:
                raise DataError("a metric has no name")
            if twice := [name for at, name in enumerate(names) if name in names[:at]]:
                raise DataError(f"the metric {twice[0]} appears twice")
            for each in result.metrics:
                values = [(each.value, ""), (each.chance, " by chance"), (each.constant, " of one answer")]
                values += [(part.value, f" of {part.name!r}") for part in each.parts]
                for value, of in values:
                    wrong = out_of_range(value, each.least, each.most)
                    if wrong:
                        raise DataError(f"{each.metric}{of} is {wrong}")
            for name in ("n_images", "n_texts", "n_relevant"):
                if getattr(result, name) < 0:
                    raise DataError(f"{name} is {getattr(result, name)}, less than 0")
        except DataError as error:
            raise DataError(f"not a vlbench result: {error}; run the model again") from error
        return result


_OF_A_KIND = ("lower_is_better", "least", "most")


def _with_kinds(fields: object) -> object:
    """Fill in, by its name, what a metric in a result of version 0.1 does not state."""
    metrics = fields.get("metrics") if isinstance(fields, dict) else None
    old = {
        at: each["metric"]
        for at, each in enumerate(metrics if isinstance(metrics, list) else ())
        if isinstance(each, dict) and isinstance(each.get("metric"), str) and "lower_is_better" not in each
    }
    if not isinstance(fields, dict) or not isinstance(metrics, list) or not old:
        return fields
    kinds = {at: dict(zip(_OF_A_KIND, old_kind(name), strict=True)) for at, name in old.items()}
    told = [{**kinds[at], **each} if at in old else each for at, each in enumerate(metrics)]
    return {**fields, "metrics": told}
