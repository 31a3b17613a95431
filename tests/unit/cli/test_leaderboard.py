from click.testing import CliRunner

from vlbench.cli.leaderboard import command
from vlbench.cli.main import main
from vlbench.core.errors import CheckFailed, DataError
from vlbench.report.results import write_result


def invoke(*arguments):
    return CliRunner().invoke(command, [str(argument) for argument in arguments], catch_exceptions=True)


def test_rebuilding_prints_the_table_and_then_passes_the_check(make_result, tmp_path):
    write_result(make_result(), tmp_path)
    rebuilt = invoke("--results", tmp_path)
    assert rebuilt.exit_code == 0
    assert rebuilt.stdout.splitlines()[-1].split() == ["small", "0.5000", "0.5000"]
    checked = invoke("--results", tmp_path, "--check")
    assert (checked.exit_code, checked.stdout) == (0, f"{tmp_path}: every CSV is what the results say\n")


def test_seeds_of_a_row_are_printed_with_their_spread(make_result, tmp_path):
    for seed, acc1 in ((1, 0.867), (2, 0.875)):
        write_result(make_result(model=f"coop-seed{seed}", replicate_of="coop", acc1=acc1), tmp_path)
    line = invoke("--results", tmp_path).stdout.splitlines()[-1]
    assert line.split() == ["coop", "0.871", "±", "0.006", "0.8710"]
    assert invoke("--results", tmp_path, "--check").exit_code == 0


def test_a_stale_table_fails_the_check_by_name_and_is_not_written(make_result, tmp_path):
    write_result(make_result(), tmp_path)
    checked = invoke("--results", tmp_path, "--check")
    assert isinstance(checked.exception, CheckFailed)
    assert "stale: all.csv, costs.csv, leaderboard.csv, shapes.csv; run `vlbench leaderboard" in str(
        checked.exception
    )
    assert not list(tmp_path.glob("*.csv"))


def test_exit_codes_of_a_stale_table_and_of_a_missing_folder(make_result, tmp_path, capsys):
    write_result(make_result(), tmp_path)
    codes = []
    for folder in (tmp_path, tmp_path / "absent"):
        try:
            main(["leaderboard", "--results", str(folder), "--check"])
        except SystemExit as stop:
            codes.append(stop.code)
    assert codes == [1, 2]
    assert len(capsys.readouterr().err.splitlines()) == 2


def test_another_protocol_is_said_on_stderr(make_result, tmp_path):
    for model, digest in [("a", "1" * 32), ("b", "2" * 32)]:
        write_result(make_result(model=model, protocol_digest=digest), tmp_path)
    rebuilt = invoke("--results", tmp_path)
    assert rebuilt.stderr.startswith("vlbench: shapes: left out of the ranking: b (22222222)")
    assert invoke("--results", tmp_path, "--check").stderr == rebuilt.stderr
    assert "b" not in rebuilt.stdout.split()


def test_the_folder_may_come_from_the_environment(make_result, tmp_path, monkeypatch):
    write_result(make_result(), tmp_path)
    monkeypatch.setenv("VLBENCH_RESULTS", str(tmp_path))
    assert invoke().exit_code == 0
    assert (tmp_path / "leaderboard.csv").is_file()


def test_a_damaged_result_is_the_users_to_mend(make_result, tmp_path):
    write_result(make_result(), tmp_path).write_text("{")
    assert isinstance(invoke("--results", tmp_path).exception, DataError)


def write_curve(make_result, folder, shots=2):
    for seed in (0, 1):
        row = f"small+probe@{shots}"
        settings = {"seed": seed, "shots": shots}
        probed = make_result(
            model=f"{row}.s{seed}", replicate_of=row, method=f"probe@{shots}", settings=settings
        )
        write_result(probed, folder)


def test_pictures_are_drawn_on_request_then_kept_up_to_date_and_checked(make_result, tmp_path):
    write_curve(make_result, tmp_path)
    invoke("--results", tmp_path)
    picture = tmp_path / "shapes.few_shot.svg"
    assert not picture.exists()
    missing = invoke("--results", tmp_path, "--check", "--plot").exception
    assert f"stale: shapes.few_shot.svg; run `vlbench leaderboard --results {tmp_path} --plot`" in str(
        missing
    )
    assert invoke("--results", tmp_path, "--check").exit_code == 0
    drawn = invoke("--results", tmp_path, "--plot", "--format", "csv")
    assert drawn.stderr == f"vlbench: {picture}\n"
    assert drawn.stdout == (tmp_path / "leaderboard.csv").read_text()
    first = picture.read_text()
    checked = invoke("--results", tmp_path, "--check")
    assert checked.stdout == f"{tmp_path}: every CSV and picture is what the results say\n"
    write_curve(make_result, tmp_path, shots=4)
    assert "shapes.few_shot.svg" in str(invoke("--results", tmp_path, "--check").exception)
    invoke("--results", tmp_path)
    assert first != picture.read_text()
    assert invoke("--results", tmp_path, "--check", "--plot").exit_code == 0


def test_a_picture_without_a_curve_left_goes_and_a_users_own_stays(make_result, tmp_path):
    write_curve(make_result, tmp_path)
    invoke("--results", tmp_path, "--plot")
    own = tmp_path / "mine.few_shot.svg"
    own.write_text("<svg/>")
    for path in (tmp_path / "shapes").glob("*.json"):
        path.unlink()
    write_result(make_result(), tmp_path)
    assert "shapes.few_shot.svg" in str(invoke("--results", tmp_path, "--check").exception)
    rebuilt = invoke("--results", tmp_path, "--plot")
    assert list(tmp_path.glob("*.svg")) == [own]
    assert rebuilt.stderr.startswith(
        f"vlbench: {tmp_path}: no few-shot curve: no whole result is by a method"
    )
    assert invoke("--results", tmp_path, "--check", "--plot").stderr == rebuilt.stderr


def test_markdown_and_csv_are_printed_on_request(make_result, tmp_path):
    write_result(make_result(), tmp_path)
    markdown = invoke("--results", tmp_path, "--format", "markdown", "--intervals").stdout
    assert markdown.splitlines()[-1] == "| small | 0.5000 [0.4000, 0.6000] |"
    printed = invoke("--results", tmp_path, "--format", "csv").stdout
    assert printed == (tmp_path / "leaderboard.csv").read_text()


def test_a_check_in_ci_trusts_nothing_that_was_kept(make_result, tmp_path, monkeypatch):
    write_result(make_result(), tmp_path / "results")
    monkeypatch.setenv("CI", "true")
    check = ("--results", tmp_path / "results", "--check", "--cache", tmp_path / "cache")
    invoke(*check)
    assert not (tmp_path / "cache").exists()
    monkeypatch.delenv("CI")
    invoke(*check)
    assert list((tmp_path / "cache" / "results").iterdir())


def test_a_folder_without_results_gets_no_tables(tmp_path):
    (tmp_path / "photos").mkdir()
    for more in ([], ["--check"]):
        refused = invoke("--results", tmp_path, *more)
        assert isinstance(refused.exception, DataError)
        assert "holds no result; `vlbench run` makes them" in str(refused.exception)
    assert [path.name for path in tmp_path.iterdir()] == ["photos"]
