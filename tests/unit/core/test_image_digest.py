"""Digests of images by what they hold."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vlbench.core.contracts import Example, Offers, Target
from vlbench.core.image_digest import image_digests, sample_digest, seen_among
from vlbench.sources.image_file import open_image_file


@dataclass(frozen=True)
class Pictures:
    """Files by their paths, or made pictures."""

    pictures: Sequence[Path | Image.Image]
    name: str = "pictures"
    revision: str = "1"
    offers: Offers = field(default_factory=Offers)

    def __len__(self) -> int:
        return len(self.pictures)

    def __getitem__(self, index: int) -> Example:
        each = self.pictures[index]
        image = partial(open_image_file, str(each)) if isinstance(each, Path) else each.copy
        return Example(str(index), image, Target())

    def target(self, index: int) -> Target:
        return Target()

    def fingerprint(self, index: int) -> str:
        return str(self.pictures[index])


def drawn(seed: int) -> Image.Image:
    pixels = np.random.default_rng(seed).integers(0, 255, (8, 8, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp", "gif", "tif", "bmp", "avif", "jp2"])
def test_a_copy_under_another_name_has_the_same_digest_and_another_byte_another(
    tmp_path: Path, suffix: str
) -> None:
    first, copy, other = (tmp_path / f"{name}.{suffix}" for name in ("cat_01", "v0000", "other"))
    drawn(1).save(first)
    copy.write_bytes(first.read_bytes())
    other.write_bytes(first.read_bytes() + b"\0")
    digests = image_digests(Pictures([first, copy, other]), None)
    assert digests[0] == digests[1] != digests[2]


def test_made_pictures_are_told_apart_by_their_pixels() -> None:
    digests = image_digests(Pictures([drawn(1), drawn(1), drawn(2), drawn(1).convert("L")]), None)
    assert digests[0] == digests[1]
    assert len(set(digests)) == 3


def test_images_are_read_once_and_their_digests_remembered(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    drawn(1).save(path)
    source = Pictures([path])
    first = image_digests(source, tmp_path / "cache")
    path.unlink()
    assert image_digests(source, tmp_path / "cache") == first


def test_seen_images_are_counted_and_nothing_is_read_where_nothing_was_learned(tmp_path: Path) -> None:
    learned = image_digests(Pictures([drawn(1), drawn(2)]), None)
    assert seen_among(Pictures([drawn(2), drawn(3), drawn(2)]), learned, None) == 2
    assert seen_among(Pictures([tmp_path / "none.png"]), (), None) == 0


def test_data_of_equal_names_and_sizes_are_told_apart_by_a_few_of_their_images(tmp_path: Path) -> None:
    for name, first in (("a", 0), ("copy", 0), ("b", 100)):
        (tmp_path / name).mkdir()
        for i in range(40):
            drawn(first + i).save(tmp_path / name / f"{i:02}.bmp")
    a, copy, b = (Pictures(sorted((tmp_path / name).iterdir())) for name in ("a", "copy", "b"))
    assert sample_digest(a, None) == sample_digest(copy, None) != sample_digest(b, None)


def test_a_sample_is_read_once_and_of_files_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    drawn(1).save(path)
    source = Pictures([path])
    first = sample_digest(source, tmp_path / "cache")
    assert first
    path.unlink()
    assert sample_digest(source, tmp_path / "cache") == first
    assert sample_digest(Pictures([drawn(1)]), None) == ""
    assert sample_digest(Pictures([]), None) == ""
