"""The laws every method passes with its default settings; they run over all that vlbench registers."""

import inspect
import subprocess
import sys
from dataclasses import dataclass, replace

import numpy as np
import pytest
from colour_model import ColourCheckpoint, ColourModel, squares

from vlbench.cards.options import check_options
from vlbench.core.capabilities import VECTORS
from vlbench.core.errors import PluginError
from vlbench.core.method import Head, Method
from vlbench.core.registry import METHODS, TASK_KINDS
from vlbench.core.task import TaskRequest
from vlbench.engine.evaluate import evaluate
from vlbench.engine.plan import plan_job
from vlbench.engine.session import Session
from vlbench.engine.settings import RunSettings

COLOURS = ("red", "green", "blue", "yellow", "white", "black")


@dataclass
class Seeing(ColourModel):
    """Colours are vectors of one space."""

    def vectors(self, features):
        return features


def images(turned, name, each=16):
    """Squares of every colour, `each` of them, no image equal to one of another turn."""
    return squares((COLOURS[turned:] + COLOURS[:turned]) * each, name=name)


def asked_of(method, each=16):
    """Tags of squares, with both splits to learn from; asked by image and words where a method composes."""

    def problem_of(source):
        problem = TASK_KINDS.get("tagging")(TaskRequest("squares", "law", source)).problem
        if "compose" not in method.parts:
            return problem
        queries = tuple(replace(query, image=place) for place, query in enumerate(problem.queries))
        return replace(problem, queries=queries, references=images(3, "references", each))

    task = TASK_KINDS.get("tagging")(TaskRequest("squares", "law", images(0, "test", each)))
    splits = {
        "train": problem_of(images(1, "train", each)),
        "validation": problem_of(images(2, "validation", each)),
    }
    return replace(task, problem=problem_of(images(0, "test", each)), learn_from=splits)


def measured(method, cache, seed=0):
    checkpoint = ColourCheckpoint(Seeing(), capabilities=frozenset({VECTORS}))
    settings = RunSettings(batch_size=4, seed=seed)
    job = plan_job(checkpoint, asked_of(method), settings, method=method)
    with Session(checkpoint, settings, cache) as session:
        return evaluate(job, session)


@pytest.fixture(params=METHODS.names())
def named(request):
    return request.param


@pytest.fixture
def method(named):
    return METHODS.get(named)()


def test_a_method_says_what_it_does_and_its_settings_have_defaults(named):
    factory = METHODS.get(named)
    assert (inspect.getdoc(factory) or "").split("\n")[0].endswith(".")
    parameters = inspect.signature(factory).parameters.values()
    assert all(each.kind is inspect.Parameter.KEYWORD_ONLY for each in parameters)
    assert check_options(factory, {})[1] == []


def test_a_row_of_its_defaults_bears_its_name_alone(named, method):
    assert method.name == named
    # and its shots, where it never learns from all images
    shots = "".join(f"@{value}" for value in method.settings.values())
    assert method.settings.keys() <= {"shots"}
    assert method.mark() in ("", f"+{named}{shots}")
    assert (method.mark() == "") == (not method.parts and method.rewrite is None)
    assert METHODS.get(named)().digest == method.digest


def test_what_fits_nothing_learns_from_nothing(method):
    assert (method.fit is None) == (not method.parts)
    assert method.fit is not None or not method.learns_from


def test_it_learns_what_it_states_and_the_same_again(method, tmp_path):
    # the engine refuses a head of other parts
    job, first = measured(method, tmp_path / "first")
    _, again = measured(method, tmp_path / "again")
    assert first.values == again.values
    assert all(each.value is None or np.isfinite(each.value) for each in first.values)
    assert bool(first.thresholds) == ("thresholds" in method.parts)
    assert job.row == f"colour{method.mark()}" + (".s0" if method.seeded else "")
    assert {each.metric for each in first.values} >= set(method.metrics)


def test_the_seed_changes_what_says_so_alone(method, tmp_path):
    job, first = measured(method, tmp_path / "first")
    other_job, other = measured(method, tmp_path / "other", seed=1)
    assert (job.row == other_job.row) == (not method.seeded)
    if not method.seeded:
        points = [[each.value for each in found.values] for found in (first, other)]
        assert points[0] == points[1]


def test_making_one_imports_no_torch():
    code = (
        "import sys\n"
        "from vlbench.core.registry import METHODS\n"
        "for name in METHODS: METHODS.get(name)()\n"
        "print(len(METHODS.names()), sorted({'torch', 'sklearn', 'scipy'} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == f"{len(METHODS.names())} []\n"


def scores(vectors):
    return np.zeros((len(vectors), len(COLOURS)), dtype=np.float32)


@pytest.mark.parametrize(
    ("parts", "head", "said"),
    [
        ({"score"}, Head(), "learns score and learned nothing"),
        ({"score"}, Head(score=scores, thresholds=(0.5,) * 6), "learns score and learned score, thresholds"),
        ({"compose"}, Head(score=scores), "learns compose and learned score"),
        ({"thresholds"}, Head(score=scores), "learns thresholds and learned score"),
    ],
)
def test_a_head_of_other_parts_is_refused_by_the_method_s_name(parts, head, said, tmp_path):
    wrong = Method("liar", fit=lambda _: head, parts=frozenset(parts), learns_from=frozenset({"train"}))
    with pytest.raises(PluginError, match=f"method 'liar' says that it {said}; mend its `parts`"):
        measured(wrong, tmp_path)


def test_what_is_no_head_is_refused_by_the_method_s_name(tmp_path):
    wrong = Method("liar", fit=lambda _: scores, parts=frozenset({"score"}))
    with pytest.raises(PluginError, match="method 'liar' answers function; its `fit` has to return a Head"):
        measured(wrong, tmp_path)


@pytest.mark.parametrize("shape", [(96, 5), (95, 6), (96,)])
def test_scores_of_another_shape_are_refused(shape, tmp_path):
    head = Head(score=lambda _: np.zeros(shape, dtype=np.float32))
    wrong = Method("liar", fit=lambda _: head, parts=frozenset({"score"}))
    with pytest.raises(PluginError, match=r"a method made numbers of shape .* where \(96, 6\) is needed"):
        measured(wrong, tmp_path)
