from dataclasses import replace

import pytest
from colour_model import COLOURS, ColourCheckpoint, evaluated, squares

from vlbench.core.contracts import Text
from vlbench.core.errors import Unsupported
from vlbench.core.registry import TASK_KINDS
from vlbench.core.task import TaskRequest
from vlbench.engine.plan import plan_job
from vlbench.engine.prompt_sweep import single_template_jobs
from vlbench.engine.settings import RunSettings

SETTINGS = RunSettings(batch_size=4, workers=0)
NAMES = tuple(map(Text, COLOURS))


def asked(templates, names=NAMES):
    source = squares(tuple(COLOURS))
    request = TaskRequest(name="squares", protocol="test", source=source, names=names, templates=templates)
    return TASK_KINDS.get("classification")(request)


def test_each_template_is_a_job_of_its_own_over_the_same_images(tmp_path):
    checkpoint = ColourCheckpoint()
    job = plan_job(checkpoint, asked(("a {}", "the {}")), SETTINGS)
    singles = list(single_template_jobs(job, SETTINGS))
    assert [template for template, _ in singles] == ["a {}", "the {}"]
    for template, single in singles:
        alone = plan_job(checkpoint, asked((template,)), SETTINGS)
        assert single.keys.texts == alone.keys.texts
        assert single.keys.candidates == job.keys.candidates
        assert single.keys.prediction == alone.keys.prediction
        assert single.task.protocol.digest != job.task.protocol.digest
    evaluated(job, SETTINGS, tmp_path)
    assert [evaluated(single, SETTINGS, tmp_path).timing.images_encoded for _, single in singles] == [
        0,
        0,
    ]


def test_synonyms_are_asked_by_each_template_too():
    """FER2013's classes have several words in OpenAI's protocol: a template is filled with all of them."""
    names = (replace(NAMES[0], ids={"synonyms": "crimson|scarlet"}), *NAMES[1:])
    job = plan_job(ColourCheckpoint(), asked(("a {}", "the {}"), names), SETTINGS)
    (_, first), (_, second) = single_template_jobs(job, SETTINGS)
    word = NAMES[0].name
    assert first.task.problem.texts[0].prompts == (f"a {word}", "a crimson", "a scarlet")
    assert second.task.problem.texts[0].prompts == (f"the {word}", "the crimson", "the scarlet")
    assert second.task.problem.texts[1].prompts == (f"the {NAMES[1].name}",)


@pytest.mark.parametrize(
    ("templates", "names"),
    [
        (("a {}",), NAMES),
        (("a {}", "the {}"), tuple(replace(name, descriptions=("round",)) for name in NAMES)),
    ],
)
def test_what_has_not_several_templates_is_refused(templates, names):
    job = plan_job(ColourCheckpoint(), asked(templates, names), SETTINGS)
    with pytest.raises(Unsupported, match=r"squares: has \d templates to set side by side"):
        list(single_template_jobs(job, SETTINGS))
