"""The guides to plug-ins and methods: every example runs, and every link leads somewhere."""

import re

import pytest
from click.testing import CliRunner
from demo_site import PLUGIN, python, vlbench

from vlbench.cli.main import group

DOCS = PLUGIN.parents[1] / "docs"
GUIDES = {
    name: (DOCS / f"{name}.md").read_text(encoding="utf-8")
    for name in ("plugins", "methods", "python", "retrieve")
}


def blocks(guide, language):
    return re.findall(rf"```{language}\n(.*?)```", GUIDES[guide], flags=re.DOTALL)


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    return tmp_path_factory.mktemp("stored")


@pytest.fixture(autouse=True)
def cache(stored, monkeypatch):
    """What one guide encodes is there for the next."""
    monkeypatch.setenv("VLBENCH_CACHE", str(stored))


@pytest.mark.parametrize("guide", GUIDES)
def test_links_lead_to_files(guide):
    links = {(DOCS / link).resolve() for link in re.findall(r"\]\(([^)#:]+)\)", GUIDES[guide])}
    assert {link for link in links if not link.exists()} == set()
    if guide == "plugins":
        assert set((PLUGIN / "vlbench_demo").glob("[!_]*.py")) <= links


@pytest.mark.parametrize("guide", ["plugins", "methods"])
def test_commands_run(guide, site, tmp_path):
    lines = [line for block in blocks(guide, "console") for line in block.splitlines()]
    commands = [line.removeprefix("$ vlbench ").split() for line in lines if line.startswith("$ vlbench ")]
    assert len(commands) >= 3
    for command in commands:
        done = vlbench(site, tmp_path, *command)
        assert done.returncode == 0, done.stderr
    rows = {"plugins": "demo-negative+demo-means@2.s1", "methods": "tiny-clip+best-f1"}
    assert list((tmp_path / "results").glob(f"*/{rows[guide]}.json"))


def test_the_example_in_one_process_prints_what_the_guide_says(site, tmp_path):
    (card,), (code,), (said,) = (blocks("plugins", language) for language in ("yaml", "python", "text"))
    path = tmp_path / card.splitlines()[0].removeprefix("# ")
    path.parent.mkdir(parents=True)
    path.write_text(card, encoding="utf-8")
    done = python(site, tmp_path, code)
    assert (done.stdout, done.returncode) == (said, 0), done.stderr


def test_the_examples_of_python_run(site, tmp_path):
    done = python(site, tmp_path, "\n".join(blocks("python", "python")))
    assert done.returncode == 0, done.stderr


def test_the_commands_of_retrieve_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VLBENCH_LIMIT", "128")  # of the pool's pairs
    for line in blocks("retrieve", "console")[0].splitlines():
        done = CliRunner().invoke(group, line.removeprefix("$ vlbench ").split())
        assert done.exit_code == 0, done.output
    assert len(list((tmp_path / "pairs" / "metas").iterdir())) == 64
    assert list((tmp_path / "results").rglob("tiny-clip*.json"))
