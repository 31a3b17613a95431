"""Time and size of a site of made results: 300 models on 60 tasks, unless told otherwise.

    python bench/site.py [--models 300] [--tasks 60] [--classes 100] [--out DIR]

Results are made from a seed: classification, retrieval and tagging in turn, with intervals, classes and
facts; one result in twenty is missing. Prints seconds to write the results, to build the site from them as
`vlbench site` does, and the first page's size with all that it loads, as is and gzipped (goals: under 20 s to
build, under 1.5 MB gzipped). With --out the results and the site stay there, in `results` and `site`.
"""

import argparse
import gzip
import math
import random
import re
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from vlbench import build_site
from vlbench.core.measurement import Measurement, Part
from vlbench.core.result import Result, Timing
from vlbench.report.results import result_path

FAMILIES = ("openai", "laion", "datacomp", "siglip", "metaclip", "eva", "dfn")
KINDS = (
    ("classification", "acc1", ("acc1", "acc5", "mean_per_class_recall", "ece", "worst_class_accuracy")),
    ("retrieval", "image_retrieval_recall@1", ("image_retrieval_recall@1", "text_retrieval_recall@1")),
    ("tagging", "mean_average_precision", ("mean_average_precision", "macro_f1@0.17", "micro_f1@0.17")),
)
WITH_PARTS = ("mean_per_class_recall", "mean_average_precision")
MISSING = 0.05


def main() -> None:
    """Make, build and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--models", type=int, default=300)
    parser.add_argument("--tasks", type=int, default=60)
    parser.add_argument("--classes", type=int, default=100, help="of a task, with a value each")
    parser.add_argument("--out", type=Path, help="where results and site stay")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as passing:
        folder = arguments.out or Path(passing)
        started = time.perf_counter()
        count = write_made_results(
            folder / "results", arguments.models, arguments.tasks, classes=arguments.classes
        )
        made = time.perf_counter()
        written = build_site(folder / "results", folder / "site")
        built = time.perf_counter()
        raw, packed = first_page_bytes(folder / "site")
    print(f"{count} results, {arguments.models} models x {arguments.tasks} tasks: {made - started:.1f} s")
    print(f"site: {built - made:.1f} s, {written.pages} pages in {written.files} files")
    print(f"first page with all it loads: {raw / 1e6:.2f} MB, {packed / 1e6:.2f} MB gzipped")


def write_made_results(folder: Path, models: int, tasks: int, *, classes: int = 100) -> int:
    """Write made results into a folder; the answer is how many."""
    count = 0
    for result in made_results(models, tasks, classes=classes):
        path = folder / result_path(result)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(result.to_json(), encoding="utf-8")
        count += 1
    return count


def made_results(models: int, tasks: int, *, classes: int = 100, seed: int = 0) -> Iterator[Result]:
    """Results that look like real ones: better models are larger, tasks differ in difficulty."""
    chance = random.Random(seed)
    sizes = [chance.uniform(1.0, 3.4) for _ in range(models)]
    families = [chance.choice(FAMILIES) for _ in range(models)]
    ease = [chance.uniform(-1.5, 2.0) for _ in range(tasks)]
    for m in range(models):
        skill = 0.6 * sizes[m] - 1.2 + chance.gauss(0, 0.3)
        for t in range(tasks):
            # every third model has all tasks, so that there are means
            if m % 3 and chance.random() < MISSING:
                continue
            name = f"{families[m]}-made-{m:03}-{'bhlg'[int(sizes[m])]}{14 if m % 2 else 16}"
            level = skill + ease[t] + chance.gauss(0, 0.15)
            yield _result(name, t, level, parameters=10 ** sizes[m], chance=chance, classes=classes)


def first_page_bytes(site: Path) -> tuple[int, int]:
    """Bytes of index.html and every file that it loads: as they are, and gzipped."""
    page = (site / "index.html").read_text(encoding="utf-8")
    loaded = re.findall(r'<script src="([^"]+)"|<link rel="stylesheet" href="([^"]+)"', page)
    paths = ["index.html", *(one or other for one, other in loaded)]
    contents = [(site / path).read_bytes() for path in paths]
    return sum(map(len, contents)), sum(len(gzip.compress(each, 6)) for each in contents)


def _result(
    model: str, number: int, level: float, *, parameters: float, chance: random.Random, classes: int
) -> Result:
    kind, primary, metrics = KINDS[number % 3]
    images = 500 + 997 * (number % 11)
    task = f"{kind[:5]}-made-{number:02}"
    values = tuple(_metric(name, level, images, chance=chance, classes=classes) for name in metrics)
    seconds = images / (60_000 / parameters)
    timing = Timing(seconds, seconds, 0.1, 0.1, images, classes, images / seconds, 10**9, None, 2)
    return Result(
        model=model,
        task=task,
        kind=kind,
        protocol=f"made-{number:02}",
        protocol_digest=f"{number:032x}",
        primary=primary,
        metrics=values,
        n_images=images,
        n_texts=classes,
        n_relevant=images,
        partial="",
        adapter="clip",
        origin="card",
        weights={"model.safetensors": f"{abs(hash_of(model)):064x}"},
        source=task,
        source_revision="1",
        digests={"model": f"{hash_of(model):032x}"},
        settings={
            "device": "cpu",
            "device_name": "cpu",
            "precision": "fp32",
            "preprocess": "exact",
            "seed": 0,
        },
        software={"vlbench": "0.1.0"},
        timing=timing,
        protocol_statement={"templates": ["a photo of a {}.", "a drawing of a {}."], "texts": classes},
        zero_shot=chance.choice(("yes", "yes", "yes", "unknown", "no")),
        facts={
            "family": model.split("-", 1)[0],
            "parameters": round(parameters, 2),
            "gflops": round(parameters / 12 * chance.uniform(0.9, 1.1), 2),
            "image_size": 224,
            "licence": "MIT",
        },
    )


def hash_of(text: str) -> int:
    """A number of a text, equal in every process."""
    return int.from_bytes(text.encode()[:16], "big")


def _metric(name: str, level: float, images: int, *, chance: random.Random, classes: int) -> Measurement:
    value = 1 / (1 + math.exp(-level - chance.gauss(0, 0.1)))
    half = 1.96 * math.sqrt(value * (1 - value) / images)
    parts: tuple[Part, ...] = ()
    if name in WITH_PARTS:
        parts = tuple(
            Part(f"class {j:03}", min(max(chance.gauss(value, 0.15), 0.0), 1.0), images // classes)
            for j in range(classes)
        )
    return Measurement(
        value, images, max(value - half, 0.0), min(value + half, 1.0), "made", parts=parts, metric=name
    )


if __name__ == "__main__":
    main()
