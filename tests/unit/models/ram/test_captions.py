"""Tag2Text's captions equal its authors'; what they need is read when asked for, and strictly."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from parity_weights import layout, state_dict, value
from tiny_captions import FACTS, SIZE, write_word_pieces
from tiny_taggers import RAM, fixture_tags, open_tagger, tiny_state, write_published, write_tags

from vlbench.cards.build import open_model
from vlbench.cards.catalogue import read_catalogue
from vlbench.core.capabilities import CAPTIONS, NAMES_ALONE, VECTORS, Generates
from vlbench.core.contracts import Origin, Placement
from vlbench.core.errors import CardError, Unsupported, WeightsError
from vlbench.core.registry import ADAPTERS
from vlbench.models.ram import captions
from vlbench.models.ram.captions import WordPieces
from vlbench.models.ram.sizes import CaptionSize

NEAR = 1e-4
GOLDEN = np.load(RAM / "tiny_tag2text.npz")
TAGS = [each.split(" | ") for each in FACTS["tags_batch"]]
USERS = [each.split(" | ") for each in FACTS["tags_user"]]
FULL = RAM / "full_tag2text_swin_b_384.layout.json"


def settings(folder):
    return {"captions": SIZE, "word_pieces": write_word_pieces(folder)}


@pytest.fixture
def origin(tmp_path):
    write_tags(tmp_path, fixture_tags("tag2text"), [0.4, 0.7, 0.7, 1.0, 0.4, 0.7, 0.4])
    return Origin("tag2text", tmp_path, tmp_path / "tag2text.pth", tmp_path)


def opened(origin, **changes):
    """The model of the fixture; keys of its file replaced, or left out where None."""
    state = {**tiny_state("tag2text"), **changes}
    write_published(origin.weights, {key: each for key, each in state.items() if each is not None})
    return open_tagger("tag2text", origin, **settings(origin.folder)).load(Placement())


@pytest.fixture
def model(origin):
    return opened(origin)


@pytest.fixture
def tokens(model):
    with torch.inference_mode():
        return model.network.encode(value("input/image", (2, 3, 224, 224)))


def published(model):
    """The captioner under the fixture's lengths."""
    writer = model.captioner()
    lengths = {"longest": FACTS["beam"]["max_length"], "shortest": FACTS["beam"]["min_length"]}
    assert writer.rule.beams == FACTS["beam"]["num_beams"]
    return replace(writer, rule=replace(writer.rule, **lengths))


def test_the_authors_word_pieces(origin):
    words = WordPieces.of(origin.folder / write_word_pieces(origin.folder), SIZE.vocabulary)
    assert words.prompt().tolist() == GOLDEN["decoder_prompt_ids"][0].tolist()
    pieces, present = words.of_tags([*TAGS, *USERS])
    keys = ("image0", "image1", "user_tags")
    assert pieces.tolist() == [GOLDEN[f"encoder_input_ids_{key}"][0].tolist() for key in keys]
    assert present.sum(dim=1).tolist() == [7, 7, 5]
    long, _ = words.of_tags([["alpha"] * 60, []])
    assert long.shape == (2, 40)
    assert (long[0, 0].item(), long[0, -1].item(), long[1, :3].tolist()) == (199, 102, [199, 102, 0])
    assert words.text([198, 37, 61, 97, 37, 116, 102, 0]) == "a golf"


def test_the_authors_tag_states_and_logits(model, tokens):
    writer = published(model)
    with torch.inference_mode():
        states = writer.states(tokens, TAGS)
        for image, each in enumerate(states):
            golden = GOLDEN[f"tag_encoder_last_hidden_image{image}"][0]
            assert np.abs(each.numpy() - golden).max() < NEAR
        pieces = torch.from_numpy(GOLDEN["teacher_ids_image1"])
        logits = writer.network.text_decoder(pieces, encoder_hidden_states=states[1:], use_cache=False).logits
    assert np.abs(logits.numpy() - GOLDEN["teacher_logits_image1"]).max() < NEAR


