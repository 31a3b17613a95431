"""A cache folder is counted, pruned, verified and merged, and no run that is under way breaks by it."""

import os
import shutil
import subprocess
import sys
import time
from dataclasses import replace
from hashlib import blake2b
from pathlib import Path

import numpy as np
import pytest
from colour_model import COLOURS, ColourCheckpoint, squares

from vlbench.core.contracts import Text
from vlbench.core.errors import DataError
from vlbench.core.files import write_checked
from vlbench.core.record import as_record
from vlbench.core.registry import TASK_KINDS
from vlbench.core.task import TaskRequest
from vlbench.engine.cache import prune as prune_module
from vlbench.engine.cache.contents import UNKNOWN, portions
from vlbench.engine.cache.merge import merge
from vlbench.engine.cache.prune import prune
from vlbench.engine.cache.verify import damaged
from vlbench.engine.evaluate import evaluate
from vlbench.engine.feature_store import HEAD, MAGIC, FeatureSpace, read_segment
from vlbench.engine.plan import plan_job
from vlbench.engine.session import Session
from vlbench.engine.settings import RunSettings

pytestmark = pytest.mark.any_kernel
SETTINGS = RunSettings(batch_size=2, workers=0)
NAMES = tuple(Text(name) for name in sorted(COLOURS))
LONG_AGO = time.time() - 40 * 24 * 3600
OLD = 35 * 24 * 3600.0


def task(name: str, *colours: str):
    images = replace(squares(colours), name=f"{name} images")
    return TASK_KINDS.get("classification")(TaskRequest(name, "test", images, names=NAMES))


def run(cache: Path, *tasks):
    """What is measured of tasks, and how many images and texts were encoded."""
    checkpoint = ColourCheckpoint()
    jobs = [plan_job(checkpoint, each, SETTINGS) for each in tasks]
    with Session(checkpoint, SETTINGS, cache) as session:
        session.jobs = jobs
        found = [evaluate(job, session)[1] for job in jobs]
    return [as_record(each.values) for each in found], [each.facts.timing for each in found]


def age(cache: Path) -> None:
    for path in cache.rglob("*"):
        os.utime(path, (LONG_AGO, LONG_AGO))


def drop(cache: Path, *kinds: str) -> None:
    for kind in kinds:
        shutil.rmtree(cache / kind)


def test_the_size_tells_models_data_and_kinds(tmp_path):
    run(tmp_path, task("a", "red", "green"), task("b", "blue", "green", "white"))
    found = {(each.kind, each.model, each.data): each for each in portions(tmp_path)}
    row = 3 * 4
    assert {
        ("features", "colour", "a images"),
        ("features", "colour", "b images"),
        ("features", "colour", "texts of a"),
        ("predictions", "colour", "a images"),
        ("measurements", "", ""),
    } <= found.keys()
    b, files = found["features", "colour", "b images"], list((tmp_path / "features").rglob("*.features"))
    assert b.files == 1
    # green is stored once, with the first data set that has it
    assert 2 * row < b.size < 2 * (2 * row + HEAD.size + 200)
    of_features = sum(each.size for key, each in found.items() if key[0] == "features")
    assert of_features == sum(path.stat().st_size for path in files)


def test_features_of_an_earlier_version_are_unknown_and_still_read(tmp_path):
    space = tmp_path / "features" / ("0" * 32)
    space.mkdir(parents=True)
    header, payload = b'{"keys": ["k"], "shape": [1, 1]}', np.ones(1, dtype="<f4").tobytes()
    digest = blake2b(header + payload, digest_size=16).digest()
    (space / "s.features").write_bytes(HEAD.pack(MAGIC, len(header), 4, digest) + header + payload)
    assert [(each.model, each.data) for each in portions(tmp_path)] == [(UNKNOWN, UNKNOWN)]
    with FeatureSpace(space) as opened:
        assert opened.gather(["k"]).tolist() == [[1.0]]


