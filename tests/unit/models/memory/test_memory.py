"""Model objects are scored as their saved files are, again whenever they change, and left as they were."""

import itertools
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL.Image import Image, new
from tiny_transformers import write_tiny
from torch import Tensor, nn
from torch.nn.functional import dropout
from torchvision.transforms.functional import pil_to_tensor

import vlbench
from vlbench.core.errors import Unsupported, VlbenchError

TINY = Path(__file__).parents[4] / "model_cards" / "tiny-clip"


class Colours(nn.Module):
    """The mean colour of an image beside a table of the words that texts hold: three features."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.eye(3))
        self.dropout = nn.Dropout()

    def encode_image(self, pixels: Tensor) -> Tensor:
        return self.dropout(pixels.mean(dim=(2, 3)) @ self.weight)

    def encode_text(self, sentences: list[str]) -> Tensor:
        words = ("red", "green", "blue")
        return torch.tensor([[float(word in each) + 0.1 for word in words] for each in sentences])


class First(Colours):
    def encode_image(self, pixels: Tensor) -> Tensor:
        return super().encode_image(pixels)[:1]


def pixels_of(image: Image) -> Tensor:
    return pil_to_tensor(image.convert("RGB").resize((8, 8))).float() / 255


@pytest.fixture
def asked(tmp_path):
    return {"limit": 24, "cache": tmp_path / "cache", "workers": 0, "data_root": []}


@pytest.fixture
def tiny():
    """tiny-clip as an object of open_clip's, with its transform and tokenizer."""
    import open_clip

    model, _, transform = open_clip.create_model_and_transforms(f"local-dir:{TINY}")
    # open_clip knows no merges of a folder's own
    tokenizer = vlbench.load_model("tiny-clip").model.text_encoder.tower.tokenizer
    return model, {"preprocess": transform, "tokenizer": tokenizer}


def scores(found):
    return [(each.metric, each.value) for result in found for each in result.metrics]


def test_an_object_of_open_clip_has_the_scores_of_its_file(tiny, asked):
    model, given = tiny
    tasks = ("digits", "shapes-retrieval", "shapes-matching")
    assert scores(vlbench.evaluate(model, tasks, **given, **asked)) == scores(
        vlbench.evaluate("tiny-clip", tasks, **asked)
    )


def test_a_hook_on_a_text_tower_changes_the_scores_however_little_it_does(tiny, asked):
    model, given = tiny
    plain = scores(vlbench.evaluate(model, "digits", **given, **asked))
    hook = model.transformer.resblocks[0].attn.register_forward_hook(
        lambda _, __, out: (out[0] + 1e-5, out[1])
    )
    hooked = scores(vlbench.evaluate(model, "digits", **given, **asked))
    hook.remove()
    assert hooked != plain
    assert scores(vlbench.evaluate(model, "digits", **given, **asked)) == plain


def test_changed_weights_preprocessing_and_tokenizers_give_new_scores(asked):
    model = Colours()
    first = scores(vlbench.evaluate(model, "shapes", preprocess=pixels_of, **asked))
    assert scores(vlbench.evaluate(model, "shapes", preprocess=pixels_of, **asked)) == first
    with torch.no_grad():
        model.weight.copy_(model.weight.flip(0))
    changed = scores(vlbench.evaluate(model, "shapes", preprocess=pixels_of, **asked))
    inverted = scores(
        vlbench.evaluate(model, "shapes", preprocess=lambda image: 1 - pixels_of(image), **asked)
    )
    shouted = scores(
        vlbench.evaluate(
            model, "shapes", preprocess=pixels_of, tokenizer=lambda texts: ["red"] * len(texts), **asked
        )
    )
    assert len({tuple(each) for each in (first, changed, inverted, shouted)}) == 4


def test_nothing_of_an_object_is_kept(asked):
    vlbench.evaluate(Colours(), "shapes", preprocess=pixels_of, method="zero-shot", **asked)
    kept = {path.relative_to(asked["cache"]).parts[0] for path in asked["cache"].rglob("*") if path.is_file()}
    assert not kept & {"features", "vectors", "scores", "measurements", "predictions"}


def test_modes_generators_and_gradients_are_left_as_they_were(asked):
    model = Colours().train()
    model.dropout.eval()
    model.weight.grad = torch.ones(3, 3)
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    vlbench.evaluate(model, "shapes", preprocess=pixels_of, **asked)
    assert torch.equal(torch.rand(3), expected)
    assert (model.training, model.dropout.training) == (True, False)
    assert torch.equal(model.weight.grad, torch.ones(3, 3))
    assert torch.is_grad_enabled()


class Merged(nn.Linear):
    """Adds its low-rank part to its weight in evaluation mode, and takes it off in training mode."""

    merged = False

    def train(self, mode=True):
        if self.merged == mode:
            self.weight.data += -1.0 if mode else 1.0
            self.merged = not mode
        return super().train(mode)


