"""Images with captions, in every layout that people have on disk."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from vlbench.core.contracts import Dataset, Place
from vlbench.core.errors import DataError, SourceMissing
from vlbench.datasets.layouts.caption_files import caption_files
from vlbench.datasets.layouts.caption_json import caption_json
from vlbench.datasets.layouts.caption_lines import caption_lines
from vlbench.datasets.layouts.caption_list import caption_list
from vlbench.datasets.layouts.crossmodal3600 import crossmodal3600

Put = Callable[..., None]


@pytest.fixture
def put(tmp_path: Path, png: Callable[[int], bytes]) -> Put:
    """Write files under the data root, texts as they are, values as JSON, images where nothing is given."""

    def write(name: str, content: object = None) -> None:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if content is None:
            path.write_bytes(png(len(name)))
        else:
            path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")

    return write


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(roots=(tmp_path,), cache=tmp_path / "cache")


def said(source: Dataset) -> dict[str, tuple[str, ...]]:
    for i in range(len(source)):
        source[i].image().load()
    return {source[i].id: source[i].target.captions for i in range(len(source))}


def test_three_forms_of_json_say_the_same(put: Put, place: Place) -> None:
    for image in ("a", "b", "c"):
        put(f"coco/val2014/{image}.jpg")
    karpathy = [
        {"filepath": "val2014", "filename": "a.jpg", "split": "test", "sentences": [{"raw": " one "}]},
        {"filepath": "val2014", "filename": "c.jpg", "split": "restval", "sentences": [{"raw": "no"}]},
        {
            "filepath": "val2014",
            "filename": "b.jpg",
            "split": "test",
            "sentences": [{"raw": "2"}, {"raw": "3"}],
        },
    ]
    put("coco/k.json", {"images": karpathy, "dataset": "coco"})
    coco = {
        "images": [{"id": 7, "file_name": "b.jpg"}, {"id": 3, "file_name": "a.jpg"}],
        "annotations": [
            {"image_id": 7, "id": 1, "caption": "2"},
            {"image_id": 3, "id": 2, "caption": "one"},
            {"image_id": 7, "id": 3, "caption": "3\n"},
        ],
    }
    put("coco/c.json", coco)
    blip = [{"image": "val2014/a.jpg", "caption": "one"}, {"image": "./val2014/b.jpg", "caption": ["2", "3"]}]
    put("coco/b.json", blip)
    by_karpathy = caption_json(place, path="coco", annotations="k.json", split="test")
    by_blip = caption_json(place, path="coco", annotations="b.json")
    assert said(by_karpathy) == said(by_blip) == {"val2014/a.jpg": ("one",), "val2014/b.jpg": ("2", "3")}
    assert by_karpathy.revision == by_blip.revision
    by_coco = caption_json(place, path="coco", annotations="c.json", images=["nowhere", "val2014"])
    assert list(said(by_coco).values()) == [("one",), ("2", "3")]
    assert (by_coco[0].id, by_coco[0].state) == ("a.jpg", by_blip[0].state)
    with pytest.raises(DataError, match="no image of the split 'val'; there is restval, test"):
        caption_json(place, path="coco", annotations="k.json", split="val")
    put("coco/wrong.json", {"images": [{"split": "test"}]})
    with pytest.raises(DataError, match=r"wrong\.json: neither Karpathy's, COCO's nor BLIP's captions"):
        said(caption_json(place, path="coco", annotations="wrong.json", split="test"))


def test_lines_of_flickr_split_behind_the_suffix(put: Put, place: Place) -> None:
    for image in ("1.jpg", "2.jpg"):
        put(f"f/Images/{image}")
    lines = ["image,caption", '1.jpg,"a dog, running"', "2.jpg,a.jpg,cat", "1.jpg, again ", ""]
    put("f/list.txt", "\n".join(lines))
    found = said(caption_list(place, path="f", annotations="list.txt", images=["Images"]))
    assert found == {"1.jpg": ('"a dog, running"', "again"), "2.jpg": ("a.jpg,cat",)}
    put("f/bad.txt", "image,caption\n1.jpg,x\nno image here\n")
    with pytest.raises(DataError, match=r"bad\.txt:3: 'no image here' is no image and caption"):
        caption_list(place, path="f", annotations="bad.txt")


def test_a_table_with_splits(put: Put, place: Place) -> None:
    put("f/images/1.jpg")
    rows = [
        "raw,sentids,split,filename,img_id",
        '"[""a, b"", ""c""]",[0],test,1.jpg,0',
        '"[""d""]",[1],train,2.jpg,1',
    ]
    put("f/t.csv", "\n".join(rows))
    assert said(caption_list(place, path="f", annotations="t.csv", images=["images"], split="test")) == {
        "1.jpg": ("a, b", "c")
    }
    with pytest.raises(DataError, match="carries splits; name one"):
        caption_list(place, path="f", annotations="t.csv", images=["images"])


def test_lines_that_belong_together_and_images_of_other_folders(put: Put, place: Place) -> None:
    put("xtd10/images/a.jpg")
    put("coco/val2014/b.jpg")
    put("xtd10/names.txt", "b.jpg\na.jpg\n")
    put("xtd10/MIC/de.txt", "ein Bär\neine Katze\n")
    found = caption_lines(
        place, path="xtd10", names="names.txt", captions="MIC/de.txt", images=["images", "coco/val2014"]
    )
    assert said(found) == {"b.jpg": ("ein Bär",), "a.jpg": ("eine Katze",)}
    put("xtd10/short.txt", "x\n")
    with pytest.raises(DataError, match=r"names\.txt has 2 lines and short\.txt 1"):
        caption_lines(place, path="xtd10", names="names.txt", captions="short.txt")
    with pytest.raises(SourceMissing, match=r"no names\.txt and it\.txt in"):
        caption_lines(place, path="xtd10", names="names.txt", captions="it.txt")
    with pytest.raises(DataError, match=r"names\.txt:1: image b\.jpg of .*images is not there; complete"):
        caption_lines(place, path="xtd10", names="names.txt", captions="MIC/de.txt")
    with pytest.raises(SourceMissing, match="none of the 2 images in"):
        caption_lines(place, path="xtd10", names="names.txt", captions="MIC/de.txt", images=["nowhere"])


def test_files_of_equal_stems_in_numeric_order(put: Put, place: Place) -> None:
    for n in (10, 9):
        put(f"u/image/{n}.jpg")
        put(f"u/caption/{n}.txt", f"street {n}.\nA bus.\n")
    assert list(said(caption_files(place, path="u")).items()) == [
        ("9.jpg", ("street 9. A bus.",)),
        ("10.jpg", ("street 10. A bus.",)),
    ]
    put("u/caption/11.txt", "x")
    with pytest.raises(DataError, match=r"image/11\.\* is not there, its counterpart is"):
        caption_files(place, path="u")


def test_one_language_of_crossmodal(put: Put, place: Place) -> None:
    put("x/images/k1.jpg")
    put(
        "x/captions.jsonl",
        json.dumps({"image/key": "k1", "de": {"caption": ["Berg", "Tal"]}}, ensure_ascii=False),
    )
    assert said(crossmodal3600(place, path="x", language="de")) == {"k1.jpg": ("Berg",)}
    assert said(crossmodal3600(place, path="x", language="de", captions="all")) == {"k1.jpg": ("Berg", "Tal")}
    with pytest.raises(DataError, match=r"captions\.jsonl:1: no image/key with captions in 'fr'"):
        crossmodal3600(place, path="x", language="fr")


def test_no_path_leads_out_and_no_image_stands_twice(put: Put, place: Place) -> None:
    put("u/a.jpg")
    put("u/out.json", [{"image": "../a.jpg", "caption": "x"}])
    with pytest.raises(DataError, match=r"'\.\./a\.jpg' leads out of the folder"):
        caption_json(place, path="u", annotations="out.json")
    put("u/none.json", [])
    with pytest.raises(DataError, match="has no caption; check the split"):
        caption_json(place, path="u", annotations="none.json")


def test_a_list_without_a_header_keeps_its_first_caption(put: Put, place: Place) -> None:
    for i in range(3):
        put(f"own/{i}.png")
    put("own/c.txt", "0.png,zero\n1.png,one, two\n2.png,three\n")
    source = caption_list(place, path="own", annotations="c.txt")
    assert said(source) == {"0.png": ("zero",), "1.png": ("one, two",), "2.png": ("three",)}
    assert source.reading.remarks == ()
    put("own/h.txt", "image,caption\n0.png,zero\n")
    headed = caption_list(place, path="own", annotations="h.txt")
    assert said(headed) == {"0.png": ("zero",)}
    assert headed.reading.remarks == ("line 1 of h.txt is taken for a header: 'image,caption'",)


def test_blank_captions_are_left_out_and_counted_by_every_reader(put: Put, place: Place) -> None:
    for image in ("a", "b"):
        put(f"own/images/{image}.jpg")
    put("own/list.txt", "image,caption\na.jpg,one\na.jpg, \nb.jpg,two\n")
    put("own/blip.json", [{"image": "a.jpg", "caption": ["one", ""]}, {"image": "b.jpg", "caption": "two"}])
    karpathy = [
        {"filename": "a.jpg", "split": "test", "sentences": [{"raw": "one"}, {"raw": " "}]},
        {"filename": "b.jpg", "split": "test", "sentences": [{"raw": "two"}]},
    ]
    put("own/k.json", {"images": karpathy})
    lines = [
        {"image/key": "a", "de": {"caption": ["one", " "]}},
        {"image/key": "b", "de": {"caption": ["two"]}},
    ]
    put("own/captions.jsonl", "".join(f"{json.dumps(line)}\n" for line in lines))
    for source in (
        caption_list(place, path="own", annotations="list.txt", images=["images"]),
        caption_json(place, path="own", annotations="blip.json", images=["images"]),
        caption_json(place, path="own", annotations="k.json", images=["images"], split="test"),
        crossmodal3600(place, path="own", language="de", captions="all"),
    ):
        assert said(source) == {"a.jpg": ("one",), "b.jpg": ("two",)}
        assert [(each.count, each.why) for each in source.reading.left_out] == [(1, "blank captions")]
    put("files/image/0.jpg")
    put("files/caption/0.txt", " \n")
    assert caption_files(place, path="files")[0].target.captions == ()


def test_a_caption_that_is_null_or_no_string_is_no_caption(put: Put, place: Place) -> None:
    put("own/a.jpg")
    put("own/null.json", [{"image": "a.jpg", "caption": [None, "one"]}])
    assert said(caption_json(place, path="own", annotations="null.json")) == {"a.jpg": ("one",)}
    put("own/number.json", [{"image": "a.jpg", "caption": 7}])
    with pytest.raises(DataError, match="caption 7 is no string"):
        caption_json(place, path="own", annotations="number.json")
    put("own/t.csv", "filename,raw,split\na.jpg,null,test\n")
    with pytest.raises(DataError, match=r"line 2: raw is no JSON list"):
        caption_list(place, path="own", annotations="t.csv", split="test")


def test_images_without_captions_and_captions_without_images_are_counted(put: Put, place: Place) -> None:
    put("own/a.jpg")
    coco = {
        "images": [{"id": 1, "file_name": "a.jpg"}, {"id": 2, "file_name": "b.jpg"}],
        "annotations": [{"image_id": 1, "caption": "one"}, {"image_id": 9, "caption": "lost"}],
    }
    put("own/coco.json", coco)
    for _ in range(2):  # from the file, and remembered
        source = caption_json(place, path="own", annotations="coco.json")
        assert {each.why: (each.count, each.first) for each in source.reading.left_out} == {
            "images without a caption": (1, "b.jpg"),
            "captions of images that are not listed": (1, "image 9"),
        }
