"""What lies beside a context in Dassl's files: descendants of CoOp, other bases, other orders of classes."""

from pathlib import Path

import pytest
import torch
from dassl_directory import checkpoint, write_directory
from torch import Tensor

from vlbench import load_model
from vlbench.core.contracts import Text
from vlbench.core.errors import WeightsError
from vlbench.models.coop.dassl import check_words, dassl_file, read_dassl
from vlbench.models.coop.loading import context_tower
from vlbench.models.shared.causal_text import token_table
from vlbench.models.shared.text_tower import TextTower

COUNT, WIDTH = 4, 128
NAMES = ("red circle", "blue square", "green star")
CLASSES = tuple(map(Text, NAMES))


@pytest.fixture(scope="module")
def tower(tmp_path_factory: pytest.TempPathFactory) -> TextTower:
    cache = tmp_path_factory.mktemp("cache")
    return context_tower(load_model("tiny-clip", device="cpu", cache=cache).model, "tiny-clip")


def words(tower: TextTower, names: tuple[str, ...] = NAMES) -> dict[str, Tensor]:
    """What CoOp's PromptLearner registers as buffers (trainers/coop.py): embeddings of `X X X X name.`"""
    embedded = token_table(tower.model)[tower.tokenizer([f"{'X ' * COUNT}{name}." for name in names])]
    return {"token_prefix": embedded[:, :1].half(), "token_suffix": embedded[:, 1 + COUNT :].half()}


def written(path: Path, state: dict[str, Tensor]) -> Path:
    torch.save({**checkpoint(torch.zeros(COUNT, WIDTH)), "state_dict": state}, path)
    return path


def held(tower: TextTower, path: Path, classes: tuple[Text, ...] = CLASSES) -> tuple[str, ...]:
    return check_words(read_dassl(path), tower, classes, path=path, base="tiny-clip")


@pytest.mark.parametrize(
    ("extra", "named"),
    [
        ({"meta_net.linear1.weight": torch.ones(8, WIDTH)}, r"meta_net\.linear1\.weight"),  # CoCoOp
        ({"proj.weight": torch.ones(8, WIDTH), "compound_prompts_text.0": torch.ones(2, WIDTH)}, "compound"),
        ({"image_encoder.VPT": torch.ones(1, 8)}, r"image_encoder\.VPT"),
        ({"bias_vectors": torch.ones(1, WIDTH)}, "bias_vectors"),
    ],
    ids=["cocoop", "maple", "vpt", "other"],
)
@pytest.mark.parametrize("prefix", ["", "module.", "prompt_learner."])
def test_a_context_with_more_that_was_learned_is_refused(
    tmp_path: Path, extra: dict[str, Tensor], named: str, prefix: str
) -> None:
    state = {f"{prefix}ctx": torch.zeros(COUNT, WIDTH), **{prefix + key: each for key, each in extra.items()}}
    with pytest.raises(WeightsError, match=rf"learned beside ctx: .*{named}.* another model's"):
        read_dassl(written(tmp_path / "model.pth.tar-1", state))


def test_a_state_of_the_prompt_learner_under_its_own_name_is_read(tmp_path: Path) -> None:
    context = torch.rand(COUNT, WIDTH)
    path = written(tmp_path / "model.pth.tar-1", {"module.prompt_learner.ctx": context})
    assert torch.equal(read_dassl(path).vectors, context)


def test_words_of_the_base_and_of_the_named_classes_pass_in_half_precision(
    tower: TextTower, tmp_path: Path
) -> None:
    state = {"ctx": torch.rand(COUNT, WIDTH), **words(tower)}
    assert held(tower, written(tmp_path / "model.pth.tar-1", state)) == ()


def test_a_context_of_another_base_of_the_same_width_is_refused(tower: TextTower, tmp_path: Path) -> None:
    state = {"ctx": torch.rand(COUNT, WIDTH), **words(tower)}
    state["token_prefix"] = state["token_prefix"].flip(-1)
    path = written(tmp_path / "model.pth.tar-1", state)
    with pytest.raises(WeightsError, match="token_prefix is not how prompts of tiny-clip begin"):
        held(tower, path)


def test_class_specific_contexts_in_another_order_of_classes_are_refused(
    tower: TextTower, tmp_path: Path
) -> None:
    state = {"ctx": torch.rand(3, COUNT, WIDTH), **words(tower)}
    path = written(tmp_path / "model.pth.tar-1", state)
    assert held(tower, path) == ()
    swapped = (CLASSES[1], CLASSES[0], CLASSES[2])
    with pytest.raises(
        WeightsError, match="another order: 'blue square' stands where 'red circle' was learned"
    ):
        held(tower, path, swapped)
    assert held(tower, path, (Text("yellow ring"), *CLASSES[1:])) == (
        "other words in training for: yellow ring",
    )


def test_several_contexts_a_class_are_refused(tower: TextTower, tmp_path: Path) -> None:
    state = {"ctx": torch.rand(2, COUNT, WIDTH), **words(tower)}
    path = written(tmp_path / "model.pth.tar-1", state)
    with pytest.raises(WeightsError, match="2 contexts and there are 3 prompts; several contexts a class"):
        held(tower, path)


def test_classes_that_a_shared_context_was_not_learned_on_are_told(tower: TextTower, tmp_path: Path) -> None:
    path = written(tmp_path / "model.pth.tar-1", {"ctx": torch.rand(COUNT, WIDTH), **words(tower)})
    assert held(tower, path, CLASSES[:2]) == ("learned on 3 classes, 2 are named",)
    assert held(tower, path, ()) == ()


def test_models_that_were_trained_beside_the_prompts_are_not_left_out(tmp_path: Path) -> None:
    folder = write_directory(tmp_path / "seed1", {"model.pth.tar-50": torch.zeros(COUNT, WIDTH)})
    assert dassl_file(folder).name == "model.pth.tar-50"
    (folder / "adapter").mkdir()
    (folder / "adapter" / "notes.txt").write_text("none")
    assert dassl_file(folder).name == "model.pth.tar-50"
    torch.save({}, folder / "adapter" / "model-best.pth.tar")
    for named in (folder, folder / "prompt_learner"):
        with pytest.raises(WeightsError, match="other models were trained beside prompt_learner: adapter"):
            dassl_file(named)
