import errno
import os
from pathlib import Path

import numpy as np
import pytest

from vlbench.core.errors import DataError
from vlbench.engine.feature_store import MAPPED_BYTES, FeatureSpace


def features(*rows: float) -> np.ndarray:
    return np.array([[row, -row] for row in rows], dtype=np.float32)


def fill(folder: Path, *batches: tuple[list[str], np.ndarray]) -> None:
    with FeatureSpace(folder) as space:
        for keys, batch in batches:
            space.append(keys, batch)


def test_gathers_in_the_order_asked_across_batches_and_processes(tmp_path):
    fill(tmp_path, (["a", "b"], features(1, 2)), (["c"], features(3)))
    fill(tmp_path, (["d"], features(4)))
    space = FeatureSpace(tmp_path)
    assert [key in space for key in "axd"] == [True, False, True]
    assert space.gather(["d", "a", "c", "a"]).tolist() == features(4, 1, 3, 1).tolist()
    assert len(list(tmp_path.glob("*.features"))) == 2


def rows(*counts: int) -> np.ndarray:
    return np.stack([np.arange(1, 2 * count + 1, dtype=np.float32).reshape(count, 2) for count in counts])


def test_features_of_several_rows_are_padded_with_zeros_to_the_longest(tmp_path):
    fill(tmp_path, (["a", "b"], rows(1, 1)), (["c"], rows(3)), (["d"], rows(2)))
    space = FeatureSpace(tmp_path)
    found = space.gather(["d", "a", "c"], padded=True)
    assert found[..., 0].tolist() == [[1, 3, 0], [1, 0, 0], [1, 3, 5]]
    assert space.gather(["a", "d"], padded=True).shape == (2, 2, 2)  # the longest of those asked for
    assert space.gather(["a", "b"], padded=True).tobytes() == space.gather(["a", "b"]).tobytes()
    with pytest.raises(DataError, match=r"features of shapes \(1, 2\) and \(3, 2\) under one key"):
        space.gather(["a", "c"])


def test_vectors_of_other_widths_are_never_padded(tmp_path):
    fill(tmp_path, (["a"], np.ones((1, 2))), (["b"], np.ones((1, 3))), (["c"], np.ones((1, 2, 4))))
    fill(tmp_path, (["d"], np.ones((1, 2, 5))))
    for keys in (["a", "b"], ["a", "c"], ["c", "d"]):
        with pytest.raises(DataError, match="delete that folder"):
            FeatureSpace(tmp_path).gather(keys, padded=True)


@pytest.mark.parametrize("cut", [1, 30, 70])
def test_a_torn_tail_is_dropped_and_the_batches_before_it_stay(tmp_path, cut):
    fill(tmp_path, (["a"], features(1)), (["b"], features(2)))
    (segment,) = tmp_path.glob("*.features")
    segment.write_bytes(segment.read_bytes()[:-cut])
    space = FeatureSpace(tmp_path)
    assert [key in space for key in "ab"] == [True, False]


def test_a_damaged_batch_is_redone_and_those_behind_it_stay(tmp_path):
    fill(tmp_path, (["a"], features(1)), (["b"], features(2)))
    (segment,) = tmp_path.glob("*.features")
    data = bytearray(segment.read_bytes())
    data[len(data) // 2 - 3] ^= 1
    segment.write_bytes(data)
    space = FeatureSpace(tmp_path)
    assert [key in space for key in "ab"] == [False, True]
    assert space.gather(["b"]).tolist() == features(2).tolist()


def test_foreign_files_are_no_features(tmp_path):
    (tmp_path / "x.features").write_bytes(b"something else altogether, longer than a head is")
    (tmp_path / "y.features").write_bytes(b"")
    assert not len(FeatureSpace(tmp_path))


def test_a_batch_is_on_disk_as_soon_as_it_is_appended(tmp_path):
    writer = FeatureSpace(tmp_path)
    writer.append(["a"], features(1))
    assert "a" in FeatureSpace(tmp_path)
    writer.close()


def test_nothing_is_written_where_nothing_is_appended(tmp_path):
    FeatureSpace(tmp_path / "space").close()
    assert not (tmp_path / "space").exists()


def test_large_batches_are_read_back_from_the_disk(tmp_path):
    features = np.arange(2 * MAPPED_BYTES // 4, dtype=np.float32).reshape(4, -1)
    with FeatureSpace(tmp_path) as space:
        space.append(["small"], features[:1, :1] * 0 + np.zeros((1, features.shape[1]), np.float32))
        space.append(list("abcd"), features)
        assert isinstance(space._records[-1].base, np.ndarray)
        assert not np.shares_memory(space._records[-1], features)
        assert np.array_equal(space.gather(["d", "a"]), features[[3, 0]])
    with FeatureSpace(tmp_path) as again:
        assert np.array_equal(again.gather(list("abcd")), features)


def test_a_write_that_ends_early_is_gone_on_with(tmp_path):
    """The kernel may write less than asked: near a full disk, of more than two gigabytes, at a signal."""

    class Short:
        def __init__(self, file):
            self.file = file

        def write(self, data):
            return self.file.write(bytes(data)[:50])

        def __getattr__(self, name):
            return getattr(self.file, name)

    with FeatureSpace(tmp_path) as space:
        space.append(["a"], features(1))
        space._file = Short(space._file)
        space.append(["b"], features(2))
        space.append(["c"], features(3))
    assert FeatureSpace(tmp_path).gather(["a", "b", "c"]).tolist() == features(1, 2, 3).tolist()


@pytest.mark.parametrize("room", [0, 50])
def test_a_batch_that_finds_no_room_is_named_and_leaves_what_was_there(tmp_path, room):
    class Full:
        """A disk that takes some bytes and no more."""

        def __init__(self, file):
            self.file, self.room = file, room

        def write(self, data):
            if not self.room:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            taken, self.room = self.file.write(bytes(data)[: self.room]), 0
            return taken

        def __getattr__(self, name):
            return getattr(self.file, name)

    with FeatureSpace(tmp_path) as space:
        space.append(["a"], features(1))
        file, space._file = space._file, Full(space._file)
        with pytest.raises(OSError, match="No space left") as raised:
            space.append(["b"], features(2))
        assert raised.value.filename == str(file.name)
        space._file = file  # room was made
        space.append(["c"], features(3))
    again = FeatureSpace(tmp_path)
    assert [key in again for key in "abc"] == [True, False, True]
    assert again.gather(["c", "a"]).tolist() == features(3, 1).tolist()


def test_first_bytes_are_those_of_the_whole_features_and_shorter_ones_end_in_zeros(tmp_path):
    wide, narrow = np.arange(6, dtype=np.float32).reshape(2, 3) - 3, np.array([[5.0]], dtype=np.float32)
    fill(tmp_path, (["a", "b"], wide), (["c"], narrow))
    found = FeatureSpace(tmp_path).leading(["c", "b", "a"])
    assert found.view(np.float32).reshape(3, 2).tolist() == [[5, 0], [0, 1], [-3, -2]]
    assert FeatureSpace(tmp_path).leading([]).shape == (0,)


def test_a_folder_in_place_of_a_segment_is_passed_over(tmp_path):
    with FeatureSpace(tmp_path) as space:
        space.append(["a"], np.ones((1, 2), np.float32))
    (tmp_path / "0.features").mkdir()
    assert FeatureSpace(tmp_path).gather(["a"]).tolist() == [[1, 1]]
