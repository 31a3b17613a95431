import json
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

import vlbench.api.outlier_detection
from vlbench.api.outlier_detection import OutOfDistribution
from vlbench.cli.ood import command

FOUND = OutOfDistribution("small", "a", "b", 10, 12, 0.9123, 0.9, 0.9246, "DeLong", "limit 5")


@pytest.fixture
def asked(monkeypatch):
    seen = SimpleNamespace(names=(), options={})

    def ood(*names, **options):
        seen.names, seen.options = names, options
        return FOUND

    monkeypatch.setattr(vlbench.api.outlier_detection, "ood", ood)
    return seen


def test_a_line_says_what_was_found(asked):
    done = CliRunner().invoke(command, ["small", "a", "b", "--device", "cpu"])
    assert done.output == (
        "small: AUROC 0.9123 [0.9000, 0.9246] of a (10 images) against b (12); partial: limit 5\n"
    )
    assert asked.names == ("small", "a", "b")
    assert asked.options["device"] == "cpu"


@pytest.mark.usefixtures("asked")
def test_json_holds_every_field():
    done = CliRunner().invoke(command, ["small", "a", "b", "--json"])
    assert json.loads(done.output)["auroc"] == 0.9123
