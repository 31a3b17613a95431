"""The tagging cards: packaged annotations with the stated counts, and each card on a miniature."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from vlbench.cards.build import open_task
from vlbench.cards.catalogue import read_catalogue
from vlbench.cards.data_request import DataRequest
from vlbench.cards.folders import built_in_folder
from vlbench.cards.texts import read_names
from vlbench.core.errors import DataError
from vlbench.core.task import Task

pytestmark = pytest.mark.cards

TASKS = built_in_folder() / "tasks"
Write = Callable[..., None]


def lines(name: str) -> list[str]:
    return gzip.decompress((TASKS / "annotations" / f"{name}.txt.gz").read_bytes()).decode().splitlines()


@pytest.mark.parametrize(
    ("name", "images", "labels", "fewest", "most"),
    [("openimages-common-214", 57224, 67866, 17, 15487), ("openimages-rare-200", 21991, 29519, 8, 3582)],
)
def test_packaged_tags(name: str, images: int, labels: int, fewest: int, most: int) -> None:
    rows = [line.split(",") for line in lines(name)]
    counts = dict.fromkeys((text.name for text in read_names(TASKS / "names" / f"{name}.tsv")), 0)
    for row in rows:
        for tag in row[1:]:
            counts[tag] += 1
    assert (len(rows), len({row[0] for row in rows}), sum(counts.values())) == (images, images, labels)
    assert (min(counts.values()), max(counts.values())) == (fewest, most)


def test_packaged_labels_of_imagenet() -> None:
    rows = [line.split(",") for line in lines("imagenet-multi")]
    assert [row[0] for row in rows] == [f"ILSVRC2012_val_{n:08d}.JPEG" for n in range(1, 50001)]
    labels = [int(index) for row in rows for word in row[1:] for index in word.split()]
    assert (len(labels), set(labels)) == (57553, set(range(1000)))
    assert sum(len(row) == 1 for row in rows) == 3163


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def write(root: Path) -> Write:
    """Write small images under the data root."""

    def images(*names: str) -> None:
        for name in names:
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (8, 8)).save(path)

    return images


@pytest.fixture
def shortened(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Cut the packaged annotations to their first lines."""

    def cut(count: int) -> None:
        from vlbench.datasets.layouts import tag_annotations

        whole = tag_annotations.read_text
        monkeypatch.setattr(
            tag_annotations, "read_text", lambda file: "\n".join(whole(file).splitlines()[:count])
        )

    return cut


def built(name: str, root: Path, **request: object) -> Task:
    return open_task(
        name,
        read_catalogue(),
        request=DataRequest(roots=(root,), allow_subset=True, **request),  # type: ignore[arg-type]
    ).task


def tags(made: Task) -> list[list[str]]:
    problem = made.problem
    return [
        [problem.texts[j].name for j in row.nonzero()[0]]
        for row in problem.relevant.block(0, len(problem.images))
    ]


def test_common_tags_from_the_authors_layout(root: Path, write: Write, shortened: Callable) -> None:
    shortened(2)
    write(
        *(f"openimages_common_214/imgs/test/{each}.jpg" for each in ("0000c64e1253d68f", "0002ab0af02e4a77"))
    )
    made = built("openimages-common-214", root)
    assert tags(made) == [["car"], ["flower"]]
    assert made.partial == "2 images where the card says 57224"
    car = next(text for text in made.problem.texts if text.name == "car")
    assert car.ids.keys() == {"ram", "tag2text"}
    assert car.prompts == ("a photo of a car.",)
    with pytest.raises(DataError, match="2 images where the card says 57224"):
        open_task("openimages-common-214", read_catalogue(), request=DataRequest(roots=(root,)))


