"""The published taggers: their cards open files of the authors' key layout, and say what their code says."""

import pytest
import torch
from parity_weights import layout
from tiny_taggers import RAM

from vlbench.cards.build import open_model
from vlbench.cards.card_file import read_card
from vlbench.cards.catalogue import read_catalogue
from vlbench.cards.schema import ModelCard
from vlbench.core.errors import WeightsError
from vlbench.models.ram.checkpoint import TaggerCheckpoint
from vlbench.models.ram.network import NETWORKS, read_tagger
from vlbench.models.ram.tag_lists import read_tags
from vlbench.models.shared.weights import Weights

pytestmark = pytest.mark.cards

CATALOGUE = read_catalogue()
LAYOUTS = {
    "ram-plus": "full_ram_plus_swin_l_384",
    "ram": "full_ram_swin_l_384",
    "tag2text": "full_tag2text_swin_b_384",
}
OPEN = {"ram-plus-open": "ram-plus", "ram-open": "ram"}
IMAGE_SETTINGS = ("repository", "file", "sha256", "ignorable")


def opened(name: str) -> TaggerCheckpoint:
    found = open_model(name, CATALOGUE).checkpoint
    assert isinstance(found, TaggerCheckpoint)
    return found


def card(name: str):
    return read_card(CATALOGUE.models[name].path, ModelCard).card


@pytest.mark.parametrize("name", [*LAYOUTS, *OPEN])
def test_a_file_of_the_published_layout_loads_key_by_key(name, monkeypatch, tmp_path):
    """Every key of the file, without memory for its numbers, under an older name of the decoder too."""
    stated = layout(RAM / f"{LAYOUTS[OPEN.get(name, name)]}.layout.json")
    state = {
        key.replace("tagging_head.", "vision_multi."): torch.empty(shape, device="meta")
        for key, shape, _, _ in stated["tensors"]
    }
    monkeypatch.setattr("vlbench.models.ram.network.read_weights", lambda path: Weights(path, state))
    monkeypatch.setattr("vlbench.models.shared.weights.check_values", lambda *_: None)
    tagger = opened(name)
    tags = len(read_tags(tagger.tag_file, tagger.ids)) if tagger.vocabulary == "closed" else None
    filled = read_tagger(
        tagger.adapter, tagger.network, tmp_path / "w.pth", tags=tags, ignorable=tagger.ignorable
    )
    count = sum(each.numel() for each in filled.network.parameters())
    count += 0 if filled.bank is None else filled.bank.numel()
    assert card(name).parameters == round(count / 1e6, 2)
    if name == "ram-plus":
        assert count == stated["meta"]["n_params"]


@pytest.mark.parametrize("name", LAYOUTS)
def test_sizes_are_those_of_the_authors_code(name):
    size = opened(name).network
    swin = layout(RAM / f"{LAYOUTS[name]}.layout.json")["meta"]["swin"]
    stated = (swin["image_res"], swin["embed_dim"], swin["window_size"], swin["vision_width"])
    assert (size.image_size, size.embed_dim, size.window, size.width) == stated
    assert (list(size.depths), list(size.heads)) == (swin["depths"], swin["num_heads"])


@pytest.mark.parametrize(("name", "closed"), OPEN.items())
def test_both_vocabularies_are_one_file(name, closed):
    one, other = card(name), card(closed)
    assert [one.settings[key] for key in IMAGE_SETTINGS] == [other.settings[key] for key in IMAGE_SETTINGS]
    assert one.weights == other.weights
    assert one.weights is not None
    assert (one.weights.repo, one.weights.file, one.weights.sha256) == tuple(
        one.settings[key] for key in IMAGE_SETTINGS[:3]
    )


def test_a_card_without_a_repository_says_how_to_get_its_file():
    with pytest.raises(WeightsError, match=r"tag2text: no hub repository .* --weights FILE"):
        opened("tag2text").identify()


def test_every_family_has_a_network_and_a_bank():
    for name in LAYOUTS:
        tagger = opened(name)
        stated = {key: shape for key, shape, _, _ in layout(RAM / f"{LAYOUTS[name]}.layout.json")["tensors"]}
        with torch.device("meta"):
            network = NETWORKS[tagger.adapter](tagger.network)
        own = network.bank_shapes(len(read_tags(tagger.tag_file, tagger.ids)))
        assert {key: tuple(stated[key]) for key in own} == own


def test_published_figures_are_of_tasks_there_are():
    for name in (*LAYOUTS, *OPEN):
        for score in card(name).published:
            path = CATALOGUE.tasks[score.task].path
            assert f"protocol: {score.protocol}\n" in path.read_text(encoding="utf-8")
