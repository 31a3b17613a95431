"""MMVP-VLM: what its file of questions has to be."""

from pathlib import Path

import pytest

from vlbench.core.contracts import Place
from vlbench.core.errors import DataError
from vlbench.datasets.layouts.mmvp_vlm import mmvp_vlm

HEAD = "Question ID,Type,Statement\n"


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("1,Texts,a\n", "has 1 rows, and not two for each of 135 pairs"),
        ("2,Texts,a\n1,Texts,b\n", "rows of the ids 2 and 1 are no pair"),
        ("1,Texts,a\n3,Texts,b\n", "rows of the ids 1 and 3 are no pair"),
        ("1,Texts\n", r"Questions.csv:2: \['1', 'Texts'\] is no id, type and statement"),
        ("x,Texts,a\n", r"Questions.csv:2: \['x', 'Texts', 'a'\] is no id"),
        ("1,../../x,a\n2,Texts,b\n", r"'\.\./\.\./x/1\.jpg' leads out of the folder"),
        ("", "states no item"),
    ],
)
def test_a_wrong_file_is_named(tmp_path: Path, rows: str, message: str) -> None:
    (tmp_path / "Questions.csv").write_text(HEAD + rows)
    with pytest.raises(DataError, match=message):
        mmvp_vlm(Place(), path=str(tmp_path))


def test_more_than_the_nine_patterns_are_refused(tmp_path: Path) -> None:
    rows = "".join(f"{number},Texts,a\n" for number in range(1, 273))
    (tmp_path / "Questions.csv").write_text(HEAD + rows)
    with pytest.raises(DataError, match="has 272 rows"):
        mmvp_vlm(Place(), path=str(tmp_path))
