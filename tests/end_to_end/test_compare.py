"""What `run` keeps of every item, and `compare` on it, as a user calls them."""

import pytest
from child_command import light, vlbench

from vlbench.report.paired.items import read_items
from vlbench.report.results import read_results


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("compared")
    where = ["--results", folder / "results", "--cache", folder / "cache", "--device", "cpu"]
    run = ["run", "-m", "tiny-clip,tiny-react", "-t", "shapes,shapes-tags", *where]
    vlbench(*run)
    return folder, run


def test_every_result_has_items_that_a_stored_rerun_leaves_alone(finished):
    folder, run = finished
    paths = sorted((folder / "results").glob("*/*.items.npz"))
    assert len(paths) == 4
    before = [path.stat().st_mtime_ns for path in paths]
    light(*run)
    assert [path.stat().st_mtime_ns for path in paths] == before
    for result in read_results(folder / "results"):
        items = read_items(folder / "results", result)
        if result.primary == "acc1":
            assert (items.image_ranks == 1).mean() == pytest.approx(result.score)
        else:
            assert items.scores.shape == (result.n_images, result.n_texts)
            assert items.influence.mean() == pytest.approx(result.score, abs=0.01)


def test_a_lost_record_comes_back_from_what_is_stored_with_equal_bytes(finished):
    folder, run = finished
    path = folder / "results" / "shapes-tags" / "tiny-clip.items.npz"
    bytes_before = path.read_bytes()
    path.unlink()
    light(*run)
    assert path.read_bytes() == bytes_before


def test_the_better_model_wins_both_tasks(finished):
    folder, _ = finished
    done = vlbench("compare", "tiny-react", "tiny-clip", "--results", folder / "results")
    lines = done.stdout.splitlines()
    assert lines[-1].startswith("tiny-clip is better than tiny-react on 2 of 2 tasks: shapes, shapes-tags")
    assert any("paired bootstrap over images, 1000 resamples; 500 images" in line for line in lines)