def test_bytes_that_no_record_holds_are_unknown(tmp_path):
    run(tmp_path, task("a", "red", "green"))
    (segment, *_) = sorted((tmp_path / "features").rglob("*.features"))
    (prediction,) = (tmp_path / "predictions").iterdir()
    segment.write_bytes(segment.read_bytes() + b"torn")
    prediction.write_bytes(b"damaged")
    found = {(each.kind, each.model, each.data): each.size for each in portions(tmp_path)}
    assert found["features", UNKNOWN, UNKNOWN] == len("torn")
    assert found["predictions", UNKNOWN, UNKNOWN] == len("damaged")
    assert ("predictions", "colour", "a images") not in found


def test_pruning_by_age_takes_what_was_not_used_and_the_next_run_is_equal(tmp_path):
    first, _ = run(tmp_path, task("a", "red", "green"))
    assert prune(tmp_path, unused_seconds=0).removed == ()  # all of it was used in the last hour
    age(tmp_path)
    write_checked(tmp_path / "measurements" / "new.json", "{}")
    found = prune(tmp_path, unused_seconds=OLD, dry_run=True)
    assert found.removed
    assert all(each.path.exists() for each in found.removed)
    assert prune(tmp_path, unused_seconds=OLD).removed == found.removed
    kinds = {path.parent.name for path in tmp_path.rglob("*.*") if path.is_file() and path.name[0] != "."}
    assert kinds == {"measurements"}
    again, timings = run(tmp_path, task("a", "red", "green"))
    assert (again, timings[0].images_encoded) == (first, 2)


def test_a_budget_takes_the_longest_unused_and_stops(tmp_path):
    run(tmp_path, task("a", "red", "green"))
    age(tmp_path)
    total = sum(each.size for each in portions(tmp_path))
    (segment, *_) = sorted((tmp_path / "features").rglob("*.features"))
    oldest = segment.stat().st_size
    for path in (segment, segment.parent / ".in-use"):
        os.utime(path, (1, 1))
    found = prune(tmp_path, budget=total - 1)
    assert [each.path for each in found.removed] == [segment]
    assert (found.size, found.left) == (oldest, total - oldest)


def test_a_model_goes_with_its_rows_and_others_stay(tmp_path):
    for model, key in (("clip", "a"), ("clip+bf16", "b"), ("clip-large", "c")):
        with FeatureSpace(tmp_path / "features" / key, model) as space:
            space.append(["k"], np.zeros((1, 2), np.float32), "photos")
    age(tmp_path)
    prune(tmp_path, models=["clip"])
    assert [each.model for each in portions(tmp_path)] == ["clip-large"]


def test_remarks_and_copies_of_data_stay(tmp_path):
    for kind, name in (("decoding", "k.json"), ("cut", "k.json"), ("hub", "org%2Fname@c/test.parquet")):
        write_checked(tmp_path / kind / name, "{}")
    age(tmp_path)
    assert prune(tmp_path, budget=0).removed == ()


def test_what_another_process_has_open_stays(tmp_path, monkeypatch):
    monkeypatch.setattr(prune_module, "SPARED_SECONDS", 0.0)
    folder = tmp_path / "features" / "k"
    code = (
        "import sys, numpy as np; from pathlib import Path; "
        "from vlbench.engine.feature_store import FeatureSpace; "
        "space = FeatureSpace(Path(sys.argv[1])); space.append(['k'], np.ones((1, 2), np.float32)); "
        "print('open', flush=True); sys.stdin.readline()"
    )
    arguments = [sys.executable, "-c", code, str(folder)]
    with subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "open\n"
        found = prune(tmp_path, budget=0)
        assert (found.removed, len(found.spared)) == ((), 1)
        other.kill()
    assert len(prune(tmp_path, budget=0).removed) == 1


@pytest.mark.parametrize("kept", [True, False], ids=["features are known", "all has to be encoded"])
def test_a_run_that_is_pruned_all_the_while_ends_as_if_alone(tmp_path, monkeypatch, kept):
    tasks = [task("a", "red", "green", "blue", "white"), task("b", "blue", "yellow", "black")]
    alone, _ = run(tmp_path / "alone", *tasks)
    cache = tmp_path / "cache"
    if kept:
        run(cache, tasks[0])
        drop(cache, "predictions", "measurements")
    removed = []

    def pruned(*_):
        if cache.exists():
            for path in cache.rglob("*.*"):  # as if the run had taken a day so far
                os.utime(path, (LONG_AGO, LONG_AGO))
            removed.extend(each.kind for each in prune(cache, budget=0).removed)

    for name in ("space", "encode_texts", "encode_images", "stored_as"):
        real = getattr(Session, name)

        def wrapped(self, *arguments, _real=real):
            pruned()
            return _real(self, *arguments)

        monkeypatch.setattr(Session, name, wrapped)
    assert run(cache, *tasks)[0] == alone
    assert "features" in removed or not kept


