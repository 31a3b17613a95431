import pytest

from vlbench.cli.main import main


@pytest.fixture
def run(capsys, tmp_path, monkeypatch):
    """Runs `vlbench ...` in a folder of its own; the answer is (exit code, stdout, stderr)."""
    monkeypatch.chdir(tmp_path)

    def ended(*arguments):
        with pytest.raises(SystemExit) as stop:
            main([str(argument) for argument in arguments])
        return stop.value.code, *capsys.readouterr()

    return ended
