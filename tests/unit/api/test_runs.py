"""What is asked for from Python: names in any list, and one line for what names nothing."""

import pytest

import vlbench
from vlbench.core.errors import UnknownName, VlbenchError


@pytest.mark.parametrize(
    ("models", "tasks", "told"),
    [
        ([], "digits", "^no model is named; `vlbench list models` lists all$"),
        ("tiny-clip", [], "^no task is named; `vlbench list tasks` lists all$"),
        ("", "digits", "^no model is named"),
        ([""], "digits", "^no model is named"),
        (["tiny-clip", object()], "digits", "list is no model .*several objects in a call each"),
        ("tiny-clip", None, "NoneType has no length .*or the name of a task"),
        ("tiny-clip, tiny-clap", {"digits"}, "no model named 'tiny-clap'"),
    ],
)
def test_what_names_nothing_is_refused(models, tasks, told, tmp_path):
    with pytest.raises(VlbenchError, match=told):
        vlbench.evaluate(models, tasks, cache=tmp_path, device="cpu", fail_fast=True)


def test_a_folder_as_a_task_is_told_how_it_is_asked_for(tmp_path):
    folder = tmp_path / "svhn-photos"
    folder.mkdir()
    with pytest.raises(UnknownName, match="write classification:") as told:
        vlbench.evaluate("tiny-clip", folder, cache=tmp_path)
    assert "did you mean" not in str(told.value)
