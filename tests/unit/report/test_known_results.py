import os
import random
import shutil
import time
from pathlib import Path

import numpy as np
import pytest

from vlbench.core.errors import DataError
from vlbench.core.items import Items
from vlbench.core.measurement import Measurement, Part
from vlbench.report import known_results as module
from vlbench.report.known_results import known_results
from vlbench.report.paired.items import write_items
from vlbench.report.results import read_results, write_result
from vlbench.report.tables.averages import NO_ADDITIONS
from vlbench.report.tables.leaderboard import leaderboards, stale_leaderboards, write_leaderboards
from vlbench.report.tables.ranks import with_ranks

TASKS = ("shapes", "digits", "dtd@new")
MODELS = ("small", "large", "b-seed1", "b-seed2")
TICK = 0.02


@pytest.fixture
def quick(monkeypatch):
    """Files settle at once, after a pause in which clocks tick."""
    monkeypatch.setattr(module, "SETTLED_NS", int(TICK * 1e9) // 2)


@pytest.fixture
def read_files(monkeypatch):
    """The names of the result files that are read."""
    names = []

    def read(folder, path):
        names.append(Path(path).name)
        return real(folder, path)

    real = module.read_placed
    monkeypatch.setattr(module, "read_placed", read)
    return names


def a_result(make_result, chance: random.Random):
    model = chance.choice(MODELS)
    part = {"partial": "first 5 images"} if chance.random() < 0.1 else {}
    of_row = {"replicate_of": "b"} if "seed" in model else {}
    value = round(chance.random(), 3)
    metrics = (
        Measurement(value, 40, metric="acc1", parts=(Part("réd", value, 20), Part("tab\tin\nit", None, 0))),
        Measurement(None, 40, metric="acc5"),
    )
    return make_result(
        model=model,
        task=chance.choice(TASKS),
        metrics=metrics,
        protocol_digest=chance.choice("ddde") * 32,
        thresholds=(0.5, 1.0),
        changes=("cast",),
        n_images=40,
        n_relevant=40,
        **part,
        **of_row,
    )


def put(result, folder: Path) -> None:
    write_result(result, folder)
    right = int(40 * result.metrics[0].value)
    write_items(result, Items(image_ranks=np.array([0] * right + [1] * (40 - right))), folder)


def test_what_is_made_of_results_is_kept_whether_their_parts_were_asked_for(make_result, tmp_path, quick):
    folder, cache, chance = tmp_path / "results", tmp_path / "cache", random.Random(7)
    for _ in range(6):
        put(a_result(make_result, chance), folder)
    time.sleep(TICK)
    _, kept = known_results(folder, cache)
    with_parts, same = known_results(folder, cache, parts=True)
    assert same == kept
    assert with_parts == read_results(folder)
    assert any(metric.parts for each in with_parts for metric in each.metrics)
    assert known_results(folder, cache, parts=True) == (with_parts, kept)


def change(folder: Path, aside: Path, make_result, chance: random.Random) -> str:
    """Change something in a results folder, as users and other programs do."""
    files = sorted(folder.glob("*/*.json"))
    known = ("write", "write", "edit", "delete", "touch", "older", "rename", "record", "csv", "cache")
    what = chance.choice(known)
    if what == "write" or not files:
        put(a_result(make_result, chance), folder)
        return "write"
    path = chance.choice(files)
    record = path.with_name(path.name.replace(".json", ".items.npz"))
    if what == "edit":  # of equal size, in place, under the same time of writing
        status = path.stat()
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace('"n_texts": 4', f'"n_texts": {chance.randint(1, 9)}'), encoding="utf-8")
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    elif what == "delete":
        path.unlink()
    elif what == "touch":
        os.utime(path, (1, 1))
    elif what == "older":
        kept = aside / path.name
        if kept.exists() and kept.read_text(encoding="utf-8").count(f'"task": "{path.parent.name}"'):
            kept.replace(path)
            record.unlink(missing_ok=True)  # of the other result
        else:
            shutil.copy2(path, kept)
    elif what == "rename":
        (folder / "away").mkdir(exist_ok=True)
        path.parent.rename(aside / "away")
        (folder / "away").rmdir()
        (aside / "away").rename(path.parent)
    elif what == "record":
        record.unlink(missing_ok=True)
    elif what == "csv":
        chance.choice(sorted(folder.glob("*.csv"))).write_text("model\n")
    else:
        chance.choice(sorted((aside.parent / "cache").rglob("*"))).touch()
    return what


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_tables_of_known_results_equal_those_that_are_made_from_nothing(make_result, tmp_path, quick, seed):
    chance = random.Random(seed)
    folder, aside, cache = (tmp_path / name for name in ("results", "aside", "cache"))
    aside.mkdir()
    cache.mkdir()
    put(a_result(make_result, chance), folder)
    time.sleep(TICK)
    write_leaderboards(folder, cache=cache)
    done = []
    for step in range(30):
        done.append(change(folder, aside, make_result, chance))
        time.sleep(TICK)
        kept = sorted(path for path in (cache / "results").rglob("*") if path.is_file())
        if step % 7 == 3:
            damaged = chance.choice(kept)
            damaged.write_bytes(damaged.read_bytes()[:-3])
        if step % 7 == 5:
            chance.choice(kept).unlink()
        write_leaderboards(folder, cache=cache)
        fresh = read_results(folder)
        made = leaderboards(fresh, with_ranks(folder, fresh, NO_ADDITIONS))
        assert {path.name: path.read_bytes().decode() for path in folder.glob("*.csv")} == made, done
        assert known_results(folder, cache, parts=True)[0] == fresh, done
        assert stale_leaderboards(folder) == ()
    assert len(set(done)) > 6


