"""One image at a time: what cannot be read or leaves no pixels is named with its reason."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
from colour_model import squares
from PIL import Image

from vlbench.adapters.architectures import Preprocessing
from vlbench.adapters.preprocess import preprocess_for
from vlbench.core.errors import DataError
from vlbench.engine.loader import load_image


def line() -> Image.Image:
    """A picture of 2000 pixels in three rows."""
    return Image.new("RGB", (2000, 3))


@pytest.mark.parametrize("mode", ["exact", "fast"])
def test_a_picture_that_a_resize_leaves_no_row_of_is_not_said_to_be_damaged(mode):
    red = squares(("red",))
    long = replace(red, examples=[replace(red[0], image=line)])
    preprocess = preprocess_for(Preprocessing(size=(64, 64), resize_mode="longest"), mode)
    with pytest.raises(DataError, match="squares: image 0-red: 2000x3 pixels are too long") as refused:
        load_image(SimpleNamespace(preprocess=preprocess), long, 0)
    assert "decode" not in str(refused.value)
