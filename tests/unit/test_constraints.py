import importlib.util
import subprocess
import sys
from datetime import date
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "scripts" / "constraints.py"


def loaded():
    spec = importlib.util.spec_from_file_location("constraints", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_lowest_versions_are_the_highest_of_several_lower_bounds():
    project = """
[project]
dependencies = ["torch>=2.6", "SciPy>=1.11,<2", "click"]
optional-dependencies.transformers = ["transformers>=5"]
[dependency-groups]
dev = ["scipy>=1.9", "scipy>=1.13"]
"""
    assert loaded().lowest(project) == ["scipy==1.13", "torch==2.6", "transformers==5"]


def test_the_committed_versions_are_exact_and_within_the_bounds():
    script = loaded()
    lines = script.FILE.read_text(encoding="utf-8").splitlines()
    pinned = dict(line.split("==") for line in lines[1:])
    assert script.made_on(lines[0]) <= date.today()
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    bounds = [Requirement(line.replace("==", ">=")) for line in script.lowest(project)]
    outside = [
        str(each) for each in bounds if not each.specifier.contains(pinned[canonicalize_name(each.name)])
    ]
    assert outside == []
    assert "vlbench" not in pinned


def test_an_old_file_fails_the_scheduled_check():
    ages = [
        subprocess.run([sys.executable, SCRIPT, "age", "--days", days], capture_output=True, check=False)
        for days in ("-1", "1000000")
    ]
    assert [age.returncode for age in ages] == [1, 0]
