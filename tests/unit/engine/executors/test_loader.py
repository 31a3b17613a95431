"""Images are read once, in order: digested, and decoded where something is wanted of them."""

from dataclasses import replace
from functools import partial

import pytest
import torch
from colour_model import COLOURS, preprocess, squares
from PIL import Image

from vlbench.core.errors import DataError
from vlbench.core.image import key_of
from vlbench.engine.chunk import Chunk
from vlbench.engine.executors.loader import Loader, naming
from vlbench.models.shared.preprocess import preprocess_for
from vlbench.models.shared.recipe import Preprocessing

EXAMPLES = tuple(squares(tuple(COLOURS)).examples)  # six
KEYS = tuple(key_of(example.image(), example) for example in EXAMPLES)


def chunk(start, examples, keys=None):
    return Chunk("squares", start, tuple(examples), keys or ("",) * len(examples), ())


def nothing(place, key):
    return False


def loader(workers=0, how=preprocess, asked=None, stored=nothing):
    def load():
        if asked is not None:
            asked.append(1)
        return preprocess

    return Loader(stored, lambda: how, load, batch_size=2, workers=workers, pin=False)


@pytest.mark.parametrize("workers", [0, 3])
@pytest.mark.parametrize("how", [preprocess, None])
def test_batches_are_of_one_shape_in_order_and_end_with_their_chunk(workers, how):
    chunks = [chunk(0, EXAMPLES[:3]), chunk(3, EXAMPLES[3:])]
    batches = list(loader(workers, how).batches(chunks))
    assert [batch.places for batch in batches] == [[0, 1], [2], [3, 4], [5]]
    assert {batch.pixels.shape for batch in batches} == {(2, 3, 1, 1)}
    assert batches[1].pixels[1].eq(0).all()
    found = torch.cat([batch.pixels[: len(batch.places)] for batch in batches])
    assert torch.equal(found, torch.stack([preprocess(example.image()) for example in EXAMPLES]))
    assert [key for batch in batches for key in batch.read] == list(KEYS)


def test_what_is_stored_is_read_where_its_key_is_not_known_and_never_decoded():
    opened = []

    def image(example):
        opened.append(example.id)
        return example.image()

    seen = [replace(each, image=partial(image, each)) for each in EXAMPLES]
    wanted = {KEYS[1]}
    stored = lambda place, key: key not in wanted  # noqa: E731
    batches = list(loader(stored=stored).batches([chunk(0, seen, KEYS)]))
    assert [batch.places for batch in batches] == [[1]]
    assert opened == [EXAMPLES[1].id]
    loads = []
    batches = list(loader(how=None, asked=loads, stored=lambda place, key: True).batches([chunk(0, seen)]))
    assert [(batch.places, batch.read, batch.pixels) for batch in batches] == [([], list(KEYS), None)]
    assert (len(opened), loads) == (1 + len(EXAMPLES), [])


def test_images_of_equal_bytes_are_wanted_once():
    again = replace(EXAMPLES[0], id="again", state="other")
    (batch,) = loader().batches([chunk(0, [EXAMPLES[0], again, EXAMPLES[1]])])
    assert (batch.places, batch.read) == ([0, 2], [KEYS[0], KEYS[0], KEYS[1]])


def line() -> Image.Image:
    """A picture of 2000 pixels in three rows."""
    return Image.new("RGB", (2000, 3))


@pytest.mark.parametrize("mode", ["exact", "fast"])
def test_a_picture_that_a_resize_leaves_no_row_of_is_not_said_to_be_damaged(mode):
    made = preprocess_for(Preprocessing(size=(64, 64), resize_mode="longest"), mode)
    said = "squares: image 0-red: 2000x3 pixels are too long"
    with pytest.raises(DataError, match=said) as refused, naming(EXAMPLES[0], "squares"):
        made(line())
    assert "decode" not in str(refused.value)
