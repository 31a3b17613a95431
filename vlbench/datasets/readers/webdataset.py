"""The source `webdataset`: tars of samples, in the layout of the `clip-benchmark/wds_*` repositories."""

import re
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from vlbench.core.contracts import Dataset, Example, Place
from vlbench.core.dataset import Examples
from vlbench.core.errors import DataError, SourceMissing
from vlbench.core.outside_name import InnerPath
from vlbench.core.reading import Reading, Tally
from vlbench.core.text_file import read_text
from vlbench.datasets.readers.annotation import names_file, offers_beside
from vlbench.datasets.readers.file_listing import FoundFile, find_files, list_folders, list_names, revision_of
from vlbench.datasets.readers.image_file import open_image_file
from vlbench.datasets.readers.location import locate
from vlbench.datasets.readers.tar_index import TarSample, index_of

TAR_SUFFIX = ".tar"
COMPRESSED_TARS = (".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".tar.zst")
SHARD_COUNT = "nshards.txt"
DEFAULT_SPLIT = "test"


def webdataset(place: Place, /, *, path: str, split: str | None = None) -> Dataset:
    """Samples of plain tars, each image read by its offset. Tars are in natural order, samples as packed.

    A folder has `SPLIT/*.tar` (or the tars themselves), `classnames.txt` and
    `zeroshot_classification_templates.txt`. For each key, a tar has an image, and any of `.cls` (an index),
    `.txt` (captions, one per line; a blank line is skipped, where clip-benchmark counts an empty caption),
    `.npy` (marks of tags) and `.json` (`label`, `captions`, `tags`, `unknown_tags`, `negative_tags`,
    `group`). A key ends at the first dot of a name, or at the last dot if no known suffix follows the first.
    Other members are counted as left out.

    Args:
        place: where to look; its cache keeps an index of each tar.
        path: the folder.
        split: the sub-folder of the tars; by default the folder itself if it has tars, else `test`, else its
            only sub-folder with tars.

    Raises:
        SourceMissing: there is no such folder, or no tar of the split in it.
        DataError: a tar is missing, damaged or compressed, a key has no image, or there are several splits.

    >>> from vlbench.core.small_place import small_place
    >>> import tarfile
    >>> with small_place({"0.png": b"", "0.cls": "1"}) as place:
    ...     with tarfile.open(place.roots[0] / "0.tar", "w") as tar:
    ...         for member in ("0.png", "0.cls"):
    ...             tar.add(place.roots[0] / member, member)
    ...     dataset = webdataset(place, path=".")
    >>> dataset[0].id, dataset[0].target.label
    ('0.tar/0', 1)
    """
    root = _root(place, path)
    files = list_shards(root, split)
    taken = files[0].name.rpartition("/")[0]
    others = [file.name for each in _splits(root) if each != taken for file in _tars(root, each)]
    return open_shards(
        files,
        name=f"webdataset:{path}",
        revision=revision_of(files, place),
        beside=[root] if "/" in files[0].name else [root, root.parent],
        cache=place.cache,
        layout=f"webdataset, split {taken}" if taken else "webdataset",
        unread=others,
    )


def list_shards(root: Path, split: str | None) -> list[FoundFile]:
    """The tars of a split in a folder, in natural order (2 before 10).

    `nshards.txt` states how many there are.

    Raises:
        SourceMissing: there is no such split.
        DataError: there are several splits and none is stated, or a tar is missing.
    """
    splits = _splits(root)
    if split is None:
        preferred = [each for each in ("", DEFAULT_SPLIT) if each in splits]
        if not preferred and len(splits) > 1:
            raise DataError(f"{root} holds the splits {', '.join(splits)}; name one as `split`")
        split = (preferred or splits or [DEFAULT_SPLIT])[0]
    if split not in splits:
        have = ", ".join(each for each in splits if each) or "none"
        raise SourceMissing(f"no tar of the split {split!r} in {root}", f"add it; there is {have}")
    files = sorted(_tars(root, split), key=lambda file: _natural(file.name))
    packed = _compressed(root / split)
    if packed:
        raise DataError(
            f"{root / split / packed[0]} is compressed beside plain tars; unpack it (gunzip), or move it"
        )
    counted = root / split / SHARD_COUNT
    if counted.is_file():
        count = read_text(counted).strip()
        if count != str(len(files)):
            raise DataError(f"{counted} counts {count} tars and {len(files)} lie there; fetch the others")
    return files


def open_shards(
    files: Sequence[FoundFile],
    *,
    name: str,
    revision: str,
    beside: Sequence[Path],
    cache: Path | None,
    layout: str = "webdataset",
    unread: Sequence[str] = (),
) -> Dataset:
    """The samples of some tars. Headers and annotations are read now, images later.

    `unread` are tars of other splits; they are counted as left out.

    Raises:
        DataError: a tar is damaged or compressed, there is no sample, or a row of marks differs in length
            from the tags.
    """
    indices = [index_of(file, cache) for file in files]
    samples = [(number, sample) for number, (own, _) in enumerate(indices) for sample in own]
    if not samples:
        raise DataError(f"{name} has no sample; pack an image for each key")
    offers = offers_beside(beside, (sample.target for _, sample in samples))
    names = next((file for each in beside if (file := names_file(each))), None)
    _check_marks(samples, None if names is None else len(offers.names), name)
    tally = Tally()
    for other in unread:
        tally.leave_out("tars of other splits", other)
    for _, left_out in indices:
        tally.add(left_out)
    return Dataset(
        name=name,
        revision=revision,
        offers=offers,
        examples=Examples(partial(_example, tuple(files), tuple(samples)), len(samples)),
        reading=Reading(
            layout=layout,
            labels="members beside the images" + (f", names in {names.name}" if names else ""),
            left_out=tally.left_out,
        ),
    )


def _example(files: Sequence[FoundFile], samples: Sequence[tuple[int, TarSample]], index: int) -> Example:
    """The example at an index of `samples` (number of the tar, sample). Its id names tar and key."""
    number, sample = samples[index]
    file = files[number]
    image = partial(open_image_file, file.path, sample.offset, sample.size, sample.member)
    return Example(f"{file.name}/{sample.key}", image, sample.target, f"{file.state}#{sample.member}")


def _check_marks(samples: Sequence[tuple[int, TarSample]], names: int | None, name: str) -> None:
    """Refuse rows of marks that differ in length from the first one, or from the number of names."""
    marked = [sample for _, sample in samples if sample.marks]
    for sample in marked:
        wanted = names or marked[0].marks
        if sample.marks != wanted:
            raise DataError(
                f"{name}: the .npy of {sample.key} marks {sample.marks} tags, of {wanted}; "
                "pack a mark for each"
            )


def _root(place: Place, path: str) -> Path:
    """The first place with tars. If there are compressed ones, the error tells so."""
    packed: list[str] = []

    def holds(folder: Path) -> bool:
        if not folder.is_dir():
            return False
        for part in ("", *list_folders(folder)):
            packed.extend(f"{folder / part / name} is compressed" for name in _compressed(folder / part))
        return bool(_splits(folder))

    return locate(
        place, path, wanted="folder with tars", holds=holds, instead=packed, mend="unpack it (gunzip)"
    )


def _compressed(folder: Path) -> list[str]:
    return [name for name in list_names(folder) if name.lower().endswith(COMPRESSED_TARS)]


def _splits(root: Path) -> list[str]:
    """Sub-folders with tars, sorted; the empty name is the folder itself."""
    return [each for each in ("", *list_folders(root)) if _tars(root, each)]


def _tars(root: Path, split: str) -> list[FoundFile]:
    tars = [name for name in list_names(root / split) if name.lower().endswith(TAR_SUFFIX)]
    return list(find_files(root, [InnerPath(f"{split}/{name}") if split else name for name in tars]).values())


def _natural(name: str) -> list[tuple[int, str]]:
    """A sort key that compares digits as numbers."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", name)]