def test_parts_that_act_when_the_mode_changes_act_on_the_way_back(asked):
    model = Colours()
    model.part, model.other = Merged(3, 3), Merged(3, 3).eval()
    vlbench.evaluate(model, "shapes", preprocess=pixels_of, **asked)
    assert (model.training, model.part.training, model.other.training) == (True, True, False)
    assert (model.part.merged, model.other.merged) == (False, True)


def test_a_model_of_half_precision_stays_one_and_says_so(asked):
    model = Colours().to(torch.bfloat16)
    (result,) = vlbench.evaluate(model, "shapes", preprocess=pixels_of, name="half", **asked)
    assert result.model == "half"
    assert "computed in torch.bfloat16, its own" in result.changes
    assert model.weight.dtype == torch.bfloat16


@pytest.mark.parametrize(
    ("model", "given", "told"),
    [
        (nn.Linear(2, 2), {"preprocess": pixels_of}, "Linear is no model that can be scored"),
        (Colours, {"preprocess": pixels_of}, "type is no model that can be scored"),
        (3, {}, "int is no model that can be scored"),
        (Colours(), {}, "pass preprocess="),
        (Colours(), {"preprocess": pixels_of, "name": "a\0b"}, "is no line of text"),
        (Colours(), {"preprocess": pixels_of, "name": 3}, "the name 3 is no line of text"),
        (Colours(), {"preprocess": "fast"}, "Colours: pass preprocess=, which turns"),
        (Colours(), {"preprocess": pixels_of, "tokenizer": "bpe"}, "tokenizer is 'bpe'; give a function"),
        (Colours(), {"preprocess": pixels_of, "logit_scale": "100"}, "logit_scale is '100'; give the factor"),
        (Colours(), {"preprocess": pixels_of, "step": "last"}, "step is 'last'; give a whole number"),
        (Colours(), {"preprocess": pixels_of, "step": 1.5}, r"step is 1\.5; give a whole number"),
        (First(), {"preprocess": pixels_of}, r"encode_image answers a tensor \[1, 3\] .* for 2 inputs"),
        (Colours(), {"preprocess": lambda _: 3}, "has to answer a tensor"),
        (Colours().to("meta"), {"preprocess": pixels_of}, "weight of the model has no values"),
        *[
            (Colours(), {"preprocess": pixels_of, "logit_scale": each}, "give the factor of cosines")
            for each in (-5.0, 0.0, float("nan"), "x", torch.tensor(10.0))
        ],
        (Colours(), {"preprocess": pixels_of, "device": "cuda"}, "lies on cpu, not on cuda"),
        (Colours(), {"preprocess": pixels_of, "device": "cuda:0,1"}, "lies on cpu, not on cuda:0,1"),
        (Colours(), {"preprocess": pixels_of, "executor": "ray"}, "a model object runs in this process"),
        (Colours(), {"preprocess": pixels_of, "share": "1/2"}, "leave share and score_only out"),
        ("tiny-clip", {"name": "mine"}, "not of a name"),
        ("tiny-clip", {"preprocess": pixels_of}, "give exact or fast"),
    ],
)
def test_what_cannot_be_scored_is_refused_in_a_line(model, given, told, asked):
    with pytest.raises(VlbenchError, match=told):
        vlbench.evaluate(model, "digits", **given, **asked)


def test_a_step_may_be_a_number_of_numpy(asked, tmp_path):
    given = {"preprocess": pixels_of, "step": np.int64(3), "results": tmp_path / "results"}
    (result,) = vlbench.evaluate(Colours(), "digits", **given, **asked)
    assert (result.model, result.settings["step"]) == ("Colours@3", 3)


def test_towers_into_two_spaces_are_refused(asked):
    class Other(Colours):
        def encode_text(self, sentences):
            return torch.ones(len(sentences), 5)

    with pytest.raises(Unsupported, match="3 features and texts 5"):
        vlbench.evaluate(Other(), "digits", preprocess=pixels_of, **asked)


def part(**stated):
    """An object of functions, which hides their modules."""
    whole = Colours().eval()
    return SimpleNamespace(**{"encode_image": whole.encode_image, "encode_text": whole.encode_text} | stated)


def mean_of(pixels):
    return pixels.mean(dim=(2, 3))


@pytest.mark.parametrize(
    ("model", "told"),
    [
        (part(encode_image=Colours().train().encode_image), "a Dropout in training mode.*call its eval"),
        (
            part(encode_image=lambda pixels: dropout(mean_of(pixels))),
            "another row for the same in another batch or call",
        ),
        (
            part(encode_image=lambda pixels: mean_of(pixels) - mean_of(pixels).mean(0)),
            "another row for the same",
        ),
        (
            part(encode_image=lambda pixels: mean_of(pixels)[:1]),
            r"a tensor \[1, 3\] of torch.float32.*for 2 inputs",
        ),
        (part(encode_image=lambda pixels: mean_of(pixels).to_sparse()), "torch.sparse_coo"),
        (
            part(encode_text=lambda texts: torch.ones(2 * len(texts), 3)),
            r"encode_text answers a tensor \[4, 3",
        ),
        (part(logit_scale=torch.ones(2)), "its logit_scale is a Tensor and no number"),
    ],
)
def test_answers_that_depend_on_more_than_their_input_are_refused(model, told, asked):
    with pytest.raises(Unsupported, match=told):
        vlbench.evaluate(model, "digits", preprocess=pixels_of, **asked)