def test_the_authors_captions_alone_and_each_its_own_in_a_batch(model, tokens):
    writer = published(model)
    alone = [*writer.pieces(tokens[:1], TAGS[:1]), *writer.pieces(tokens[1:], TAGS[1:])]
    assert alone == [GOLDEN[f"generated_image{image}"][0].tolist() for image in (0, 1)]
    assert alone[0] != alone[1]
    assert writer.pieces(tokens, TAGS) == alone
    guided = GOLDEN["generated_image0_user_tags_golf_bravo"][0].tolist()
    assert writer.pieces(tokens[[1, 0, 1]], [TAGS[1], *USERS, TAGS[1]]) == [alone[1], guided, alone[1]]


def test_blocks_of_images_keep_their_own_captions(model, tokens, monkeypatch):
    writer = published(model)
    asked = tokens[[0, 1, 0]], [TAGS[0], TAGS[1], *USERS]
    whole = writer(*asked)
    assert len(set(whole)) == 3
    assert whole[1].split()[:2] == ["piece192", "charlie"]
    monkeypatch.setattr(captions, "IMAGES_AT_ONCE", {"cpu": 2})
    assert writer(*asked) == whole
    assert writer(tokens[:0], []) == []


def test_the_prompt_and_published_lengths_bound_a_caption(model, tokens):
    writer = model.captioner()
    assert (writer.rule.beams, writer.rule.shortest, writer.rule.longest) == (3, 10, 50)
    assert all(10 <= len(each) <= 50 for each in writer.pieces(tokens, TAGS))


def test_only_a_model_with_a_captioning_half_is_one_that_generates(origin, model):
    assert isinstance(model, Generates)
    assert open_tagger("tag2text", origin, captions=SIZE).capabilities == {CAPTIONS, NAMES_ALONE}
    plain = open_tagger("tag2text", origin)
    assert plain.capabilities == {NAMES_ALONE}
    assert not isinstance(plain.load(Placement()), Generates)
    other = open_tagger("ram", replace(origin, weights=origin.folder / "ram.pth"))
    assert other.capabilities == {NAMES_ALONE, VECTORS}


def test_captions_change_no_identity(origin, model):
    plain = open_tagger("tag2text", origin).identify()
    assert open_tagger("tag2text", origin, **settings(origin.folder)).identify() == plain


@pytest.mark.slow
def test_tagging_imports_no_transformers(origin, model):
    code = (
        "import sys\n"
        f"sys.path.insert(0, {str(RAM.parents[1])!r})\n"
        "from pathlib import Path\n"
        "from tiny_captions import SIZE\n"
        "from tiny_taggers import open_tagger\n"
        "from vlbench.core.contracts import Origin, Placement\n"
        f"folder = Path({str(origin.folder)!r})\n"
        "origin = Origin('tag2text', folder, folder / 'tag2text.pth', folder)\n"
        "model = open_tagger('tag2text', origin, captions=SIZE).load(Placement())\n"
        "model.encode_texts(model.tags(), batch_size=4)\n"
        "assert 'transformers' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    ("installed", "said"),
    [(None, "which is not installed; pip install 'vlbench"), ("4.57.6", r"not 4\.57\.6; pip install 'vlb")],
)
def test_without_the_extra_one_line_says_how_to_install_it(model, installed, said, monkeypatch):
    monkeypatch.setattr(captions, "version_or_none", {"transformers": installed}.get)
    with pytest.raises(Unsupported, match=f"tag2text.*: captions need transformers 5 or later, {said}"):
        model.captioner()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"tag_encoder.encoder.layer.2.crossattention.self.key.bias": None}, r"lacks 1 keys: tag_encoder\."),
        ({"text_decoder.cls.predictions.decoder.weight": None}, r"1 keys: text_decoder\.cls\.predictions\."),
        (
            {"tag_encoder.embeddings.word_embeddings.weight": torch.zeros(9, 64)},
            r"\(9, 64\) instead of \(200",
        ),
    ],
)
def test_a_captioning_half_that_does_not_fit_is_refused_by_key(origin, change, said):
    model = opened(origin, **change)  # tagging has no use for it
    with pytest.raises(WeightsError, match=said):
        model.captioner()


