"""Text features: shared beginnings change nothing, companions no bit, and the gate closes where it must."""

from copy import deepcopy
from functools import partial

import open_clip
import pytest
import torch
from torch import Tensor, nn

from vlbench.core.contracts import Placement, Text
from vlbench.models.shared.causal_text import is_causal
from vlbench.models.shared.dual_encoder import unit
from vlbench.models.shared.sentence_tokens import token_counts, too_long
from vlbench.models.shared.text_tower import PromptEncoder, TextTower

SMALL: dict[str, object] = {
    "embed_dim": 16,
    "vision_cfg": {"image_size": 32, "layers": 1, "width": 32, "head_width": 16, "patch_size": 16},
    "text_cfg": {"context_length": 20, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 2},
}
PROMPTS = (
    "a dog",
    "a photo of a golden retriever.",
    "two",
    "an itap of my Boeing 737-800, in the rain!",
    "the word <end_of_text> in the middle",
    "one far too long sentence " * 4,
    "",
)


def model_with(cls: type[nn.Module] = open_clip.CLIP, **text: object) -> nn.Module:
    torch.manual_seed(0)
    config = deepcopy(SMALL)
    config["text_cfg"].update(text)  # type: ignore[attr-defined]
    if cls is open_clip.CoCa:
        config["multimodal_cfg"] = {
            "context_length": 20,
            "vocab_size": 49408,
            "width": 32,
            "heads": 2,
            "layers": 1,
        }
        config["text_cfg"].update(output_tokens=True)  # type: ignore[attr-defined]
        config["vision_cfg"].update(output_tokens=True)  # type: ignore[attr-defined]
    return cls(**config).eval()


def tower_of(model: nn.Module, context: int = 20) -> TextTower:
    return TextTower(model, open_clip.SimpleTokenizer(context_length=context), Placement(), dimensions=16)


def full(model: nn.Module, prompts: tuple[str, ...]) -> Tensor:
    with torch.inference_mode():
        return unit(model.encode_text(open_clip.SimpleTokenizer(context_length=20)(list(prompts))))


@pytest.mark.slow
@pytest.mark.parametrize(
    "model",
    [
        model_with(),
        model_with(open_clip.CustomTextCLIP),
        model_with(open_clip.CustomTextCLIP, proj_bias=True, pool_type="eos", eos_id=49407),
        model_with(open_clip.CustomTextCLIP, proj_type="none", width=16),
        model_with(ls_init_value=0.3, layers=1),
    ],
    ids=["CLIP", "custom text", "eos", "no projection", "layer scale"],
)
def test_trees_give_the_features_of_the_full_context(model: nn.Module) -> None:
    tower = tower_of(model)
    assert tower.reads_trees
    features = PromptEncoder(tower)([Text(prompt) for prompt in PROMPTS], batch_size=4)
    assert (features - full(model, PROMPTS)).abs().max() < 1e-6


@pytest.mark.slow
@pytest.mark.parametrize(
    "model",
    [
        model_with(no_causal_mask=True),
        model_with(open_clip.CustomTextCLIP, no_causal_mask=True, pool_type="last", proj_bias=True),
        model_with(open_clip.CustomTextCLIP, pool_type="last"),
        model_with(open_clip.CustomTextCLIP, pool_type="first"),
        model_with(open_clip.CoCa, embed_cls=True),
        model_with(open_clip.CustomTextCLIP, block_type="custom", scale_fc=True),
    ],
    ids=["MobileCLIP-like", "SigLIP-like", "last", "first", "CoCa", "custom block"],
)
def test_full_context_where_the_architecture_needs_it(model: nn.Module) -> None:
    tower = tower_of(model)
    assert not is_causal(model)
    assert not tower.reads_trees
    features = PromptEncoder(tower)([Text(prompt) for prompt in PROMPTS], batch_size=4)
    assert (features - full(model, PROMPTS)).abs().max() < 1e-6


def test_a_tower_of_another_library_runs_whole() -> None:
    model = model_with(open_clip.CustomTextCLIP)
    model.text = nn.Linear(2, 2)
    assert not is_causal(model)


