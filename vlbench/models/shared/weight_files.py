"""Reads weight files as state dicts without running any code in them."""

import io
import pickle
import pickletools
import re
import warnings
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO
from zipfile import ZipFile

import torch
from torch import Tensor

from vlbench.core.damage import DAMAGE, reading
from vlbench.core.errors import WeightsError
from vlbench.core.zip_file import opened_zip
from vlbench.models.shared.checkpoint_layout import unwrapped
from vlbench.models.shared.file_kind import archive_root, check_kind, is_torchscript, is_zip
from vlbench.models.shared.safetensors_file import opened_safetensors
from vlbench.models.shared.weights import StateDict, Weights, is_safetensors, without_prefixes

_PICKLES_IN_OLD_FILES = 5
"""Files of torch.save before the zip format: magic number, version, machine, object and storage keys."""

_REBUILDS_TENSORS = re.compile(r"collections\.OrderedDict|torch\._utils\._rebuild_\w+|torch\.\w*Storage")

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
    """The replacement for a pickled module: its attributes, and the name of its code in the archive."""

    qualified_name = ""
    fields: Mapping[str, object]

    def __setstate__(self, state: Mapping[str, object]) -> None:
        self.fields = state


def read_weights(path: Path) -> Weights:
    """The state dict of a .safetensors file, a torch checkpoint or a TorchScript archive, on the CPU.

    The format is recognised by the bytes, not by the name. Tensors are memory-mapped if the format allows it;
    see checkpoint_layout.py for containers and prefixes.

    Raises:
        WeightsError: the file is damaged, has no state dict, or is a pickle that would run code.
    """
    if is_safetensors(path):
        return _read_safetensors(path)
    check_kind(path)
    if is_torchscript(path):
        return Weights(path, read_torchscript(path))
    return unwrapped(path, read_pickle(path))


def _read_safetensors(path: Path) -> Weights:
    with opened_safetensors(path, "pt") as file:
        written = (file.metadata() or {}).get("format", "pt")
        if written != "pt":
            raise WeightsError(
                f"{path}: its header says that the tensors are laid out for {written!r}, not for torch; save "
                "them with safetensors.torch"
            )
        state = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - it is no mapping
    if not state:
        raise WeightsError(f"{path}: holds no tensor; fetch it again")
    return without_prefixes(Weights(path, state))


def read_pickle(path: Path) -> object:
    """The content of a torch checkpoint: tensors, plain values and what torch's safe globals allow.

    Raises:
        WeightsError: the file is damaged, or is a pickle that would run other code.
    """
    check_kind(path)
    # Only the zip format can be mapped; older files are a chain of pickles.
    mappable = is_zip(path)
    # torch takes the name .safetensors for the format, whatever lies there
    named_wrongly = path.suffix == ".safetensors"
    with reading(path, "a damaged file of weights", error=WeightsError), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of strange pickles, which are refused below
        try:
            if named_wrongly:
                with path.open("rb") as file:
                    return torch.load(file, map_location="cpu", weights_only=True)
            return torch.load(path, map_location="cpu", weights_only=True, mmap=mappable)
        except pickle.UnpicklingError as error:
            names = _names_in_zip(path) if mappable else _names_in_pickles(path)
            if not names:
                raise WeightsError(
                    f"{path}: no file of weights that torch or safetensors reads; fetch it again"
                ) from error
            raise WeightsError(
                f"{path}: a pickle that would run {', '.join(names)}; only tensors are read, nothing was "
                "run; save its state dict as safetensors"
            ) from error


def _names_in_zip(path: Path) -> list[str]:
    """Names that the pickle of an archive would import, apart from those that torch allows."""
    with suppress(*DAMAGE):
        return sorted(torch.serialization.get_unsafe_globals_in_checkpoint(path))
    with opened_zip(path, path, error=WeightsError) as archive:  # torch lists none of newer pickles
        name = next(each for each in archive.namelist() if each.endswith("data.pkl"))
        return _foreign(_names_in_pickle(io.BytesIO(archive.read(name))))