def test_of_two_names_of_a_tensor_the_tag_decoders_and_the_heads_win(origin):
    wrong = {
        "tag_encoder.encoder.layer.0.crossattention.self.query.weight": torch.ones(64, 64),
        "tag_encoder.encoder.layer.1.output.dense.bias": None,
        "text_decoder.bert.embeddings.word_embeddings.weight": torch.ones(200, 64),
        "text_decoder.cls.predictions.bias": None,
    }
    model = opened(origin, **wrong)
    writer = published(model)
    with torch.inference_mode():
        tokens = model.network.encode(value("input/image", (2, 3, 224, 224)))
    assert writer.pieces(tokens, TAGS) == GOLDEN["generated_batch2_reference_behaviour"].tolist()
    shared = writer.network.tag_encoder.encoder.layer[0].output.dense.weight
    own = model.network.get_submodule("tagging_head.encoder.layer.0").output["dense"].weight
    assert shared.data_ptr() == own.data_ptr()


@pytest.mark.parametrize(
    ("pieces", "said"),
    [
        (None, "no such file; correct the name"),
        ("[PAD]\n[UNK]\n[CLS]\n", r"lacks \[SEP\], where captions want 198 of BERT's"),
        ("[PAD]\n[UNK]\n[CLS]\n[SEP]\n", "4 word pieces, where captions want 198"),
    ],
)
def test_wrong_word_pieces_are_refused(origin, model, pieces, said):
    path = origin.folder / "pieces.txt"
    path.unlink()
    if pieces is not None:
        path.write_text(pieces)
    with pytest.raises(CardError, match=said):
        model.captioner()


def test_word_pieces_of_no_card_are_the_authors_at_their_revision(origin, model, monkeypatch):
    asked = []

    def hub_file(repository, names, *, model, advice, revision):
        asked.append((repository, names, revision))
        return origin.folder / write_word_pieces(origin.folder)

    monkeypatch.setattr(captions, "hub_file", hub_file)
    open_tagger("tag2text", origin, captions=SIZE).load(Placement()).captioner()
    assert asked == [
        ("google-bert/bert-base-uncased", ("vocab.txt",), "86b5e0934494bd15c9632b12f734a8a67f723594")
    ]


@pytest.mark.parametrize(
    ("stated", "said"),
    [
        ({"captions": CaptionSize(layers=0)}, "captions: layers: give 1 or more"),
        ({"captions": CaptionSize(heads=5)}, "no multiple of 5 heads"),
        ({"word_pieces": "pieces.txt"}, "state their sizes as `captions`"),
    ],
)
def test_settings_that_make_no_captions_are_refused(origin, stated, said):
    with pytest.raises(CardError, match=said):
        ADAPTERS.get("tag2text")(origin, tags="tags.tsv", **stated)


@pytest.mark.slow
def test_the_full_size_with_its_captioning_half(tmp_path, monkeypatch):
    """372 million weights by the rule, in a file as the authors save it, through the card."""
    path = write_published(tmp_path / "tag2text_swin_14m.pth", state_dict(FULL))
    pieces = tmp_path / write_word_pieces(tmp_path, CaptionSize().vocabulary)
    monkeypatch.setattr(captions, "hub_file", lambda *_, **__: pieces)
    model = open_model("tag2text", read_catalogue(), weights=path).checkpoint.load(Placement())
    writer = model.captioner()
    stated = {key for key, _, _, rule in layout(FULL)["tensors"] if rule["kind"] != "computed"}
    half = {key for key in stated if key.startswith(("tag_encoder.", "text_decoder."))}
    assert half == {key for key in writer.network.state_dict() if "token_type" not in key}
    with torch.inference_mode():
        tokens = model.network.encode(value("input/image", (1, 3, 384, 384)))
    (whole,) = writer.pieces(tokens, [["grass", "sky"]])
    assert 10 <= len(whole) <= 50
