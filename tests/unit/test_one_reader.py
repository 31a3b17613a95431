"""Each format of others' files has one reader: what a library raises over them is known in one place."""

import ast
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "vlbench"
READERS = {
    "json.load": (),
    "json.loads": ("core/json_text.py", "tagging/chat.py"),  # half a character of an answer is an empty one
    "csv.reader": ("core/text_file.py", "report/csv_text.py"),  # the second of CSVs that were made in memory
    "csv.DictReader": (),
    "gzip.GzipFile": (),
    "gzip.decompress": (),
    "gzip.open": ("core/text_file.py",),
    "zlib.decompress": (),
    "zipfile.ZipFile": ("core/zip_file.py",),
    "zipfile.is_zipfile": (),
    "tarfile.open": ("datasets/readers/tar_index.py",),
    "numpy.load": ("core/npz_file.py",),
    "numpy.fromfile": (),
    "numpy.genfromtxt": (),
    "numpy.loadtxt": (),
    "numpy.lib.format.open_memmap": ("core/npy_file.py",),
    "numpy.lib.format.read_array": ("datasets/readers/tar_index.py", "engine/cache/contents.py"),
    "pandas.read_csv": (),
    "pandas.read_parquet": (),
    "pandas.read_pickle": (),
    "pickle.Unpickler": (),
    "pickle.load": (),
    "pickle.loads": ("engine/executors/order.py",),  # what a driver packed for its own workers
    "pyarrow.parquet.ParquetFile": ("core/parquet_file.py",),
    "pyarrow.parquet.read_metadata": (),
    "pyarrow.parquet.read_schema": (),
    "pyarrow.parquet.read_table": (),
    "safetensors.safe_open": ("models/shared/safetensors_file.py",),
    "safetensors.torch.load": ("fitting/fit_state.py",),  # of a file that is checksummed
    "safetensors.torch.load_file": (),
    "torch.jit.load": (),
    "torch.load": ("models/shared/weight_files.py",),
    "yaml.load": (),
    "yaml.safe_load": (),
}
"""Which files of the package may call a reader."""


def called(tree: ast.Module) -> Iterator[str]:
    """The full names of what a module calls of the modules that it imports."""
    full: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            full |= {each.asname or each.name: each.name for each in node.names}
        elif isinstance(node, ast.ImportFrom):
            full |= {each.asname or each.name: f"{node.module}.{each.name}" for each in node.names}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            module = max((each for each in full if f"{name}.".startswith(f"{each}.")), key=len, default=None)
            if module is not None:
                yield full[module] + name.removeprefix(module)


def test_each_reader_is_called_where_its_errors_are_known() -> None:
    found: dict[str, set[str]] = {name: set() for name in READERS}
    for path in PACKAGE.rglob("*.py"):
        for name in set(called(ast.parse(path.read_text(encoding="utf-8")))) & found.keys():
            found[name].add(path.relative_to(PACKAGE).as_posix())
    assert found == {name: set(files) for name, files in READERS.items()}