def _names_in_pickles(path: Path) -> list[str]:
    """The names that a sequence of pickles would import, apart from those that rebuild tensors."""
    names: set[str] = set()
    with path.open("rb") as file, suppress(*DAMAGE):  # what follows the pickles may be no pickle
        for _ in range(_PICKLES_IN_OLD_FILES):
            names |= _names_in_pickle(file)
    return _foreign(names)


def _foreign(names: Iterable[str]) -> list[str]:
    return sorted(name for name in names if not _REBUILDS_TENSORS.fullmatch(name))


def _names_in_pickle(file: IO[bytes]) -> set[str]:
    names: set[str] = set()
    strings: list[str] = []
    for code, argument, _ in pickletools.genops(file):
        if code.name == "GLOBAL":
            names.add(str(argument).replace(" ", "."))
        elif code.name == "STACK_GLOBAL" and len(strings) > 1:
            names.add(".".join(strings[-2:]))
        elif "UNICODE" in code.name:
            strings.append(str(argument))
    return names


def read_torchscript(path: Path) -> StateDict:
    """The parameters and buffers of an archive by state-dict key, equal to the bit.

    Raises:
        WeightsError: the archive is damaged, or its pickle would run code.
    """
    state: StateDict = {}
    with (
        opened_zip(path, path, "a damaged TorchScript archive", error=WeightsError) as archive,
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")  # of strange pickles
        root = archive_root(archive) or ""
        members = _members(archive, f"{root}code/")
        module = _Unpickler(archive, root, path).load()
        if not isinstance(module, ArchivedModule):
            raise WeightsError(f"{path}: a TorchScript archive of a {type(module).__name__}, not of a module")
        _collect(module, prefix="", members=members, state=state)
    return state


def _members(archive: ZipFile, code: str) -> dict[str, frozenset[str]]:
    """The attributes of each class that are parameters or buffers; a state dict has only these."""
    members = {}
    for name in archive.namelist():
        if not name.endswith(".py"):
            continue
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
    state: StateDict,
) -> None:
    own = members.get(module.qualified_name, frozenset())
    for name, value in module.fields.items():
        if isinstance(value, ArchivedModule):
            _collect(value, prefix=f"{prefix}{name}.", members=members, state=state)
        elif isinstance(value, Tensor) and name in own:
            state[prefix + name] = value


class _Unpickler(pickle._Unpickler):
    """Rebuilds tensors and attribute tables; any other name in the pickle is refused.

    It is Python's own: that in C allocates as many bytes as a damaged pickle asks for.
    """

    def __init__(self, archive: ZipFile, root: str, path: Path) -> None:
        super().__init__(io.BytesIO(archive.read(f"{root}data.pkl")))
        self._archive = archive
        self._root = root
        self._path = path
        self._storages: dict[str, Tensor] = {}

    def find_class(self, module: str, name: str) -> object:
        """A class or function that a pickle names: only what builds tensors and lists is given.

        A class of the archive becomes an empty one of the same name.

        Raises:
            WeightsError: the pickle names anything else.
        """
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

    def persistent_load(self, identifier: object) -> Tensor:
        if not isinstance(identifier, tuple) or len(identifier) != 5 or identifier[0] != "storage":
            raise pickle.UnpicklingError(f"unknown reference {identifier!r}")
        _, dtype, key, _, _ = identifier
        if dtype not in _DTYPES.values():
            raise pickle.UnpicklingError(f"unknown type of numbers {dtype!r}")
        if key not in self._storages:
            data = bytearray(self._archive.read(f"{self._root}data/{key}"))
            kind: torch.dtype = getattr(torch, dtype)
            self._storages[key] = torch.frombuffer(data, dtype=kind) if data else torch.empty(0, dtype=kind)
        return self._storages[key]


def _rebuild_tensor(
    storage: Tensor, offset: int, size: Sequence[int], stride: Sequence[int], *_: object
) -> Tensor:
    return storage.as_strided(tuple(size), tuple(stride), offset)


def _as_it_is(value: object) -> object:
    return value
