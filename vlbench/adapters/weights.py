"""Files of weights read as state dicts without running anything that lies in them."""

import pickle
import pickletools
import re
import warnings
import zipfile
from contextlib import suppress
from pathlib import Path
from typing import IO

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file

from vlbench.adapters.checkpoint_layout import Weights, unwrapped
from vlbench.adapters.file_kind import check_kind, is_safetensors
from vlbench.adapters.torchscript_archive import is_torchscript, read_torchscript
from vlbench.core.errors import WeightsError

_PICKLES_IN_OLD_FILES = 5
"""Magic number, version, machine, object and storage keys: torch.save before the zip format."""

_REBUILDS_TENSORS = re.compile(r"collections\.OrderedDict|torch\._utils\._rebuild_\w+|torch\.\w*Storage")


def read_weights(path: Path) -> Weights:
    """The state dict of a .safetensors file, a torch checkpoint or a TorchScript archive, on the CPU.

    What the file is is told by its bytes, not by its name. Tensors are mapped from the file where its format
    allows; see checkpoint_layout.py for containers and prefixes.

    Raises:
        WeightsError: the file is damaged, holds no state dict, or is a pickle that would run code.
    """
    check_kind(path)
    if is_safetensors(path):
        return unwrapped(path, _read_safetensors(path))
    if is_torchscript(path):
        return Weights(path, read_torchscript(path))
    return unwrapped(path, read_pickle(path))


def _read_safetensors(path: Path) -> object:
    try:
        with safe_open(path, "pt") as file:
            written = (file.metadata() or {}).get("format", "pt")
        if written != "pt":
            raise WeightsError(
                f"{path}: its header says that the tensors are laid out for {written!r}, not for "
                "torch; save them "
                "with safetensors.torch"
            )
        return load_file(path)
    except (SafetensorError, OSError) as error:
        raise WeightsError(f"{path}: no readable safetensors file ({error}); fetch it again") from error


def read_pickle(path: Path) -> object:
    """What a torch checkpoint holds, of tensors, plain values and what torch's safe globals allow.

    Raises:
        WeightsError: the file is damaged, or a pickle that would run something else.
    """
    check_kind(path)
    # Only the zip format can be mapped; older files are a chain of pickles.
    mappable = zipfile.is_zipfile(path)
    # torch takes the name .safetensors for the format, whatever lies there
    named_wrongly = path.suffix == ".safetensors"
    try:
        with warnings.catch_warnings(), path.open("rb") as file:
            warnings.simplefilter("ignore", UserWarning)  # of strange pickles, which are refused below
            if named_wrongly:
                return torch.load(file, map_location="cpu", weights_only=True)
            return torch.load(path, map_location="cpu", weights_only=True, mmap=mappable)
    except pickle.UnpicklingError as error:
        names = _unsafe_names(path) if mappable else _names_in_pickles(path)
        if not names:
            raise WeightsError(
                f"{path}: no file of weights that torch or safetensors reads; fetch it again"
            ) from error
        raise WeightsError(
            f"{path}: a pickle that would run {', '.join(names)}; only tensors are read, nothing was run; "
            "save its state dict as safetensors"
        ) from error
    except (RuntimeError, EOFError, OSError, ValueError, KeyError) as error:
        raise WeightsError(
            f"{path}: a damaged file of weights ({_first_line(error)}); fetch it again"
        ) from error


def _unsafe_names(path: Path) -> list[str]:
    return sorted(torch.serialization.get_unsafe_globals_in_checkpoint(path))


def _names_in_pickles(path: Path) -> list[str]:
    """Names that a chain of pickles would import, apart from those that rebuild tensors."""
    names: set[str] = set()
    with path.open("rb") as file, suppress(ValueError):  # what follows the pickles may be no pickle
        for _ in range(_PICKLES_IN_OLD_FILES):
            names |= _names_in_pickle(file)
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


def _first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)
