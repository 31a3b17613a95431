import zipfile

import numpy as np
import pytest

from vlbench.core.errors import DataError
from vlbench.core.items import Items
from vlbench.report.paired.items import has_items, has_whole_items, read_items, write_items

N, M = 200, 4
"""Images and texts of `make_result`."""


@pytest.fixture
def items():
    generator = np.random.default_rng(0)
    return Items(
        image_ranks=generator.integers(1, M + 1, N),
        classes=generator.integers(M, size=N),
        text_ranks=np.array([1, 70_000, 0, 3]),
        text_images=np.array([0, -1, 199, 3]),
        influence=generator.normal(size=N).astype(np.float32),
        scores=generator.normal(size=(N, M)).astype(np.float32),
        positives=np.array([[0, 3], [5, 0], [5, 1]]),
        pairs=np.array([[0, 3, 0, 1], [0, 2, 0, 0], [5, 1, 1, 1]]),
        pair_scores=np.array([0.5, 0.25, 1.0], np.float32),
    )


def test_what_is_written_is_read_and_what_a_task_lacks_stays_out(make_result, items, tmp_path):
    write_items(make_result(), items, tmp_path)
    found = read_items(tmp_path, make_result())
    for name in Items.__dataclass_fields__:
        written, read = getattr(items, name), getattr(found, name)
        assert read.dtype == written.dtype, name
        np.testing.assert_array_equal(read, written)
    assert found.relevant.row_counts[5] == 2
    few = make_result(model="few")
    write_items(few, Items(image_ranks=items.image_ranks), tmp_path)
    assert read_items(tmp_path, few).classes is None


def test_equal_items_make_equal_bytes(make_result, items, tmp_path):
    paths = [write_items(make_result(), items, tmp_path / folder) for folder in "ab"]
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_a_classification_of_50000_images_fits_100_kb(make_result, tmp_path):
    generator = np.random.default_rng(0)
    ranks = 1 + np.where(generator.random(50_000) < 0.65, 0, generator.geometric(0.1, 50_000))
    classes = generator.permutation(np.repeat(np.arange(1000), 50))
    result = make_result(n_images=50_000, n_texts=1000)
    path = write_items(result, Items(image_ranks=ranks, classes=classes), tmp_path)
    assert path.stat().st_size < 100_000


def test_items_are_whole_until_the_result_changes(make_result, items, tmp_path):
    for result in (make_result(), make_result(acc1=0.25), make_result(partial="limit 3")):
        assert not has_whole_items(tmp_path, result)
        path = write_items(result, items, tmp_path)
        assert has_whole_items(tmp_path, result, scores=True)
    assert path == tmp_path / "shapes" / "small.partial.items.npz"
    write_items(make_result(), Items(influence=items.influence), tmp_path)
    assert has_whole_items(tmp_path, make_result(), scores=True)  # no score matrix, none to ask for


def test_scores_that_were_left_out_are_lacking_when_asked_for(make_result, items, tmp_path):
    write_items(make_result(), Items(influence=items.influence, positives=items.positives), tmp_path)
    assert has_whole_items(tmp_path, make_result())
    assert not has_whole_items(tmp_path, make_result(), scores=True)


def test_missing_foreign_and_damaged_files_are_named_in_one_line(make_result, items, tmp_path):
    result = make_result()
    assert not has_items(tmp_path, result)
    with pytest.raises(
        DataError, match=r"small.items.npz: there is no per-item record .* run small on shapes again"
    ):
        read_items(tmp_path, result)
    path = write_items(result, items, tmp_path)
    assert has_items(tmp_path, result)
    whole = path.read_bytes()
    other = make_result(digests={"model": "x" * 32})
    with pytest.raises(DataError, match="record is from another run: its digests differ; run small"):
        read_items(tmp_path, other)
    fewer = make_result(n_images=199)
    with pytest.raises(DataError, match=r"damaged per-item record \(cannot reshape"):
        read_items(tmp_path, fewer)
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 255
    np.save(tmp_path / "plain.npy", np.zeros(3))
    for damage in (b"", b"\x80pickle", whole[:-20], bytes(flipped), (tmp_path / "plain.npy").read_bytes()):
        path.write_bytes(damage)
        with pytest.raises(DataError, match=r"damaged per-item record \(.*delete it and run") as caught:
            read_items(tmp_path, result)
        assert "\n" not in str(caught.value)
        assert damage == bytes(flipped) or not has_whole_items(tmp_path, result)
    assert path == tmp_path / "shapes" / "small.items.npz"


def test_a_record_holds_no_pickle(make_result, items, tmp_path):
    with zipfile.ZipFile(write_items(make_result(), items, tmp_path)) as archive:
        assert not any(b"pickle" in archive.read(name) for name in archive.namelist())
