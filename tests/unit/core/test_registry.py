import sys

import pytest

from vlbench.core.errors import PluginError, UnknownName
from vlbench.core.registry import ADAPTERS, METHODS, METRICS, SCORINGS, SOURCES, TASK_KINDS, Registry


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Installs a distribution: its name, its entry points `{group: {name: value}}`, its modules."""
    monkeypatch.syspath_prepend(str(tmp_path))
    before = set(sys.modules)

    def install(name, groups, modules=None):
        folder = tmp_path / f"{name.replace('-', '_')}-1.0.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        lines = []
        for group, points in groups.items():
            lines += [f"[{group}]", *(f"{point} = {value}" for point, value in points.items())]
        (folder / "entry_points.txt").write_text("\n".join(lines))
        for module, text in (modules or {}).items():
            (tmp_path / f"{module}.py").write_text(text)

    yield install
    for module in set(sys.modules) - before:
        if (tmp_path / f"{module}.py").exists():
            del sys.modules[module]


def test_an_entry_point_is_listed_without_import_and_loaded_on_demand(install):
    install("one", {"toys": {"ball": "ball_module:BALL"}}, {"ball_module": "BALL = 'round'"})
    registry = Registry("toys", "toy", "a word", of=str)
    assert registry.names() == ("ball",)
    assert "ball" in registry
    assert list(registry) == ["ball"]
    assert registry.distribution("ball") == "one"
    assert "ball_module" not in sys.modules
    assert registry.get("ball") == "round"


def test_a_value_registered_here_is_found_and_taken_out_again():
    registry = Registry("toys-of-nobody", "toy", "a word", of=str)
    assert registry.register("kite")("flies") == "flies"
    assert (registry.get("kite"), registry.distribution("kite")) == ("flies", "")
    registry.unregister("kite")
    assert registry.names() == ()


def test_a_name_registered_twice_here_is_refused():
    registry = Registry("toys-of-nobody", "toy", "a word", of=str)
    registry.register("kite")("flies")
    with pytest.raises(PluginError, match="toy 'kite' is registered twice"):
        registry.register("kite")("falls")
    assert registry.get("kite") == "flies"


def test_a_name_of_an_entry_point_cannot_be_registered_or_taken_out(install):
    install("one", {"toys": {"ball": "ball_module:BALL"}}, {"ball_module": "BALL = 'round'"})
    registry = Registry("toys", "toy", "a word", of=str)
    with pytest.raises(PluginError, match="ball"):
        registry.register("ball")("square")
    registry.unregister("ball")
    assert registry.get("ball") == "round"


def test_a_name_that_two_distributions_claim_names_both(install):
    install("one", {"toys": {"ball": "first:BALL"}})
    install("two", {"toys": {"ball": "second:BALL"}})
    with pytest.raises(PluginError, match=r"one \(first:BALL\) and two \(second:BALL\); uninstall one"):
        Registry("toys", "toy", "a word", of=str).names()


def test_an_unknown_name_comes_with_close_matches_and_the_group(install):
    install("one", {"toys": {"marble": "m:M", "ball": "b:B"}})
    with pytest.raises(UnknownName) as caught:
        Registry("toys", "toy", "a word", of=str).get("marbel")
    assert str(caught.value) == (
        "no toy named 'marbel'; did you mean marble?; known: ball, marble (entry points of 'toys')"
    )
    assert caught.value.close == ("marble",)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("import no_such_package_anywhere", "no_such_package_anywhere"),
        ("OTHER = 1", "BALL"),
        ("BALL = (", "never closed"),
    ],
)
def test_a_plug_in_that_does_not_import_names_its_distribution(install, text, reason):
    install("broken-toys", {"toys": {"ball": "broken_ball:BALL"}}, {"broken_ball": text})
    registry = Registry("toys", "toy", "a word", of=str)
    assert registry.names() == ("ball",)
    with pytest.raises(PluginError) as caught:
        registry.get("ball")
    assert "toy 'ball' of distribution broken-toys (broken_ball:BALL) does not import" in str(caught.value)
    assert reason in str(caught.value)


@pytest.mark.parametrize(
    ("of", "text", "said"),
    [
        (str, "BALL = 7", "is of type int, and has to be a ball"),
        (str, "def BALL(): ...", "is of type function, and has to be a ball"),
        (None, "BALL = 'round'", "is of type str, and has to be a ball"),
    ],
)
def test_a_plug_in_of_another_form_names_its_distribution(install, of, text, said):
    install("square-toys", {"toys": {"ball": "square_ball:BALL"}}, {"square_ball": text})
    with pytest.raises(PluginError) as caught:
        Registry("toys", "toy", "a ball", of=of).get("ball")
    assert str(caught.value) == f"toy 'ball' of distribution square-toys {said}"


@pytest.mark.parametrize("registry", [METRICS, SCORINGS], ids=lambda r: r.group)
def test_a_metric_and_a_scoring_that_are_functions_name_their_distribution(registry, install, monkeypatch):
    monkeypatch.setattr(registry, "_points", None)
    monkeypatch.setattr(registry, "_values", {})
    install("bare-toys", {registry.group: {"bare": "bare_toy:bare"}}, {"bare_toy": "def bare(): ..."})
    what = f"{registry.what} 'bare' of distribution bare-toys is of type function, and has to be a "
    with pytest.raises(PluginError, match=what + registry.what.capitalize()):
        registry.get("bare")


@pytest.mark.parametrize(
    "registry", [ADAPTERS, METHODS, METRICS, SCORINGS, SOURCES, TASK_KINDS], ids=lambda r: r.group
)
def test_built_ins_enter_through_entry_points_of_vlbench(registry):
    assert registry.names()
    assert all(registry.distribution(name) == "vlbench" for name in registry)
