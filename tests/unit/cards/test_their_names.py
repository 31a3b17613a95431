"""Names of CLIP_benchmark, open_clip and mteb as names of cards."""

import pytest

from vlbench.cards.catalogue import read_catalogue
from vlbench.cards.their_names import TheirNames


@pytest.fixture(scope="module")
def names():
    return TheirNames(read_catalogue())


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
def test_an_architecture_and_a_tag_are_a_card_or_a_reference(names, model, pretrained, card):
    assert names.card_of(model, pretrained) == card


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
def test_a_data_set_is_a_task(names, dataset, language, task):
    assert names.task_of(dataset, language) == task
