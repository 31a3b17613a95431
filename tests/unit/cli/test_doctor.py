import json
from importlib.metadata import version

import pytest
from click.testing import CliRunner

from vlbench.cli import doctor


@pytest.fixture
def found(tmp_path, monkeypatch):
    def look(*more, offline=False, network=True):
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", offline)
        monkeypatch.setattr(doctor, "has_network", lambda: network)
        arguments = ["--json", "--cache", str(tmp_path), *more]
        answer = CliRunner().invoke(doctor.command, arguments, catch_exceptions=False)
        return {row["what"]: (row["found"], row["what to do"]) for row in json.loads(answer.output)}

    return look


def test_what_is_installed_and_what_is_not_with_the_way_to_get_it(found):
    rows = found()
    assert rows["vlbench"] == (version("vlbench"), "")
    assert rows["torch"][0].startswith("2.")
    missing = {what: advice for what, (here, advice) in rows.items() if here == "not installed"}
    assert all(advice.startswith("pip install 'vlbench[") for advice in missing.values())


def test_folders_and_their_room(found, tmp_path):
    assert "GiB free" in found()["cache"][0]
    assert found("--data-root", str(tmp_path / "none"))["data root"][1] == "correct the name"
    assert found()["data root"] == ("none", "pass --data-root DIR or set VLBENCH_DATA")


@pytest.mark.parametrize(
    ("offline", "network", "told"),
    [(True, True, "HF_HUB_OFFLINE is set"), (False, False, "does not resolve"), (False, True, "a token")],
)
def test_the_hub_is_asked_for_its_name_alone(found, offline, network, told):
    assert told in found(offline=offline, network=network)["hub"][0]
