"""The demo plug-in, built and installed into a folder, and processes that find it there."""

import os
import subprocess
import sys
from pathlib import Path

from child_command import start

PLUGIN = Path(__file__).parent / "plugin"


def install(wheels: Path, site: Path) -> Path:
    """Build the wheel and install it into `site`, as a site-packages would hold it."""
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    build = ["wheel", "--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", str(wheels)]
    subprocess.run([*pip, *build, str(PLUGIN)], check=True)
    (wheel,) = wheels.glob("vlbench_demo-*.whl")
    subprocess.run(
        [*pip, "install", "--no-deps", "--no-index", "--target", str(site), str(wheel)], check=True
    )
    return site


def vlbench(site: Path, folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run the command line where the demo is installed."""
    return start(*arguments, folder=folder, environment=_with(site)).end()


def python(site: Path, folder: Path, code: str) -> "subprocess.CompletedProcess[str]":
    """Run code, from a file of its own, where the demo is installed."""
    (folder / "own.py").write_text(code, encoding="utf-8")
    run = "import runpy; runpy.run_path('own.py', run_name='__main__')"
    return start(code=run, folder=folder, environment=_with(site)).end()


def _with(site: Path) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(site), os.environ.get("PYTHONPATH", "")])}
