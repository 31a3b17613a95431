"""Cards of captions and tags, and those on tars, parquet and the hub, on miniatures; none is edited."""

import json
from pathlib import Path

import card_layouts as layouts
import pytest
import torchvision_folders as made
from card_layouts import Build, Built, build_task, labelled, marked, tars, truth, voc
from hub_server import hub_server, use_hub

pytestmark = pytest.mark.cards


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    return tmp_path / "data"


@pytest.fixture
def built(root: Path, tmp_path: Path) -> Built:
    return lambda name: build_task(name, root, tmp_path / "cache")


def captioned_json(root: Path, path: str, file: str, split: str = "test") -> None:
    """Karpathy's form: two images of the split, one of another."""
    images = [
        {"filename": f"{n}.jpg", "split": part, "sentences": [{"raw": f"one {n}"}, {"raw": f"two {n}"}]}
        for n, part in ((1, split), (2, "train"), (3, split))
    ]
    made.text(root / path / file, json.dumps({"images": images}))


def captions_of_coco(root: Path) -> None:
    record = {
        "images": [{"id": n, "file_name": f"{n}.jpg"} for n in (1, 3)],
        "annotations": [{"image_id": n, "caption": f"{word} {n}"} for word in ("one", "two") for n in (1, 3)],
    }
    made.text(root / "coco" / "coco_test_karpathy.json", json.dumps(record))


def flickr_lines(root: Path, path: str, file: str) -> None:
    lines = [f"{n}.jpg,{word} {n}" for n in (1, 3) for word in ("one", "two")]
    made.text(root / path / file, "image,caption", *lines)


def flickr_table(root: Path) -> None:
    rows = [
        f'"[""one {n}"", ""two {n}""]",{part},{n}.jpg' for n, part in ((1, "test"), (2, "val"), (3, "test"))
    ]
    made.text(root / "flickr30k" / "flickr_annotations_30k.csv", "raw,split,filename", *rows)


def blip(root: Path, path: str, file: str, folder: str) -> None:
    images = [{"image": f"{folder}/{n}.jpg", "caption": [f"one {n}", f"two {n}"]} for n in (1, 3)]
    made.text(root / path / file, json.dumps(images))


def tars_of_captions(name: str) -> Build:
    return lambda root: tars(root / name, *({"txt": f"one {n}\ntwo {n}".encode()} for n in (1, 3)))


def xtd10(names: str, captions: str) -> Build:
    def build(root: Path) -> None:
        made.text(root / names, "1.jpg", "3.jpg")
        made.text(root / captions, "eins 1", "eins 3")

    return build


def crossmodal(root: Path) -> None:
    lines = [json.dumps({"image/key": str(n), "de": {"caption": [f"eins {n}", "zwei"]}}) for n in (1, 3)]
    made.text(root / "xm3600" / "captions.jsonl", *lines)


def urban(root: Path) -> None:
    for n in (1, 3):
        made.text(root / "Urban1k" / "caption" / f"{n}.txt", f"one {n}")


BOTH = [("one 1", "two 1"), ("one 3", "two 3")]
GERMAN = [("eins 1",), ("eins 3",)]
RETRIEVAL: list[tuple[str, Build, str, list[tuple[str, ...]]]] = [
    (
        "flickr30k",
        lambda root: flickr_lines(root, "flickr30k", "flickr30k_test_karpathy.txt"),
        "flickr30k",
        BOTH,
    ),
    (
        "flickr30k",
        lambda root: captioned_json(root, "flickr30k", "dataset_flickr30k.json"),
        "flickr30k/flickr30k-images",
        BOTH,
    ),
    ("flickr30k", flickr_table, "flickr30k/images", BOTH),
    (
        "flickr30k",
        lambda root: blip(root, "flickr30k", "flickr30k_test.json", "flickr30k-images"),
        "flickr30k/flickr30k-images",
        BOTH,
    ),
    ("flickr30k", tars_of_captions("flickr30k"), "", BOTH),
    (
        "flickr8k",
        lambda root: flickr_lines(root, "flickr8k", "flickr8k_test_karpathy.txt"),
        "flickr8k/Images",
        BOTH,
    ),
    ("coco", captions_of_coco, "coco/val2014", BOTH),
    ("coco", lambda root: blip(root, "coco", "coco_karpathy_test.json", "val2014"), "coco/val2014", BOTH),
    ("mscoco_captions", tars_of_captions("wds_mscoco_captions"), "", BOTH),
    ("xtd10-de", xtd10("xtd10/test_image_names.txt", "xtd10/test_1kcaptions_de.txt"), "xtd10/images", GERMAN),
    (
        "coco-multilingual-de",
        xtd10("xtd10/XTD10/test_image_names.txt", "xtd10/MIC/test_1kcaptions_de.txt"),
        "coco/val2014",
        GERMAN,
    ),
    ("crossmodal3600-de", crossmodal, "xm3600/images", GERMAN),
    ("urban1k", urban, "Urban1k/image", [("one 1",), ("one 3",)]),
    ("rsicd", lambda root: captioned_json(root, "rsicd", "dataset_rsicd.json"), "rsicd/RSICD_images", BOTH),
]


