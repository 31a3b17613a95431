import json

from click.testing import CliRunner

from vlbench.cli.export import command
from vlbench.core.errors import DataError, VlbenchError
from vlbench.report.results import write_result


def invoke(*arguments):
    return CliRunner().invoke(command, [str(argument) for argument in arguments])


def test_models_are_chosen_by_wildcards_and_written_to_a_file(make_result, tmp_path):
    for model in ("clip-a", "clip-b", "react-a"):
        write_result(make_result(model=model), tmp_path)
    out = tmp_path / "out.jsonl"
    done = invoke("--format", "jsonl", "--results", tmp_path, "--model", "clip-*", "--out", out)
    assert done.exit_code == 0, done.output
    assert done.stdout == ""
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    assert {line["model"] for line in lines} == {"clip-a", "clip-b"}


def test_titles_come_from_the_cards(make_result, tmp_path):
    write_result(make_result(), tmp_path)
    printed = invoke("--format", "model-index", "--results", tmp_path).stdout
    assert "name: Coloured shapes in pairs never seen in training" in printed


def test_rows_of_a_method_that_a_layout_cannot_tell_are_left_out_in_a_note(make_result, tmp_path):
    for changes in ({}, {"model": "small+probe", "method": "probe"}):
        write_result(make_result(**changes), tmp_path)
    done = invoke("--format", "clip_benchmark", "--results", tmp_path)
    assert done.stderr == (
        "note: left out, since CLIP_benchmark's CSV has no place for a method: small+probe\n"
    )
    assert "probe" not in done.stdout


def test_nothing_to_export_is_said(make_result, tmp_path):
    write_result(make_result(partial="limit 5"), tmp_path)
    assert isinstance(invoke("--format", "jsonl", "--results", tmp_path).exception, VlbenchError)
    assert isinstance(invoke("--format", "jsonl", "--results", tmp_path / "no").exception, DataError)