def test_damage_is_named_and_no_more(tmp_path):
    run(tmp_path, task("a", "red", "green"))
    files, found = damaged(tmp_path)
    assert (files > 4, found) == (True, [])
    segment = next((tmp_path / "features").rglob("*.features"))
    (prediction,) = (tmp_path / "predictions").iterdir()
    for path in (segment, prediction):
        data = bytearray(path.read_bytes())
        data[-1] ^= 1
        path.write_bytes(data)
    _, found = damaged(tmp_path)
    assert {each.path for each in found} == {segment, prediction}
    assert all(0 < each.size <= each.path.stat().st_size for each in found)


def test_a_store_of_two_that_were_merged_is_that_of_one_run(tmp_path):
    a, b = task("a", "red", "green", "blue"), task("b", "green", "yellow", "black", "white")
    one, _ = run(tmp_path / "one", a, b)
    for name, each in (("first", a), ("second", b)):
        run(tmp_path / name, each)
        drop(tmp_path / name, "predictions", "measurements")
    assert merge(tmp_path / "first", tmp_path / "both")
    assert merge(tmp_path / "second", tmp_path / "both")
    assert merge(tmp_path / "second", tmp_path / "both") == {}
    assert damaged(tmp_path / "both")[1] == []
    found, timings = run(tmp_path / "both", a, b)
    assert found == one
    assert [(each.images_encoded, each.texts_encoded) for each in timings] == [(0, 0), (0, 0)]


def test_predictions_are_merged_too_and_then_nothing_is_scored(tmp_path):
    a = task("a", "red", "green", "blue")
    run(tmp_path / "first", a)
    drop(tmp_path / "first", "features")
    merge(tmp_path / "first", tmp_path / "both")
    run(tmp_path / "both", a)
    assert not (tmp_path / "both" / "features").exists()


def test_of_what_both_have_the_own_stays_and_damage_stays_out(tmp_path):
    own, other = (tmp_path / name / "features" / "k" for name in ("own", "other"))
    with FeatureSpace(own) as space:
        space.append(["x"], np.zeros((1, 2), np.float32))
    with FeatureSpace(other, "clip") as space:
        space.append(["x", "y"], np.ones((2, 2), np.float32), "photos")
        space.append(["z"], np.ones((1, 2), np.float32), "photos")
    (segment,) = other.glob("*.features")
    segment.write_bytes(segment.read_bytes()[:-1] + b"!")
    write_checked(tmp_path / "own" / "decoding" / "k.json", '{"x": ["of CMYK"]}')
    write_checked(tmp_path / "other" / "decoding" / "k.json", '{"y": ["of floats"], "x": ["other"]}')
    merge(tmp_path / "other", tmp_path / "own")
    with FeatureSpace(own) as space:
        assert space.gather(["x", "y"]).tolist() == [[0, 0], [1, 1]]
        assert "z" not in space
    added = [(each.model, each.of) for path in own.glob("*.features") for each in read_segment(path)]
    assert sorted(added) == [("", ""), ("clip", "photos")]
    remarks = (tmp_path / "own" / "decoding" / "k.json").read_text(encoding="utf-8")
    assert '{"y": ["of floats"], "x": ["of CMYK"]}' in remarks


def test_a_folder_that_is_missing_or_the_same_is_refused(tmp_path):
    run(tmp_path / "one", task("a", "red"))
    with pytest.raises(DataError, match="the same folder"):
        merge(tmp_path / "one", tmp_path / "one")
    with pytest.raises(DataError, match="no such cache folder"):
        prune(tmp_path / "none", budget=0)
