"""Pickles that would run something, in every container that weights come in: none runs, each is one line."""

import bz2
import codecs
import cProfile
import dbm.dumb
import gzip
import importlib
import io
import logging
import lzma
import os
import pickle
import shelve
import shutil
import sqlite3
import subprocess
import tarfile
import tempfile
import timeit
import zipfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save

from vlbench.core.errors import DataError, WeightsError
from vlbench.core.npz_file import opened_npz
from vlbench.models.shared.file_kind import uses_quick_gelu
from vlbench.models.shared.weight_files import read_weights

pytestmark = pytest.mark.any_kernel

Call = tuple[Callable[..., object], tuple[object, ...]]
STATE = {"a": torch.ones(2)}


def calls(made: Path, beside: Path) -> list[Call]:
    """Calls that each make a file or folder whose name begins with that of `made`; `beside` is a file."""
    at, source, folder = str(made), str(beside), str(beside.parent)
    code, shell = f"open({at!r}, 'w').close()", f": > {at}"
    return [
        (os.system, (shell,)),
        (os.popen, (shell,)),
        (os.mkdir, (at,)),
        (os.makedirs, (at,)),
        (os.open, (at, os.O_CREAT)),
        (os.symlink, (source, at)),
        (os.link, (source, at)),
        (os.mkfifo, (at,)),
        (os.rename, (source, at)),
        (os.replace, (source, at)),
        (subprocess.run, (["touch", at],)),
        (subprocess.call, (["touch", at],)),
        (subprocess.check_call, (["touch", at],)),
        (subprocess.check_output, (["touch", at],)),
        (subprocess.getoutput, (shell,)),
        (subprocess.getstatusoutput, (shell,)),
        (exec, (code,)),
        (eval, (code,)),
        (open, (at, "w")),
        (codecs.open, (at, "w")),
        (io.FileIO, (at, "w")),
        (bz2.open, (at, "w")),
        (lzma.open, (at, "w")),
        (gzip.open, (at, "w")),
        (zipfile.ZipFile, (at, "w")),
        (tarfile.open, (at, "w")),
        (shutil.copy, (source, at)),
        (shutil.copyfile, (source, at)),
        (shutil.move, (source, at)),
        (shutil.copytree, (folder, at)),
        (shutil.make_archive, (at, "tar", folder)),
        (tempfile.mkdtemp, ("", made.name, str(made.parent))),
        (tempfile.mkstemp, ("", made.name, str(made.parent))),
        (timeit.timeit, (code, "pass", timeit.default_timer, 1)),
        (cProfile.run, (code, f"{at}.profile")),
        (logging.FileHandler, (at,)),
        (sqlite3.connect, (at,)),
        (dbm.dumb.open, (at,)),
        (shelve.open, (at, "n")),
        (Path.touch, (made,)),
        (Path.mkdir, (made,)),
        (np.save, (at, 1)),
        (np.savetxt, (at, [1])),
        (torch.save, (1, at)),
        (pickle.loads, (pickle.dumps(Reduced((os.mkdir, (at,)))),)),
        (partial, (os.mkdir, at)),
        (importlib.import_module, ("this",)),
    ]


class Reduced:
    """Pickled as a call."""

    def __init__(self, call: Call) -> None:
        self.call = call

    def __reduce__(self) -> Call:
        return self.call


HARMLESS = 2
"""Calls at the end that make nothing by themselves."""


def old_parts(bad: bytes, place: int) -> bytes:
    """A file of torch before its zip format, a pickle of which is another."""
    parts = [
        pickle.dumps(each, 2) for each in (0x1950A86A20F9469CFC6C, 1001, {"little_endian": True}, {}, [])
    ]
    return b"".join([*parts[:place], bad, *parts[place + 1 :]])


