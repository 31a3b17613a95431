"""What checkpoints state and models do beyond scoring, for every adapter and some cards."""

from functools import partial

import pytest
import torch
from contracts.adapter_samples import SAMPLES
from plugin.vlbench_demo.colour import demo_colour

from vlbench.cards.build import open_model
from vlbench.cards.catalogue import read_catalogue
from vlbench.core.capabilities import (
    CAPTIONS,
    IMAGES_ALONE,
    PAIRS,
    TOKENS,
    VECTORS,
    CountsTokens,
    CutsSentences,
    Generates,
    ScoresPairs,
    Vectors,
)
from vlbench.core.contracts import Origin, Placement, Text
from vlbench.core.errors import Unsupported

PROTOCOLS = {CAPTIONS: Generates, PAIRS: ScoresPairs, TOKENS: CountsTokens, VECTORS: Vectors}
NUMBERS = range(1, 71)


def of_adapter(name, folder):
    return SAMPLES[name](folder).open(None)


def of_card(name, folder):
    return open_model(name, read_catalogue(), cache=folder).checkpoint


def captioning(folder):
    from tiny_captions import SIZE
    from tiny_taggers import fixture_tags, open_tagger, tiny_state, write_published, write_tags

    path = write_published(folder / "tag2text.pth", tiny_state("tag2text"))
    names = fixture_tags("tag2text")
    write_tags(folder, names, [0.5] * len(names))
    return open_tagger("tag2text", Origin("tag2text", folder, path, folder), captions=SIZE)


CHECKPOINTS = {
    **{name: partial(of_adapter, name) for name in SAMPLES},
    **{name: partial(of_card, name) for name in ("tiny-coop", "tiny-ram-plus", "tiny-ram-plus-open")},
    "tag2text with captions": captioning,
    "plug-in": lambda folder: demo_colour(Origin("colour")),
}
NAMES = ("red circle", "blue square", "green triangle", "red")
COLOURS = ("red", "blue", "green", "yellow")


class Loaded:
    """A model, features of five images and of four texts; of images where it reads those alone."""

    def __init__(self, name, folder):
        self.checkpoint = CHECKPOINTS[name](folder)
        self.model = self.checkpoint.load(Placement())
        self.texts = [Text(each) for each in self._names(name)]
        generator = torch.Generator().manual_seed(0)
        pixels = torch.randint(0, 256, (5, 3, *self.model.info.image_size), generator=generator)
        pixels = pixels / 255 if name == "plug-in" else pixels.to(torch.uint8)
        with torch.inference_mode():
            self.images = self.model.encode_images(pixels)
            alone = IMAGES_ALONE in self.checkpoint.capabilities
            self.rows = self.images[1:] if alone else self.model.encode_texts(self.texts, batch_size=4)

    def _names(self, name):
        if name == "plug-in":
            return COLOURS
        own = self.model.tags() if hasattr(self.model, "tags") else ()
        return [tag.name for tag in own[:4]] or NAMES

    @property
    def is_dual(self):
        return self.images.ndim == 2


@pytest.fixture(scope="module", params=sorted(CHECKPOINTS))
def loaded(request, tmp_path_factory):
    return Loaded(request.param, tmp_path_factory.mktemp("sample"))


@pytest.fixture(params=[1, 2], ids=["one thread", "two threads"], autouse=True)
def threads(request):
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    with torch.inference_mode():
        yield
    torch.set_num_threads(before)


def test_a_checkpoint_states_what_its_model_does(loaded):
    does = {name for name, protocol in PROTOCOLS.items() if isinstance(loaded.model, protocol)}
    assert loaded.checkpoint.capabilities & PROTOCOLS.keys() == does


def test_a_model_of_images_alone_refuses_words(loaded):
    if IMAGES_ALONE not in loaded.checkpoint.capabilities:
        return
    for asked in (
        lambda: loaded.model.encode_texts(loaded.texts, batch_size=4),
        lambda: loaded.model.score(loaded.images, loaded.rows),
    ):
        with pytest.raises(Unsupported, match="reads images alone"):
            asked()


def test_scores_are_those_of_images_scaled_to_unit_length_one_by_one(loaded):
    if not isinstance(loaded.model, ScoresPairs):
        return
    unit = loaded.model.info.unit
    for count in NUMBERS:
        images = scattered(loaded.images, count)
        alone = torch.cat([image / image.norm(dim=-1, keepdim=True) for image in images.split(1)])
        missing = torch.zeros(-count % 16, images.shape[1])
        rows = torch.cat([loaded.rows, torch.zeros(12, images.shape[1])])
        wanted = ((unit.scale * torch.cat([alone, missing])) @ rows.T)[:count, :4]
        wanted = wanted + unit.bias if unit.bias else wanted
        assert torch.equal(loaded.model.score(images, loaded.rows), wanted), count


