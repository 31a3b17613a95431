import subprocess
import sys

LOAD_ALL = """
import sys
from vlbench.core.registry import METRICS
built_in = [name for name in METRICS if METRICS.distribution(name) == "vlbench"]
assert len(built_in) >= 14, built_in
for name in built_in:
    assert METRICS.get(name).name == name
heavy = {"torch", "scipy", "pandas", "sklearn", "pydantic"} & set(sys.modules)
assert not heavy, heavy
"""


def test_every_metric_loads_under_its_name_and_imports_nothing_heavy():
    run = subprocess.run([sys.executable, "-c", LOAD_ALL], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