PIXELS = torch.empty(3, 8, 8)
COUNT = itertools.count()


@pytest.mark.parametrize(
    ("preprocess", "told"),
    [
        (lambda image: pixels_of(image) * torch.rand(1), "draws random numbers"),
        (lambda image: pixels_of(image) + 0 * torch.rand(1), "draws random numbers"),
        (lambda image: pixels_of(image) + next(COUNT), "otherwise each time"),
        (lambda image: PIXELS.copy_(pixels_of(image)), "one tensor for all images"),
        (
            lambda image: pixels_of(image)[:, : 8 if image.size == (64, 48) else 1],
            r"answers \[3, 1, 8\].*\[3, 8, 8\]",
        ),
    ],
)
def test_preprocessing_that_depends_on_more_than_the_image_is_refused(preprocess, told, asked):
    images = [(new("RGB", size, "red"), each) for size, each in (((64, 48), "red"), ((9, 9), "blue"))]
    with pytest.raises(Unsupported, match=told):
        vlbench.evaluate(Colours(), images, preprocess=preprocess, **asked)


def test_what_a_model_keeps_of_an_evaluation_can_be_trained_on(asked):
    class Keeping(Colours):
        kept = None

        def encode_image(self, pixels):
            if self.kept is None:
                self.kept = pixels.new_ones(3) * 2
            return super().encode_image(pixels.sub_(0.1)) * self.kept

    model = Keeping()
    vlbench.evaluate(model, "shapes", preprocess=pixels_of, **asked)
    model.encode_image(torch.rand(2, 3, 8, 8)).sum().backward()
    assert model.weight.grad is not None


def test_a_model_that_answers_one_tensor_again_and_again_is_scored_as_any(asked):
    kept, plain = torch.empty(64, 3), part()

    def filled(features):
        return kept[: len(features)].copy_(features)

    again = part(
        encode_image=lambda pixels: filled(plain.encode_image(pixels)),
        encode_text=lambda texts: filled(plain.encode_text(texts)),
    )
    found = [vlbench.evaluate(each, "shapes", preprocess=pixels_of, **asked) for each in (again, plain)]
    assert scores(found[0]) == scores(found[1])


def test_cut_texts_are_told_of_any_model_with_a_tokenizer_that_counts(tiny, asked):
    tokenizer = tiny[1]["tokenizer"]
    model = part(encode_text=lambda tokens: tokens[:, 1:4].float() + 1)
    data = vlbench.data(
        [(new("RGB", (8, 8), "red"), "red " * 200), (new("RGB", (8, 8), "blue"), "b")], truth="captions"
    )
    (result,) = vlbench.evaluate(model, data, preprocess=pixels_of, tokenizer=tokenizer, **asked)
    assert "1 sentences longer than the model reads" in result.read["cut"]
    bare = {**asked, "preprocess": pixels_of, "tokenizer": lambda texts: tokenizer(texts)}
    (result,) = vlbench.evaluate(model, data, **bare)
    assert "nothing tells which texts are cut" in result.changes


@pytest.mark.parametrize("family", ["clip", "siglip", "align"])
def test_an_object_of_transformers_has_the_scores_of_its_folder(family, tmp_path, asked):
    transformers = pytest.importorskip("transformers")
    folder = write_tiny(tmp_path / family, family)
    model = transformers.AutoModel.from_pretrained(folder)
    processor = transformers.AutoImageProcessor.from_pretrained(folder)
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    given = {"preprocess": processor, "tokenizer": tokenizer}
    tasks = ("digits", "shapes-matching")
    assert scores(vlbench.evaluate(model, tasks, **given, **asked)) == scores(
        vlbench.evaluate(f"transformers:{folder}", tasks, **asked)
    )


def test_a_processor_and_a_tokenizer_that_do_not_fit_their_settings_are_told(tmp_path, asked):
    transformers = pytest.importorskip("transformers")
    folder = write_tiny(tmp_path / "clip", "clip")
    model = transformers.AutoModel.from_pretrained(folder)
    processor = transformers.AutoImageProcessor.from_pretrained(folder)
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder, model_max_length=5)
    (result,) = vlbench.evaluate(model, "digits", preprocess=processor, tokenizer=tokenizer, **asked)
    assert any("where its tokenizer states 5" in each for each in result.changes)
    tokenizer.add_tokens([str(each) for each in range(100)])
    with pytest.raises(Unsupported, match="resize_token_embeddings"):
        vlbench.evaluate(model, "digits", preprocess=processor, tokenizer=tokenizer, **asked)
    processor.rescale_offset = True  # which this processor does not read
    with pytest.raises(Unsupported, match="other pixels than its settings"):
        vlbench.evaluate(model, "digits", preprocess=processor, tokenizer=tokenizer, **asked)