def test_image_features_of_dual_encoders_are_as_long_as_they_are_projected(loaded):
    if isinstance(loaded.model, ScoresPairs):
        assert not torch.allclose(loaded.images.norm(dim=1), torch.ones(5), atol=1e-3)


def test_scores_of_pairs_are_those_of_the_matrix(loaded):
    if not isinstance(loaded.model, ScoresPairs):
        return
    matrix = loaded.model.score(loaded.images, loaded.rows)
    unit = loaded.model.info.unit
    for count in NUMBERS:
        images, texts = torch.arange(count) * 3 % 5, torch.arange(count) * 7 % 4
        found = loaded.model.score_pairs(loaded.images[images], loaded.rows[texts])
        assert found.shape == (count,)
        error = (found - matrix[images, texts]).abs().max()
        assert error <= 1e-6 * (unit.scale + abs(unit.bias)), count


def test_a_pairs_score_depends_on_no_other_pair(loaded):
    if not isinstance(loaded.model, ScoresPairs):
        return
    images, texts = torch.arange(20) % 5, torch.arange(20) % 4
    score = loaded.model.score_pairs
    alone = torch.cat(
        [score(loaded.images[k % 5][None], loaded.rows[k % 4][None]) for k in range(20)]  # all pairs
    )
    for count in NUMBERS:
        order = torch.randperm(count, generator=torch.Generator().manual_seed(count)) % 20
        found = score(loaded.images[images[order]], loaded.rows[texts[order]])
        assert torch.equal(found, alone[order]), count


def test_vectors_of_images_and_texts_lie_in_one_space(loaded):
    if not isinstance(loaded.model, Vectors):
        return
    images, texts = loaded.model.vectors(loaded.images), loaded.model.vectors(loaded.rows)
    assert images.shape == (5, images.shape[-1])
    assert texts.shape == (4, images.shape[-1])
    assert bool((texts.norm(dim=1) > 0).all())
    order = torch.tensor([3, 0, 2, 1])
    assert torch.equal(loaded.model.vectors(loaded.images[order]), images[order])
    assert torch.equal(loaded.model.vectors(loaded.rows[order]), texts[order])
    assert torch.equal(torch.cat([loaded.model.vectors(row) for row in loaded.images.split(1)]), images)
    assert torch.equal(torch.cat([loaded.model.vectors(row) for row in loaded.rows.split(1)]), texts)
    if loaded.rows.ndim > 2:  # rows of zeros behind a text's own are no part of it
        longer = torch.cat([loaded.rows, torch.zeros_like(loaded.rows)], dim=1)
        assert torch.equal(loaded.model.vectors(longer), texts)


def test_cosines_of_vectors_order_texts_as_scores_of_dual_encoders_do(loaded):
    if not isinstance(loaded.model, ScoresPairs):
        return
    images, texts = (loaded.model.vectors(side) for side in (loaded.images, loaded.rows))
    cosines = torch.nn.functional.cosine_similarity(images[:, None], texts[None], dim=-1)
    unit = loaded.model.info.unit
    scores = loaded.model.score(loaded.images, loaded.rows)
    assert torch.allclose(unit.scale * cosines + unit.bias, scores, atol=1e-5 * unit.scale, rtol=0)


def test_tokens_tell_what_is_cut_and_what_is_read_alike(loaded):
    if not isinstance(loaded.model, CountsTokens):
        return
    long = "red square " * 300
    texts = [Text("red"), Text("red square"), Text(long + "one"), Text(long + "other"), Text("red")]
    counts = loaded.model.token_counts(texts)
    assert counts[0] < counts[1] < counts[2]
    assert counts[2] > 600
    assert counts[0] == counts[4]
    digests = loaded.model.token_digests(texts)
    assert [digests.index(each) for each in digests] == [0, 1, 2, 2, 0]
    features = loaded.model.encode_texts(texts, batch_size=8)
    assert torch.equal(features[2], features[3])
    assert not torch.equal(features[0], features[1])
    assert isinstance(loaded.model, CutsSentences)
    assert list(loaded.model.cut(texts)) == [texts[2].name, texts[3].name]


def scattered(rows, count):
    return rows[torch.arange(count) * 3 % len(rows)]
