"""Shares of a job array fill one store between them; what lacks is named."""

from dataclasses import replace
from pathlib import Path

import pytest
from colour_model import COLOURS, ColourCheckpoint, squares
from PIL import Image

from vlbench.core.contracts import Place
from vlbench.core.errors import DataError, VlbenchError
from vlbench.core.image import known_keys, list_images
from vlbench.core.registry import SOURCES, TASK_KINDS
from vlbench.core.share import Share
from vlbench.core.task import TaskRequest
from vlbench.engine.evaluate import evaluate
from vlbench.engine.plan import plan_job
from vlbench.engine.session import Session
from vlbench.engine.settings import RunSettings
from vlbench.engine.shares import encode_share, refuse_lacking

pytestmark = pytest.mark.any_kernel

SETTINGS = RunSettings(batch_size=1, workers=0)
CHUNK = 16
IMAGES = 3 * CHUNK + 5


@pytest.fixture(params=["files", "pictures that state their keys"])
def images(request, tmp_path):
    colours = list(COLOURS)
    if request.param != "files":
        drawn = squares(tuple(colours[place % len(colours)] for place in range(IMAGES)))
        keyed = [replace(each, key=each.state, state="") for each in drawn.examples]
        return replace(drawn, examples=keyed)
    for place in range(IMAGES):
        name = colours[place % len(colours)]
        shade = tuple(abs(part - place) for part in COLOURS[name])
        path = tmp_path / "data" / name / f"{place}.bmp"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (2, 2), shade).save(path)
    return SOURCES.get("folder")(Place(), path=str(tmp_path / "data"))


def job_of(images, settings=SETTINGS):
    task = TASK_KINDS.get("classification")(TaskRequest("colours", "test", images))
    return plan_job(ColourCheckpoint(), task, settings)


def encoded(images, cache: Path, share: str) -> int:
    settings = replace(SETTINGS, share=Share.of(share))
    with Session(ColourCheckpoint(), settings, cache) as session:
        ((_, count),) = encode_share([job_of(images, settings)], session)
    return count


def test_three_shares_encode_all_between_them_and_the_last_run_nothing(images, tmp_path):
    cache = tmp_path / "c"
    assert encoded(images, cache, "3/3") == CHUNK
    with pytest.raises(DataError, match=r"^colour: \d+ of 53 images of .* \(share 1/3, 2/3\); run what is"):
        refuse_lacking([job_of(images)], cache)
    assert [encoded(images, cache, share) for share in ("1/3", "2/3")] == [CHUNK + 5, CHUNK]
    assert known_keys(list_images(images), cache) is not None
    refuse_lacking([job_of(images)], cache)
    found = []
    for place in (cache, tmp_path / "whole"):
        with Session(ColourCheckpoint(), SETTINGS, place) as session:
            _, measured = evaluate(job_of(images), session)
            found.append((session.spent.images, measured.values))
    assert [count for count, _ in found] == [0, IMAGES]
    assert repr(found[0][1]) == repr(found[1][1])


def test_a_share_that_runs_again_encodes_what_it_lacks(images, tmp_path):
    assert [encoded(images, tmp_path / "c", "1/2") for _ in range(2)] == [2 * CHUNK, 0]


def test_what_no_share_has_begun_is_said(images, tmp_path):
    with pytest.raises(DataError, match=r"53 of 53 images of .* \(no share of them is done\)"):
        refuse_lacking([job_of(images)], tmp_path / "c")


@pytest.mark.parametrize("text", ["0/3", "4/3", "3", "a/b", "1/0", f"1/{'9' * 5000}"])
def test_what_is_no_share_is_refused(text):
    with pytest.raises(VlbenchError, match="is no share; give NUMBER/COUNT"):
        Share.of(text)
