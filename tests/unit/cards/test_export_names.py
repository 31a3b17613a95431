import pytest

from vlbench.cards.catalogue import read_catalogue
from vlbench.cards.export_names import their_dataset, their_weights, title_of
from vlbench.cards.their_names import TheirNames


@pytest.fixture(scope="module")
def catalogue():
    return read_catalogue()


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
    names = TheirNames(catalogue)
    for task in catalogue.tasks:
        dataset, language = their_dataset(task, catalogue)
        assert names.task_of(dataset, "" if language == "en" else language) == task
    for model in ("clip-b32", "clip-l14-336", "siglip-b16", "react-b16", "tiny-clip"):
        assert names.card_of(*their_weights(model, catalogue)) == model


def test_a_title_is_the_cards_and_else_the_name(catalogue):
    assert title_of("digits", catalogue) == catalogue.tasks["digits"].title
    assert title_of("tagging:mine", catalogue) == "tagging:mine"
