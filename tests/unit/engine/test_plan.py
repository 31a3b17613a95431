"""Keys of a job."""

from dataclasses import replace

import pytest
from colour_model import squares

from vlbench.core.digest import digest_of_strings
from vlbench.core.errors import DataError
from vlbench.engine.plan import image_keys


def test_an_image_is_known_by_its_state_and_never_by_none() -> None:
    pair = squares(("red", "blue"))
    assert image_keys(pair) == (digest_of_strings(["red 0"]), digest_of_strings(["blue 1"]))
    nameless = replace(pair, examples=[pair[0], replace(pair[1], state="")])
    with pytest.raises(DataError, match=r"squares: image 1-blue has no state.*was fingerprint"):
        image_keys(nameless)
