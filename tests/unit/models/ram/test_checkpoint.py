"""Taggers through their adapters: files refused by name, two vocabularies on one image side, blocks."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from parity_weights import layout, state_dict
from safetensors.torch import save_file
from tiny_taggers import (
    CAPTIONS,
    FAMILIES,
    RAM,
    TINY,
    fixture_tags,
    open_tagger,
    tagging_state,
    tiny_state,
    write_published,
    write_tags,
)

from vlbench.core.capabilities import OffersTags
from vlbench.core.contracts import Origin, Placement, Text
from vlbench.core.errors import CardError, Unsupported, WeightsError
from vlbench.core.registry import ADAPTERS
from vlbench.models.clip.checkpoint import local_dir
from vlbench.models.ram import model as ram_model
from vlbench.models.ram.model import ClosedTaggerModel, OpenRamModel
from vlbench.models.ram.network import read_tagger
from vlbench.models.ram.sizes import TaggerSize
from vlbench.models.ram.texts import ReadTags
from vlbench.models.shared.weight_files import read_pickle

NAMES = ["alpha", "bravo", "charlie", "delta", "echo", "foxtrot", "golf"]
TOKENS = torch.randn(11, 50, 512, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def origin(tmp_path):
    write_tags(tmp_path, NAMES, [0.5] * 7)
    return Origin("tiny", tmp_path, tmp_path / "tiny.pth", tmp_path)


@pytest.fixture(scope="module")
def clip_folder(tmp_path_factory, write_folder):
    """A CLIP whose features are as wide as a description."""
    weights = RAM / "openset_tiny_clip.weights.json"
    arch = layout(weights)["meta"]["arch"]
    vision = {
        "image_size": arch["image_resolution"],
        "layers": arch["vision_layers"],
        "width": arch["vision_width"],
        "head_width": arch["vision_width"],
        "patch_size": arch["vision_patch_size"],
    }
    text = {
        "context_length": arch["context_length"],
        "vocab_size": arch["vocab_size"],
        "width": arch["transformer_width"],
        "heads": arch["transformer_heads"],
        "layers": arch["transformer_layers"],
    }
    config = {"embed_dim": arch["embed_dim"], "quick_gelu": True, "vision_cfg": vision, "text_cfg": text}
    return write_folder(tmp_path_factory.mktemp("clip"), config, state=state_dict(weights))


@pytest.fixture
def open_origin(origin, clip_folder):
    def opened(name, weights=None):
        assert (name, weights) == ("clip-b16", None)
        return local_dir(Origin(name, None, None, origin.folder), reference=str(clip_folder))

    return replace(origin, open=opened)


def written(origin: Origin, family: str, **changes: object) -> Origin:
    """The origin, its weights written: keys replaced, added, or left out where None."""
    state = {key: value for key, value in {**tiny_state(family), **changes}.items() if value is not None}
    assert origin.weights is not None
    write_published(origin.weights, state)
    return origin


def open_vocabulary(family: str, origin: Origin, **settings: object):
    return open_tagger(family, origin, vocabulary="open", text_model="clip-b16", tags=None, **settings)


@pytest.mark.parametrize(
    ("family", "change", "message"),
    [
        ("ram_plus", {"label_embed": None}, "lacks 1 keys: label_embed;"),
        ("ram_plus", {"reweight_scale": None}, "lacks 1 keys: reweight_scale;"),
        ("ram", {"fc.weight": None}, r"lacks 1 keys: fc\.weight;"),
        ("tag2text", {"fc.W": None}, r"lacks 1 keys: fc\.W;"),
        ("ram", {"text_proj.weight": torch.zeros(2)}, r"has 1 unexpected keys: text_proj\.weight;"),
        ("ram_plus", {"label_embed": torch.zeros(7, 512)}, r"label_embed \(7, 512\) instead of \(357, 512\)"),
        ("tag2text", {"fc.b": torch.zeros(1, 6)}, r"fc\.b \(1, 6\) instead of \(1, 7\)"),
        (
            "ram",
            {"visual_encoder.layers.0.blocks.0.attn.relative_position_bias_table": torch.zeros(170, 1)},
            r"relative_position_bias_table \(170, 1\) instead of \(169, 1\)",
        ),
    ],
)
def test_a_file_that_does_not_fit_is_refused_by_key(family, change, message, origin):
    with pytest.raises(WeightsError, match=message):
        open_tagger(family, written(origin, family, **change)).load(Placement())


def test_what_a_card_does_not_ignore_is_unexpected(origin):
    with pytest.raises(WeightsError, match=r"unexpected keys: tag_encoder\.embeddings"):
        open_tagger("ram", written(origin, "ram"), ignorable=("text_decoder.*",)).load(Placement())


def test_a_model_that_is_no_state_dict_is_refused(origin):
    torch.save({"model": {"fc.weight": "none"}}, origin.weights)
    with pytest.raises(WeightsError, match=r"model: no state dict: fc\.weight are no tensors"):
        open_tagger("ram", origin).load(Placement())


@pytest.mark.parametrize("family", FAMILIES)
def test_weights_are_not_copied_and_the_decoders_older_name_is_known(family, origin, monkeypatch):
    older = {key.replace("tagging_head.", "vision_multi."): t for key, t in tiny_state(family).items()}
    path = write_published(origin.weights, older)
    content = read_pickle(path)
    monkeypatch.setattr("vlbench.models.shared.weight_files.read_pickle", lambda _: content)
    filled = read_tagger(family, TINY, path, tags=7, ignorable=CAPTIONS)
    for key, tensor in filled.network.tagging_head.state_dict().items():
        assert tensor.data_ptr() == content["model"][f"vision_multi.{key}"].data_ptr()
        assert torch.equal(tensor, older[f"vision_multi.{key}"])
    if family != "tag2text":
        assert filled.bank.data_ptr() == content["model"]["label_embed"].data_ptr()


def test_half_precision_on_disk_is_computed_in_full(origin):
    half = {key: tensor.half() for key, tensor in tagging_state("ram").items()}
    write_published(origin.weights, half)
    filled = read_tagger("ram", TINY, origin.weights, tags=7, ignorable=())
    assert {each.dtype for each in filled.network.parameters()} == {torch.float32}


def test_a_larger_image_takes_a_larger_window(origin):
    """As Tag2Text was made: tables of a 7 x 7 window, read at 12 x 12."""
    size = replace(TINY, image_size=384, window=12)
    model = open_tagger("ram", written(origin, "ram"), network=size).load(Placement())
    table = model.network.visual_encoder.layers[0].blocks[0].attn.relative_position_bias_table
    assert table.shape == (23 * 23, 1)
    assert model.encode_images(torch.zeros(1, 3, 384, 384, dtype=torch.uint8)).shape == (1, 145, 512)


def test_a_packaged_folder_holds_its_weights(origin):
    (origin.folder / "packed").mkdir()
    save_file(tagging_state("ram_plus"), origin.folder / "packed" / "model.safetensors")
    packaged = replace(origin, weights=None)
    checkpoint = open_tagger("ram_plus", packaged, directory="packed")
    assert checkpoint.name == "tiny"
    assert checkpoint.identify().origin == "folder:model.safetensors"
    assert isinstance(checkpoint.load(Placement()), ClosedTaggerModel)


@pytest.mark.parametrize("family", ["ram_plus", "ram"])
def test_open_vocabulary_takes_any_name_on_the_same_image_side(family, open_origin):
    written(open_origin, family)
    closed, opened = open_tagger(family, open_origin), open_vocabulary(family, open_origin)
    ours, theirs = closed.identify(), opened.identify()
    assert ours.image == theirs.image
    assert len({ours.text, theirs.text, ours.whole, theirs.whole}) == 4
    assert len(theirs.weights) == 2
    model = opened.load(Placement())
    assert isinstance(model, OpenRamModel)
    assert not isinstance(model, OffersTags)
    texts = [Text("Aloe"), Text("zongzi", descriptions=("wrapped in leaves", "a sticky rice cake"))]
    rows = model.encode_texts(texts, batch_size=2)
    assert rows.shape == ((2, 51, 512) if family == "ram_plus" else (2, 512))
    assert model.tag_thresholds(texts) == (0.5, 0.5)
    assert torch.isfinite(model.score(TOKENS, rows)).all()
    with pytest.raises(Unsupported, match=r"2 of 2 tags are not in its list"):
        closed.load(Placement()).encode_texts(texts, batch_size=2)


def test_a_file_without_its_own_tags_serves_an_open_vocabulary(open_origin):
    written(open_origin, "ram_plus", label_embed=None)
    assert isinstance(open_vocabulary("ram_plus", open_origin).load(Placement()).texts, ReadTags)


def test_tags_have_any_number_of_descriptions(open_origin):
    model = open_vocabulary("ram_plus", written(open_origin, "ram_plus")).load(Placement())
    long = Text("zongzi", descriptions=tuple(f"description {i}" for i in range(52)))
    rows = model.encode_texts([Text("a"), long], batch_size=4)
    assert rows.shape == (2, 102, 512)
    assert rows.any(dim=-1).sum(dim=1).tolist() == [1, 52]
    wider = open_vocabulary("ram_plus", open_origin, network=replace(TINY, descriptions=60)).load(Placement())
    assert torch.equal(wider.encode_texts([Text("a"), long], batch_size=4), rows[:, :60])


@pytest.mark.parametrize("family", ["ram_plus", "ram"])
def test_tags_that_are_longer_than_the_text_tower_reads_are_told(family, open_origin):
    model = open_vocabulary(family, written(open_origin, family)).load(Placement())
    long = "red " * 80
    described = Text("zongzi", descriptions=("wrapped in leaves", long))
    # RAM reads the name alone; RAM++ the descriptions where there are any
    assert model.cut([Text("a"), described]) == ([long] if family == "ram_plus" else [])
    assert model.cut([Text("a"), Text(long), Text(long)]) == [long]


def test_the_mean_token_and_the_sum_of_descriptions_are_vectors(open_origin):
    model = open_vocabulary("ram_plus", written(open_origin, "ram_plus")).load(Placement())
    assert torch.equal(model.vectors(TOKENS), TOKENS[:, 0])
    bank = torch.zeros(2, 51, 512)
    bank[0, 0, 0], bank[1, 0, 1], bank[1, 1, 2] = 1.0, 1.0, 1.0
    found = model.vectors(bank)
    assert found.shape == (2, 512)
    assert found.nonzero().tolist() == [[0, 0], [1, 1], [1, 2]]


def test_vectors_are_refused_where_tokens_and_descriptions_are_equally_many(open_origin):
    origin = written(open_origin, "ram_plus")
    model = open_vocabulary("ram_plus", origin, network=replace(TINY, descriptions=10)).load(Placement())
    with pytest.raises(Unsupported, match=r"as its images have tokens \(50\)"):
        model.vectors(TOKENS)


def test_a_text_model_of_another_width_is_refused(open_origin, tiny_folder):
    def narrow(name, weights=None):
        return local_dir(Origin(name), reference=str(tiny_folder))

    written(open_origin, "ram")
    with pytest.raises(Unsupported, match="no text tower of width 512"):
        open_vocabulary("ram", replace(open_origin, open=narrow)).load(Placement())


@pytest.mark.parametrize("family", FAMILIES)
def test_blocks_of_any_size_change_nothing_beyond_rounding(family, origin, monkeypatch):
    model = open_tagger(family, written(origin, family)).load(Placement())
    rows = model.encode_texts([Text(name) for name in NAMES * 11], batch_size=4)[:75]
    tokens = TOKENS if family != "tag2text" else TOKENS[..., :256]
    whole = model.score(tokens, rows)
    monkeypatch.setattr(ram_model, "TAGS_AT_ONCE", 33)
    monkeypatch.setattr(ram_model, "PAIRS_AT_ONCE", {"cpu": 99})
    assert (model.score(tokens, rows) - whole).abs().max() < 1e-5


@pytest.mark.slow
def test_a_tags_place_among_others_changes_no_bit(origin):
    """Tails of a group of queries take another kernel; the decoder is as wide as the published ones."""
    size = replace(TINY, hidden=768, intermediate=3072)
    generator = torch.Generator().manual_seed(0)
    state = tagging_state("ram")
    for key, tensor in state.items():
        wide = {64: 768, 256: 3072}
        if not key.startswith(("visual_encoder", "image_proj", "label_embed")):
            shape = [wide.get(side, side) for side in tensor.shape]
            scale = shape[-1] ** -0.5 if len(shape) > 1 else 0.1
            state[key] = torch.randn(shape, generator=generator) * scale
    write_published(origin.weights, state)
    model = open_tagger("ram", origin, network=size).load(Placement())
    few = TOKENS[:2]
    for count in (1, 33, 37, 40, 72, 104):
        rows = torch.randn(count, 512, generator=generator)
        order = torch.randperm(count, generator=generator)
        assert torch.equal(model.score(few, rows)[:, order], model.score(few, rows[order]))


def test_a_lists_thresholds_and_a_cards_own(origin):
    write_tags(origin.folder, NAMES, np.linspace(0.4, 1, 7).round(2).tolist())
    written(origin, "ram")
    asked = [Text("golf"), Text("other", ids={"ram": "1"})]
    assert open_tagger("ram", origin).load(Placement()).tag_thresholds(asked) == (1.0, 0.5)
    stated = open_tagger("ram", origin, threshold=0.86).load(Placement())
    assert stated.tag_thresholds(asked) == (0.86, 0.86)


@pytest.mark.parametrize(
    ("family", "settings", "message"),
    [
        ("ram", {"tags": None}, "closed vocabulary wants `tags`"),
        ("ram", {"vocabulary": "open"}, "open vocabulary wants `text_model`"),
        ("ram_plus", {"repository": "a/b"}, "repository and file together"),
        ("ram_plus", {"repository": "a/b", "file": "c", "directory": "d"}, "either repository and file, or"),
        ("ram", {"threshold": 1.5}, "threshold 1.5 is no probability"),
        ("ram", {"network": TaggerSize(depths=(2, 2))}, "as many depths as heads"),
        ("ram", {"network": TaggerSize(image_size=100)}, "image_size 100 is no multiple of 32"),
        ("ram", {"network": TaggerSize(decoder_heads=5)}, "no multiple of its heads"),
        ("ram", {"network": TaggerSize(window=0)}, "network: window: give 1 or more"),
    ],
)
def test_settings_that_contradict_one_another_are_refused(family, settings, message, origin):
    with pytest.raises(CardError, match=message):
        open_tagger(family, origin, **settings)


def test_tag2text_has_no_open_vocabulary(origin):
    with pytest.raises(Unsupported, match="Tag2Text knows the tags of its list alone"):
        ADAPTERS.get("tag2text")(origin, vocabulary="open", tags="tags.tsv", ignorable=CAPTIONS)


def test_sizes_and_lists_are_part_of_the_identity(origin):
    written(origin, "ram_plus")
    plain = open_tagger("ram_plus", origin).identify()
    window = open_tagger("ram_plus", origin, network=replace(TINY, window=14)).identify()
    assert window.image != plain.image
    assert window.text == plain.text
    heads = open_tagger("ram_plus", origin, network=replace(TINY, decoder_heads=2)).identify()
    assert (heads.image, heads.text) == (plain.image, plain.text)
    assert heads.whole != plain.whole
    assert fixture_tags("ram_plus") == NAMES
    write_tags(origin.folder, NAMES[::-1], [0.5] * 7)
    other = open_tagger("ram_plus", replace(origin, cache=None)).identify()
    assert other.image == plain.image
    assert other.text != plain.text


def test_a_stated_threshold_is_part_of_the_identity(origin):
    """Predictions are stored with the model's thresholds, under a key of `whole`."""
    written(origin, "ram")
    plain, stated = (open_tagger("ram", origin, threshold=each).identify() for each in (None, 0.86))
    assert (stated.image, stated.text) == (plain.image, plain.text)
    assert stated.whole != plain.whole


