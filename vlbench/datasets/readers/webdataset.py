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
    """Samples of plain tars, each image read by its offset; tars in natural order, samples as packed.

    A folder holds `SPLIT/*.tar` (or the tars themselves), `classnames.txt` and
    `zeroshot_classification_templates.txt`; a tar holds for each key an image, and any of `.cls` (an
    index), `.txt` (captions, one a line; a blank line is none, where clip-benchmark counts it as an
    empty caption), `.npy` (marks of tags) and `.json` (`label`, `captions`, `tags`, `unknown_tags`,
    `negative_tags`, `group`). A key ends at the first dot of a name, or at the last where no known suffix
    follows the first. Other members are left alone and counted.

    Args:
        place: where to look; its cache keeps an index of each tar.
        path: the folder.
        split: the sub-folder of the tars; if none is named the folder itself where tars lie there,
            else `test`, else its one sub-folder with tars.

    Raises:
        SourceMissing: no such folder, or no tar of the split in it.
        DataError: a tar is missing, damaged or compressed, a key has no image, or several splits.
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
    """The tars of a split of a folder, in natural order (2 before 10), all that `nshards.txt` counts.

    Raises:
        SourceMissing: no such split.
        DataError: several splits and none named, or a tar that is not there.
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
    """The samples of some tars; their headers and annotations are read now, their images later.

    `unread` are tars of other splits, which are counted as left out.

    Raises:
        DataError: a damaged or compressed tar, no sample, or a row of marks that is not as long as the tags.
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
    """The example of a member, of samples behind the number of their file; its id names tar and key."""
    number, sample = samples[index]
    file = files[number]
    image = partial(open_image_file, file.path, sample.offset, sample.size, sample.member)
    return Example(f"{file.name}/{sample.key}", image, sample.target, f"{file.state}#{sample.member}")


def _check_marks(samples: Sequence[tuple[int, TarSample]], names: int | None, name: str) -> None:
    """Refuse rows of marks of another length than the first, or than the names that lie beside."""
    marked = [sample for _, sample in samples if sample.marks]
    for sample in marked:
        wanted = names or marked[0].marks
        if sample.marks != wanted:
            raise DataError(
                f"{name}: the .npy of {sample.key} marks {sample.marks} tags, of {wanted}; "
                "pack a mark for each"
            )


def _root(place: Place, path: str) -> Path:
    """The first place with tars; where compressed ones lie instead, the error says so."""
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
    """Sub-folders with tars, sorted; the empty name stands for the folder itself."""
    return [each for each in ("", *list_folders(root)) if _tars(root, each)]


def _tars(root: Path, split: str) -> list[FoundFile]:
    tars = [name for name in list_names(root / split) if name.lower().endswith(TAR_SUFFIX)]
    return list(find_files(root, [InnerPath(f"{split}/{name}") if split else name for name in tars]).values())


def _natural(name: str) -> list[tuple[int, str]]:
    """A key by which runs of digits sort as numbers."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", name)]
