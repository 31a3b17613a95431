"""A cache folder against its own digests."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from vlbench.core.files import read_checked
from vlbench.engine.cache.contents import COPIES, Stored, contents
from vlbench.engine.feature_store import read_segment


@dataclass(frozen=True, slots=True)
class Damage:
    """A damaged file, and how many bytes of it no run reads any more."""

    path: Path
    size: int


def damaged(cache: Path) -> tuple[int, list[Damage]]:
    """How many files were read, and those whose contents are not what their digests say.

    Copies of data sets have none of ours and are left out, and so are files that are just being written.

    Raises:
        DataError: there is no such folder.
    """
    # imported here, so that `--help` starts without it
    from tqdm import tqdm

    files = [each for each in contents(cache) if each.kind != COPIES and not each.path.name.startswith(".")]
    total = sum(each.size for each in files)
    found: list[Damage] = []
    with tqdm(total=total, unit="B", unit_scale=True, desc="verify", disable=None, leave=None) as bar:
        for stored in files:
            found += _damage(stored)
            bar.update(stored.size)
    return len(files), found


def _damage(stored: Stored) -> Iterator[Damage]:
    if stored.is_segment:
        sound = sum(record.size for record in read_segment(stored.path))
        lost = stored.size - sound
    else:
        lost = 0 if read_checked(stored.path, use=False) is not None else stored.size
    # what was pruned meanwhile is not damaged; what a run appends comes behind the bytes that were counted
    if lost > 0 and stored.path.exists():
        yield Damage(stored.path, lost)
