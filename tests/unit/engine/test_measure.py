from dataclasses import dataclass, replace

import numpy as np
import pytest
from colour_model import ColourCheckpoint, evaluated, squares, stored

from vlbench.core.errors import NotFinite, PluginError
from vlbench.core.measurement import Measurement, Part
from vlbench.core.method import Method
from vlbench.core.metric import Metric, metric
from vlbench.core.problem import Groups
from vlbench.core.registry import TASK_KINDS
from vlbench.core.task import TaskRequest
from vlbench.engine.measure import data_digests
from vlbench.engine.plan import plan_job
from vlbench.engine.settings import RunSettings

SETTINGS = RunSettings(batch_size=4, workers=0)
NAN, INF = float("nan"), float("inf")


@dataclass
class Seed(ColourCheckpoint):
    """A model that is one seed of a row."""

    row: str = ""

    def identify(self):
        return replace(super().identify(), replicate_of=self.row)


def task():
    return TASK_KINDS.get("classification")(TaskRequest("squares", "test", squares(("red", "green") * 3)))


def test_a_seeds_row_carries_the_marks_of_the_seed(tmp_path):
    rows = []
    for checkpoint, settings in (
        (Seed(name="coop-seed1", row="coop"), SETTINGS),
        (Seed(name="coop-seed1", row="coop", preprocess_mode="fast"), replace(SETTINGS, precision="bf16")),
        (Seed(name="alone", preprocess_mode="fast"), SETTINGS),
    ):
        job = plan_job(checkpoint, task(), settings)
        result = evaluated(job, settings, tmp_path)
        rows.append((result.model, result.replicate_of))
    assert rows == [("coop-seed1", "coop"), ("coop-seed1+bf16+fast", "coop+bf16+fast"), ("alone+fast", "")]


@pytest.mark.parametrize(
    ("base", "method", "row", "of"),
    [
        ("", "probe", "it+bf16+probe", ""),
        ("", "seeded", "it+bf16+seeded.s7", "it+bf16+seeded"),
        ("coop", "probe", "it+bf16+probe", "coop+bf16+probe"),
        ("coop", "seeded", "it+bf16+seeded.s7", "coop+bf16+seeded"),
    ],
)
def test_a_method_is_a_mark_of_the_row_and_its_seeds_and_the_models_are_one(base, method, row, of):
    by = Method(method, rewrite=lambda problem: problem, seeded=method == "seeded")
    settings = replace(SETTINGS, precision="bf16", seed=7)
    job = plan_job(Seed(name="it", row=base), task(), settings, method=by)
    assert (job.row, job.replicate_of) == (row, of)


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (Measurement(NAN, 1), "wrong is nan"),
        (Measurement(0.5, 1, ci_low=NAN), "wrong, the low end of its interval, is nan"),
        (Measurement(0.5, 1, ci_high=INF), "wrong, the high end of its interval, is inf"),
        (Measurement(0.5, 1, parts=(Part("a", 1.0, 1), Part("b", NAN, 1))), "wrong of 'b' is nan"),
    ],
)
def test_a_metric_that_is_no_number_is_refused(found, said, tmp_path):
    wrong = metric(reads={"row_ranks"})(lambda prediction, problem, options: found)
    asked = replace(task(), metrics={"wrong": wrong}, primary="wrong")
    checkpoint = ColourCheckpoint()
    with pytest.raises(NotFinite, match=f"squares: {said}; check"):
        evaluated(plan_job(checkpoint, asked, SETTINGS), SETTINGS, tmp_path)


def test_a_result_holds_what_a_metric_states_beside_a_score_but_not_beside_none(tmp_path):
    def beside(value, **levels):
        own = metric(reads={"row_ranks"}, **levels)(lambda *_: Measurement(value, 6))
        asked = replace(task(), metrics={"own@2": own}, primary="own@2")
        cache = tmp_path / str(len([*tmp_path.iterdir()]))
        return evaluated(plan_job(ColourCheckpoint(), asked, SETTINGS), SETTINGS, cache).metrics[0]

    levels = {"at": "k", "chance": lambda problem, options: options.at / len(problem.queries) / 4}
    found = beside(0.5, **levels)
    assert (found.chance, found.constant) == (1 / 4, None)
    assert beside(None, **levels).chance is None
    with pytest.raises(NotFinite, match="squares: own@2 by chance is nan"):
        beside(0.5, at="k", chance=lambda *_: NAN)
    with pytest.raises(PluginError, match="own@2 of one answer for all is 2, no fraction"):
        beside(0.5, at="k", constant=lambda *_: 2.0)


def test_a_result_carries_digests_of_its_images_texts_right_answers_and_groups(tmp_path):
    asked = task()
    job = plan_job(ColourCheckpoint(), asked, SETTINGS)
    grouped = replace(
        asked, problem=replace(asked.problem, groups={"group": Groups("candidates", ("north",) * 6)})
    )
    told = [data_digests(replace(job, task=each), tmp_path) for each in (asked, grouped)]
    assert told[0].keys() == {"image_ids", "texts", "truth"}
    assert told[0]["truth"] != told[1]["truth"]
    assert {**told[0], "truth": ""} == {**told[1], "truth": ""}


def test_a_stored_measurement_says_nothing_of_the_row_of_another_name(tmp_path):
    seed = Seed(name="coop-seed1", row="coop")
    evaluated(plan_job(seed, task(), SETTINGS), SETTINGS, tmp_path)
    renamed = stored(plan_job(Seed(name="mine"), task(), SETTINGS), tmp_path)
    assert (renamed.model, renamed.replicate_of) == ("mine", "")


def test_pseudo_values_of_another_number_of_images_are_refused(tmp_path):
    def short(prediction, problem, options):
        return Measurement(0.5, n=6, influence=np.full(5, 0.5))

    asked = replace(task(), metrics={"acc1": Metric("acc1", short, frozenset())})
    job = plan_job(ColourCheckpoint(), asked, SETTINGS)
    with pytest.raises(PluginError, match=r"squares: acc1 gives pseudo-values of 5 images and there are 6"):
        evaluated(job, SETTINGS, tmp_path)
