"""Images are known by what they hold, and encoded once a model, whatever is asked of them."""

import os
import shutil
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from colour_model import COLOURS, ColourCheckpoint, ColourModel
from PIL import Image

from vlbench.core.capabilities import VECTORS
from vlbench.core.contracts import Dataset, Place, Text
from vlbench.core.dataset import subset
from vlbench.core.method import ZERO_SHOT, Head, Method
from vlbench.core.registry import SOURCES, TASK_KINDS
from vlbench.core.task import Task, TaskRequest
from vlbench.engine.dry_run import planned_passes
from vlbench.engine.evaluate import evaluate
from vlbench.engine.job import uses
from vlbench.engine.plan import plan_job
from vlbench.engine.session import Session
from vlbench.engine.settings import RunSettings
from vlbench.engine.stored import stored_measurement

SETTINGS = RunSettings(batch_size=4, workers=2)
COUNT = 5
NAMES = tuple(Text(name) for name in sorted(COLOURS))
FOLDER = SOURCES.get("folder")


@dataclass
class CountingModel(ColourModel):
    """Counts the images that it was given, padding left out."""

    images: int = 0

    def encode_images(self, pixels):
        self.images += int((pixels.flatten(1) > 0).any(dim=1).sum())
        return super().encode_images(pixels)

    def vectors(self, features):
        return features


@dataclass
class CountingCheckpoint(ColourCheckpoint):
    model: CountingModel = field(default_factory=CountingModel)
    capabilities: frozenset[str] = frozenset({VECTORS})


def drawn(root: Path, colours=("red", "green", "blue")) -> Path:
    """A folder of pictures of each colour, no two of them equal, none of them black."""
    for colour in colours:
        (root / colour).mkdir(parents=True)
        for number in range(COUNT):
            shade = tuple(max(1, int(part * (1 - number / 40))) for part in COLOURS[colour])
            Image.new("RGB", (8, 8), shade).save(root / colour / f"{number}.bmp")
    return root


def folder(root: Path, **place: bool) -> Dataset:
    return FOLDER(Place(**place), path=str(root))


def task(images: Dataset, kind="classification", name="squares") -> Task:
    return TASK_KINDS.get(kind)(TaskRequest(name, "test", images, names=NAMES))


def run(asked, checkpoint, cache, settings=SETTINGS, method=ZERO_SHOT):
    """Each job's measurement, as a request runs them."""
    found = []
    jobs = [plan_job(checkpoint, each, settings, method=method) for each in asked]
    with Session(checkpoint, settings, cache) as session:
        for place, job in enumerate(jobs):
            session.jobs = jobs[place:]
            found.append(stored_measurement(job, cache) or evaluate(job, session)[1])
    return found


def acc1(measured) -> float:
    return next(each.value for each in measured.values if each.metric == "acc1")


