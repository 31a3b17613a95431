"""YAML 1.2 by a library of YAML 1.1: what the two read differently, and what no card may hold."""

import os
from pathlib import Path

import pytest
import yaml

from vlbench.cards import yaml_file
from vlbench.cards.yaml_file import read_fields, read_mapping
from vlbench.core.errors import CardError


@pytest.fixture(params=["CSafeLoader", "SafeLoader"])
def loader(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each reader in turn: PyYAML is built without the C library on some machines."""
    monkeypatch.setattr(yaml_file, "_LOADER", yaml_file.loader_of(getattr(yaml, request.param)))


@pytest.mark.usefixtures("loader")
@pytest.mark.parametrize(
    ("stated", "value"),
    [
        ("no", "no"),
        ("on", "on"),
        ("Yes", "Yes"),
        ("y", "y"),
        ("true", True),
        ("FALSE", False),
        ("1e3", 1000.0),
        ("1E-3", 0.001),
        ("1.", 1.0),
        (".5", 0.5),
        ("-.INF", float("-inf")),
        ("0o17", 15),
        ("0x1F", 31),
        ("017", 17),
        ("09", 9),
        ("+1", 1),
        ("1_000", "1_000"),
        ("0b11", "0b11"),
        ("1:30", "1:30"),
        ("190:20:30.15", "190:20:30.15"),
        ("2024-02-30", "2024-02-30"),
        ("2001-12-14t21:59:43.10-05:00", "2001-12-14t21:59:43.10-05:00"),
        ("", None),
        ("~", None),
        ("Null", None),
        ("=", "="),
        ("'1e3'", "1e3"),
        ("[no, 0o17]", ["no", 15]),
    ],
)
def test_a_value_is_that_of_yaml_1_2(tmp_path: Path, stated: str, value: object) -> None:
    (tmp_path / "a.yaml").write_text(f"at: {stated}\n")
    found = read_mapping(tmp_path / "a.yaml")["at"]
    assert (found, type(found)) == (value, type(value))


@pytest.mark.usefixtures("loader")
def test_keys_are_words_and_merged_ones_are_filled_in(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("no: &a {x: 1, y: 2}\nb: &b {<<: *a, x: 3}\nc: {<<: [*b, *a]}\n1: on\n")
    found = read_mapping(tmp_path / "a.yaml")
    assert found == {"no": {"x": 1, "y": 2}, "b": {"x": 3, "y": 2}, "c": {"x": 3, "y": 2}, "1": "on"}


MANY = "a0: &a0 [x, x]\n" + "".join(f"a{i}: &a{i} [*a{i - 1}, *a{i - 1}]\n" for i in range(1, 40))


@pytest.mark.usefixtures("loader")
@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a: 1\nb: {c: 1, d: 2,\n  c: 3}\n", 'a.yaml: line 3 found duplicate key "c"'),
        ("x: [{a: 1, a: 2}]\n", 'line 1 found duplicate key "a"'),
        ("a: 1\n'a': 2\n", 'line 2 found duplicate key "a"'),
        ("? [a]\n: 1\n", "line 1 a key is no word"),
        (MANY, "its aliases stand for more than 100,000 values; write them out"),
        ("a: &a [*a]\n", "nests too deeply, or in itself"),
        ("a: &a\n  b: *a\n", "nests too deeply, or in itself"),
        ("a: &a\n  <<: *a\n", "nests too deeply, or in itself"),
        ("a: " + "[" * 900 + "]" * 900 + "\n", "nest"),
        ("a: " + "{a: " * 50_000, "nest"),
        ("a: " + "x" * 10_000_000, "has 10,000,003 letters; a card holds at most 2,097,152"),
        ("x" * 1000 + ": 1\n" + "x" * 1000 + ": 2\n", 'line 2 found duplicate key "xxx'),
        ("a: !!python/name:os.system x\n", "the tag tag:yaml.org,2002:python/name:os.system is none that a"),
        ("a: !!python/object/apply:os.system [x]\n", "is none that a card may have; remove it"),
        ("a: !!set {x, y}\n", "the tag tag:yaml.org,2002:set is none that a card may have"),
        ("a: !other x\n", "the tag !other is none that a card may have; remove it"),
        ("a: !!bool x\n", "line 1 x is neither true nor false"),
        ('a: "x\\0y"\n', "line 1 it holds a NUL"),
        ('a: {"x\\0y": 1}\n', "line 1 it holds a NUL"),
        ("a: 0x" + "f" * 1000 + "\n", "line 1 a number of too many digits"),
        ("a: 1\n--- {b: 2}\n", "line 2 but found another document"),
        ("a: \x07\n", "a.yaml: "),
        ("a: !!int x\n", "invalid literal for int()"),
        ("a: {<<: x}\n", "line 1 what is merged is no mapping"),
        ("a: [\n", "line 2 "),
        ("- a\n", "holds no fields"),
        ("", "holds no fields"),
    ],
)
def test_what_no_card_may_hold(tmp_path: Path, text: str, told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.yaml").write_text(text)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CardError) as caught:
        read_mapping(tmp_path / "a.yaml")
    assert told in str(caught.value)
    assert str(caught.value).startswith("a.yaml:")
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("base", ["x" * 1000, "../other", "/etc/other", "sub/other", '".."', '""'])
def test_a_card_extends_one_of_its_own_folder(tmp_path: Path, base: str) -> None:
    (tmp_path / "cards" / "sub").mkdir(parents=True)
    for other in ("other", "cards/sub/other"):
        (tmp_path / f"{other}.yaml").write_text("title: other\n")
    path = tmp_path / "cards" / "a.yaml"
    path.write_text(f"extends: {base}\n")
    with pytest.raises(CardError, match=r"a.yaml: extends: "):
        read_fields(path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes among files")
def test_a_pipe_is_no_card(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.yaml")
    with pytest.raises(CardError, match=r"a.yaml: cannot be read .it is a pipe"):
        read_mapping(tmp_path / "a.yaml")