def test_the_trial_closes_the_gate_where_the_architecture_misleads() -> None:
    """A causal tower by its looks whose mask lets later tokens through."""
    model = model_with()
    model.attn_mask.zero_()
    tower = tower_of(model)
    assert is_causal(model)
    assert not tower.reads_trees
    features = PromptEncoder(tower)([Text(prompt) for prompt in PROMPTS], batch_size=4)
    assert (features - full(model, PROMPTS)).abs().max() < 1e-6


@pytest.mark.parametrize("model", [model_with(), model_with(no_causal_mask=True)], ids=["trees", "full"])
def test_companions_and_places_change_no_bit(model: nn.Module) -> None:
    encoder = PromptEncoder(tower_of(model))
    prompts = [
        f"{adjective} {noun}"
        for adjective in ("a red", "the very old", "my")
        for noun in ("cat", "aircraft", "x")
    ]
    texts = [Text(f"t{k}", prompts=tuple(prompts[k : k + 1 + k % 4])) for k in range(len(prompts))]
    together = encoder(texts, batch_size=8)
    assert torch.equal(together, torch.cat([encoder([text], batch_size=8) for text in texts]))
    assert torch.equal(together.flip(0), encoder(texts[::-1], batch_size=8))
    other = encoder(texts, batch_size=3)
    assert (together - other).abs().max() < 1e-6


def test_equal_prompts_are_encoded_once() -> None:
    tower = tower_of(model_with())
    rows: list[int] = []
    counting = TextTower(
        tower.model, lambda prompts: (rows.append(len(prompts)), tower.tokenizer(prompts))[1], Placement(), 16
    )
    assert counting.reads_trees
    rows.clear()
    features = PromptEncoder(counting)(
        [Text("a", ("x", "y")), Text("b", ("y", "x", "x")), Text("x")], batch_size=2
    )
    assert rows == [2]
    assert features.shape == (3, 16)
    assert torch.equal(features[2], PromptEncoder(tower)([Text("x")], batch_size=2)[0])


def test_features_are_unit_means_of_unit_prompts() -> None:
    model = model_with()
    features = PromptEncoder(tower_of(model))([Text("n", PROMPTS[:3])], batch_size=4)
    assert torch.allclose(features[0], unit(full(model, PROMPTS[:3]).mean(dim=0)), atol=1e-6)


def test_a_described_text_is_the_unit_mean_of_its_unit_descriptions() -> None:
    """The law of dual encoders; prompts, where there are any, come first."""
    model = model_with()
    encoder = PromptEncoder(tower_of(model))
    found = encoder([Text("n", descriptions=PROMPTS[:3])], batch_size=4)
    sentences = full(model, PROMPTS[:3])
    assert torch.allclose(found[0], unit(sentences.mean(dim=0)), atol=1e-6)
    image = unit(torch.randn(1, 16))
    mean_of_cosines = (image @ sentences.T).mean() / sentences.mean(dim=0).norm()
    assert torch.allclose((image @ found.T)[0, 0], mean_of_cosines, atol=1e-6)
    both = encoder([Text("n", prompts=PROMPTS[:1], descriptions=PROMPTS[1:3])], batch_size=4)
    assert torch.equal(both, encoder([Text("n", prompts=PROMPTS[:1])], batch_size=4))


def test_sentences_that_do_not_fit_the_context_are_told_and_those_that_fill_it_are_not() -> None:
    words = open_clip.tokenizer.SimpleTokenizer(context_length=8)
    # begin, six words, end fill eight places
    fits, longer = " ".join(["dog"] * 6), " ".join(["dog"] * 7)
    assert too_long(words, partial(token_counts, words), [fits, longer, "dog", longer]) == [longer]
    encoder = PromptEncoder(TextTower(nn.Linear(1, 1), words, Placement(), dimensions=1))
    assert encoder.cut([Text("dog", prompts=(fits, longer)), Text(longer), Text("dog")]) == [longer]
