from pathlib import Path

import pytest
from click.testing import CliRunner

from vlbench.cli.site import command
from vlbench.report.results import write_result

RESULTS = Path(__file__).resolve().parents[3] / "results"


@pytest.mark.slow
def test_the_command_says_where_to_look(tmp_path):
    answer = CliRunner().invoke(command, ["--results", str(RESULTS), "--out", str(tmp_path / "site")])
    assert answer.exit_code == 0, answer.output
    assert answer.output.rstrip().endswith(f"open {tmp_path / 'site' / 'index.html'}")
    assert (tmp_path / "site" / "index.html").is_file()


@pytest.mark.slow
def test_what_is_left_out_of_the_pages_is_said(make_result, tmp_path):
    other = {**make_result().digests, "image_ids": "0" * 32}
    for result in (make_result(), make_result(model="b"), make_result(model="odd", digests=other)):
        write_result(result, tmp_path / "results")
    answer = CliRunner().invoke(
        command, ["--results", str(tmp_path / "results"), "--out", str(tmp_path / "site")]
    )
    assert answer.exit_code == 0, answer.output
    assert "vlbench: shapes: left out of the ranking: odd, of other image ids" in answer.stderr
