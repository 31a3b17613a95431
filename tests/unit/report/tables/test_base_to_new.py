from dataclasses import replace

import pytest

from vlbench.core.errors import DataError
from vlbench.report.results import write_result
from vlbench.report.tables.base_to_new import harmonic_mean
from vlbench.report.tables.leaderboard import leaderboards, stale_leaderboards, write_leaderboards
from vlbench.report.tables.notes import notes

HEAD = "model,task,base,new,harmonic_mean"


def halves(make_result, model, base, new, task="dtd", **changes):
    return [
        make_result(model=model, task=f"{task}@{half}", acc1=acc1, **changes)
        for half, acc1 in (("base", base), ("new", new))
    ]


def test_rows_with_both_halves_and_the_harmonic_mean(make_result):
    results = [
        *halves(make_result, "clip", 0.75, 0.5),
        *halves(make_result, "clip", 0.25, 0.25, task="digits"),
        make_result(model="other", task="dtd@base"),
        make_result(model="another", task="dtd@new"),
        make_result(model="clip", task="dtd"),
    ]
    expected = f"{HEAD}\nclip,digits,0.250000,0.250000,0.250000\nclip,dtd,0.750000,0.500000,0.600000\n"
    assert leaderboards(results)["base_to_new.csv"] == expected
    assert leaderboards(results[::-1])["base_to_new.csv"] == expected


def test_a_row_of_seeds_has_the_harmonic_mean_of_its_means(make_result):
    results = [
        result
        for seed, (base, new) in enumerate([(0.5, 0.25), (1.0, 0.75)], start=1)
        for result in halves(make_result, f"coop-seed{seed}", base, new, replicate_of="coop")
    ]
    # of the means 0.75 and 0.5 it is 0.6; the mean of the seeds' own harmonic means would be 0.595
    assert leaderboards(results)["base_to_new.csv"] == f"{HEAD}\ncoop,dtd,0.750000,0.500000,0.600000\n"
    assert "base_to_new.csv" not in leaderboards(results[:3])  # seed 2 has no new half


def test_one_half_or_an_unmeasured_one_makes_no_table(make_result):
    assert "base_to_new.csv" not in leaderboards([make_result(task="dtd@base"), make_result(task="dtd")])
    assert "base_to_new.csv" not in leaderboards(halves(make_result, "clip", 0.5, None))


def test_nothing_right_in_both_halves_is_zero():
    assert (harmonic_mean(0.0, 0.0), harmonic_mean(0.0, 1.0), harmonic_mean(1.0, 1.0)) == (0.0, 0.0, 1.0)


def test_the_table_goes_with_its_results(make_result, tmp_path):
    paths = [write_result(result, tmp_path) for result in halves(make_result, "clip", 0.5, 0.5)]
    write_leaderboards(tmp_path)
    assert (tmp_path / "base_to_new.csv").is_file()
    paths[0].unlink()
    assert stale_leaderboards(tmp_path) == (
        "all.csv",
        "base_to_new.csv",
        "costs.csv",
        "dtd@base.csv",
        "leaderboard.csv",
    )
    write_leaderboards(tmp_path)
    assert not (tmp_path / "base_to_new.csv").exists()


@pytest.mark.parametrize("name", ["seeds", "base_to_new"])
def test_a_task_named_as_a_table_is_refused(make_result, name):
    with pytest.raises(DataError, match="rename its card"):
        leaderboards([make_result(task=name)])


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"source_revision": "2"}, "data"),
        ({"protocol_statement": {"templates": ["the {}."]}}, "templates"),
        ({"weights": {"small.safetensors": "b" * 64}}, "weights"),
        ({"source_revision": "2", "source": "another copy"}, ""),
    ],
)
def test_halves_of_other_data_templates_or_weights_are_no_pair(make_result, changes, what):
    base = make_result(model="clip", task="dtd@base")
    results = [base, replace(base, task="dtd@new", **changes)]
    said = [note for note in notes(results) if note.startswith("dtd: ")]
    if what:
        assert "base_to_new.csv" not in leaderboards(results)
        assert said == [f"dtd: no base and new of clip: the halves are of other {what}; run both again"]
    else:
        assert "base_to_new.csv" in leaderboards(results)
        assert said == []
