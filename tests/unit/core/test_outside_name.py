"""Names from outside: what leads elsewhere, or is no name on every machine, is refused in a line."""

import os
import subprocess
import sys

import pytest

from vlbench.core.errors import CardError, DataError
from vlbench.core.outside_name import commit_of, digest_of_server, inner_folder, inner_path, plain_name

OUT = [
    *("..", "../a", "a/../../b", "a/..", "a/../b", "./../a", "/", "/etc/passwd", "//host/share/a", "/."),
    *("C:\\a.png", "c:/a.png", "C:a.png", "..\\a.png", "a\\..\\b.png", "\\\\host\\a", "\\a"),
    *("", ".", "./", "././/"),
    *("a\0.png", "a\n.png", "a\r/b", "\x1b[2J.png", "\x7f", "a\x85b", "a\u2028b", "a\u2029b", "\ud800.png"),
    *("nul", "NUL.png", "con/a.png", "a/Aux.tar.gz", "com1", "lpt9.txt", "COM¹", "aux .png", "conin$"),
    *("...", "a/.. /b", ".. ", "a/ /b", "x" * 256, "é" * 128, f"{'x' * 300}/a.png"),
]
IN = [
    *(
        "a.png",
        "a/b/c.png",
        ".hidden/a.png",
        "..a.png",
        "a..",
        "a..b/c",
        "Δ/é.png",
        "日本.png",
        "a b/c d.png",
    ),
    *(
        "U.S.A./a.png",
        "12:30.jpg",
        "~/a",
        "%2e%2e/a",
        "console/a.png",
        "nully.png",
        "com10",
        "x" * 255,
        "-rf",
        "*",
    ),
    *("a\u200db.png", "a\u00a0b.png"),
]


@pytest.mark.parametrize("path", OUT)
def test_a_path_that_leads_out_or_is_no_name_everywhere_is_refused_in_one_line(path):
    with pytest.raises(DataError) as refused:
        inner_path(path, "file:3")
    assert str(refused.value).startswith("file:3: ")
    assert str(refused.value).isprintable()
    assert len(str(refused.value)) < 500


@pytest.mark.parametrize("path", IN)
def test_a_path_inside_passes_as_it_stands(path):
    assert inner_path(path, "file:3") == path
    assert inner_path(f".//{path}", "file:3") == path


def test_a_folder_may_be_the_folder_itself_and_a_plain_name_is_one_part_that_is_not_hidden():
    assert [inner_folder(each, "") for each in (".", "./", "a/")] == [".", ".", "a"]
    with pytest.raises(CardError, match="leads out"):
        inner_folder("..", "card", CardError)
    with pytest.raises(DataError, match="names no file"):
        inner_folder("", "card")
    for name in ("a/b", "/", "..", ".hidden", ".", ""):
        with pytest.raises(CardError):
            plain_name(name, "card", CardError)
    assert plain_name("a.b", "card") == "a.b"


@pytest.mark.parametrize(
    "said", ["", "main", "../../..", "A" * 40, "a" * 39, "a" * 41, "a" * 40 + "\n", "g" * 40]
)
def test_a_commit_and_a_digest_have_their_form(said):
    with pytest.raises(DataError, match="no commit"):
        commit_of(said, "the hub")
    with pytest.raises(DataError, match="no digest"):
        digest_of_server(said, "the hub")
    assert commit_of("a" * 40, "") == digest_of_server("a" * 40, "") == "a" * 40
    assert digest_of_server("0" * 64, "") == "0" * 64


@pytest.mark.skipif(os.name != "posix", reason="a locale decides on names on POSIX alone")
def test_under_a_locale_without_utf_8_a_line_blames_the_locale_and_no_name(tmp_path):
    program = """
import os
from vlbench.core.errors import DataError
from vlbench.core.outside_name import inner_path, no_text
for name in sorted(map(no_text, os.listdir("."))): print(ascii(name))
try: inner_path("caf\\xe9.png", "line 1")
except DataError as error: print(ascii(str(error)))
"""
    for name in ("café.png".encode(), b"caf\xe9.png"):
        (tmp_path / os.fsdecode(name)).touch()
    environment = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    command = [sys.executable, "-c", program]
    run = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    assert run.stdout.splitlines() == [
        r'''"the name 'caf\xe9.png' cannot be read under this locale; set LC_ALL=C.UTF-8, or PYTHONUTF8=1"''',
        r'''"the name b'caf\\xe9.png' is not UTF-8; rename it"''',
        r'''"line 1: 'caf\xe9.png' cannot be named under this locale; set LC_ALL=C.UTF-8, or PYTHONUTF8=1"''',
    ]
