"""The wheel holds all that a run needs, and nothing of the checkout."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    build = ["wheel", "--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", str(folder)]
    subprocess.run([*pip, *build, str(CHECKOUT)], check=True)
    (wheel,) = folder.glob("vlbench-*.whl")
    return wheel


@pytest.fixture(scope="module")
def site(wheel, tmp_path_factory):
    """A folder with the wheel installed; its packages come before the checkout's."""
    site = tmp_path_factory.mktemp("site")
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    install = ["install", "--no-deps", "--no-index", "--target", str(site)]
    subprocess.run([*pip, *install, str(wheel)], check=True)
    return site


def python(site, folder, code, *arguments):
    """What a program prints that runs outside of the checkout, with the wheel installed."""
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_wheel_carries_code_cards_and_licence_alone(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.split("/")[0] for name in names}
    assert {top.partition("-")[0] for top in tops} == {"vlbench"}
    cards = {name.removeprefix("vlbench/_cards/") for name in names if name.startswith("vlbench/_cards/")}
    files = (path for half in ("tasks", "model_cards") for path in (CHECKOUT / half).rglob("*.*"))
    assert cards >= {path.relative_to(CHECKOUT).as_posix() for path in files if path.is_file()}
    assert {"LICENSE", "NOTICE"} <= {name.split("/")[-1] for name in names}
    assert "vlbench/py.typed" in names


def test_a_run_from_the_wheel_reads_the_wheels_cards(site, tmp_path):
    where = "import vlbench.cards.folders as f; print(f.__file__, f.built_in_folder(), sep='\\n')"
    module, cards = python(site, tmp_path, where).splitlines()
    assert Path(module) == site / "vlbench" / "cards" / "folders.py"
    assert Path(cards) == site / "vlbench" / "_cards"
    run = [
        "run",
        "--model",
        "tiny-clip",
        "--task",
        "digits",
        "--limit",
        "50",
        "--results",
        "r",
        "--cache",
        "c",
    ]
    shown = python(site, tmp_path, "from vlbench.cli.main import main; main()", *run)
    result = json.loads((tmp_path / "r" / "digits" / "tiny-clip.partial.json").read_text(encoding="utf-8"))
    assert result["n_images"] == 50
    assert "digits*" in shown


def test_a_strangers_project_holds_its_models_to_a_baseline(site, tmp_path):
    command = "from vlbench.cli.main import main; main()"
    run = ["run", "--model", "tiny-clip", "--task", "digits,shapes", "--results", "scores", "--cache", "kept"]
    python(site, tmp_path, command, *run)
    check = ["check", "--results", "scores", "--baseline", "scores.csv"]
    python(site, tmp_path, command, *check, "--update")
    baseline = tmp_path / "scores.csv"
    (row,) = (line for line in baseline.read_text().splitlines() if line.startswith("tiny-clip,shapes,acc1,"))
    promised = row.replace(row.split(",")[3], "0.900000", 1).replace(row.split(",")[4], "0.890000", 1)
    baseline.write_text(baseline.read_text().replace(row, promised))
    (tmp_path / "test_ours.py").write_text(
        "def test_ours(vlbench_result, assert_no_regression):\n"
        "    assert vlbench_result('tiny-clip', 'digits').score > 0.8\n"
        "    assert_no_regression('tiny-clip', 'digits', tolerance=0.001)\n"
    )
    options = ["--vlbench-baseline", "scores.csv", "--vlbench-run", "--vlbench-cache", "kept"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-W", "error", *options, "-rA"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, f"{done.stdout}\n{done.stderr}"
    assert "1 failed, 2 passed" in done.stdout
    assert "PASSED scores.csv::tiny-clip::digits" in done.stdout
    assert "PASSED test_ours.py::test_ours" in done.stdout
    assert "FAILED scores.csv::tiny-clip::shapes - acc1: fell by 0.23" in done.stdout
    assert "FAIL  tiny-clip  shapes  acc1      0.9000  0.66" in done.stdout
    where = "import vlbench.pytest_plugin as p; print(p.__file__)"
    assert Path(python(site, tmp_path, where).strip()).is_relative_to(site)
