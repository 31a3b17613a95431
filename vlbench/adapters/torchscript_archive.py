"""TorchScript archives (OpenAI's own CLIP files) read as tensors; nothing that lies in them is run."""

import io
import pickle
import re
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from vlbench.core.errors import WeightsError

if TYPE_CHECKING:
    from torch import Tensor

_MEMBERS = re.compile(
    r"^class (\w+)\(Module\):\n  __parameters__ = \[(.*?)\]\n  __buffers__ = \[(.*?)\]", re.MULTILINE
)
_LISTS = {"build_intlist", "build_tensorlist", "build_doublelist", "build_boollist"}
_DTYPES = {
    "FloatStorage": "float32",
    "HalfStorage": "float16",
    "DoubleStorage": "float64",
    "BFloat16Storage": "bfloat16",
    "LongStorage": "int64",
    "IntStorage": "int32",
    "ShortStorage": "int16",
    "CharStorage": "int8",
    "ByteStorage": "uint8",
    "BoolStorage": "bool",
}


class ArchivedModule:
    """What stands for a pickled module: its attributes, and the name its code has in the archive."""

    qualified_name = ""
    fields: Mapping[str, object]

    def __setstate__(self, state: Mapping[str, object]) -> None:
        self.fields = state


def is_torchscript(path: Path) -> bool:
    """Whether a file is a TorchScript archive: a zip that holds constants beside its data."""
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return _root(archive) is not None


def uses_quick_gelu(path: Path) -> bool:
    """Whether an archive's own code computes x * sigmoid(1.702 x), as OpenAI's does; False for other files.

    The constant may lie in the archive as a tensor; nothing else in a CLIP takes a sigmoid.
    """
    if not is_torchscript(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return any(b"sigmoid(" in archive.read(name) for name in _code_files(archive))


def read_torchscript(path: Path) -> "dict[str, Tensor]":
    """Parameters and buffers of an archive under their state-dict keys, bit for bit.

    Raises:
        WeightsError: the archive is damaged, or its pickle would run something.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            root = _root(archive) or ""
            members = _members(archive, f"{root}code/")
            module = _Unpickler(archive, root, path).load()
    except (
        zipfile.BadZipFile,
        pickle.UnpicklingError,
        EOFError,
        KeyError,
        ValueError,
        RuntimeError,
    ) as error:
        raise WeightsError(f"{path}: a damaged TorchScript archive ({error}); fetch it again") from error
    if not isinstance(module, ArchivedModule):
        raise WeightsError(f"{path}: a TorchScript archive of a {type(module).__name__}, not of a module")
    state: dict[str, Tensor] = {}
    _collect(module, prefix="", members=members, state=state)
    return state


def _root(archive: zipfile.ZipFile) -> str | None:
    names = [name for name in archive.namelist() if re.fullmatch(r"(?:[^/]+/)?constants\.pkl", name)]
    return names[0].removesuffix("constants.pkl") if names else None


def _code_files(archive: zipfile.ZipFile) -> list[str]:
    return [name for name in archive.namelist() if name.endswith(".py")]


def _members(archive: zipfile.ZipFile, code: str) -> dict[str, frozenset[str]]:
    """Which attributes of each class are parameters or buffers; others are no part of a state dict."""
    members = {}
    for name in _code_files(archive):
        package = name.removeprefix(code).removesuffix(".py").replace("/", ".")
        for match in _MEMBERS.finditer(archive.read(name).decode("utf-8")):
            found = re.findall(r'"([^"]+)"', f"{match[2]},{match[3]}")
            members[f"{package}.{match[1]}"] = frozenset(found)
    return members


def _collect(
    module: ArchivedModule,
    *,
    prefix: str,
    members: Mapping[str, frozenset[str]],
    state: "dict[str, Tensor]",
) -> None:
    from torch import Tensor

    own = members.get(module.qualified_name, frozenset())
    for name, value in module.fields.items():
        if isinstance(value, ArchivedModule):
            _collect(value, prefix=f"{prefix}{name}.", members=members, state=state)
        elif isinstance(value, Tensor) and name in own:
            state[prefix + name] = value


class _Unpickler(pickle.Unpickler):
    """Rebuilds tensors and attribute tables; any other name in the pickle is refused."""

    def __init__(self, archive: zipfile.ZipFile, root: str, path: Path) -> None:
        super().__init__(io.BytesIO(archive.read(f"{root}data.pkl")))
        self._archive = archive
        self._root = root
        self._path = path
        self._storages: dict[str, Tensor] = {}

    def find_class(self, module: str, name: str) -> object:
        if module.partition(".")[0] == "__torch__":
            return type(name, (ArchivedModule,), {"qualified_name": f"{module}.{name}"})
        if module == "torch" and name in _DTYPES:
            return _DTYPES[name]
        known: dict[tuple[str, str], Callable[..., object]] = {
            ("collections", "OrderedDict"): OrderedDict,
            ("torch._utils", "_rebuild_tensor_v2"): _rebuild_tensor,
        }
        known |= {("torch.jit._pickle", name): _as_it_is for name in _LISTS}
        if (module, name) not in known:
            raise WeightsError(
                f"{self._path}: its pickle would run {module}.{name}; only tensors are read, nothing was run"
            )
        return known[module, name]

    def persistent_load(self, identifier: object) -> "Tensor":
        import torch

        if not isinstance(identifier, tuple) or len(identifier) != 5 or identifier[0] != "storage":
            raise pickle.UnpicklingError(f"unknown reference {identifier!r}")
        _, dtype, key, _, _ = identifier
        if key not in self._storages:
            data = bytearray(self._archive.read(f"{self._root}data/{key}"))
            kind: torch.dtype = getattr(torch, dtype)
            self._storages[key] = torch.frombuffer(data, dtype=kind) if data else torch.empty(0, dtype=kind)
        return self._storages[key]


def _rebuild_tensor(
    storage: "Tensor", offset: int, size: Sequence[int], stride: Sequence[int], *_: object
) -> "Tensor":
    return storage.as_strided(tuple(size), tuple(stride), offset)


def _as_it_is(value: object) -> object:
    return value
