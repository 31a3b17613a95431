"""One image at a time: what cannot be read or leaves no pixels is named with its reason."""

from types import SimpleNamespace

import pytest
from colour_model import Squares
from PIL import Image

from vlbench.adapters.architectures import Preprocessing
from vlbench.adapters.preprocess import preprocess_for
from vlbench.core.errors import DataError
from vlbench.engine.loader import load_image


class Lines(Squares):
    """Pictures of 2000 pixels in three rows."""

    def __getitem__(self, index):
        example = super().__getitem__(index)
        return SimpleNamespace(id=example.id, image=lambda: Image.new("RGB", (2000, 3)))


@pytest.mark.parametrize("mode", ["exact", "fast"])
def test_a_picture_that_a_resize_leaves_no_row_of_is_not_said_to_be_damaged(mode):
    preprocess = preprocess_for(Preprocessing(size=(64, 64), resize_mode="longest"), mode)
    with pytest.raises(DataError, match="squares: image 0-red: 2000x3 pixels are too long") as refused:
        load_image(SimpleNamespace(preprocess=preprocess), Lines(("red",)), 0)
    assert "decode" not in str(refused.value)
