import os
import socket
from pathlib import Path

import pytest

from vlbench.core.digest import sha256_of_file
from vlbench.core.errors import DataError
from vlbench.core.regular_file import open_regular
from vlbench.core.text_file import read_text


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes among files")
@pytest.mark.parametrize("kind", ["folder", "pipe", "socket", "device"])
@pytest.mark.parametrize("linked", [False, True])
def test_what_is_no_file_is_refused_at_once_also_behind_a_link(kind, linked, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # a socket's path is short
    with socket.socket(socket.AF_UNIX) as listening:
        if kind == "folder":
            Path("odd").mkdir()
        elif kind == "pipe":
            os.mkfifo("odd")
        elif kind == "socket":
            listening.bind("odd")
        else:
            Path("odd").symlink_to("/dev/zero")
        path = tmp_path / "odd"
        if linked:
            path = tmp_path / "link"
            path.symlink_to("odd")
        with pytest.raises(OSError, match=f"it is a {kind} and no file"):
            open_regular(path)
        with pytest.raises(DataError, match=f"cannot be read .it is a {kind} and no file"):
            read_text(path)
        with pytest.raises(OSError, match=f"it is a {kind} and no file"):
            sha256_of_file(path)


def test_a_file_is_opened_through_links(tmp_path):
    (tmp_path / "a").write_bytes(b"x")
    (tmp_path / "link").symlink_to("a")
    with open_regular(tmp_path / "link") as file:
        assert file.read() == b"x"
