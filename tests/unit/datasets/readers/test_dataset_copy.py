"""Hub data sets of other layouts: the library `datasets` runs for real, on a folder in the hub's place."""

import csv
import errno
import io
import json
import os
import sys
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pyarrow.parquet as pq
import pytest
from PIL.Image import Image

from vlbench.core.contracts import Dataset, Place, Text
from vlbench.core.errors import CardError, DataError, SourceMissing, VlbenchError
from vlbench.core.files import PASSING, file_state
from vlbench.datasets.readers import dataset_copy
from vlbench.datasets.readers.hub import hub
from vlbench.datasets.readers.parquet_rows import read_row

COMMIT = "0123456789abcdef0123456789abcdef01234567"
REPO = "organisation/pictures"

Png = Callable[[int], bytes]


def bytes_of(source: Dataset, index: int) -> bytes:
    return read_row(*cast("partial[Image]", source[index].image).args)


class StandIn:
    """A repository that is a folder; counts what is asked, and fails as told."""

    def __init__(self, remote: Path, cache: Path) -> None:
        self.remote = remote
        self.cache = cache
        self.asked: list[str] = []
        self.loaded: list[str] = []
        self.unreachable: Exception | None = None
        self.broken: Exception | None = None

    def ask(self, repo: str, revision: str) -> SimpleNamespace:
        assert repo == REPO
        self.asked.append(revision)
        if self.unreachable is not None:
            raise self.unreachable
        return SimpleNamespace(sha=COMMIT)

    def open(self, revision: str = COMMIT, **options: Any) -> Dataset:
        return hub(Place(cache=self.cache), repo=REPO, revision=revision, layout="datasets", **options)

    def files(self) -> list[str]:
        """Whatever lies in the cache, hidden or not."""
        return sorted(str(path.relative_to(self.cache)) for path in self.cache.rglob("*") if path.is_file())


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StandIn:
    """Only the name of the repository is replaced; `load_dataset` itself is the real one."""
    import datasets

    stand = StandIn(tmp_path / "remote", tmp_path / "cache")
    load = datasets.load_dataset

    def load_dataset(repo: str, *, revision: str, **options: Any) -> Any:
        assert (repo, revision) == (REPO, COMMIT)
        stand.loaded.append(options["split"])
        if stand.broken is not None:
            raise stand.broken
        return load(str(stand.remote), revision=revision, **options)

    monkeypatch.setattr(datasets, "load_dataset", load_dataset)
    monkeypatch.setattr(dataset_copy, "ask_repository", stand.ask)
    return stand


