"""Pools in clip-retrieval's layout: mapped, found wherever the images lie, refused where files differ."""

import numpy as np
import pyarrow
import pytest
from PIL import Image
from pyarrow.parquet import write_table

from vlbench.core.errors import DataError
from vlbench.pairs.embeddings import open_embeddings

ROWS = (3, 2)


def written(root, *, split=True, **columns):
    """Two files of each kind; the images of the rows are in `photos`."""
    (root / "photos").mkdir()
    vectors, place = np.arange(20, dtype=np.float16).reshape(5, 4), 0
    for number, count in enumerate(ROWS):
        rows = range(place, place + count)
        for row in rows:
            Image.new("RGB", (4, 4), (row, 0, 0)).save(root / "photos" / f"{row}.png")
        said = {
            "image_path": [str(root / "photos" / f"{row}.png") for row in rows],
            "caption": [f"row {row}" for row in rows],
            "url": [f"http://a.example/{row}.png" for row in rows],
        }
        said = {name: columns.get(name, values) for name, values in said.items() if columns.get(name) != []}
        for kind in ("img_emb", "text_emb", "metadata"):
            (root / (kind * split)).mkdir(exist_ok=True)
        np.save(root / ("img_emb" * split) / f"img_emb_{number}.npy", vectors[place : place + count])
        np.save(root / ("text_emb" * split) / f"text_emb_{number}.npy", -vectors[place : place + count])
        write_table(pyarrow.table(said), root / ("metadata" * split) / f"metadata_{number}.parquet")
        place += count
    return root


@pytest.mark.parametrize("split", [True, False])
def test_rows_of_all_files_are_one_pool_whose_vectors_are_mapped(tmp_path, split):
    pool = open_embeddings(written(tmp_path, split=split), (), captions=True)
    assert all(isinstance(part, np.memmap) for part in (*pool.images.parts, *pool.captions.parts))
    assert pool.images.at(np.array([4, 0]))[:, 0].tolist() == [16.0, 0.0]
    assert pool.captions.at(np.array([3]))[0, 0] == -12.0
    assert [each.target.captions for each in pool.dataset.examples] == [(f"row {i}",) for i in range(5)]
    assert pool.dataset[3].image().getpixel((0, 0)) == (3, 0, 0)
    assert pool.reads == "hits"


def test_images_that_are_not_here_are_known_by_their_address(tmp_path):
    (tmp_path / "a").mkdir()
    pool = open_embeddings(written(tmp_path / "a", image_path=[]), (), captions=False)
    assert (pool.reads, len(pool.captions)) == ("nothing", 0)
    assert pool.dataset[4].id == "http://a.example/4.png"
    with pytest.raises(DataError, match=r"row 1: the image 'http://a\.example/4\.png' is not here"):
        pool.dataset[4].image()


def test_images_that_lie_elsewhere_are_read_below_a_root_alone(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    root = written(tmp_path / "a")
    (root / "photos").rename(tmp_path / "b" / "photos")
    for name, reads in (("../../b/photos", "nothing"), ("photos", "hits")):
        for number, count in enumerate(ROWS):
            table = {"caption": ["x"] * count, "image_path": [f"{name}/{row}.png" for row in range(count)]}
            write_table(pyarrow.table(table), root / "metadata" / f"metadata_{number}.parquet")
        assert open_embeddings(root, (tmp_path / "b",), captions=False).reads == reads


def test_files_that_lack_and_lengths_that_differ_are_named(tmp_path):
    root = written(tmp_path)
    np.save(root / "img_emb" / "img_emb_1.npy", np.zeros((9, 4), dtype=np.float16))
    with pytest.raises(DataError, match=r"metadata_1.parquet: has 2 rows, and .*img_emb_1.npy has 9; encode"):
        open_embeddings(root, (), captions=True)
    twice = root / "img_emb" / "img_emb_01.npy"
    twice.touch()
    with pytest.raises(DataError, match="are of one number; move one away"):
        open_embeddings(root, (), captions=True)
    twice.unlink()
    (root / "img_emb" / "img_emb_1.npy").unlink()
    with pytest.raises(DataError, match=r"has no img_emb_1.npy; put it there, as clip-retrieval does"):
        open_embeddings(root, (), captions=True)
    (root / "img_emb" / "img_emb_1.npy").write_bytes(b"\x93NUMPY\x01")
    with pytest.raises(DataError, match=r"img_emb_1.npy is no .npy file of numbers, or damaged"):
        open_embeddings(root, (), captions=True)
    with pytest.raises(DataError, match=r"nowhere: has no img_emb_0.npy"):
        open_embeddings(tmp_path / "nowhere", (), captions=False)
