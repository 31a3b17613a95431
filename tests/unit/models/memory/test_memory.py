"""Model objects are scored as their saved files are, again whenever they change, and left as they were."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL.Image import Image
from tiny_transformers import write_tiny
from torch import Tensor, nn
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
        (3, {}, "int is no model that can be scored"),
        (Colours(), {}, "pass preprocess="),
        (Colours(), {"preprocess": pixels_of, "name": "a\0b"}, "is no line of text"),
        (Colours(), {"preprocess": pixels_of, "name": 3}, "the name 3 is no line of text"),
        (Colours(), {"preprocess": "fast"}, "Colours: pass preprocess=, which turns"),
        (Colours(), {"preprocess": pixels_of, "tokenizer": "bpe"}, "tokenizer is 'bpe'; give a function"),
        (Colours(), {"preprocess": pixels_of, "logit_scale": "100"}, "logit_scale is '100'; give a number"),
        (Colours(), {"preprocess": pixels_of, "step": "last"}, "step is 'last'; give a whole number"),
        (Colours(), {"preprocess": pixels_of, "step": 1.5}, r"step is 1\.5; give a whole number"),
        (First(), {"preprocess": pixels_of}, "encode_image answers 1 rows of features for"),
        (Colours(), {"preprocess": lambda _: 3}, "has to answer a tensor"),
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
