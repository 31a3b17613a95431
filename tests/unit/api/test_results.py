import pickle
from functools import partial

import numpy as np
import pytest
from PIL import Image

import vlbench
from vlbench.api.results import Results
from vlbench.core.errors import DataError, VlbenchError
from vlbench.core.items import Items


def test_results_are_a_list_a_table_and_a_frame(tmp_path):
    found = vlbench.evaluate("tiny-clip", ["digits", "shapes-tags"], limit=16, cache=tmp_path)
    assert [result.task for result in found] == ["digits", "shapes-tags"]
    assert repr(found).splitlines()[0].split()[:3] == ["model", "task", "metric"]
    frame = found.to_frame()
    assert list(frame["model"].unique()) == ["tiny-clip"]
    primary = frame[frame["primary"]].set_index("task")
    assert primary.loc["digits", "value"] == found[0].score
    assert primary.loc["shapes-tags", "metric"] == "mean_average_precision"
    assert frame["value"].dtype == frame["chance"].dtype == float
    assert primary.loc["digits", "chance"] == 1 / 10
    assert "<td>tiny-clip</td>" in found._repr_html_()


def test_parts_and_copies_of_results_are_results(make_result):
    found = Results([make_result(model=name) for name in "abc"])
    found.keep(found[1], partial(Items, image_ranks=np.ones(3)), None)
    for part in (found[1:], found.copy()[1:], pickle.loads(pickle.dumps(found))[1:]):
        assert [row.model for row in part] == ["b", "c"]
        assert list(part.to_frame()["model"].unique()) == ["b", "c"]
        assert part._items["b", found[1].task]().image_ranks.sum() == 3


def test_a_result_is_told_in_a_line(make_result):
    assert repr(make_result()).startswith("Result(small on shapes: acc1 0.5000 [0.4000, 0.6000], 200 images")
    assert len(repr(make_result(partial="limit 8"))) < 200


def test_names_cannot_write_into_a_notebook(make_result):
    shown = vlbench.api.results.Results([make_result(model="<img onerror=alert(1)>")])._repr_html_()
    assert "<img" not in shown
    assert "&lt;img" in shown


def test_a_string_is_one_folder_wherever_folders_are_wanted(tmp_path):
    (tmp_path / "mine.yaml").write_text("title: Mine\nadapter: coop\n")
    assert "mine" in vlbench.list_models(str(tmp_path))


@pytest.mark.parametrize("predictions", [False, True])
def test_the_items_of_a_result_are_made_once(tmp_path, monkeypatch, predictions):
    made, of = [], Items.of
    monkeypatch.setattr(Items, "of", lambda *given, **kept: made.append(given) or of(*given, **kept))
    options = {"cache": tmp_path / "c", "results": tmp_path / "r", "save_predictions": predictions}
    held = vlbench.data(
        [(Image.new("RGB", (32, 32), name), [name]) for name in ("red", "blue")], truth="tags"
    )
    for stored in (False, True):
        found = vlbench.evaluate("tiny-clip", held, **options)
        found.compare("tiny-clip", "tiny-clip")
        assert len(made) == 1, f"stored: {stored}"
        made.clear()
        for path in tmp_path.rglob("*.items.npz"):
            path.unlink()


@pytest.mark.slow
def test_results_of_two_calls_are_compared_as_those_of_a_folder_are(tmp_path):
    options = {"cache": tmp_path / "cache", "results": tmp_path / "results", "device": "cpu"}
    pairs = [(Image.new("RGB", (32, 32), colour), colour) for colour in ("red", "green", "blue", "white")]
    held = vlbench.data(pairs, name="colours")
    for _ in range(2):  # measured, then stored
        found = vlbench.evaluate("tiny-clip", held, **options)
        found += vlbench.evaluate("tiny-react", held, **options)
        of_folder = vlbench.compare("tiny-clip", "tiny-react", results=tmp_path / "results")
        assert found.compare("tiny-clip", "tiny-react") == of_folder
    with pytest.raises(
        VlbenchError, match=r"no model with results named 'tiny-coop'.*this list has 2 models"
    ):
        found.compare("tiny-clip", "tiny-coop")
    with pytest.raises(DataError, match="its items are not in this list"):
        Results(list(found)).compare("tiny-clip", "tiny-react")
    with pytest.raises(VlbenchError, match="both hold a result of tiny-clip on classification:colours"):
        found + vlbench.evaluate("tiny-clip", held, **options)
