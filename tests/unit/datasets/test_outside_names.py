"""What annotations name lies in the data set's folder: no layout reads elsewhere, nor opens a name unseen."""

import ast
import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

import vlbench.datasets
from vlbench.core.contracts import Dataset, Place
from vlbench.core.errors import DataError, VlbenchError
from vlbench.core.registry import SOURCES
from vlbench.datasets.readers.item_fields import ItemFields

BOX = "<bndbox><xmin>1</xmin><ymin>1</ymin><xmax>5</xmax><ymax>5</ymax></bndbox>"
OBJECT = f"<annotation><object><name>cat</name>{BOX}</object></annotation>"
ITEMS = ItemFields(images=["image"], right=["right"])


def written(root: Path, stem: str) -> None:
    """Annotations of every layout, all of which name one image by `stem`."""
    name = f"{stem}.jpg"
    coco = {
        "categories": [{"id": 1, "name": "cat"}],
        "images": [{"id": 1, "file_name": name}],
        "annotations": [{"image_id": 1, "category_id": 1, "caption": "a cat"}],
    }
    karpathy = {"images": [{"filename": name, "split": "test", "sentences": [{"raw": "a cat"}]}]}
    item = {"image": name, "right": "a cat", "image_path": name, "caption_options": ["a cat", "a dog"]}
    files: dict[str, object] = {
        "metadata.jsonl": {"file_name": name, "label": "cat"},
        "list.txt": f"{name} 0\n",
        "tags.txt": f"{name},cat\n",
        "verified.csv": f"ImageID,LabelName,Confidence\n{name},cat,1\n",
        "c.txt": f"{name},a cat\n",
        "table.csv": f'filename,raw,split\n{name},"[""a cat""]",test\n',
        "karpathy.json": karpathy,
        "coco.json": coco,
        "blip.json": [{"image": name, "caption": "a cat"}],
        "image_names.txt": f"{name}\n",
        "captions.txt": "a cat\n",
        "captions.jsonl": {"image/key": stem, "de": {"caption": ["eine"]}},
        "split_zhou_Own.json": {"test": [[name, 0, "cat"]]},
        "variants.txt": "cat\n",
        "images_variant_test.txt": f"{stem} cat\n",
        "annotations/instances_val2014.json": coco,
        "ImageSets/Main/test.txt": f"{stem}\n",
        "items.json": [item],
        "whatsup.json": [{**item, "image_path": f"{stem}/mug_on_plate.jpg"}],
        "LOC_val_solution.csv": f"ImageId,PredictionString\n{stem},n01440764 1 1 2 2\n",
        "ILSVRC2012_val_00000001.JPEG": "",
        "Questions.csv": f"id,type,statement\n1,{stem},a\n2,{stem},b\n",
    }
    for file, content in files.items():
        path = root / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    for folder in ("images", "val2014", "JPEGImages", "Annotations", "imgs"):
        (root / folder).mkdir(exist_ok=True)


LAYOUTS: dict[str, dict[str, object]] = {
    "jsonl": {},
    "image_list": {"list": "list.txt", "label": "column"},
    "tag_annotations": {"annotations": "tags.txt"},
    "tag_annotations verified": {"annotations": "verified.csv", "form": "open images"},
    "caption_list": {"annotations": "c.txt"},
    "caption_list table": {"annotations": "table.csv", "split": "test"},
    "caption_json": {"annotations": "blip.json"},
    "caption_json coco": {"annotations": "coco.json"},
    "caption_json karpathy": {"annotations": "karpathy.json", "split": "test"},
    "caption_lines": {"names": "image_names.txt", "captions": "captions.txt"},
    "crossmodal3600": {"language": "de"},
    "ilsvrc_val": {"ids": "none.txt"},
    "coop_split": {},
    "aircraft_variants": {},
    "coco_tags": {},
    "voc_tags": {},
    "voc_objects": {},
    "item_json": {"annotations": "items.json", "items": ITEMS},
    "item_json pattern": {"annotations": "items.json", "items": ITEMS, "images": ["{}"]},
    "whatsup": {"annotations": "whatsup.json"},
    "mmvp_vlm": {},
}
ELSEWHERE = ["../secret/s", "../../secret/s", "../../../secret/s", "/SECRET/s", "a/../../secret/s"]
ODD = ["x\0y", "x\x1b[2Jy", "x\u2028y", "nul", "C:/x", "a\\b", "x" * 300, "../x\0"]


def opened(layout: str, root: Path, **more: object) -> Dataset:
    options = {"path": ".", **LAYOUTS[layout], **more}
    return SOURCES.get(layout.split()[0])(Place(roots=(root,), cache=root / "cache"), **options)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("stem", [*ELSEWHERE, *ODD])
def test_a_name_that_leads_elsewhere_or_is_none_is_refused_in_one_line(
    layout: str, stem: str, tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    for folder in (secret, secret / "s"):
        folder.mkdir()
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8)).save(buffer, "JPEG")
    for name in ("s.jpg", "s/1.jpg", "s/2.jpg", "s/mug_on_plate.jpg"):
        (secret / name).write_bytes(buffer.getvalue())
    (secret / "s.xml").write_text(OBJECT)
    root = tmp_path / "data"
    written(root, stem.replace("/SECRET", str(secret)))
    with pytest.raises(DataError) as refused:
        opened(layout, root)
    assert str(refused.value).isprintable()


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_same_layouts_read_what_lies_inside(layout: str, tmp_path: Path) -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8)).save(buffer, "JPEG")
    written(tmp_path, "s")
    for folder in (".", "images", "val2014", "JPEGImages", "imgs"):
        for name in ("s.jpg", "s.JPEG", "s/1.jpg", "s/2.jpg", "s/mug_on_plate.jpg"):
            (tmp_path / folder / name).parent.mkdir(exist_ok=True)
            (tmp_path / folder / name).write_bytes(buffer.getvalue())
    (tmp_path / "Annotations" / "s.xml").write_text(OBJECT)
    opened(layout, tmp_path)[0].image().load()


