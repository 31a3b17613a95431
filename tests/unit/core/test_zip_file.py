"""Zip archives and .npz files of others: damage and bombs in a line, and nothing pickled."""

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest

from vlbench.core.errors import DataError, WeightsError
from vlbench.core.npz_file import opened_npz
from vlbench.core.zip_file import opened_zip

ARRAYS = {"a": np.arange(300), "b": np.array("text")}


def packed(content: bytes = b"x" * 300, how: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", how) as archive:
        archive.writestr("a", content)
    return buffer.getvalue()


def npz() -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **ARRAYS)
    return buffer.getvalue()


def test_members_are_read_from_a_file_and_from_bytes(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    path.write_bytes(packed())
    for source in (path, packed()):
        with opened_zip(source, "here") as archive:
            assert archive.read("a") == b"x" * 300
    path.write_bytes(npz())
    for source in (path, npz()):
        with opened_npz(source, "here") as arrays:
            assert all(np.array_equal(arrays[name], value) for name, value in ARRAYS.items())


def read_all(whole: bytes, kind: str) -> None:
    if kind == "npz":
        with opened_npz(whole, "here", "damaged", error=WeightsError) as arrays:
            _ = [arrays[name] for name in arrays.files]
        return
    with opened_zip(whole, "here", "damaged", error=WeightsError) as archive:
        _ = [archive.read(name) for name in archive.namelist()]


@pytest.mark.parametrize("kind", ["deflate", "bzip2", "lzma", "npz"])
def test_each_damaged_byte_is_told_in_a_line(kind: str) -> None:
    how = {"deflate": zipfile.ZIP_DEFLATED, "bzip2": zipfile.ZIP_BZIP2, "lzma": zipfile.ZIP_LZMA}
    whole = npz() if kind == "npz" else packed(how=how[kind])
    told = []
    for at in range(len(whole)):
        for other in (0, 255, whole[at] ^ 1):
            try:
                read_all(whole[:at] + bytes([other]) + whole[at + 1 :], kind)
            except WeightsError as error:  # dates and the like are not read
                told.append(str(error))
    assert len(told) > 100
    assert all(each.startswith("here is damaged (") and "\n" not in each for each in told)


def test_a_bomb_is_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = packed(bytes(2_000_000))
    assert len(bomb) < 3000
    with opened_zip(bomb, "here") as archive:
        assert len(archive.read("a")) == 2_000_000
    monkeypatch.setattr("vlbench.core.zip_file._LEAST_LIMIT", 1_000_000)
    told = r"here is a damaged zip archive \(it unpacks to far more than its size"
    with pytest.raises(DataError, match=told), opened_zip(bomb, "here"):
        pass


def test_a_member_that_states_too_small_a_size_is_no_way_around_it() -> None:
    honest = bytearray(packed(np.random.default_rng(0).bytes(100_000)))
    entry = honest.rfind(b"PK\x01\x02")
    honest[entry + 24 : entry + 28] = (10).to_bytes(4, "little")
    with pytest.raises(DataError, match="it states wrong sizes"), opened_zip(bytes(honest), "here"):
        pass


def test_a_header_that_asks_for_too_much_memory_is_told() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive, archive.open("a.npy", "w") as member:
        header = {"descr": "<f8", "fortran_order": False, "shape": (2**50,)}
        np.lib.format.write_array_header_1_0(member, header)
    with pytest.raises(DataError, match="here"), opened_npz(buffer.getvalue(), "here") as arrays:
        arrays["a"]


def test_nothing_is_unpickled() -> None:
    buffer = io.BytesIO()
    np.savez(buffer, a=np.array([{}], dtype=object))
    told = "Object arrays cannot be loaded"
    with pytest.raises(DataError, match=told), opened_npz(buffer.getvalue(), "here") as arrays:
        arrays["a"]
