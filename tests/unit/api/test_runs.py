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


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda: vlbench.compare("a", "b", 3), "tasks are 3; give their names"),
        (lambda: vlbench.compare("a", "b", results=None), "results is None; give the path of a folder"),
        (lambda: vlbench.build_site(None, "site"), "results is None; give the path of a folder"),
        (
            lambda: vlbench.fit_coop("tiny-clip", None),
            "fit learns from a task by its name, not",
        ),
        (lambda: vlbench.fit_coop("tiny-clip", "shapes", shots="1,2"), "shots is '1,2'; give a whole number"),
        (lambda: vlbench.fit_coop("tiny-clip", "shapes", seeds=[1.5]), r"seeds is 1\.5; give a whole number"),
        (
            lambda: vlbench.fit_coop("tiny-clip", "shapes", recipe={"epoch": 1}),
            "no option of a recipe named 'epoch'; did you mean epochs?",
        ),
        (lambda: vlbench.fit_coop("tiny-clip", "shapes", recipe="fast"), "recipe is 'fast'; give a mapping"),
        (lambda: vlbench.retrieve("tiny-clip", "digits", None), "asked for by name; give texts"),
        (
            lambda: vlbench.retrieve("tiny-clip", "digits", "p", by="x"),
            "by is 'x'; give both or image",
        ),
        (lambda: vlbench.retrieve("tiny-clip", "digits", "p", k="many"), "k is 'many'; give a whole number"),
        (lambda: vlbench.retrieve("tiny-clip", "digits", "digits", exclude="dgits"), "no task named 'dgits'"),
    ],
)
def test_every_function_refuses_what_it_cannot_take_in_a_line(call, told):
    with pytest.raises(VlbenchError, match=told):
        call()