@pytest.mark.parametrize(
    ("layout", "option"),
    [
        *(("image_list", each) for each in ("path", "list", "images")),
        *(("tag_annotations", each) for each in ("path", "annotations", "images", "negatives")),
        *(("caption_list", each) for each in ("annotations", "images")),
        *(("caption_json", each) for each in ("annotations", "images")),
        *(("caption_lines", each) for each in ("names", "captions", "images")),
        *(("caption_files", each) for each in ("images", "captions")),
        *(("item_json", each) for each in ("annotations", "images")),
        *(("whatsup", each) for each in ("annotations", "images")),
        *(("coop_split", each) for each in ("path", "images")),
        *(("jsonl", each) for each in ("path", "metadata")),
        *((each, "path") for each in ("folder", "parquet", "webdataset", "torchvision", "objectnet")),
    ],
)
def test_what_a_card_names_lies_below_the_places_that_a_user_names(
    layout: str, option: str, tmp_path: Path
) -> None:
    root = tmp_path / "data"
    written(root, "s")
    written(tmp_path / "secret", "s")
    for folder in (root, tmp_path / "secret"):
        (folder / "s.jpg").write_bytes(b"")
    named = (
        "../secret"
        if option in ("path", "images")
        else f"../secret/{LAYOUTS.get(layout, {}).get(option, 'tags.txt')}"
    )
    several = option == "images" and layout not in (
        "image_list",
        "tag_annotations",
        "coop_split",
        "caption_files",
    )
    factory = SOURCES.get(layout)
    options = {"path": ".", **LAYOUTS.get(layout, {}), option: [named] if several else named}
    if layout == "torchvision":
        options["dataset"] = "CIFAR10"
    with pytest.raises(VlbenchError, match=r"'\.\./secret.* leads out of the folder; give a path inside it"):
        factory(Place(roots=(root,)), **options)


DOORS = {"inner_path", "inner_folder", "plain_name"}
PATHS = {"Path", "joinpath", "with_name", "with_stem", "with_suffix"}
OTHERS: dict[str, set[str]] = {
    "aircraft_variants": {"f'images_variant_{split}.txt'"},
    "annotation": {"file"},
    "caption_files": {"f'{stem}.*'", "f'{stem}{TEXT}'", "pictured", "said"},
    "caption_json": {"annotations"},
    "caption_lines": {"captions", "file", "names"},
    "caption_list": {"annotations"},
    "captions": {"each"},
    "coco_tags": {"relative", "split"},
    "coop_split": {"name"},
    "dataset_copy": {"f'{repo}@{commit}'", "part.file", "part.repo", "path.name"},
    "digits": {"folder"},
    "file_listing": {"entry.name", "file.path", "folder", "parent"},
    "folder": {"NAME_FILES[0]", "file.name", "name"},
    "hub_snapshot": {
        *(
            "constants.HF_HUB_CACHE",
            "folder",
            "repo_folder_name(repo_id=repo, repo_type=DATASET)",
            "revision",
        ),
    },
    "ilsvrc_val": {"each", "name"},
    "image_list": {"list"},
    "item_json": {"annotations"},
    "layout": {"folders[0]", "path", "split"},
    "listed_images": {"first.image"},
    "location": {"below", "name", "os.path.expanduser(path)"},
    "objectnet": {"each", "empty"},
    "parquet": {"files[0].path"},
    "tar_index": {"file.path", "stem"},
    "torchvision": {
        *(
            "category",
            "dataset.root",
            "f'image_{dataset.index[index]:04d}.jpg'",
            "inside",
            "named.root",
            "part",
        ),
        *("item[0] if isinstance(item, tuple) else item", "parts[1]", "paths[i]"),
    },
    "voc": {"each", "relative", "voc.list"},
    "webdataset": {"name", "packed[0]", "part", "split"},
    "whatsup": {"annotations"},
}
"""What else paths are made of: constants, what `folder_with` or a door let through before, and what the disk
lists. A name that annotations, a card or a server state does not belong here: send it through the door."""


def joined() -> Iterator[tuple[str, str]]:
    """What modules make paths of, but for constants and what passes the door there and then."""
    for folder in ("layouts", "readers"):
        for file in sorted((Path(vlbench.datasets.__file__).parent / folder).glob("*.py")):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                parts: list[ast.expr] = []
                if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
                    parts = [node.right]
                elif isinstance(node, ast.Call):
                    name = ast.unparse(node.func).rpartition(".")[2]
                    parts = node.args if name in PATHS or ast.unparse(node.func) == "os.path.join" else []
                for part in parts:
                    if not let_through(part):
                        yield file.stem, ast.unparse(part)


def let_through(node: ast.expr) -> bool:
    if isinstance(node, ast.Call):
        return ast.unparse(node.func) in DOORS
    return isinstance(node, ast.Constant) or (isinstance(node, ast.Name) and node.id.isupper())


def test_layouts_and_readers_make_paths_of_what_the_door_let_through() -> None:
    found: dict[str, set[str]] = {}
    for module, part in joined():
        found.setdefault(module, set()).add(part)
    assert found == OTHERS
