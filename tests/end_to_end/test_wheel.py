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