@pytest.mark.parametrize("lost", [(), ("measurements",), ("measurements", "predictions")])
def test_a_copy_elsewhere_encodes_nothing_and_loads_no_model_for_what_is_stored(tmp_path, lost):
    first = CountingCheckpoint()
    run([task(folder(drawn(tmp_path / "data")))], first, tmp_path / "c")
    assert first.model.images == 3 * COUNT
    shutil.copytree(tmp_path / "data", tmp_path / "copy")
    for kind in lost:
        shutil.rmtree(tmp_path / "c" / kind)
    again = CountingCheckpoint()
    (found,) = run([task(folder(tmp_path / "copy"))], again, tmp_path / "c")
    assert (again.model.images, again.loads) == (0, len(lost) // 2)
    assert acc1(found) == 1.0


def change(path: Path) -> None:
    """Another picture of equal size, in place, its times set back."""
    before = path.stat()
    data = bytearray(path.read_bytes())
    data[54:] = bytes(255 - byte or 1 for byte in data[54:])
    with path.open("r+b") as file:
        file.write(data)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def test_a_byte_changed_at_equal_size_and_times_is_seen_and_that_image_alone_encoded(tmp_path):
    root = drawn(tmp_path / "data")
    run([task(folder(root))], CountingCheckpoint(), tmp_path / "c")
    change(root / "red" / "0.bmp")
    again = CountingCheckpoint()
    (found,) = run([task(folder(root))], again, tmp_path / "c")
    assert again.model.images == 1
    assert acc1(found) == pytest.approx(1 - 1 / (3 * COUNT))


def test_bytes_changed_behind_an_equal_state_are_seen_where_they_are_verified(tmp_path, monkeypatch):
    """As a file system without times of change would have it."""
    monkeypatch.setattr("vlbench.datasets.readers.file_listing.state_of", lambda path, status: path)
    root = drawn(tmp_path / "data")
    run([task(folder(root))], CountingCheckpoint(), tmp_path / "c")
    change(root / "red" / "0.bmp")
    verified = replace(SETTINGS, verify_data=True, cache=tmp_path / "c")
    checkpoint = CountingCheckpoint()
    (stale,) = run([task(folder(root))], checkpoint, tmp_path / "c")
    assert (acc1(stale), checkpoint.loads) == (1.0, 0)
    (found,) = run([task(folder(root, verify=True))], checkpoint, tmp_path / "c", verified)
    assert (acc1(found), checkpoint.model.images) == (pytest.approx(1 - 1 / (3 * COUNT)), 1)
    (mended,) = run([task(folder(root))], checkpoint, tmp_path / "c")  # the table was written anew
    assert acc1(mended) == acc1(found)


def counted(images: Dataset, opened: list[str]) -> Dataset:
    """A data set that tells which images are opened."""

    def image(example):
        opened.append(example.id)
        return example.image()

    return replace(images, examples=[replace(each, image=partial(image, each)) for each in images.examples])


def test_each_image_is_read_once_by_the_first_model_and_never_again_for_what_is_stored(tmp_path):
    images, opened = folder(drawn(tmp_path / "data")), []
    run([task(counted(images, opened))], CountingCheckpoint(), tmp_path / "c")
    assert sorted(opened) == sorted(each.id for each in images.examples)
    opened.clear()
    run([task(counted(images, opened))], CountingCheckpoint(), tmp_path / "c")
    run([task(counted(images, opened), "tagging")], CountingCheckpoint(), tmp_path / "c")
    assert opened == []
    other = CountingCheckpoint(name="other")
    other.identify = lambda: replace(CountingCheckpoint().identify(), image="other")
    run([task(counted(images, opened))], other, tmp_path / "c")
    assert len(opened) == 3 * COUNT


def mean_of_classes(lesson):
    split = lesson.splits["train"]
    vectors, right = split.vectors(), split.problem.relevant.dense()
    heads = np.stack(
        [vectors[column].mean(axis=0) if column.any() else np.full(3, 9.0) for column in right.T]
    )
    return Head(score=lambda images: -((images[:, None] - heads[None]) ** 2).sum(axis=2))


PROBE = Method(
    "probe",
    mean_of_classes,
    parts=frozenset({"score"}),
    learns_from=frozenset({"train"}),
    needs=frozenset({VECTORS}),
)


@pytest.mark.parametrize("feature_bytes", [2**30, 0])
def test_tasks_over_the_same_images_share_one_forward_of_each(tmp_path, feature_bytes):
    """Where features find no place, scores of each task and vectors come of one forward."""
    settings = replace(SETTINGS, feature_bytes=feature_bytes)
    images = folder(drawn(tmp_path / "data"))
    some = subset(images, range(4, 3 * COUNT))
    asked = [task(images), task(images, "tagging"), task(some, name="some")]
    checkpoint = CountingCheckpoint()
    learned = replace(task(images, name="learned"), learn_from={"train": task(some).problem})
    jobs = [plan_job(checkpoint, each, settings) for each in asked]
    jobs.append(plan_job(checkpoint, learned, settings, method=PROBE))
    with Session(checkpoint, settings, tmp_path / "c", jobs) as session:
        found = [evaluate(job, session)[1] for job in jobs]
    assert checkpoint.model.images == 3 * COUNT
    assert acc1(found[0]) == acc1(found[2]) == acc1(found[3]) == 1.0
    assert [each.facts.timing.images_encoded for each in found] == [3 * COUNT, 0, 0, 0]
    kinds = {path.parts[-3] for path in (tmp_path / "c").rglob("*.features")}
    assert kinds == ({"features"} if feature_bytes else {"features", "scores", "vectors"})


def test_whether_scores_take_the_place_of_features_is_decided_by_all_images_of_a_data_set(tmp_path):
    """And not by how many are missing: an image more changes no kind of record."""
    images = folder(drawn(tmp_path / "data"))
    budget = replace(SETTINGS, feature_bytes=3 * COUNT * 12 - 1)
    checkpoint = CountingCheckpoint()
    run([task(subset(images, range(4)))], checkpoint, tmp_path / "c", budget)
    run([task(images)], checkpoint, tmp_path / "c", budget)
    assert checkpoint.model.images == 4 + 3 * COUNT
    run([task(images)], checkpoint, tmp_path / "d", SETTINGS)
    before = checkpoint.model.images
    run([task(images, "tagging")], checkpoint, tmp_path / "d", budget)  # all features are there
    assert checkpoint.model.images == before


def test_the_table_of_keys_is_not_read_again_where_a_job_has_them(tmp_path, monkeypatch):
    """Beyond the budget all keys are asked for, which are many."""
    asked = task(folder(drawn(tmp_path / "data")))
    budget, checkpoint = replace(SETTINGS, feature_bytes=0), CountingCheckpoint()
    run([asked], checkpoint, tmp_path / "c", budget)
    with Session(checkpoint, budget, tmp_path / "c") as session:
        job = session.locate(plan_job(checkpoint, asked, budget))
        monkeypatch.setattr("vlbench.engine.session.known_keys", lambda *_: pytest.fail("the table is read"))
        (use,) = uses(job)
        assert session.stored_as(use) is session.space("scores", job.keys.score_space)


def test_a_bad_image_of_a_later_task_loses_nothing_of_an_earlier_one(tmp_path):
    images, later = folder(drawn(tmp_path / "a")), drawn(tmp_path / "b", ("white", "yellow"))
    (later / "white" / "2.bmp").write_bytes(b"BM no picture")
    checkpoint = CountingCheckpoint()
    jobs = [plan_job(checkpoint, task(each), SETTINGS) for each in (images, folder(later))]
    with Session(checkpoint, SETTINGS, tmp_path / "c", jobs) as session:
        evaluate(jobs[0], session)
        with pytest.raises(Exception, match=r"white/2\.bmp"):
            evaluate(jobs[1], session)
    assert stored_measurement(jobs[0], tmp_path / "c") is not None


def test_a_plan_says_at_most_how_much_is_to_be_encoded(tmp_path):
    cache, checkpoint = tmp_path / "c", CountingCheckpoint()
    images, other = folder(drawn(tmp_path / "a")), folder(drawn(tmp_path / "b", ("white",)))
    asked = [task(images), task(images, "tagging", "tags"), task(other, name="other")]
    jobs = [plan_job(checkpoint, each, SETTINGS) for each in asked]

    def planned():
        return [(each.of, each.count, each.tasks) for each in planned_passes(jobs, cache)]

    here, there = f"images of {images.name}", f"images of {other.name}"
    everything = ("squares", "tags", "other")
    assert planned() == [
        (here, 3 * COUNT, ("squares", "tags")),
        (there, COUNT, ("other",)),
        ("texts", len(NAMES), everything),
    ]
    run(asked[:1], checkpoint, cache)
    assert planned() == [(there, COUNT, ("other",))]
    run(asked[1:], checkpoint, cache)
    assert planned() == []
    assert checkpoint.loads == 2


def test_waiting_for_a_model_reads_no_image_twice(tmp_path):
    """Images that are read before any is known to be wanted are decoded once the model is there."""
    root = drawn(tmp_path / "data")
    run([task(folder(root))], CountingCheckpoint(), tmp_path / "c")
    for path in sorted(root.rglob("*.bmp"))[::2]:
        change(path)
    opened: list[str] = []
    checkpoint = CountingCheckpoint()
    (found,) = run([task(counted(folder(root), opened))], checkpoint, tmp_path / "c")
    assert len(opened) == 3 * COUNT
    assert (checkpoint.loads, checkpoint.model.images) == (1, -(-3 * COUNT // 2))
    (fresh,) = run([task(folder(root))], CountingCheckpoint(), tmp_path / "fresh")
    assert found.values == fresh.values
    assert torch.is_inference_mode_enabled() is False


def test_a_method_that_reads_images_alone_asks_no_words_not_even_to_try_the_model(tmp_path):
    images = folder(drawn(tmp_path / "data"))
    some = folder(drawn(tmp_path / "train", ("white", "yellow", "red")))
    learned = replace(task(images), learn_from={"train": task(some).problem})
    checkpoint = CountingCheckpoint()
    settings = replace(SETTINGS, batch_size=1)
    method = replace(PROBE, reads=frozenset({"candidates"}))
    run([learned], checkpoint, tmp_path / "c", settings, method)
    assert checkpoint.model.texts_seen == []
