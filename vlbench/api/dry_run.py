"""The plan of a run: what it would encode, what is stored, and about how long it takes."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from vlbench.api.failures import Failures
from vlbench.api.prepared import prepared
from vlbench.core.offline import stay_offline
from vlbench.engine.dry_run import Pass, planned_passes
from vlbench.options import Options
from vlbench.report.results import read_results

Rates = Mapping[tuple[str, str, str], float]
"""Images or texts a second, by the digest of a model's side, precision and kind of device."""


@dataclass(frozen=True, slots=True)
class PlannedPass:
    """A pass of a model over images or texts, for some tasks: at most `to_encode` are encoded.

    Their features take `size` bytes, as far as the cache has some of the kind; they take `seconds` at the
    rate of the results that the same side of the model has on the same device. None where it is not known.
    """

    model: str
    of: str
    tasks: tuple[str, ...]
    stored: int
    to_encode: int
    size: int | None
    seconds: float | None


def dry_run(
    models: str | Sequence[str],
    tasks: str | Sequence[str],
    options: Options,
    *,
    tell: Callable[[str], None] = lambda _: None,
) -> Iterator[PlannedPass]:
    """The passes of a run, model by model. Nothing is loaded, fetched or encoded, and no result is written.

    Raises:
        NotAllRun: as a run, after the passes of what can run. What a run would fetch counts as missing.
        VlbenchError: as a run.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as cache:
    ...     asked = Options.of({"limit": 8, "device": "cpu", "cache": cache})
    ...     [(each.of, each.to_encode) for each in dry_run("tiny-clip", "digits", asked)]
    [('images of digits', 8), ('texts', 10)]
    """
    failures = Failures(tell, fail_fast=options.fail_fast)
    with stay_offline():
        asked = prepared(models, tasks, options, failures)
    rates = past_rates(options.results)
    for jobs in asked.jobs:
        failures.done += len(jobs)
        for each in planned_passes(jobs, options.cache):
            yield _estimated(each, rates, options)
    failures.raise_found()


def past_rates(results: Path | None) -> Rates:
    """Images and texts a second in the results of a folder; empty without one."""
    counts: dict[tuple[str, str, str], tuple[int, float]] = {}
    for result in read_results(results) if results is not None and results.is_dir() else ():
        timing, place = result.timing, (result.settings.get("precision"), result.settings.get("device"))
        for side, count, seconds in (
            ("image_side", timing.images_encoded, timing.encode_images_seconds),
            ("text_side", timing.texts_encoded, timing.encode_texts_seconds),
        ):
            if count and seconds:
                key = (result.digests.get(side, ""), str(place[0]), str(place[1]))
                before = counts.get(key, (0, 0.0))
                counts[key] = before[0] + count, before[1] + seconds
    return {key: count / seconds for key, (count, seconds) in counts.items()}


def _estimated(each: Pass, rates: Rates, options: Options) -> PlannedPass:
    settings, identity = options.settings, each.job.identity
    side = identity.text if each.is_of_texts else identity.image
    rate = rates.get((side, settings.precision, settings.device))
    size = each.row_bytes * each.count
    kept = each.is_of_texts or each.row_bytes * (each.count + each.stored) <= options.feature_bytes
    return PlannedPass(
        each.model,
        each.of,
        each.tasks,
        each.stored,
        each.count,
        size if size and kept else None,
        None if rate is None else each.count / rate,
    )
