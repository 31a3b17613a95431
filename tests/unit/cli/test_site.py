import subprocess
import sys
from pathlib import Path

from click.testing import CliRunner

from vlbench.cli.site import command

RESULTS = Path(__file__).resolve().parents[3] / "results"


def test_the_command_says_where_to_look(tmp_path):
    answer = CliRunner().invoke(command, ["--results", str(RESULTS), "--out", str(tmp_path / "site")])
    assert answer.exit_code == 0, answer.output
    assert answer.output.rstrip().endswith(f"open {tmp_path / 'site' / 'index.html'}")
    assert (tmp_path / "site" / "index.html").is_file()


def test_help_imports_neither_templates_nor_numbers():
    code = (
        "import sys, vlbench.cli.site\n"
        "found = {'jinja2', 'numpy', 'torch', 'pandas', 'pydantic'} & sys.modules.keys()\n"
        "assert not found, found"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
