"""Names of CLIP_benchmark, open_clip and mteb as names of cards."""

import pytest

from vlbench.cards.catalogue import read_catalogue
from vlbench.cards.other_tools import card_of, task_of, their_dataset, their_weights, title_of


@pytest.fixture(scope="module")
def catalogue():
    return read_catalogue()


@pytest.mark.parametrize(
    ("model", "pretrained", "card"),
    [
        ("ViT-B-32-quickgelu", "openai", "clip-b32"),
        ("ViT-B-32", "openai", "clip-b32"),  # open_clip runs OpenAI's weights with QuickGELU under both
        ("ViT-B-32", "laion2b_s34b_b79k", "clip-b32-laion2b"),
        ("ViT-B-32", "a_tag_of_nobody", "open_clip:ViT-B-32/a_tag_of_nobody"),
        ("ViT-H-14", "/models/h.pt", ""),
        ("openai/clip-unknown", "", ""),
    ],
)
def test_an_architecture_and_a_tag_are_a_card_or_a_reference(catalogue, model, pretrained, card):
    assert card_of(catalogue, model, pretrained) == card


@pytest.mark.parametrize(
    ("dataset", "language", "task"),
    [
        ("imagenet1k", "", "imagenet"),
        ("wds/vtab/cifar100", "", "cifar100"),
        ("Imagenet1kZeroShot", "", "imagenet"),
        ("CIFAR10ZeroShot", "", "cifar10"),
        ("crossmodal3600", "de", "crossmodal3600-de"),
        ("multilingual_mscoco_captions", "jp", "xtd10-jp"),
        ("imagenet1k", "cn", "imagenet@cn"),
        ("imagenet1k", "xx", ""),
        ("vtab+", "", ""),
        ("winogavil", "", ""),
    ],
)
def test_a_data_set_is_a_task(catalogue, dataset, language, task):
    assert task_of(catalogue, dataset, language) == task


def test_tasks_and_models_are_spelled_as_clip_benchmark_does(catalogue):
    spelled = {
        "imagenet": ("imagenet1k", "en"),
        "imagenet@cn": ("imagenet1k", "cn"),
        "coco": ("mscoco_captions", "en"),
        "xtd10-de": ("xtd10", "de"),
        "shapes": ("shapes", "en"),
        "classification:photos": ("classification:photos", "en"),
    }
    assert {task: their_dataset(task, catalogue) for task in spelled} == spelled
    assert their_weights("clip-b16-laion2b", catalogue) == ("ViT-B-16", "laion2b_s34b_b88k")
    assert their_weights("open_clip:RN50/yfcc15m", catalogue) == ("RN50", "yfcc15m")
    assert their_weights("coop-b16", catalogue) == ("coop-b16", "")
    assert their_weights("clip-b32+bf16", catalogue) == ("clip-b32+bf16", "")


def test_every_name_that_is_written_is_read_as_the_same_task_and_card(catalogue):
    for task in catalogue.tasks:
        dataset, language = their_dataset(task, catalogue)
        assert task_of(catalogue, dataset, "" if language == "en" else language) == task
    for model in ("clip-b32", "clip-l14-336", "siglip-b16", "react-b16", "tiny-clip"):
        assert card_of(catalogue, *their_weights(model, catalogue)) == model


def test_a_title_is_the_cards_and_else_the_name(catalogue):
    assert title_of("digits", catalogue) == catalogue.tasks["digits"].title
    assert title_of("tagging:mine", catalogue) == "tagging:mine"
