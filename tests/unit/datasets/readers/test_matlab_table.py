"""Tables of MATLAB that end, or hold up, whoever reads them."""

from pathlib import Path

import pytest

from vlbench.core.errors import DataError
from vlbench.datasets.readers import matlab_table
from vlbench.datasets.readers.file_listing import list_files
from vlbench.datasets.readers.matlab_table import refuse_damaged_tables

BEGUN = "import os; print('begun', flush=True); "


@pytest.mark.parametrize(
    ("reader", "told"),
    [
        ("import os; os.abort()", "scipy, which reads it, does not start"),
        (BEGUN + BEGUN + "os.abort()", r"b\.mat is no table .*reading it ends a process by SIGABRT"),
        (BEGUN + "raise ValueError('Type 4112')", r"a\.mat is no table .*\(ValueError: Type 4112\)"),
    ],
)
def test_what_becomes_of_the_process_is_told(
    reader: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.mat").touch()
    (tmp_path / "b.mat").touch()
    monkeypatch.setattr(matlab_table, "_READ", reader)
    with pytest.raises(DataError, match=told):
        refuse_damaged_tables(list_files(tmp_path))


@pytest.mark.slow
def test_reading_is_bounded_in_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.mat").touch()
    endless = matlab_table._READ.replace("loadmat(path, squeeze_me=True)", "while True: pass")
    monkeypatch.setattr(matlab_table, "_READ", endless)
    monkeypatch.setattr(matlab_table, "SECONDS", 0)
    with pytest.raises(DataError, match=r"a\.mat is no table .* takes more than 0 s of processor time"):
        refuse_damaged_tables(list_files(tmp_path))
