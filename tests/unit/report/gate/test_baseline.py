import csv
from dataclasses import replace

import pytest

from vlbench.core.errors import DataError
from vlbench.core.measurement import Measurement
from vlbench.report.gate.baseline import HEADER, baseline_text, read_baseline, rows_of, write_baseline


def written(path, *rows):
    write_baseline(path, rows)
    return path


def test_a_row_says_the_value_and_what_it_was_measured_with(make_result):
    digests = {"image_ids": "i" * 32, "texts": "t" * 32, "truth": "r" * 32}
    digests |= {"validation_image_ids": "v" * 32, "train_image_ids": "a" * 32}
    acc5, acc1 = baseline_text(rows_of([make_result(digests=digests)])).splitlines()[:0:-1]
    weights = acc1.split(",")[10]
    assert acc1 == (
        "small,shapes,acc1,0.500000,0.400000,0.600000,200,fp32,held-out,"
        f"{'d' * 32},{weights},{'i' * 32},{'t' * 32},0,200,200,{'r' * 32},{'v' * 32},"
        f"{'a' * 32},1,cpu,no,0.000000,1.000000"
    )
    assert acc5.startswith("small,shapes,acc5,0.750000,0.700000,0.800000,200,")
    (other, _) = rows_of([make_result(weights={"small.safetensors": "b" * 64})])
    (renamed, _) = rows_of([make_result(weights={"renamed.safetensors": "a" * 64})])
    assert other.weights != weights == renamed.weights


def test_rows_are_sorted_whatever_the_order_of_results_and_partial_ones_have_none(make_result):
    results = [make_result(model=model, task=task) for model in "ba" for task in ("t", "s")]
    partial = make_result(model="c", partial="limit 5")
    texts = {baseline_text(rows_of(order)) for order in (results, [partial, *reversed(results)])}
    (text,) = texts
    assert [line.split(",")[:2] for line in text.splitlines()[1::2]] == [
        ["a", "s"], ["a", "t"], ["b", "s"], ["b", "t"]
    ]  # fmt: skip


def test_what_is_written_is_read_back(make_result, tmp_path):
    unmeasured = Measurement(None, 0, left_out=200, metric="roc, auc")
    rows = rows_of([make_result(), make_result(task="a, b", metrics=(unmeasured,))])
    assert read_baseline(written(tmp_path / "deep" / "b.csv", *rows)) == rows


def test_an_empty_baseline_is_not_written(tmp_path):
    with pytest.raises(DataError, match="no whole result"):
        write_baseline(tmp_path / "b.csv", ())
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (
            lambda text: text.replace("0.500000", "half", 1),
            "line 2: could not convert string to float: 'half'",
        ),
        (lambda text: text.replace("0.500000", "inf", 1), "line 2: infinity is no score"),
        (
            lambda text: text.replace(",no,", ",maybe,", 1),
            "line 2: 'maybe' is neither yes nor no in lower_is_better",
        ),
        (lambda text: text.replace(",200,", ",", 1), "line 2: 23 cells in place of 24"),
        (lambda text: text[:-9], "cut off in line 3"),
        (
            lambda text: text + text.splitlines(keepends=True)[1],
            "line 4: a second row of small on shapes, acc1",
        ),
        (
            lambda text: "model,shapes\n" + text,
            f"not a baseline of this version: its first line is not {HEADER}",
        ),
        (lambda text: "", "not a baseline"),
        (lambda text: HEADER + "\n", "holds no value, so that it would let everything pass"),
        (lambda text: text.replace("0.500000", "50.0", 1), "line 2: acc1 is 50, no fraction from 0 to 1"),
        (lambda text: text.replace(",texts,", ",text,"), "not a baseline of this version"),
        (lambda text: text.replace(",left_out,", ",n,"), "not a baseline of this version"),
        (lambda text: text.replace(",200,", ",2e2,", 1), "line 2: invalid literal .* in n; restore"),
        (lambda text: text.replace("small", '"small', 1), "line 3: no CSV .unexpected end of data"),
        (lambda text: text.replace("held-out", "\udcff"), "not UTF-8"),
    ],
)
def test_a_damaged_or_foreign_file_is_refused_in_a_line(make_result, tmp_path, damage, message):
    path = written(tmp_path / "b.csv", *rows_of([make_result()]))
    text = damage(path.read_text(encoding="utf-8"))
    path.write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(DataError, match=message) as error:
        read_baseline(path)
    assert str(error.value).startswith(str(path))
    assert "\n" not in str(error.value)


def test_a_baseline_that_says_the_same_is_left_alone(make_result, tmp_path):
    (row, _) = rows_of([make_result()])
    path = written(tmp_path / "b.csv", row)
    before = path.stat().st_ino
    written(path, replace(row, value=0.5 + 1e-9))
    assert path.stat().st_ino == before
    written(path, replace(row, value=0.6))
    assert path.stat().st_ino != before


def test_a_cell_that_is_no_cell_of_a_csv_is_refused(tmp_path):
    path = tmp_path / "baseline.csv"
    path.write_text(f'{HEADER}\n"{"a" * 200_000}",1\n', encoding="utf-8")
    with pytest.raises(DataError, match="field larger"):
        read_baseline(path)


def test_a_baseline_that_an_editor_saved_its_own_way_says_the_same(make_result, tmp_path):
    rows = rows_of([make_result(task="my\u2028photos"), make_result(task="a, b")])
    path = written(tmp_path / "b.csv", *rows)
    text = path.read_text(encoding="utf-8")
    path.write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())
    assert read_baseline(path) == rows


def test_columns_are_read_by_name_whatever_their_order(make_result, tmp_path):
    rows = rows_of([make_result()])
    path = written(tmp_path / "b.csv", *rows)
    lines = list(csv.reader(path.read_text(encoding="utf-8").splitlines()))
    path.write_text("".join(",".join(reversed(line)) + "\n" for line in lines), encoding="utf-8")
    assert read_baseline(path) == rows


def test_an_earlier_versions_baseline_tells_less_and_is_read(make_result, tmp_path):
    (row, _) = rows_of([make_result()])
    path = written(tmp_path / "b.csv", row)
    lines = list(csv.reader(path.read_text(encoding="utf-8").splitlines()))
    path.write_text("".join(",".join(line[:13]) + "\n" for line in lines), encoding="utf-8")
    untold = dict.fromkeys(
        (
            "left_out",
            "n_images",
            "n_relevant",
            "truth",
            "validation",
            "training",
            "source_revision",
            "device",
        )
    )
    assert read_baseline(path) == (replace(row, **untold),)


def test_what_a_metric_is_is_kept_and_an_earlier_version_told_it_by_the_name(make_result, tmp_path):
    loss = Measurement(7.5, 4, metric="demo", lower_is_better=True, most=None)
    (row,) = rows_of([make_result(metrics=(loss,))])
    path = written(tmp_path / "b.csv", row)
    (again,) = read_baseline(path)
    assert (again.lower_is_better, again.least, again.most) == (True, 0.0, None)
    lines = list(csv.reader(path.read_text(encoding="utf-8").splitlines()))
    old = [[cell.replace("demo", "mean_rank") for cell in line[:-3]] for line in lines]
    path.write_text("".join(",".join(line) + "\n" for line in old), encoding="utf-8")
    (told,) = read_baseline(path)
    assert (told.lower_is_better, told.least, told.most) == (True, 0.0, None)
    path.write_text(path.read_text(encoding="utf-8").replace("mean_rank", "demo"), encoding="utf-8")
    with pytest.raises(DataError, match=r"demo is 7\.5, no fraction"):
        read_baseline(path)
