"""REACT's stage as the README shows it: pairs by class names, a tower tuned on them, and what it bought."""

import re
from pathlib import Path

import pytest

from vlbench.cli.main import main

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")


def test_the_commands_of_the_readme_make_a_better_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    offline, *_ = re.findall(r"```console\n(\$ vlbench retrieve .*?)```", README, flags=re.DOTALL)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VLBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("VLBENCH_DEVICE", "cpu")
    for line in offline.splitlines():
        with pytest.raises(SystemExit) as done:
            main(line.removeprefix("$ vlbench ").split())
        said = capsys.readouterr()
        assert done.value.code == 0, said.err
    found = re.search(r"shapes-outline +([\d.]+) +([\d.]+) +\+[\d.]+ \[\+([\d.]+), ", said.out)
    assert found is not None, said.out
    before, after, least = map(float, found.groups())
    assert before == pytest.approx(0.1125)
    # other kernels learn close by
    assert after > 0.25
    assert least > 0.1