def test_rare_tags_with_and_without_descriptions(root: Path, write: Write, shortened: Callable) -> None:
    shortened(2)
    write(*(f"openimages/test/{each}.jpg" for each in ("0000c64e1253d68f", "0002cc8afaf1b611")))
    plain = built("openimages-rare-200", root)
    assert tags(plain) == [["Auto racing"], ["Residential area"]]
    with pytest.raises(
        DataError, match=r"no descriptions at .*openimages_rare_200_llm_tag_descriptions\.json"
    ):
        built("openimages-rare-200@llm", root)
    names = [text.name for text in plain.problem.texts]
    file = root / "openimages_rare_200" / "openimages_rare_200_llm_tag_descriptions.json"
    file.parent.mkdir()
    file.write_text(json.dumps([{name: [f"a photo of a {name.lower()}.", "seen"]} for name in names]))
    made = built("openimages-rare-200@llm", root)
    assert made.problem.texts[0].descriptions == ("a photo of a aerial photography.", "seen")
    assert made.problem.texts[0].prompts == ()
    assert made.protocol.statement["templates"] == []
    assert made.protocol.digest == built("openimages-rare-200", root, descriptions=file).protocol.digest
    assert made.protocol.digest != plain.protocol.digest


def test_imagenet_in_wnid_folders(root: Path, write: Write, shortened: Callable) -> None:
    shortened(3)
    write(
        "imagenet/val/n01751748/ILSVRC2012_val_00000001.JPEG",
        "imagenet/val/n09193705/ILSVRC2012_val_00000002.JPEG",
        "imagenet/val/n02105855/ILSVRC2012_val_00000003.JPEG",
    )
    made = built("imagenet-multi", root)
    assert tags(made) == [[], ["ski", "mountain"], ["Shetland Sheepdog", "collie"]]
    assert made.problem.images[0].id == "ILSVRC2012_val_00000001.JPEG"
    assert sum(text.name == "missile" for text in made.problem.texts) == 2


def test_hico_from_the_users_annotations(root: Path, write: Write) -> None:
    write(*(f"hico/imgs/HICO_test2015_0000000{n}.jpg" for n in (1, 2)))
    (root / "hico" / "hico_600_annots.txt").write_text(
        "HICO_test2015_00000001.jpg,245\nHICO_test2015_00000002.jpg,0 1 2\n"
    )
    made = built("hico-600", root)
    assert tags(made)[1] == ["person board airplane", "person direct airplane", "person exit airplane"]
    with pytest.raises(DataError, match="hico-600: no data found"):
        built("hico-600", root / "hico" / "imgs")


def test_coco(root: Path, write: Write) -> None:
    write("coco/val2014/a.jpg", "coco/val2014/b.jpg")
    names = read_names(TASKS / "names" / "coco-80.tsv")
    record = {
        "images": [{"id": 1, "file_name": "a.jpg"}, {"id": 2, "file_name": "b.jpg"}],
        "categories": [{"id": int(text.ids["coco"]), "name": text.name} for text in names],
        "annotations": [{"image_id": 2, "category_id": 90}, {"image_id": 2, "category_id": 13}],
    }
    (root / "coco" / "annotations").mkdir()
    (root / "coco" / "annotations" / "instances_val2014.json").write_text(json.dumps(record))
    made = built("coco-80", root)
    assert tags(made) == [["stop sign", "toothbrush"]]
    assert made.partial == ""


def test_voc(root: Path, write: Write) -> None:
    folder = root / "VOCdevkit" / "VOC2007"
    write("VOCdevkit/VOC2007/JPEGImages/000001.jpg")
    for name, text in (
        ("ImageSets/Main/test.txt", "000001\n"),
        (
            "Annotations/000001.xml",
            "<annotation><object><name>tvmonitor</name><difficult>1</difficult></object></annotation>",
        ),
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    assert tags(built("voc2007-multilabel", root)) == [["tvmonitor"]]


@pytest.mark.parametrize(
    "name", ["openimages-common-214", "openimages-rare-200", "imagenet-multi", "hico-600", "coco-80"]
)
def test_no_data_is_told_with_the_places(name: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=rf"{name}: no data found: .*--data-root {name}=FOLDER"):
        built(name, tmp_path)
