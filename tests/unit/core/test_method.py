from dataclasses import dataclass
from functools import partial

import pytest

from vlbench.core.code_digest import digest_of_code
from vlbench.core.digest import digest_of
from vlbench.core.errors import PluginError
from vlbench.core.method import Head, Method


def test_a_mark_is_the_name_the_shots_a_digest_of_the_rest_and_the_seed():
    fits = {"parts": frozenset({"score"})}
    assert Method("ridge", **fits).mark(3) == "+ridge"
    assert Method("ridge", settings={"shots": 4}, seeded=True, **fits).mark(3) == "+ridge@4.s3"
    one, other = (Method("ridge", settings={"shots": 4, "alpha": alpha}, **fits) for alpha in (0.5, 1.0))
    assert one.mark(0).startswith("+ridge@4~")
    assert len(one.mark(0)) == len("+ridge@4~") + 6
    assert one.mark(0) != other.mark(0)
    assert one.digest != other.digest


def test_what_learns_nothing_and_asks_the_same_leaves_no_mark():
    assert Method("as-it-is").mark(1) == ""
    assert Method("asks-otherwise", rewrite=lambda problem: problem).mark(1) == "+asks-otherwise"


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        (
            {"parts": frozenset({"scores"})},
            "parts contains 'scores'; it may contain compose, score, thresholds",
        ),
        (
            {"learns_from": frozenset({"test"})},
            "learns_from contains 'test'; it may contain train, validation",
        ),
        ({"reads": frozenset({"images"})}, "reads contains 'images'; it may contain candidates, queries"),
    ],
)
def test_a_word_that_nothing_heeds_is_refused(parts, said):
    with pytest.raises(PluginError, match=f"method 'ridge': its {said}"):
        Method("ridge", **parts)


@pytest.mark.parametrize("name", ["", "a+b", "a@4", "a.s1", "a~b", "a b", "a/b"])
def test_a_name_that_a_row_could_not_bear_is_refused(name):
    with pytest.raises(PluginError, match="letters, digits, - and _"):
        Method(name)


@dataclass(frozen=True)
class Fit:
    """Something to fit with that is no function."""

    weight: float

    def __call__(self, lesson):
        return Head()


def fit(weight, lesson):
    return Head()


def test_the_digest_covers_the_module_of_what_fits_however_it_is_made():
    code = digest_of_code(fit)
    for each in (fit, Fit(1.0), partial(fit, 1.0), partial(partial(fit), 1.0), lambda lesson: Head()):
        method = Method("probe", fit=each, parts=frozenset({"score"}))
        assert method.digest == digest_of(["probe", {}, code])
