"""A retrieval from a folder of captioned pictures to one that readers read, by a model of mean colours."""

import json
from dataclasses import dataclass

import numpy as np
import pyarrow
import pytest
from colour_model import COLOURS, ColourCheckpoint, ColourModel, preprocess
from PIL import Image
from pyarrow.parquet import write_table

import vlbench.pairs.folder
from vlbench.core.capabilities import NAMES_ALONE, VECTORS
from vlbench.core.contracts import Place
from vlbench.core.errors import DataError, Unsupported
from vlbench.core.task import TaskRequest
from vlbench.datasets.readers.folder import folder
from vlbench.datasets.readers.jsonl import jsonl
from vlbench.datasets.readers.webdataset import webdataset
from vlbench.engine.settings import RunSettings
from vlbench.pairs.embeddings import open_embeddings
from vlbench.pairs.retrieval import Retrieval, Wanted, retrieve_pairs
from vlbench.task_kinds.classification import classification
from vlbench.task_kinds.retrieval import retrieval

HUES = ("red", "green", "blue")
OWN = 4
"""How many pictures of each hue the pool has that are like no other."""
PLANTED = {
    "copy": lambda picture, path, source: path.write_bytes(source.read_bytes()),
    "half": lambda picture, path, _: picture.resize((40, 30)).save(path, quality=95),
    "jpeg20": lambda picture, path, _: picture.save(path, quality=20),
    "cropped": lambda picture, path, _: picture.crop((2, 1, 78, 59)).save(path, quality=95),
}
"""What is made of a test picture, which the pool holds too."""


@dataclass
class ColourVectors(ColourModel):
    def vectors(self, features):
        return features


def picture(hue, seed):
    """Blots of one hue: no two have one fingerprint."""
    shades = np.random.default_rng(seed).integers(60, 256, (6, 8, 1))
    light = Image.fromarray((shades * np.array(COLOURS[hue]) / 255).astype(np.uint8))
    return light.resize((80, 60), Image.Resampling.BICUBIC)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """The folders of a test set, and of a pool with copies of its pictures and a picture twice."""
    root = tmp_path_factory.mktemp("data")
    lines = []

    def add(name, caption):
        lines.append(json.dumps({"file_name": name, "caption": caption}))
        return root / "pool" / name

    (root / "pool").mkdir()
    for number, hue in enumerate(HUES):
        (root / "test" / hue).mkdir(parents=True)
        for seed in range(2):
            picture(hue, 100 * number + seed).save(root / "test" / hue / f"{seed}.jpg", quality=95)
        for seed in range(OWN):
            path = add(f"{hue}-{seed}.jpg", f"a {hue} blot, number {seed}")
            picture(hue, 100 * number + 50 + seed).save(path)
    source = root / "test" / "red" / "0.jpg"
    for how, make in PLANTED.items():
        with Image.open(source) as shown:
            make(shown, add(f"planted-{how}.jpg", "a red blot from elsewhere"), source)
    twice = add("zz-twice.jpg", "the red blot once more")
    twice.write_bytes((root / "pool" / "red-3.jpg").read_bytes())
    (root / "pool" / "metadata.jsonl").write_text("\n".join(lines))
    return root


@pytest.fixture
def retrieve(data, tmp_path):
    def run(out="pairs", *, source=None, form="jsonl", capabilities=frozenset({VECTORS}), **wanted):
        place = Place(roots=(data,))
        task = classification(
            TaskRequest("hues", "p", folder(place, path="test"), templates=("a {}", "one {}"))
        )
        asked = Retrieval(
            checkpoint=ColourCheckpoint(ColourVectors(), capabilities=capabilities),
            task=task,
            source=source or jsonl(place, path="pool"),
            called="blots",
            tested=(task,),
            wanted=Wanted(**{"k": 17, "floors": {"image": 0.9, "text": 0.9}, **wanted}),
            settings=RunSettings(workers=0),
            cache=tmp_path / "cache",
        )
        report = retrieve_pairs(asked, tmp_path / out, form, lambda _: None)
        return tmp_path / out, report

    return run


def test_what_is_written_is_read_and_holds_no_test_picture_and_none_twice(retrieve, data):
    out, report = retrieve()
    written = jsonl(Place(roots=(out,)), path=".")
    assert [each.target.tags for each in written.examples] == [(hue,) for hue in HUES for _ in range(OWN)]
    assert written[0].target.captions == ("a red blot, number 0",)
    assert (out / "images" / "000000002.jpg").read_bytes() == (data / "pool" / "red-2.jpg").read_bytes()
    assert [each.how for each in report.like_tests] == ["copy", "near copy", "near copy", "near copy"]
    assert {each.other for each in report.like_tests} == {"red/0.jpg"}
    assert [(each.other, each.how) for each in report.like_others] == [("red-3.jpg", "copy")]
    assert [each.name for each in report.classes if each.pairs == OWN] == sorted(HUES)
    task = retrieval(TaskRequest("again", "p", written))
    assert len(task.problem.queries) == 3 * OWN


