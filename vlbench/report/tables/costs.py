"""What results cost on the machines that made them: `costs.csv`, the one table in which equal runs differ."""

from collections.abc import Iterable, Iterator, Sequence

from vlbench.core.result import Result, Timing
from vlbench.report.table import number

COSTS = "costs.csv"
SPEED = "images_per_second"
_SETTINGS = ("device", "device_name", "batch_size", "text_batch_size")
_SECONDS = ("seconds", "encode_images_seconds", "encode_texts_seconds", "score_seconds")
_COUNTS = ("images_encoded", "texts_encoded", "peak_memory_bytes", "peak_device_bytes", "workers")
COSTS_HEAD = ("model", "task", SPEED, *_SECONDS, *_COUNTS, *_SETTINGS)


def cost_lines(results: Iterable[Result]) -> Iterator[Sequence[object]]:
    """The lines of `costs.csv`, one a result: images encoded a second, seconds, bytes, and the device."""
    for each in results:
        seconds = (number(getattr(each.timing, name)) for name in _SECONDS)
        counts = (getattr(each.timing, name) for name in _COUNTS)
        settings = (each.settings.get(name, "") for name in _SETTINGS)
        yield [each.model, each.task, speed_text([each]), *seconds, *counts, *settings]


def speed_text(results: Iterable[Result]) -> str:
    """Images encoded a second over all results of one device, with one decimal; empty if none encoded any.

    The device is the one that encoded most images, of equal ones the first by name.
    """
    devices: dict[str, list[Timing]] = {}
    for result in results:
        if result.timing.images_per_second is not None:
            name = result.settings.get("device_name") or result.settings.get("device")
            devices.setdefault(str(name), []).append(result.timing)
    totals = [
        (-sum(each.images_encoded for each in timed), name, sum(each.encode_images_seconds for each in timed))
        for name, timed in devices.items()
    ]
    images, _, seconds = min(totals, default=(0, "", 0.0))
    return f"{-images / seconds:.1f}" if images and seconds > 0 else ""
