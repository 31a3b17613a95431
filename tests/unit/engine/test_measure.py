from dataclasses import dataclass, replace

from colour_model import ColourCheckpoint, evaluated, squares, stored

from vlbench.core.problem import Groups
from vlbench.core.registry import TASK_KINDS
from vlbench.core.task import TaskRequest
from vlbench.engine.evaluate import Session, evaluate
from vlbench.engine.measure import data_digests
from vlbench.engine.plan import plan_job
from vlbench.engine.settings import RunSettings

SETTINGS = RunSettings(batch_size=4, workers=0)


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
        result = evaluated(job, Session(checkpoint, settings), tmp_path)
        rows.append((result.model, result.replicate_of))
    assert rows == [("coop-seed1", "coop"), ("coop-seed1+bf16+fast", "coop+bf16+fast"), ("alone+fast", "")]


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
    evaluate(plan_job(seed, task(), SETTINGS), Session(seed, SETTINGS), tmp_path)
    renamed = stored(plan_job(Seed(name="mine"), task(), SETTINGS), tmp_path)
    assert (renamed.model, renamed.replicate_of) == ("mine", "")