def zipped(**members: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for name, data in {"version": b"3\n", "byteorder": b"little", **members}.items():
            file.writestr(f"archive/{name.replace('_pkl', '.pkl')}", data)
    return buffer.getvalue()


def saved(call: Call) -> bytes:
    buffer = io.BytesIO()
    torch.save({**STATE, "x": Reduced(call)}, buffer)
    return buffer.getvalue()


def old_tar(call: Call) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as file:
        for name in ("sys_info", "pickle", "storages", "tensors"):
            data = pickle.dumps(Reduced(call), 2)
            member = tarfile.TarInfo(name)
            member.size = len(data)
            file.addfile(member, io.BytesIO(data))
    return buffer.getvalue()


def object_array(call: Call) -> bytes:
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(buffer, {"descr": "|O", "fortran_order": False, "shape": (1,)})
    return buffer.getvalue() + pickle.dumps(Reduced(call), 3)


def npz(call: Call) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr("params/b.npy", object_array(call))
    return buffer.getvalue()


def by_opcodes(call: Call, opcode: str) -> bytes:
    """A pickle that calls by the older opcodes, or builds an object of what it names."""
    function, arguments = call
    name = f"{function.__module__}\n{function.__qualname__}\n".encode()
    pushed = b"".join(pickle.dumps(each, 2)[2:-1] for each in arguments)
    return {
        "INST": b"(" + pushed + b"i" + name + b".",
        "OBJ": b"(c" + name + pushed + b"o.",
        "NEWOBJ": b"\x80\x02c" + name + b"(" + pushed + b"t\x81.",
        "BUILD": b"\x80\x02c" + name + b"}U\x01xK\x01sb.",
    }[opcode]


CONTAINERS: Mapping[str, Callable[[Call], bytes]] = {
    **{
        f"protocol {number}": lambda call, number=number: pickle.dumps(Reduced(call), number)
        for number in range(6)
    },
    **{
        opcode: lambda call, opcode=opcode: by_opcodes(call, opcode)
        for opcode in ("INST", "OBJ", "NEWOBJ", "BUILD")
    },
    **{
        f"old torch {place}": lambda call, place=place: old_parts(pickle.dumps(Reduced(call), 2), place)
        for place in range(5)
    },
    **{
        f"zip {number}": lambda call, number=number: zipped(data_pkl=pickle.dumps(Reduced(call), number))
        for number in (0, 2, 4, 5)
    },
    "torch": saved,
    "TorchScript": lambda call: zipped(constants_pkl=b"\x80\x02).", data_pkl=pickle.dumps(Reduced(call), 2)),
    "TorchScript 4": lambda call: zipped(constants_pkl=b"", data_pkl=pickle.dumps(Reduced(call), 4)),
    "TorchScript constants": lambda call: zipped(
        constants_pkl=pickle.dumps(Reduced(call), 2), data_pkl=pickle.dumps({}, 2)
    ),
    "tar": old_tar,
    "npy": object_array,
    "npz": npz,
    "safetensors in front": lambda call: save(STATE)[:20] + pickle.dumps(Reduced(call), 2),
}


def test_each_call_makes_what_is_looked_for(tmp_path: Path) -> None:
    """Else the test below would see nothing whatever runs."""
    for number in range(len(calls(tmp_path, tmp_path)) - HARMLESS):
        folder = tmp_path / str(number)
        (folder / "in").mkdir(parents=True)
        beside = folder / "in" / "beside"
        beside.write_bytes(b"x")
        function, arguments = calls(folder / "made", beside)[number]
        found = function(*arguments)
        if hasattr(found, "close"):
            found.close()
        if function is os.open:
            os.close(found)
        assert list(folder.glob("made*")), function


@pytest.mark.slow
@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
@pytest.mark.parametrize("container", CONTAINERS)
def test_none_runs_and_each_is_refused_in_a_line(tmp_path: Path, container: str, suffix: str) -> None:
    made, beside, path = tmp_path / "made", tmp_path / "in" / "beside", tmp_path / f"w{suffix}"
    beside.parent.mkdir()
    beside.write_bytes(b"x")
    corpus = calls(made, beside)
    assert len(corpus) >= 40
    assert len(CONTAINERS) >= 14
    for call in corpus:
        path.write_bytes(CONTAINERS[container](call))
        with pytest.raises(WeightsError) as refused:
            read_weights(path)
        assert str(refused.value).startswith(str(path)), call
        assert "\n" not in str(refused.value), call
        with suppress(WeightsError):
            assert not uses_quick_gelu(path)
        with pytest.raises(DataError), opened_npz(path, path) as arrays:
            assert not [arrays[name] for name in arrays.files]
        assert not list(tmp_path.glob("made*")), call
        assert beside.read_bytes() == b"x", call


@pytest.mark.parametrize("protocol", [2, 4, 5])
def test_what_a_newer_pickle_in_a_zip_would_run_is_named(tmp_path: Path, protocol: int) -> None:
    path = tmp_path / "w.pt"
    path.write_bytes(zipped(data_pkl=pickle.dumps(Reduced((os.mkdir, (str(tmp_path / "made"),))), protocol)))
    with pytest.raises(WeightsError, match=r"w\.pt: a pickle that would run \w+\.mkdir; only tensors are"):
        read_weights(path)
