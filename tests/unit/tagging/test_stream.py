import threading
from dataclasses import replace
from functools import partial

import pytest
import torch
from colour_model import ColourModel, squares
from colour_tagger import ColourTagger

from vlbench.core.errors import NotFinite, Unsupported
from vlbench.engine.chunk import Reduction
from vlbench.engine.executors.loader import BATCHES_AHEAD
from vlbench.engine.executors.local import LocalExecutor
from vlbench.engine.settings import RunSettings
from vlbench.tagging.answer import BrokenImage, Tag
from vlbench.tagging.choice import choice_for
from vlbench.tagging.job import TaggingJob
from vlbench.tagging.stream import tag_images

COLOURS = ("red", "green", "blue", "white", "black", "red", "green", "blue", "white", "black")


def job(model=None, *, images=None, **settings):
    model = model or ColourTagger()
    texts = ColourTagger().tags()
    local = LocalExecutor(lambda: model, RunSettings(**settings))
    return TaggingJob(
        images=images or squares(COLOURS),
        texts=texts,
        names=tuple(text.ids["zh"] for text in texts),
        scores=Reduction("scores", model.encode_texts(texts, batch_size=8).numpy()),
        choice=choice_for(model, texts, top_k=1),
        local=local,
        executor=local,
    )


@pytest.mark.parametrize("workers", [0, 3])
def test_every_image_is_answered_in_order_whatever_breaks_between(workers):
    answers = list(tag_images(job(images=squares(COLOURS, broken=4), batch_size=4, workers=workers)))
    assert [answer.path for answer in answers] == [f"{i}-{name}" for i, name in enumerate(COLOURS)]
    broken = answers.pop(4)
    assert broken == BrokenImage(
        "4-black", "squares: image 4-black does not decode (truncated); replace the file or remove it"
    )
    chinese = {text.ids["zh"]: text.name for text in ColourTagger().tags()}
    assert [chinese[answer.tags[0].name] for answer in answers] == [*COLOURS[:4], *COLOURS[5:]]


def test_a_tag_has_its_shown_name_its_probability_and_its_id():
    first = next(tag_images(job(workers=0)))
    assert first.tags == (Tag("红", pytest.approx(torch.tensor(4.0).sigmoid().item()), "0"),)


def test_a_batch_of_broken_images_alone_is_passed_over():
    answers = list(tag_images(job(images=squares(COLOURS, broken=0), batch_size=1)))
    assert isinstance(answers[0], BrokenImage)
    assert len(answers) == len(COLOURS)


def test_images_are_decoded_a_few_batches_ahead_and_no_further():
    opened: list[int] = []
    lock = threading.Lock()

    reds = squares(("red",) * 100)

    def seen(index):
        with lock:
            opened.append(index)
        return reds[index].image()

    images = replace(reds, examples=[replace(reds[i], image=partial(seen, i)) for i in range(100)])
    stream = tag_images(job(images=images, batch_size=4, workers=2))
    next(stream)
    assert max(opened) <= 4 * (2 + BATCHES_AHEAD)
    stream.close()
    assert len(opened) < 100
    assert not [each for each in threading.enumerate() if each.name.startswith("vlbench-loader")]


def test_a_batch_too_large_for_the_device_is_halved_unless_chosen():
    def held(model, **settings):
        return [answer.tags[0].name for answer in tag_images(job(model, workers=0, **settings))]

    tight = ColourTagger(largest_batch=3)
    assert held(tight) == held(ColourTagger())
    assert set(tight.seen) <= {1, 2}
    with pytest.raises(Unsupported, match="cpu has too little memory for 8 items a batch"):
        held(ColourTagger(largest_batch=3), batch_size=8)


def test_a_score_that_is_no_number_stops_the_run():
    with pytest.raises(NotFinite, match="hold NaN"):
        list(tag_images(job(ColourModel(answer=float("nan")), workers=0)))


def test_captions_read_the_tokens_that_tags_read_and_are_led_by_tags():
    """In the order of the list, under English names, whatever the order and language of what is shown."""
    model = ColourTagger()
    seen: list[torch.Tensor] = []

    def captioner(images, tags):
        seen.append(images)
        return [f"{' | '.join(each)} of {len(images)}" for each in tags]

    asked = replace(
        job(model, images=squares(COLOURS, broken=1), batch_size=4, workers=0), captioner=captioner
    )
    first, broken, _, fourth, *_ = tag_images(replace(asked, choice=choice_for(model, asked.texts, top_k=2)))
    assert isinstance(broken, BrokenImage)
    assert [tag.name for tag in fourth.tags] == ["白", "黄"]
    assert (first.caption, fourth.caption) == ("red | yellow of 3", "yellow | white of 3")
    assert model.seen == [4, 4, 4]
    assert [tuple(each.shape) for each in seen] == [(3, 3), (4, 3), (2, 3)]
    guided = list(tag_images(replace(asked, guide=("sky", "sea"))))
    assert {each.caption for each in guided if not isinstance(each, BrokenImage)} == {
        f"sky | sea of {count}" for count in (3, 4, 2)
    }


def test_inference_mode_ends_with_each_answer():
    for _ in tag_images(job(batch_size=3)):
        assert not torch.is_inference_mode_enabled()
