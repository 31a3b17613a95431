"""The scanned digits: read without scikit-learn, equal to what scikit-learn gives."""

import subprocess
import sys

import numpy as np
import pytest

from vlbench.core.contracts import Place
from vlbench.core.errors import CardError, DataError, SourceMissing
from vlbench.datasets.layouts import digits as module
from vlbench.datasets.layouts.digits import NAMES, digits, enlarge, scans


def test_scans_and_labels_are_scikit_learns() -> None:
    from sklearn.datasets import load_digits

    truth = load_digits()
    source = digits(Place())
    assert len(source) == len(truth.images) == 1797
    for index in (0, 1, 900, 1796):
        pixels = np.asarray(source[index].image())
        assert pixels.shape == (64, 64, 3)
        assert np.array_equal(pixels[4::8, 4::8, 1], truth.images[index].astype(int) * 255 // 16)
    labels = [source[index].target.label for index in range(1797)]
    assert labels == [NAMES[digit] for digit in truth.target]
    assert len({source[index].key for index in range(1797)}) > 1790


def test_targets_and_fingerprints_import_neither_scikit_learn_nor_pillow() -> None:
    code = (
        "import sys; from vlbench.core.contracts import Place; "
        "from vlbench.datasets.layouts.digits import digits; "
        "s = digits(Place()); s[5].target, s[5].key, s.revision; "
        "sys.exit(any(name in sys.modules for name in ('sklearn', 'PIL', 'scipy', 'pandas')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_enlarging_keeps_every_pixel_as_a_square() -> None:
    counts = np.arange(64, dtype=np.uint8).reshape(8, 8) % 17
    large = enlarge(counts)
    assert np.array_equal(large[::8, ::8, 0], (counts.astype(int) * 255 // 16))
    assert np.array_equal(large[7::8, 7::8, 2], large[::8, ::8, 0])


def test_a_machine_without_scikit_learn_is_told_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    with pytest.raises(SourceMissing, match="pip install scikit-learn"):
        digits(Place())


def test_a_damaged_row_is_named(tmp_path: pytest.TempPathFactory) -> None:
    import gzip
    from pathlib import Path

    path = Path(str(tmp_path)) / "digits.csv.gz"
    good = ",".join(["0"] * 64 + ["3"])
    path.write_bytes(gzip.compress(f"{good}\n{good},7\n".encode()))
    with pytest.raises(DataError, match="line 2"):
        scans(path)


def test_the_halves_share_no_scan_and_are_the_whole_together() -> None:
    first, second, whole = (digits(Place(), half=half) for half in ("first", "second", ""))
    assert (len(first), len(second)) == (898, 899)
    assert [each.id for half in (first, second) for each in half.examples] == [
        each.id for each in whole.examples
    ]
    assert not {each.key for each in first.examples} & {each.key for each in second.examples}
    assert {str(each.target.label) for each in first.examples} == set(NAMES)
    assert len({each.name for each in (first, second, whole)}) == 3
    with pytest.raises(CardError, match="source digits: half is 'third'; choose first or second, or leave"):
        digits(Place(), half="third")  # type: ignore[arg-type]
