import pandas as pd
import pytest
from PIL.Image import new

import vlbench
from vlbench.core.errors import DataError
from vlbench.report.confusion import confusion_frame


def test_classes_of_one_name_stay_apart_and_a_tie_is_counted_where_it_is_wrong():
    answered = {
        "label": ["crane", "crane", "owl", "owl"],
        "label_index": [0, 1, 2, 2],
        "rank": [1, 2, 2, 1],
        "best": [["crane", "owl"], ["crane", "crane"], ["owl", "crane"], ["owl", "crane"]],
        "best_index": [[0, 2], [0, 1], [2, 1], [2, 0]],
    }
    found = confusion_frame(pd.DataFrame(answered))
    assert found.to_numpy().tolist() == [[1, 0, 0], [1, 0, 0], [0, 1, 1]]
    assert list(found.index) == list(found.columns) == ["crane", "crane", "owl"]


@pytest.mark.slow
def test_a_run_and_its_file_give_one_matrix_whose_diagonal_is_the_accuracy(tmp_path):
    colours = ("red", "green", "blue", "white")
    pairs = [(new("RGB", (32, 32), colour), label) for colour in colours for label in (0, 1)]
    held = vlbench.data(pairs, classnames=["red square", "blue circle"], name="colours")
    options = {"cache": tmp_path / "cache", "results": tmp_path / "results", "device": "cpu"}
    vlbench.evaluate("tiny-clip", held, **options)
    for _ in range(2):  # measured before, and stored
        (result,) = found = vlbench.evaluate("tiny-clip", held, save_predictions=True, **options)
        matrix = vlbench.confusion_matrix(found.predictions["tiny-clip", "classification:colours"])
        assert matrix.to_numpy().trace() / 8 == result.metric("acc1").value
        assert matrix.sum(axis=1).to_dict() == {"red square": 4, "blue circle": 4}
        (path,) = (tmp_path / "results").rglob("*.predictions.parquet")
        pd.testing.assert_frame_equal(vlbench.confusion_matrix(path), matrix)


def test_predictions_without_classes_are_refused(tmp_path):
    with pytest.raises(DataError, match="no label of images, so there are no classes to confuse"):
        vlbench.confusion_matrix(pd.DataFrame({"id": ["a"], "rank": [1]}))
    (tmp_path / "a.parquet").write_bytes(b"no parquet")
    with pytest.raises(DataError, match=r"a\.parquet"):
        vlbench.confusion_matrix(tmp_path / "a.parquet")


def test_what_is_no_frame_has_no_classes():
    with pytest.raises(DataError, match="no label of images"):
        vlbench.confusion_matrix(None)
