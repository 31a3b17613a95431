import pytest

from vlbench.cards.method import asked_method, asked_methods
from vlbench.core.errors import CardError, PluginError, UnknownName
from vlbench.core.method import ZERO_SHOT, Method
from vlbench.core.registry import METHODS


def probe(*, alpha: float = 0.5, shots: int | None = None, head: str = "linear") -> Method:
    """A probe, which leaves it to vlbench to keep its settings."""
    return Method("probe")


def a_mapping() -> dict[str, object]:
    """Settings in place of a method."""
    return {}


@pytest.fixture
def registered():
    def register(value):
        METHODS.register("probe")(value)

    yield register
    METHODS.unregister("probe")


@pytest.mark.parametrize(
    ("text", "settings"),
    [
        ("probe", {}),
        ("probe:", {}),
        ("probe:shots=4", {"shots": 4}),
        ("probe: shots = 4 ,alpha=1e-3", {"shots": 4, "alpha": 0.001}),
        ("probe:head=mean", {"head": "mean"}),
        ("probe:shots=null,alpha=0.5", {}),
        ("probe:alpha=1", {"alpha": 1.0}),
    ],
)
def test_settings_stand_behind_a_colon(registered, text, settings):
    registered(probe)
    assert asked_method(text) == Method("probe", settings=settings)


def test_what_a_method_says_of_its_settings_itself_stands(registered):
    registered(lambda *, shots=4: Method("probe", settings={"shots": min(shots, 8)}))
    assert asked_method("probe:shots=99").settings == {"shots": 8}


def test_a_list_is_a_value(registered):
    def chosen(*, alphas: tuple[float, ...] = (1.0,), shots: int = 1) -> Method:
        return Method("probe")

    registered(chosen)
    assert asked_method("probe:alphas=[0.1,1],shots=2").settings == {"alphas": (0.1, 1.0), "shots": 2}


def test_a_method_may_take_any_setting(registered):
    registered(lambda **settings: Method("probe"))
    assert asked_method("probe:depth=2").settings == {"depth": 2}


@pytest.mark.parametrize(
    ("texts", "named"),
    [
        (["probe"], ["probe"]),
        (["zero-shot,probe@4"], ["zero-shot", "probe:shots=4"]),
        (["probe:shots=4,alpha=1, zero-shot"], ["probe:alpha=1.0,shots=4", "zero-shot"]),
        (["probe@4:alpha=1,probe@2,probe"], ["probe:alpha=1.0,shots=4", "probe:shots=2", "probe"]),
        (["probe@4", "probe:shots=4,zero-shot", "zero-shot"], ["probe:shots=4", "zero-shot"]),
        (["probe:head=mean,zero-shot,"], ["probe:head=mean", "zero-shot"]),
    ],
)
def test_commas_set_methods_apart_and_each_is_one(registered, texts, named):
    registered(probe)
    assert [each.spelling for each in asked_methods(texts)] == named


def test_the_comma_of_a_list_sets_no_method_apart(registered):
    def listed(*, words: tuple[str, ...] = (), shots: int = 1) -> Method:
        return Method("probe")

    registered(listed)
    (one, other) = asked_methods(['probe:words=["a","b"],shots=2,zero-shot'])
    assert (one.settings, other) == ({"words": ("a", "b"), "shots": 2}, ZERO_SHOT)


@pytest.mark.parametrize("texts", [[], [""], [",", " "]])
def test_no_method_is_none(texts):
    with pytest.raises(CardError, match="no method is named; name zero-shot, or another of `vlbench list"):
        asked_methods(texts)


def test_the_model_as_it_is_is_a_method_too():
    assert asked_method("zero-shot") == ZERO_SHOT


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("probe@few", "method probe@few: 'few' is not a number of shots; write probe@4"),
        ("probe@", "method probe@: '' is not a number of shots; write probe@4"),
        ("probe@4:shots=2", "method probe@4:shots=2: shots is given twice"),
        ("best-f1@4", "shots: unknown field; none is taken"),
        ("probe:4", "method probe:4: '4' is not a setting; write probe:NAME=VALUE"),
        ("probe:shots=4,shots=8", "method probe:shots=4,shots=8: shots is given twice"),
        ("probe:shot=4", "method probe:shot=4: shot: unknown field; did you mean shots?"),
        ("probe:shots=few", "shots: input should be a valid integer, not 'few'"),
        ("best-f1:shots=4", "shots: unknown field; none is taken"),
    ],
)
def test_a_setting_that_it_does_not_take_is_refused(registered, text, said):
    registered(probe)
    with pytest.raises(CardError) as caught:
        asked_method(text)
    assert said in str(caught.value)


def test_a_name_that_nobody_has_comes_with_those_that_are():
    with pytest.raises(UnknownName, match="no method named 'best_f1'; did you mean best-f1"):
        asked_method("best_f1")


def test_a_function_that_makes_no_method_and_a_method_that_is_no_function_are_refused(
    registered, monkeypatch
):
    monkeypatch.setattr(METHODS, "distribution", lambda _: "a-package")
    registered(a_mapping)
    with pytest.raises(
        PluginError, match="method 'probe' of distribution a-package makes dict; its function"
    ):
        asked_method("probe")
    METHODS.unregister("probe")
    registered(lambda: Method("ridge"))
    with pytest.raises(
        PluginError, match="of distribution a-package calls itself 'ridge'; give both one name"
    ):
        asked_method("probe")
    METHODS.unregister("probe")
    registered(ZERO_SHOT)
    with pytest.raises(
        PluginError, match="of distribution a-package is of type Method, and has to be a func"
    ):
        asked_method("probe")
