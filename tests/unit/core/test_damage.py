"""What a library raises over damaged bytes is the caller's error, in a line; what is ours passes."""

import pickle
import struct
import zlib

import pytest

from vlbench.core.damage import reading
from vlbench.core.errors import CardError, DataError, Unsupported


class OfALibrary(Exception):
    """A library's own class."""


@pytest.mark.parametrize(
    "raised",
    [
        KeyError("x"),
        IndexError("x"),
        OverflowError("x"),
        RecursionError("x"),
        UnicodeDecodeError("utf-8", b"x", 0, 1, "x"),
        EOFError("x"),
        NotImplementedError("x"),
        struct.error("x"),
        zlib.error("x"),
        pickle.UnpicklingError("x\n\n  x"),
        Exception("x"),
        OfALibrary("x"),
    ],
)
def test_what_a_library_raises_is_the_callers_error(raised: Exception) -> None:
    with (
        pytest.raises(CardError, match=r"^a is no b \(.*x.*\); c$") as told,
        reading("a", "no b", "c", error=CardError, also=(OfALibrary,)),
    ):
        raise raised
    assert "\n" not in str(told.value)
    assert told.value.__cause__ is raised


def test_what_has_no_words_is_named_and_too_many_are_cut() -> None:
    with pytest.raises(DataError, match=r"^a is no b \(EOFError\); fetch it again$"), reading("a", "no b"):
        raise EOFError
    with pytest.raises(DataError, match=r"^a is no b \(x{200}\); fetch it again$"), reading("a", "no b"):
        raise ValueError("x" * 1000)


def test_what_lacks_memory_may_be_too_large_as_well() -> None:
    told = "a asks for more memory than there is: no b, or too large; fetch it again"
    with pytest.raises(DataError, match=told), reading("a", "no b"):
        raise MemoryError


@pytest.mark.parametrize("raised", [Unsupported("x"), OfALibrary("x"), KeyboardInterrupt()])
def test_what_is_no_damage_passes(raised: BaseException) -> None:
    with pytest.raises(type(raised)), reading("a", "no b"):
        raise raised
