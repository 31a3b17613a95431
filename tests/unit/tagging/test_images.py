import os

import pytest

from vlbench.core.errors import DataError
from vlbench.tagging.images import find_images


def ids(images):
    return [images[i].id for i in range(len(images))]


def test_a_folder_stands_for_all_images_below_it_in_order(photos):
    assert ids(find_images([str(photos)])) == [
        str(photos / name) for name in ("a.png", "b/broken.png", "b/c.png", "b/d.png", "e.png")
    ]


def test_paths_are_shown_as_written_and_each_file_comes_once(photos, monkeypatch):
    monkeypatch.chdir(photos)
    (photos / "link.png").symlink_to("a.png")
    assert ids(find_images(["e.png", "b", "*.png", str(photos / "a.png")])) == [
        "e.png",
        "b/broken.png",
        "b/c.png",
        "b/d.png",
        "a.png",
    ]


@pytest.mark.parametrize("pattern", ["**/*.png", "**", "*"])
def test_wildcards_span_folders_and_leave_other_files_alone(photos, monkeypatch, pattern):
    monkeypatch.chdir(photos)
    assert sorted(ids(find_images([pattern]))) == ["a.png", "b/broken.png", "b/c.png", "b/d.png", "e.png"]


def test_a_file_that_looks_like_a_wildcard_is_a_file(photos, monkeypatch):
    monkeypatch.chdir(photos)
    (photos / "a.png").rename("a[1].png")
    assert ids(find_images(["a[1].png"])) == ["a[1].png"]


def test_a_named_file_is_taken_whatever_its_suffix(photos):
    images = find_images([str(photos / "notes.txt")])
    with pytest.raises(DataError, match=r"notes\.txt is no image"):
        images[0].image()


def test_a_name_that_is_not_utf8_can_be_written_and_opened(photos):
    raw = os.path.join(os.fsencode(photos), b"caf\xe9.png")  # noqa: PTH118
    os.rename(os.fsencode(photos / "a.png"), raw)  # noqa: PTH104
    images = find_images([str(photos)])
    shown = next(i for i in range(len(images)) if "caf" in images[i].id)
    assert images[shown].id == f"{photos}/caf�.png"
    assert images[shown].image().size == (4, 4)


@pytest.mark.parametrize(
    ("asked", "said"),
    [("absent.jpg", "no such file"), ("*.jpg", "matches no image"), ("empty", "holds no image")],
)
def test_what_holds_no_image_is_refused_by_name(photos, monkeypatch, asked, said):
    monkeypatch.chdir(photos)
    (photos / "empty").mkdir()
    with pytest.raises(DataError, match=said) as caught:
        find_images(["a.png", asked])
    assert asked in str(caught.value)