def put(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def test_class_folders_become_a_copy_once(
    stand_in: StandIn, png: Png, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import datasets

    for split, count in (("train", 1), ("test", 130)):
        for i in range(count):
            put(stand_in.remote / split / ("red_cat", "dog")[i % 2] / f"{i:03d}.png", png(i))
    put(stand_in.remote / "train" / "dog" / "000.png", png(0))
    assert not datasets.are_progress_bars_disabled()
    source = stand_in.open("main")
    assert not datasets.are_progress_bars_disabled()
    assert "Generating" not in capsys.readouterr().err
    assert (source.name, source.revision, len(source)) == (f"hub:{REPO}@main/test", COMMIT, 130)
    assert source.offers.names == (Text("dog"), Text("red cat", ids={"label": "red_cat"}))
    assert [source[i].target.label for i in (0, 64, 65, 129)] == [0, 0, 1, 1]
    assert source[3].id == "test.parquet/3"
    assert bytes_of(source, 129) == png(128)  # the file's own bytes, not a new encoding
    assert source[129].image().size == (12 + 128 % 5, 10)

    copy = stand_in.cache / "hub" / f"{REPO}@{COMMIT}" / "test.parquet"
    assert stand_in.files() == [str(copy.relative_to(stand_in.cache))]
    assert source[3].state == f"{file_state(copy)}#3"
    metadata = pq.read_metadata(copy)
    assert [metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)] == [100, 30]
    row = pq.read_table(copy).slice(0, 1).to_pylist()[0]
    assert row["image"]["path"] == "001.png"  # no path of this machine

    stand_in.unreachable = ConnectionError("nobody asks")
    stand_in.asked.clear()
    monkeypatch.setitem(sys.modules, "datasets", None)
    assert len(stand_in.open(COMMIT)) == 130
    assert (stand_in.asked, stand_in.loaded) == ([], ["test"])


def test_metadata_configs_columns_and_where(stand_in: StandIn, png: Png) -> None:
    put(
        stand_in.remote / "README.md",
        b"---\nconfigs:\n- config_name: en\n  data_dir: en\n- config_name: fr\n  data_dir: fr\n---\n",
    )
    for seed, config in enumerate(("en", "fr")):
        lines = []
        for i in range(3):
            name = f"{i}.png"
            put(stand_in.remote / config / "test" / name, png(10 * seed + i))
            lines.append({"file_name": name, "said": [f"{config} {i}", "b"], "part": "ab"[i % 2]})
        text = "\n".join(json.dumps(line) for line in lines)
        put(stand_in.remote / config / "test" / "metadata.jsonl", text.encode())
    source = stand_in.open(config="fr", columns={"captions": "said"}, where={"part": "a"})
    assert source.name == f"hub:{REPO}@{COMMIT}/fr/test"
    assert [source[i].target.captions for i in range(2)] == [("fr 0", "b"), ("fr 2", "b")]
    assert source[1].id == "fr/test.parquet/2"
    assert bytes_of(source, 1) == png(12)
    with pytest.raises(DataError, match=r"config 'de' \(ValueError: BuilderConfig 'de' not found"):
        stand_in.open(config="de")
    with pytest.raises(DataError, match=r"split 'dev', config 'en' \(ValueError: Unknown split"):
        stand_in.open(config="en", split="dev")
    assert stand_in.files() == [f"hub/{REPO}@{COMMIT}/fr/test.parquet"]


def test_zips_with_a_table_of_captions(stand_in: StandIn, png: Png) -> None:
    table = io.StringIO()
    csv.writer(table).writerows([("file_name", "text"), *((f"{i}.png", f"number {i}") for i in range(3))])
    stand_in.remote.mkdir()
    with zipfile.ZipFile(stand_in.remote / "test.zip", "w") as archive:
        archive.writestr("metadata.csv", table.getvalue())
        for i in range(3):
            archive.writestr(f"{i}.png", png(i))
    source = stand_in.open()
    assert [source[i].target.captions for i in range(3)] == [(f"number {i}",) for i in range(3)]
    assert [bytes_of(source, i) for i in range(3)] == [png(i) for i in range(3)]
    assert len(stand_in.files()) == 1  # what was unpacked is gone


def test_arrow_files_with_images(stand_in: StandIn, png: Png) -> None:
    from datasets import Dataset, Features, Image, Sequence, Value

    put(stand_in.remote.parent / "elsewhere.png", png(7))
    rows = Dataset.from_dict(
        {"image": [str(stand_in.remote.parent / "elsewhere.png")], "tags": [["cat", "dog"]]},
        features=Features({"image": Image(), "tags": Sequence(Value("string"))}),
    )
    rows.save_to_disk(str(stand_in.remote / "saved"))
    (arrow,) = (stand_in.remote / "saved").glob("*.arrow")
    arrow.rename(stand_in.remote / "test-00000-of-00001.arrow")
    for rest in (stand_in.remote / "saved").iterdir():
        rest.unlink()
    source = stand_in.open()
    assert source[0].target.tags == ("cat", "dog")
    assert bytes_of(source, 0) == png(7)


def generation_error(cause: Exception) -> Exception:
    from datasets.exceptions import DatasetGenerationError

    error = DatasetGenerationError("An error occurred while generating the dataset")
    error.__cause__ = cause
    return error


def no_access() -> Exception:
    from datasets.exceptions import DatasetNotFoundError

    return DatasetNotFoundError("gated")


@pytest.mark.parametrize(
    ("failure", "kind", "said"),
    [
        (ConnectionError("lost"), SourceMissing, "(ConnectionError: lost)"),
        (generation_error(TimeoutError("slow")), SourceMissing, "(TimeoutError: slow)"),
        (no_access(), SourceMissing, "`hf auth login`"),
        (generation_error(ValueError("no table")), DataError, "(ValueError: no table); correct the card"),
        (FileNotFoundError("no data files"), DataError, "split 'test' (FileNotFoundError: no data files)"),
        (RuntimeError("scripts are no longer supported"), DataError, "(RuntimeError: scripts are no longer"),
    ],
)
def test_what_fails_is_the_network_or_the_data(
    stand_in: StandIn, failure: Exception, kind: type[VlbenchError], said: str
) -> None:
    stand_in.broken = failure
    with pytest.raises(kind) as caught:
        stand_in.open()
    assert type(caught.value) is kind
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
    assert stand_in.files() == []


def test_without_a_network_and_a_copy_it_is_missing(stand_in: StandIn) -> None:
    stand_in.unreachable = ConnectionError("no route to\nthe hub")
    for revision in ("main", COMMIT):
        with pytest.raises(SourceMissing) as missing:
            stand_in.open(revision)
        assert missing.value.looked == (
            f"{REPO}@{revision} is not in the hub's cache, and fetching it failed "
            "(ConnectionError: no route to the hub)"
        )
    assert stand_in.loaded == []  # which would retry, and answer from another commit


def test_a_folder_of_the_repositorys_name_is_not_taken_for_it(
    stand_in: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / REPO).mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match="run in another folder"):
        stand_in.open()


def test_the_users_cache_folder_and_a_bad_name(
    png: Png, stand_in: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("VLBENCH_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "user"))
    for name in ("a", "b"):
        put(stand_in.remote / "test" / name / "0.png", png(0))
    hub(Place(), repo=REPO, revision=COMMIT, layout="datasets")
    assert (tmp_path / "user" / "vlbench" / "hub" / f"{REPO}@{COMMIT}" / "test.parquet").is_file()
    monkeypatch.undo()
    with pytest.raises(CardError, match="'a/b/c' is no name of a repository"):
        hub(Place(cache=tmp_path), repo="a/b/c", revision="main", layout="datasets")


def test_a_full_disk_is_no_failure_of_the_hub(stand_in: StandIn) -> None:
    stand_in.broken = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    with pytest.raises(OSError, match="No space left") as raised:
        stand_in.open("main")
    assert raised.value.filename.endswith("/test.parquet")
    assert stand_in.files() == []


def test_what_a_killed_process_left_of_a_copy_is_removed(stand_in: StandIn, png: Png) -> None:
    put(stand_in.remote / "test" / "cat" / "0.png", png(0))
    put(stand_in.remote / "test" / "dog" / "1.png", png(1))
    folder = stand_in.cache / "hub" / f"{REPO}@{COMMIT}"
    put(folder / f".test.parquet.12345678{PASSING}" / "org" / "part.arrow", b"half")
    stand_in.open("main")
    assert [path.name for path in folder.iterdir()] == ["test.parquet"]
