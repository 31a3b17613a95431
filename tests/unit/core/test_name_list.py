"""Lists of names, as commas set them apart and as programs hold them."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from vlbench.core.name_list import names_in, split_names


def test_a_comma_in_the_path_of_a_folder_sets_nothing_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a,b").mkdir()
    (tmp_path / "c").mkdir()
    assert split_names(["tagging:a,b"]) == ("tagging:a,b",)
    assert split_names(["shapes,tagging:a,b,digits", "tagging:c,shapes"]) == (
        "shapes",
        "tagging:a,b",
        "digits",
        "tagging:c",
        "shapes",
    )
    assert split_names(["shapes,", "tagging:none,x"]) == ("shapes", "tagging:none", "x")
    assert split_names([" shapes , digits,tagging:a,b "]) == ("shapes", "digits", "tagging:a,b")
    (tmp_path / "last ").mkdir()
    assert split_names(["tagging:last ,digits"]) == ("tagging:last ", "digits")


@pytest.mark.parametrize(
    "given",
    [
        "a,b",
        ("a", "b"),
        {"a": 1, "b": 2}.keys(),
        iter("ab"),
        np.array(["a", "b"]),
        pd.Series(["a", "b"]),
        pd.Series(["a", "b"], dtype=object),
    ],
)
def test_names_are_read_from_what_programs_hold(given: object) -> None:
    assert names_in(given) == ("a", "b")


@pytest.mark.parametrize("given", [None, 3, [("image", "a")], np.zeros((2, 2)), object(), {"a": 1}])
def test_other_things_hold_no_names(given: object) -> None:
    assert names_in(given) is None


def test_a_path_is_one_name() -> None:
    assert names_in(Path("my/photos")) == ("my/photos",)
