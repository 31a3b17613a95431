"""The harness sees what is planted: it would be of no use if it could not fail."""

import random
from collections import Counter
from pathlib import Path

import pytest
from fuzz.command import NotOneLine, command_line
from fuzz.containers import BY_SUFFIX, damaged
from fuzz.harness import Case, Input, Limits, corpus_of, damaged_files, outcomes
from fuzz.inputs import INPUTS
from fuzz.mutation import Damage
from fuzz.planted import INPUTS as PLANTED
from fuzz.planted import one_file
from fuzz.sweep import faults_text, sweep, table

from vlbench.core.errors import VlbenchError

CASES = 2
WANTED = {
    "refuses": "refused",
    "raises": "traceback",
    "aborts": "abort",
    "reads_outside": "outside",
    "lists_outside": "outside",
    "writes_outside": "outside",
    "renames_outside": "outside",
    "starts_a_program": "outside",
    "asks_a_server": "outside",
    "hangs": "hang",
    "swallows_the_alarm": "hang",
    "takes_memory": "memory",
}


def test_what_is_planted_is_found() -> None:
    limits = Limits(seconds=2, bytes=50_000_000)
    wanted = dict.fromkeys(WANTED, CASES)
    found = {each.input: each for each in sweep(PLANTED, "fuzz.planted", wanted, 7, limits)}
    assert found.keys() == PLANTED.keys()
    for name, verdict in WANTED.items():
        assert found[name].cases == CASES, name
        assert found[name].verdicts[verdict] > 0, f"{name}: {found[name].verdicts}"  # type: ignore[index]
        assert found[name].verdicts.keys() <= {verdict, "accepted"}, name
    said = faults_text(list(found.values()))
    assert "raises: traceback" in said
    assert "KeyError in tests/fuzz/planted.py:raises: 'planted'" in said
    assert "starts 'true'" in said
    assert "asks '192.0.2.1'" in said
    assert table(list(found.values())).splitlines()[-1].split()[:2] == ["all", str(CASES * len(WANTED))]


def test_good_files_that_are_refused_are_no_corpus(tmp_path: Path) -> None:
    def refuse(_: Case) -> None:
        raise VlbenchError("no")

    with pytest.raises(ValueError, match="its good files are refused: no"):
        next(outcomes(Input("x", one_file, ("*",), refuse), 1, [0], tmp_path))


def test_a_case_is_made_of_seed_name_and_number_alone() -> None:
    each = INPUTS["metadata.jsonl"]

    def made(number: int) -> dict[str, bytes]:
        return damaged_files(each, Damage(random.Random(f"1/{number}"), "/outside"))[0]

    assert made(3) == made(3)
    assert made(3) != made(4)


@pytest.mark.parametrize("name", ["metadata.jsonl", "webdataset", "items.npz", "learned context"])
def test_damage_differs_from_what_was_there(name: str) -> None:
    each = INPUTS[name]
    good = corpus_of(each)
    changed: Counter[bool] = Counter()
    for number in range(40):
        files, _ = damaged_files(each, Damage(random.Random(number), "/outside"))
        changed[files != good] += 1
    assert changed[True] > 35


@pytest.mark.parametrize("suffix", [*BY_SUFFIX, ".png", ""])
def test_what_is_no_file_of_its_kind_is_damaged_too(suffix: str) -> None:
    for number in range(30):
        damage = Damage(random.Random(number), "/outside")
        assert isinstance(damaged(f"a{suffix}", b"\x93no such file\n\xff", damage), bytes)


@pytest.mark.parametrize(
    ("code", "printed"), [(0, ""), (1, "vlbench: it differs"), (2, "vlbench: no such task")]
)
def test_one_line_is_a_refusal(code: int, printed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vlbench.cli.main.main", ended_by(code, printed))
    if code:
        with pytest.raises(VlbenchError, match=printed):
            command_line("run")
    else:
        command_line("run")


@pytest.mark.parametrize(
    ("code", "printed"),
    [
        (1, "Aborted!"),
        (3, "vlbench: x"),
        (1, "Traceback (most recent call last):\nvlbench: x"),
        (2, ""),
        (2, "vlbench: a\x1b[31mb"),
    ],
)
def test_anything_else_is_a_fault(code: int, printed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vlbench.cli.main.main", ended_by(code, printed))
    with pytest.raises(NotOneLine, match=f"exit code {code}|terminal"):
        command_line("run")


def ended_by(code: int, printed: str):
    def main(_: list[str]) -> None:
        import sys

        print(printed, file=sys.stderr)
        sys.exit(code)

    return main


def test_text_that_no_terminal_takes_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vlbench.cli.main.main", lambda _: print("\ud800"))
    with pytest.raises(UnicodeEncodeError):
        command_line("list")