def test_only_files_that_changed_are_read_again(make_result, tmp_path, quick, read_files):
    folder, cache = tmp_path / "results", tmp_path / "cache"
    for model in ("a", "b", "c"):
        write_result(make_result(model=model), folder)
    time.sleep(TICK)
    first, _ = known_results(folder, cache, parts=True)
    assert read_files == ["a.json", "b.json", "c.json"]
    read_files.clear()
    assert known_results(folder, cache, parts=True)[0] == first == read_results(folder)
    assert read_files == []
    write_result(make_result(model="b", acc1=0.9), folder)
    time.sleep(TICK)
    assert known_results(folder, cache, parts=True)[0] == read_results(folder)
    assert read_files == ["b.json"]


def test_a_file_that_has_just_changed_is_read_again_whatever_its_state(make_result, tmp_path, read_files):
    write_result(make_result(), tmp_path / "results")
    for _ in range(2):
        known_results(tmp_path / "results", tmp_path / "cache")
    assert read_files == ["small.json", "small.json"]


def test_other_code_reads_all_again(make_result, tmp_path, quick, read_files, monkeypatch):
    write_result(make_result(), tmp_path / "results")
    time.sleep(TICK)
    known_results(tmp_path / "results", tmp_path / "cache")
    monkeypatch.setattr(module, "digest_of_code", lambda *roots, cache: "other")
    known_results(tmp_path / "results", tmp_path / "cache")
    assert read_files == ["small.json", "small.json"]


def test_a_known_file_that_is_damaged_later_is_named(make_result, tmp_path, quick):
    path = write_result(make_result(), tmp_path / "results")
    time.sleep(TICK)
    known_results(tmp_path / "results", tmp_path / "cache")
    path.write_text(path.read_text(encoding="utf-8")[:-5], encoding="utf-8")
    with pytest.raises(DataError, match=r"small\.json: not a vlbench result"):
        known_results(tmp_path / "results", tmp_path / "cache")


@pytest.mark.parametrize("place", ["cache", "cache/results"])
def test_where_the_cache_cannot_be_written_all_is_read(make_result, tmp_path, quick, place):
    path = write_result(make_result(), tmp_path / "results")
    (tmp_path / place).parent.mkdir(exist_ok=True)
    (tmp_path / place).write_text("a file where a folder belongs")
    time.sleep(TICK)
    for _ in range(2):
        assert known_results(tmp_path / "results", tmp_path / "cache")[0][0].model == "small"
    path.unlink()
    assert known_results(tmp_path / "results", tmp_path / "cache")[0] == ()


@pytest.mark.parametrize("name", ["a\nb\tc", os.fsdecode(b"\xff")])
def test_folders_and_records_may_have_any_name(make_result, tmp_path, quick, read_files, name):
    folder = tmp_path / name
    put(make_result(n_images=40, metrics=(Measurement(0.5, 40, metric="acc1"),)), folder)
    (folder / "shapes" / f"{name}.items.npz").write_bytes(b"of no result")
    time.sleep(TICK)
    for _ in range(2):
        write_leaderboards(folder, cache=tmp_path / "cache")
    assert read_files == ["small.json"]


def test_tables_of_the_same_results_are_not_made_again(make_result, tmp_path, quick, monkeypatch):
    folder, cache = tmp_path / "results", tmp_path / "cache"
    for task in TASKS:
        put(make_result(task=task, n_images=40, metrics=(Measurement(0.5, 40, metric="acc1"),)), folder)
    time.sleep(TICK)
    write_leaderboards(folder, cache=cache)
    changed = make_result(task="digits", n_images=40, metrics=(Measurement(0.25, 40, metric="acc1"),))
    put(changed, folder)
    made = []
    real = module.Kept.text

    def text(self, task, name, make, *beside):
        return real(self, task, name, lambda: made.append((task, name)) or make(), *beside)

    monkeypatch.setattr(module.Kept, "text", text)
    write_leaderboards(folder, cache=cache)
    assert set(made) == {("digits", each) for each in ("ranks", "all.csv", "costs.csv", "digits.csv")}
