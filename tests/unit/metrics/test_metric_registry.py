import subprocess
import sys

import pytest

from vlbench.core.registry import METRICS

OF_0_1 = """
acc1
acc5
best_f1_threshold
brier
ece
eleven_point_mean_average_precision
image_retrieval_median_rank
image_retrieval_recall
macro_f1
macro_f1_of_classes
macro_f1_top
macro_precision
macro_precision_top
macro_recall
macro_recall_top
mean_acc1_acc5
mean_average_precision
mean_per_class_recall
micro_f1
micro_f1_top
micro_precision
micro_precision_top
micro_recall
micro_recall_top
nll
ram_mean_average_precision
ram_precision
ram_recall
roc_auc
text_retrieval_median_rank
text_retrieval_recall
worst_class_accuracy
worst_group_accuracy
"""
"""The metrics of version 0.1, which cards and baselines name."""

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


@pytest.mark.slow
def test_every_metric_loads_under_its_name_and_imports_nothing_heavy():
    run = subprocess.run([sys.executable, "-c", LOAD_ALL], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr


def test_every_metric_of_version_0_1_is_found():
    assert {name: METRICS.get(name).name for name in OF_0_1.split()} == {
        name: name for name in OF_0_1.split()
    }
