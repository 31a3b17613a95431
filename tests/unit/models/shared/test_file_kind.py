"""Files that are no weights: what lies there is said, with what to do; a format is told by its bytes."""

import io
import tarfile
import zipfile
from pathlib import Path

import pytest
import torch
from safetensors.torch import save, save_file

from vlbench.core.errors import WeightsError
from vlbench.models.coop.context import read_facts
from vlbench.models.shared.weight_files import read_weights

STATE = {"a.weight": torch.arange(6.0).reshape(2, 3)}


def tar() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("w.pt"))
    return buffer.getvalue()


def zipped() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("readme.txt", "x")
    return buffer.getvalue()


KINDS = [
    (b"<!DOCTYPE html>\n<html><title>Sign in</title></html>", r"a web page \(HTML\).* fetch the file itself"),
    (b"  <html><body>403 Forbidden</body></html>", "a web page"),
    (b'<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>', "a web page"),
    (b"version https://git-lfs.github.com/spec/v1\noid sha256:12\nsize 9\n", "Git LFS, .*git lfs pull"),
    (b'{"error": "Repository not found"}', r"JSON text, no weights \(\{\"error\": \"Repository not found"),
    (b"Entry not found", r"text, no weights \(Entry not found\)"),
    (b"", "an empty file, no weights; fetch it again"),
    (b'{"metadata": {}, "weight_map": {"a": "model-00001-of-00002.safetensors"}}', "in several files"),
    (b"\x1f\x8b\x08\x00data", "compressed by gzip; unpack it: gunzip"),
    (b"\x89HDF\r\n\x1a\n" + b"\x00" * 9, "an HDF5 file of Keras"),
    (b"GGUF\x03\x00\x00\x00", "quantised weights"),
    (tar(), "a tar archive; unpack it"),
    (zipped(), "a zip archive of 1 other files, no weights; unpack it"),
]


@pytest.mark.parametrize("suffix", [".pt", ".safetensors", ".bin"])
@pytest.mark.parametrize(("content", "message"), KINDS)
def test_what_lies_there_in_place_of_weights_is_said(
    tmp_path: Path, content: bytes, message: str, suffix: str
) -> None:
    path = tmp_path / f"w{suffix}"
    path.write_bytes(content)
    with pytest.raises(WeightsError, match=message) as refused:
        read_weights(path)
    assert "\n" not in str(refused.value)
    assert "weights_only" not in str(refused.value)


def test_a_damaged_pickle_never_repeats_the_advice_to_run_it(tmp_path: Path) -> None:
    path = tmp_path / "w.pt"
    path.write_bytes(bytes(range(256)) * 4)
    with pytest.raises(WeightsError, match="no file of weights that torch or safetensors reads") as refused:
        read_weights(path)
    assert "weights_only" not in str(refused.value)


def test_a_format_is_told_by_its_bytes_and_not_by_its_name(tmp_path: Path) -> None:
    torch.save(STATE, tmp_path / "torch.safetensors")
    torch.save(STATE, tmp_path / "old.safetensors", _use_new_zipfile_serialization=False)
    save_file(STATE, tmp_path / "own.pt")
    for name in ("torch.safetensors", "old.safetensors", "own.pt"):
        assert torch.equal(read_weights(tmp_path / name).state["a.weight"], STATE["a.weight"])


@pytest.mark.parametrize("written", ["mlx", "flax", "tf"])
def test_safetensors_of_another_library_are_refused(tmp_path: Path, written: str) -> None:
    (tmp_path / "w.safetensors").write_bytes(save(STATE, {"format": written}))
    with pytest.raises(WeightsError, match=f"laid out for '{written}', not for torch"):
        read_weights(tmp_path / "w.safetensors")


def test_a_truncated_safetensors_file_is_damaged(tmp_path: Path) -> None:
    (tmp_path / "w.safetensors").write_bytes(save(STATE)[:-4])
    with pytest.raises(WeightsError, match=r"no readable safetensors file .* fetch it again"):
        read_weights(tmp_path / "w.safetensors")


def test_a_page_in_place_of_a_context_is_said(tmp_path: Path) -> None:
    (tmp_path / "ctx.safetensors").write_bytes(b"<html>sign in</html>")
    with pytest.raises(WeightsError, match="a web page"):
        read_facts(tmp_path / "ctx.safetensors")


def test_a_page_in_place_of_big_visions_arrays_is_said(tmp_path: Path) -> None:
    from vlbench.models.clip.architectures import architecture_config
    from vlbench.models.clip.network import filled_model

    (tmp_path / "w.npz").write_bytes(b"<html>sign in</html>")
    with pytest.raises(WeightsError, match="a web page"):
        filled_model(architecture_config("ViT-B-16-SigLIP"), tmp_path / "w.npz")
