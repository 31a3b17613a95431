"""A place with a few made-up files, to try a data source on."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from vlbench.core.contracts import Place


@contextmanager
def small_place(files: Mapping[str, bytes | str]) -> Iterator[Place]:
    """A place whose one root is a temporary folder with these files, by their paths in it.

    >>> with small_place({"labels/test.txt": "cat"}) as place:
    ...     place.roots[0].joinpath("labels/test.txt").read_text()
    'cat'
    """
    with TemporaryDirectory() as folder:
        root = Path(folder)
        for name, content in files.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        yield Place(roots=(root,), cache=root / "cache")
