from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pytest

from vlbench.cards.options import check_options, option_schema
from vlbench.core.errors import PluginError

if TYPE_CHECKING:
    from fractions import Fraction


def picture(
    place: object, /, *, path: str | list[str], size: int = 8, split: Literal["train", "test"] = "test"
) -> None: ...


def open_ended(place: object, /, *, path: Path, **options: object) -> None: ...


def awkward(place: object, /, *, copy: str, model_fields: int, schema: tuple[str, ...] = ()) -> None: ...


def hidden(place: object, /, *, size: "Fraction") -> None: ...


def problems(plug_in: Callable[..., object], **options: object) -> list[str]:
    return check_options(plug_in, options, ("sources", 0))[1]


def test_only_what_the_card_states_is_handed_over() -> None:
    assert check_options(picture, {"path": ["a", "b"], "size": 3})[0] == {"path": ["a", "b"], "size": 3}
    assert check_options(picture, {"path": "a"})[0] == {"path": "a"}


def test_all_problems_are_told_with_their_place() -> None:
    # their order is pydantic's
    assert set(problems(picture, sise=1, size="8", split="val")) == {
        "sources.0.path: field required",
        "sources.0.size: input should be a valid integer, not '8'",
        "sources.0.split: input should be 'train' or 'test', not 'val'",
        "sources.0.sise: unknown field; did you mean size?",
    }


def test_a_union_is_one_problem() -> None:
    (problem,) = problems(picture, path=5)
    assert problem.startswith("sources.0.path: input should be a valid string")
    assert " or input should be a valid " in problem


def test_an_open_signature_takes_any_further_option() -> None:
    values, _ = check_options(open_ended, {"path": "a/b", "shade": "red"})
    assert values == {"path": Path("a/b"), "shade": "red"}
    assert problems(open_ended, shade="red") == ["sources.0.path: field required"]


def test_options_may_be_named_like_attributes_of_a_model() -> None:
    values, _ = check_options(awkward, {"copy": "x", "model_fields": 1, "schema": ["y"]})
    assert values == {"copy": "x", "model_fields": 1, "schema": ("y",)}
    assert option_schema(awkward)["required"] == ["copy", "model_fields"]


def test_annotations_that_do_not_resolve_are_the_plug_ins_fault() -> None:
    with pytest.raises(PluginError, match=r"test_options\.hidden: .*Fraction"):
        check_options(hidden, {})