def test_metas_name_the_prompts_that_found_each_image_by_the_best_first(retrieve):
    out, report = retrieve(sides=("image",), k=2)
    said = json.loads((out / "metas" / "green.json").read_text())
    assert {tuple(hit["query"] for hit in meta["search_meta"]) for meta in said.values()} == {
        ("a green", "one green")
    }
    cosines = [meta["search_meta"][0]["dist"] for meta in said.values()]
    assert cosines == sorted(cosines, reverse=True)
    assert len(cosines) == 2
    assert json.loads((out / "report.json").read_text())["settings"]["k"] == 2
    assert str(report) + "\n" == (out / "report.txt").read_text()


def test_two_retrievals_write_equal_files(retrieve):
    (one, _), (other, _) = retrieve("one"), retrieve("other")
    files = [
        {path.relative_to(root): path.read_bytes() for path in root.rglob("*") if path.is_file()}
        for root in (one, other)
    ]
    assert len(files[0]) > 3 * OWN
    assert files[0] == files[1]


def test_a_folder_with_something_in_it_stays_as_it_is(retrieve, tmp_path):
    (tmp_path / "pairs").mkdir()
    (tmp_path / "pairs" / "mine.txt").write_text("mine")
    with pytest.raises(DataError, match="pairs is there already; name another folder with --out"):
        retrieve()
    assert [each.name for each in (tmp_path / "pairs").iterdir()] == ["mine.txt"]


def test_a_retrieval_that_is_broken_off_leaves_nothing(retrieve, tmp_path, monkeypatch):
    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(vlbench.pairs.folder, "_metas", stop)  # after the images
    with pytest.raises(KeyboardInterrupt):
        retrieve()
    assert [path.name for path in tmp_path.iterdir()] == ["cache"]


def test_floors_and_the_most_pairs_of_a_class_hold(retrieve):
    _, whole = retrieve("a", floors={})
    assert [each.pairs for each in whole.classes] == [3 * OWN] * 3
    _, some = retrieve("b", per_class=2)
    assert [each.pairs for each in some.classes] == [2] * 3
    with pytest.raises(DataError, match="no pair of blots is left for hues; lower the floors"):
        retrieve("c", floors={"image": 1.1, "text": 1.1})


def test_near_copies_stay_where_they_may(retrieve):
    _, report = retrieve(close=None)
    assert [each.how for each in report.like_tests] == ["copy"]
    assert report.pairs == 3 * OWN + 3


def test_a_model_that_reads_names_alone_is_refused(retrieve):
    with pytest.raises(Unsupported, match="colour reads names alone, and no captions"):
        retrieve(capabilities=frozenset({VECTORS, NAMES_ALONE}))


def test_tars_hold_the_same_pairs(retrieve):
    (files, _), (tars, _) = retrieve("files"), retrieve("tars", form="webdataset")
    one, other = jsonl(Place(roots=(files,)), path="."), webdataset(Place(roots=(tars,)), path=".")
    assert [each.target for each in one.examples] == [each.target for each in other.examples]
    assert [each.image().tobytes() for each in one.examples] == [
        each.image().tobytes() for each in other.examples
    ]


@pytest.mark.slow
def test_a_pool_of_vectors_gives_the_same_pairs(retrieve, data, tmp_path):
    pool = jsonl(Place(roots=(data,)), path="pool")
    images = np.stack([preprocess(each.image()).flatten().numpy() for each in pool.examples])
    words = [
        COLOURS[next(word for word in each.target.captions[0].split() if word in HUES)]
        for each in pool.examples
    ]
    for name, array in (("img_emb", images), ("text_emb", np.array(words))):
        np.save(tmp_path / f"{name}_0.npy", array.astype(np.float32))
    table = {
        "image_path": [f"pool/{each.id}" for each in pool.examples],
        "caption": [each.target.captions[0] for each in pool.examples],
    }
    write_table(pyarrow.table(table), tmp_path / "metadata_0.parquet")
    whole, _ = retrieve("whole")
    same, _ = retrieve("same", source=open_embeddings(tmp_path, (data,), captions=True))
    lines = [
        [json.loads(line) for line in (root / "metadata.jsonl").read_text().splitlines()]
        for root in (whole, same)
    ]
    assert [(each["file_name"], each["captions"]) for each in lines[0]] == [
        (each["file_name"], each["captions"]) for each in lines[1]
    ]
    table["caption"][5] = " "
    write_table(pyarrow.table(table), tmp_path / "metadata_0.parquet")
    _, less = retrieve("less", source=open_embeddings(tmp_path, (data,), captions=True))
    assert less.remarks == ("not taken, as without a caption: 1 (the first: pair 5)",)
    assert less.pairs == len(lines[0]) - 1
    table["caption"][5] = "a blot"
    write_table(pyarrow.table(table), tmp_path / "metadata_0.parquet")
    gone, _ = retrieve("gone", source=open_embeddings(tmp_path, (), captions=True), close=None)
    said = [json.loads(line) for line in (gone / "pairs.jsonl").read_text().splitlines()]
    assert [each["image_path"] for each in said] == [f"pool/{each.id}" for each in pool.examples]
    assert said[5]["caption"] == "a blot"
    # by the mean colour alone, all blots of a hue are near copies of test pictures
    with pytest.raises(DataError, match="no pair of"):
        retrieve("none", source=open_embeddings(tmp_path, (), captions=True))
