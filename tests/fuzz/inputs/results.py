"""What lies in a results folder: JSON, items, predictions, imported scores, a baseline; and a cache."""

import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

from fuzz.command import command_line
from fuzz.harness import OUT, Case, Input
from fuzz.watch import CHECKOUT
from torchvision_folders import picture

RESULTS = f"{OUT}/results"
PUBLISHED = CHECKOUT / "tests" / "fixtures" / "published"
MODELS = ("tiny-clip", "tiny-react")


def shipped(root: Path) -> None:
    """Results of two models on two tasks, what other tools scored, and a baseline."""
    for task in ("digits", "shapes-tags"):
        for model in MODELS:
            for ending in (".json", ".items.npz"):
                target = root / RESULTS / task / f"{model}{ending}"
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(CHECKOUT / "results" / task / target.name, target)
    command_line("import", "clip_benchmark", PUBLISHED / "clip_benchmark.csv", "--out", root / RESULTS)
    command_line("check", "--results", root / RESULTS, "--baseline", root / OUT / "baseline.csv", "--update")


def class_folders(root: Path) -> None:
    for label, name in enumerate(("cat", "dog")):
        for number in range(2):
            picture(root / "data" / name / f"{number}.png", label + 3 * number)


def predicted(root: Path) -> None:
    """Results on a folder, with the predictions beside them."""
    class_folders(root)
    for model in MODELS:
        places = ("--results", root / RESULTS, "--cache", root / "cache", "--device", "cpu")
        command_line(
            "run", "-m", model, "-t", f"classification:{root / 'data'}", "--save-predictions", *places
        )
    shutil.rmtree(root / "cache")


def run_on_shapes(cache: Path, *more: object) -> None:
    """A run on a few pictures that are drawn, so that no folder's name or state is in a key."""
    command_line(
        "run",
        "-m",
        "tiny-clip",
        "-t",
        "shapes-tags",
        "--limit",
        6,
        "--cache",
        cache,
        "--device",
        "cpu",
        *more,
    )


def cached(root: Path) -> None:
    """A cache with all that a run keeps."""
    run_on_shapes(root / OUT / "cache", "--results", root / OUT / "results", "--save-predictions")
    shutil.rmtree(root / OUT / "results")


def leaderboard(case: Case) -> None:
    """Build or check the tables."""
    forms = ("text", "markdown", "csv")
    command_line(
        "leaderboard", "--results", case / RESULTS, "--format", case.rng.choice(forms), "--intervals"
    )


def check(case: Case) -> None:
    """Hold results against a baseline, or make one."""
    update = case.rng.choice(((), ("--update",)))
    form = ("--format", case.rng.choice(("text", "json", "markdown")))
    command_line(
        "check", "--results", case / RESULTS, "--baseline", case / OUT / "baseline.csv", *form, *update
    )


def compare(case: Case) -> None:
    """Compare two models on their items."""
    form = case.rng.choice(("text", "json", "markdown"))
    command_line("compare", *MODELS, "--results", case / RESULTS, "--format", form)


def verify(case: Case) -> None:
    """Set results beside published scores."""
    form = case.rng.choice(("text", "json", "csv", "markdown"))
    command_line("verify", "--results", case / RESULTS, "--format", form, "--tolerance", 1)


def export(case: Case) -> None:
    """Write results as other tools do."""
    form = case.rng.choice(("model-index", "jsonl", "clip_benchmark"))
    command_line(
        "export",
        "--results",
        case / RESULTS,
        "--format",
        form,
        *case.rng.choice(((), ("--out", case / OUT / "x"))),
    )


def site(case: Case) -> None:
    """Build the pages."""
    command_line(
        "site", "--results", case / RESULTS, "--out", case / OUT / "site", "--data-root", case / "data"
    )


DOORS: tuple[Callable[[Case], None], ...] = (
    leaderboard,
    check,
    compare,
    export,
    leaderboard,
    check,
    export,
    verify,
)


def any_door(case: Case) -> None:
    """Whatever reads results; the pages, which take half a second, now and then."""
    (site if case.rng.random() < 0.04 else case.rng.choice(DOORS))(case)


def items_door(case: Case) -> None:
    """What reads per-item records."""
    case.rng.choice((compare, leaderboard))(case)


def imported_door(case: Case) -> None:
    """What reads imported scores."""
    (verify if case.rng.random() < 0.2 else leaderboard)(case)


def fixture(name: str, root: Path) -> None:
    """A file of another tool."""
    root.mkdir(exist_ok=True)
    shutil.copy(PUBLISHED / name, root / name)


def import_door(system: str, name: str, case: Case) -> None:
    """Import a file of another tool."""
    more = ("--model", "openai/clip-vit-base-patch32") if system == "mteb" else ()
    command_line("import", system, case / name, "--out", case / RESULTS, *more)


def of_tool(system: str, name: str) -> Input:
    """A file of another tool."""
    door = partial(import_door, system, name)
    return Input(f"import {name}", partial(fixture, name), (name,), door, share=4)


def cache_door(case: Case) -> None:
    """Run again with the cache."""
    run_on_shapes(case / OUT / "cache", "--results", case / OUT / "results", "--save-predictions")


INPUTS = [
    Input("result JSON", shipped, (f"{RESULTS}/*/*.json",), any_door, share=20),
    Input("names of results", shipped, (f"{RESULTS}/*/*.json",), any_door, share=3, rename=True),
    Input("items.npz", shipped, (f"{RESULTS}/*.npz",), items_door, share=20),
    Input("predictions.parquet", predicted, (f"{RESULTS}/*.parquet",), site, share=1),
    Input("baseline.csv", shipped, (f"{OUT}/baseline.csv",), check, share=15),
    Input("imported CSV", shipped, (f"{RESULTS}/imported/*.csv",), imported_door, share=12),
    Input("cache", cached, (f"{OUT}/cache/*",), cache_door, share=4),
    of_tool("clip_benchmark", "clip_benchmark.csv"),
    of_tool("clip_benchmark", "clip_benchmark.json"),
    of_tool("open_clip", "openclip_classification_results.csv"),
    of_tool("mteb", "Imagenet1kZeroShot.json"),
]
