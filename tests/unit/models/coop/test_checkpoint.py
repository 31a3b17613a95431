"""CoOp through the adapter: the authors' numbers, one image side for all contexts, and what is refused."""

import json
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from parity_weights import FIXTURES, layout, state_dict, value
from safetensors.torch import load_file, save_file

from vlbench.core.contracts import Origin, Placement, Text
from vlbench.core.errors import CardError, Unsupported, WeightsError
from vlbench.models.clip.checkpoint import local_dir
from vlbench.models.coop.checkpoint import CoopCheckpoint, coop
from vlbench.models.coop.context import ContextFacts, backbone_digest, write_context
from vlbench.models.shared.dual_encoder import unit

COOP = FIXTURES / "coop"
CASES = {
    name: case for name, case in json.loads((COOP / "coop.json").read_text()).items() if "tokens" in case
}
META = layout(COOP / "tiny_clip.weights.json")["meta"]
TEXTS = tuple(map(Text, META["classnames"]))
GOLDEN = np.load(COOP / "coop.npz")
INIT = "n4_unified_end_init"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The fixtures' tiny CLIP as a folder of open_clip's layout."""
    folder = tmp_path_factory.mktemp("tiny-openai-clip")
    arch = META["arch"]
    vision = {
        "image_size": arch["image_resolution"],
        "layers": arch["vision_layers"],
        "width": arch["vision_width"],
        "head_width": arch["vision_width"] // META["vision_heads"],
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
    (folder / "open_clip_config.json").write_text(json.dumps({"model_cfg": config}))
    save_file(state_dict(COOP / "tiny_clip.weights.json"), folder / "open_clip_model.safetensors")
    return folder


class Kept:
    """A checkpoint that is loaded once for all tests."""

    def __init__(self, checkpoint, model):
        self.name, self.adapter, self.identify = checkpoint.name, checkpoint.adapter, checkpoint.identify
        self.load = lambda _: model


@pytest.fixture(scope="module")
def base(folder):
    return open_tiny(folder, "tiny").load(Placement())


@pytest.fixture
def opened(folder, base, tmp_path):
    """Opens a context file on the tiny CLIP: `opened(path, **changes of its origin)`."""
    kept = Kept(open_tiny(folder, "tiny"), base)

    def opened(path: Path | None, **origin: object) -> CoopCheckpoint:
        asked = Origin("coop-tiny", tmp_path, open=lambda _, weights=None: kept, cache=tmp_path / "cache")
        context = path.name if path is not None else None
        return coop(replace(asked, **origin), base="tiny", context=context)

    return opened


def open_tiny(folder, name, weights=None):
    assert name == "tiny"
    return local_dir(Origin(name), reference=str(folder))


def context_of(case):
    if case == INIT:
        return torch.from_numpy(GOLDEN[f"{case}/ctx"])
    return value(CASES[case]["ctx_name"], CASES[case]["ctx_shape"], scale=0.1)


def facts_of(case, **changes):
    position = next(each for each in ("end", "middle", "front") if f"_{each}" in case)
    specific = "_csc_" in case
    return replace(ContextFacts("tiny", "", position, TEXTS if specific else (), specific), **changes)


def written(path, case="n4_unified_end", **changes):
    write_context(path, context_of(case), facts_of(case, **changes))
    return path


@pytest.mark.slow
@pytest.mark.parametrize("case", sorted(CASES))
def test_the_authors_features_and_logits(case, opened, tmp_path):
    model = opened(written(tmp_path / "c.safetensors", case)).load(Placement())
    features = model.encode_texts(TEXTS, batch_size=4)
    golden = torch.from_numpy(GOLDEN[f"{case}/text_features"])
    assert (features - unit(golden)).abs().max() < 1e-4
    with torch.inference_mode():
        images = model.image_tower(value("input/image", (2, 3, 32, 32)))
        logits = model.score(unit(images), features)
    assert np.abs(images.numpy() - GOLDEN["image_features"]).max() < 1e-4
    assert np.abs(logits.numpy() - GOLDEN[f"{case}/logits"]).max() < 1e-4


def test_a_context_of_words_is_plain_clip_on_that_sentence(opened, base, tmp_path):
    model = opened(written(tmp_path / "c.safetensors", INIT)).load(Placement())
    sentences = [Text(f"a photo of a {text.name.replace('_', ' ')}.") for text in TEXTS]
    plain = base.encode_texts(sentences, batch_size=4)
    assert (model.encode_texts(TEXTS, batch_size=4) - plain).abs().max() < 1e-6
    prompted = [replace(text, prompts=("anything", "else")) for text in TEXTS]
    assert torch.equal(model.encode_texts(prompted, batch_size=4), model.encode_texts(TEXTS, batch_size=4))


def test_a_name_longer_than_the_room_behind_the_context_is_told(opened, tmp_path):
    model = opened(written(tmp_path / "c.safetensors", INIT)).load(Placement())
    long = " ".join(["a"] * META["arch"]["context_length"])
    # a text's prompts are not what it reads
    assert model.cut([Text("a", prompts=(long,)), Text(long)]) == [long]


def test_a_shared_context_is_computed_once_for_all_classes(opened, tmp_path, monkeypatch):
    nodes = []
    from vlbench.models.shared import text_tower

    def counting(model, table, tree, *, batch_size):
        nodes.append((len(tree.tokens), len(table)))
        return tree_features(model, table, tree, batch_size=batch_size)

    model = opened(written(tmp_path / "c.safetensors", "n16_unified_end")).load(Placement())
    tree_features = text_tower.tree_features
    monkeypatch.setattr(text_tower, "tree_features", counting)
    model.encode_texts(TEXTS, batch_size=4)
    own = sum(index - 16 for index in CASES["n16_unified_end"]["eot_index"])
    ((found, rows),) = nodes
    assert found == 1 + 16 + own
    assert rows < 60


def test_all_contexts_share_the_image_side_and_none_the_text_side(opened, folder, tmp_path):
    plain = open_tiny(folder, "tiny").identify()
    first = opened(written(tmp_path / "a.safetensors")).identify()
    second = opened(written(tmp_path / "b.safetensors", "n4_unified_front")).identify()
    again = opened(written(tmp_path / "a.safetensors")).identify()
    assert first == again
    assert {first.image, second.image} == {plain.image}
    assert len({plain.text, first.text, second.text}) == 3
    assert len({plain.whole, first.whole, second.whole}) == 3
    assert first.weights.keys() == {"open_clip_model.safetensors", "a.safetensors"}
    assert first.origin == "folder:open_clip_model.safetensors + folder:a.safetensors"


def test_a_seed_is_told_of_but_not_for_a_context_of_the_users_own(folder, tmp_path):
    path = written(tmp_path / "c.safetensors")
    origin = Origin("coop-tiny-seed1", tmp_path, open=partial(open_tiny, folder))
    settings = {"base": "tiny", "context": path.name, "replicate_of": "coop-tiny"}
    card = coop(origin, **settings)
    assert card.identify().replicate_of == "coop-tiny"
    assert (card.name, card.adapter) == ("coop-tiny-seed1", "coop")
    own = coop(
        replace(origin, weights=written(tmp_path / "own.safetensors", "n5_unified_middle")), **settings
    )
    assert own.identify().replicate_of == ""
    assert own.identify().origin.endswith("+ file:own.safetensors")
    sha256 = own.identify().weights["own.safetensors"]
    assert own.name == f"coop-tiny-seed1@{sha256[:12]}"
    assert own.load(Placement()).info.name == own.name


def test_a_file_by_itself_names_its_base(folder, base, tmp_path):
    path = written(tmp_path / "c.safetensors")
    origin = Origin(f"coop:{path}", open=partial(open_tiny, folder))
    model = coop(origin, reference=str(path)).load(Placement())
    assert model.info.name == f"coop:{path}"
    assert model.info.parameters == base.info.parameters + 4 * 64


def test_a_class_is_found_by_its_name_and_among_equal_names_by_its_id(opened, tmp_path):
    own = [
        Text("missile", ids={"wnid": "n1"}),
        Text("missile", ids={"wnid": "n2"}),
        *(replace(text, ids={"wnid": f"n{place}"}) for place, text in enumerate(TEXTS[2:], start=3)),
    ]
    path = written(tmp_path / "c.safetensors", "n4_csc_end", classes=tuple(own))
    model = opened(path).load(Placement())
    encode = partial(model.encode_texts, batch_size=4)
    features = encode(own)
    assert torch.equal(encode(own[::-1]), features.flip(0))
    assert not torch.equal(features[0], features[1])
    by_name = [Text("Boeing 737-800"), Text("forest", ids={"label": "0"})]
    assert torch.equal(encode(by_name), features[3:])
    others = (Text("dog"), Text("dog", ids={"wnid": "n1"}), Text("forest", ids={"wnid": "n9"}))
    for text in (Text("missile"), Text("missile", ids={"wnid": "n9"}), *others):
        with pytest.raises(Unsupported, match=f"'{text.name}' is none of the 5 classes it was learned on"):
            encode([own[0], text, Text("never named")])


def test_a_card_without_a_context_says_what_to_do(opened, tmp_path):
    card = opened(None, open=lambda _, weights=None: pytest.fail("the base was looked for first"))
    assert card.name == "coop-tiny"
    with pytest.raises(WeightsError, match=r"--weights FILE; `vlbench fit coop` .*`vlbench import coop`"):
        card.identify()
    with pytest.raises(WeightsError, match="no such file"):
        opened(tmp_path / "gone.safetensors").load(Placement())
    path = written(tmp_path / "c.safetensors")
    assert opened(None, weights=path).load(Placement()).info.name.startswith("coop-tiny@")


def test_a_context_of_another_model_is_refused(opened, base, tmp_path):
    digest = backbone_digest(base.text_encoder.tower.model)
    path = written(tmp_path / "c.safetensors", backbone=digest)
    assert opened(path).load(Placement())
    written(path, backbone="f" * 64, base="other")
    with pytest.raises(WeightsError, match=f"text tower of other .*ffffffffffff.*of tiny .*{digest[:12]}"):
        opened(path).load(Placement())
    write_context(path, torch.ones(4, 32), facts_of("n4_unified_end", base="other"))
    with pytest.raises(WeightsError, match=r"ctx is 32 wide, the token embeddings of tiny 64; .*other"):
        opened(path).load(Placement())
    write_context(path, torch.ones(75, 64), facts_of("n4_unified_end"))
    with pytest.raises(WeightsError, match="ctx has 75 tokens, a prompt of tiny has room for 74"):
        opened(path).load(Placement())


def test_a_base_that_cannot_be_had_is_named(opened, tmp_path):
    def gone(name, weights=None):
        return local_dir(Origin(name), reference=str(tmp_path / "gone"))

    with pytest.raises(WeightsError, match=r"^coop-tiny: its base: .*gone.*--weights is the context"):
        opened(written(tmp_path / "c.safetensors"), open=gone).identify()


def test_the_digest_of_a_base_is_taken_once(opened, base, tmp_path, monkeypatch):
    digest = backbone_digest(base.text_encoder.tower.model)
    path = written(tmp_path / "c.safetensors", backbone=digest)
    opened(path).load(Placement())
    monkeypatch.setattr("vlbench.models.coop.loading.backbone_digest", lambda _: "not asked again")
    opened(path).load(Placement())


def test_a_base_that_reads_no_trees_is_refused(folder, tmp_path):
    config = json.loads((folder / "open_clip_config.json").read_text())
    config["model_cfg"]["text_cfg"]["no_causal_mask"] = True
    (tmp_path / "open_clip_config.json").write_text(json.dumps(config))
    (tmp_path / "open_clip_model.safetensors").symlink_to(folder / "open_clip_model.safetensors")
    origin = Origin("c", tmp_path, open=partial(open_tiny, tmp_path))
    path = written(tmp_path / "context.safetensors")
    with pytest.raises(Unsupported, match="tiny: no base for a learned context"):
        coop(origin, base="tiny", context=path.name).load(Placement())


def test_a_base_with_a_context_of_its_own_is_refused(opened, tmp_path):
    inner = opened(written(tmp_path / "c.safetensors"))
    outer = coop(
        Origin("outer", tmp_path, open=lambda _, weights=None: inner), base="inner", context="c.safetensors"
    )
    with pytest.raises(CardError, match="'inner' has a learned context itself"):
        outer.identify()


def test_settings_that_name_nothing_or_too_much_are_refused(tmp_path):
    with pytest.raises(CardError, match="settings want base"):
        coop(Origin("c", tmp_path), context="c.safetensors")
    with pytest.raises(CardError, match="settings want base"):
        coop(Origin("c", tmp_path), reference="c.safetensors")
    with pytest.raises(CardError, match="there is no card"):
        coop(Origin("c"), base="tiny", context="c.safetensors")
    with pytest.raises(CardError, match="leave out --weights"):
        coop(Origin("coop:a", weights=tmp_path / "b"), reference="a")
    with pytest.raises(Unsupported, match="no way to its base 'tiny'"):
        _ = coop(Origin("c", tmp_path), base="tiny").base


def test_what_was_changed_of_the_base_is_said(folder, tmp_path):
    state = load_file(folder / "open_clip_model.safetensors")
    save_file({key: value.half() for key, value in state.items()}, tmp_path / "half.safetensors")
    half = local_dir(Origin("tiny", weights=tmp_path / "half.safetensors"), reference=str(folder))
    origin = Origin("coop-tiny", tmp_path, open=lambda *_, **__: half)
    checkpoint = coop(origin, base="tiny", context=written(tmp_path / "c.safetensors").name)
    (said,) = checkpoint.load(Placement()).info.changes
    assert said == f"base {half.name}: {len(state)} tensors converted from float16 to float32"
