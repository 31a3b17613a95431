"""Facts about the models of a leaderboard row, shown with its scores and averages."""

from collections.abc import Iterable, Sequence

from vlbench.core.result import Result, Timing, ZeroShot

CARD_FACTS = ("family", "parameters", "gflops", "image_size", "licence")
ROW_FACTS = ("family", "parameters", "gflops", "image_size", "images_per_second", "licence", "zero_shot")
"""The last columns of `leaderboard.csv`, which are facts about the row's models."""


def row_facts(results: Sequence[Result]) -> dict[str, object]:
    """The facts of a row; empty where its results state none."""
    facts: dict[str, object] = {name: _first(each.facts.get(name) for each in results) for name in CARD_FACTS}
    facts["images_per_second"] = speed_text(results)
    facts["zero_shot"] = zero_shot_of(results)
    return {name: facts[name] for name in ROW_FACTS}


def zero_shot_of(results: Sequence[Result]) -> ZeroShot:
    """Whether a row is zero-shot on all of its tasks: "no" if one is not, else "unknown" if one is
    unknown."""
    stated = {each.zero_shot for each in results}
    if "no" in stated:
        return "no"
    return "yes" if stated == {"yes"} else "unknown"


def speed_text(results: Iterable[Result]) -> str:
    """Encoded images per second over all results on one device, with one decimal; empty if none were encoded.

    The device is the one that encoded most images; of equal ones, the first by name.
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


def _first(values: Iterable[object]) -> object:
    return next((value for value in values if value not in (None, "")), "")