@pytest.mark.parametrize(
    ("name", "build", "images", "captions"),
    RETRIEVAL,
    ids=[f"{n}-{case[0]}" for n, case in enumerate(RETRIEVAL)],
)
def test_retrieval(
    name: str,
    build: Build,
    images: str,
    captions: list[tuple[str, ...]],
    root: Path,
    built: Built,
) -> None:
    if images:
        for n in (1, 3):
            made.picture(root / images / f"{n}.jpg", n)
    build(root)
    found = built(name)
    assert truth(found) == captions
    assert found.partial.startswith("2 images where the card says ")


@pytest.mark.parametrize(
    ("name", "build", "tags"),
    [
        ("voc2007-multilabel@elevater", voc, [("dog", "sofa")]),
        (
            "voc2007-multilabel",
            marked("wds_voc2007_multilabel", (10, 19), ()),
            [("diningtable", "tvmonitor"), ()],
        ),
        ("voc2007-multilabel@openai", marked("voc2007_multilabel", (10, 17)), [("sofa", "diningtable")]),
    ],
)
def test_tagging(name: str, build: Build, tags: list[tuple[str, ...]], root: Path, built: Built) -> None:
    build(root)
    assert truth(built(name)) == tags


def test_coco_of_2017(root: Path, built: Built) -> None:
    made.picture(root / "coco" / "val2017" / "000000000139.jpg", 1)
    texts = [line.split("\t") for line in _names("coco-80")]
    record = {
        "images": [{"id": 139, "file_name": "000000000139.jpg"}],
        "categories": [{"id": int(number), "name": name} for name, number in texts],
        "annotations": [{"image_id": 139, "category_id": 1}],
    }
    made.text(root / "coco" / "annotations" / "instances_val2017.json", json.dumps(record))
    assert truth(built("coco-80@val2017")) == [("person",)]


def _names(name: str) -> list[str]:
    from vlbench.cards.folders import built_in_folder

    return (built_in_folder() / "tasks" / "names" / f"{name}.tsv").read_text().splitlines()[1:]


def test_parquet_of_a_local_folder(root: Path, built: Built) -> None:
    layouts.rows(root / "cifar10" / "test-00000-of-00001.parquet", "img", label=[9, 0])
    assert truth(built("cifar10")) == [("truck",), ("airplane",)]
    layouts.rows(
        root / "rsicd" / "data" / "test-00000-of-00001.parquet", "image", captions=[["a", "b"], ["c"]]
    )
    layouts.rows(root / "rsicd" / "data" / "train-00000-of-00001.parquet", "image", captions=[["no"], ["no"]])
    assert truth(built("rsicd")) == [("a", "b"), ("c",)]


def test_the_hub(root: Path, tmp_path: Path, built: Built, monkeypatch: pytest.MonkeyPatch) -> None:
    remote = tmp_path / "remote"
    labelled("cifar100", 99, 1)(remote)
    tars_of_captions("flickr30k")(remote)
    layouts.rows(
        remote / "xm3600" / "data" / "no-00000-of-00001.parquet", "image", captions=[["en", "to"], ["tre"]]
    )
    layouts.rows(remote / "cifar10" / "data" / "test-00000-of-00001.parquet", "img", label=[9, 0])
    with hub_server() as server:
        use_hub(server, tmp_path / "hub-cache", monkeypatch)
        server.add("datasets/clip-benchmark/wds_vtab-cifar100", remote / "cifar100")
        server.add("datasets/clip-benchmark/wds_flickr30k", remote / "flickr30k")
        server.add("datasets/floschne/xm3600", remote / "xm3600")
        assert truth(built("cifar100")) == [("worm",), ("aquarium_fish",)]
        assert truth(built("flickr30k")) == BOTH
        norwegian = built("crossmodal3600-no")
        assert truth(norwegian) == [("en",), ("tre",)]
        assert norwegian.problem.images.revision == server.commit
        server.commit = "69a62dd171e24a133d193073e73fda4dbb823266"  # the one that the card pins
        server.add("datasets/mteb/cifar10", remote / "cifar10")
        assert truth(built("cifar10")) == [("truck",), ("airplane",)]


def test_of_the_whole_of_flickr30k_its_test_rows_are_taken(
    root: Path, tmp_path: Path, built: Built, monkeypatch: pytest.MonkeyPatch
) -> None:
    captions = [["no", "no"], ["one 1", "two 1"]]
    layouts.rows(
        tmp_path / "remote" / "TEST" / "test" / "0000.parquet",
        "image",
        caption=captions,
        split=["train", "test"],
    )
    with hub_server() as server:
        use_hub(server, tmp_path / "hub-cache", monkeypatch)
        server.add("datasets/nlphuji/flickr30k", tmp_path / "remote")
        found = built("flickr30k")
    assert truth(found) == [("one 1", "two 1")]
    assert found.problem.images.name == "hub:nlphuji/flickr30k@refs/convert/parquet/TEST/test"