def test_rams_sentences_are_part_of_the_open_text_side(open_origin, tmp_path, monkeypatch):
    written(open_origin, "ram")
    before = open_vocabulary("ram", open_origin).identify()
    closed = open_tagger("ram", open_origin).identify()
    other = tmp_path / "other_templates.txt"
    other.write_text("a picture of {article} {}\n")
    monkeypatch.setattr("vlbench.models.ram.checkpoint.RAM_TEMPLATES", other)
    after = open_vocabulary("ram", open_origin).identify()
    assert after.image == before.image
    assert after.text != before.text
    assert open_tagger("ram", open_origin).identify() == closed


def test_what_is_resampled_and_not_read_is_said(origin):
    """Tables of a 7 x 7 window at 12 x 12, buffers of the authors' code, the half that writes captions."""
    size = replace(TINY, image_size=384, window=12)
    state = {
        **tiny_state("ram"),
        "visual_encoder.layers.0.blocks.0.attn.relative_position_index": torch.ones(4),
    }
    write_published(origin.weights, state)
    unread = sum(key.startswith(("tag_encoder.", "text_decoder.")) for key in state)
    computed = sum(key.endswith(("relative_position_index", "attn_mask")) for key in state)
    said = open_tagger("ram", origin, network=size).load(Placement()).info.changes
    assert said[0] == "read from 'model'"
    assert "8 tables of relative positions resampled: tables of 169 rows made 529" in said
    assert any(each.startswith(f"{computed} buffers that the sizes decide not read: ") for each in said)
    assert any(each.startswith(f"{unread} tensors not read, as the card says: ") for each in said)


def test_an_open_vocabulary_says_that_the_files_own_tags_are_not_read(origin):
    write_published(origin.weights, tagging_state("ram"))
    said = read_tagger("ram", TINY, origin.weights, tags=None, ignorable=()).changes
    assert said[-1] == "tags of its own not read, in open vocabulary: label_embed"
