import pytest
from colour_model import ColourCheckpoint
from colour_tagger import ColourTagger

from vlbench.core.capabilities import CAPTIONS, Generates
from vlbench.core.errors import Unsupported, VlbenchError
from vlbench.tagging.captions import caption_guide, captioner_of, check_captions


class Writer(ColourTagger):
    """Says one thing of everything."""

    def captioner(self):
        return lambda images, tags: ["a square"] * len(images)


def test_a_guide_is_tags_between_commas():
    assert caption_guide(None, asked=True) is None
    assert caption_guide("dog, green grass,", asked=True) == ("dog", "green grass")


@pytest.mark.parametrize(
    ("asked", "guide", "said"), [(False, "dog", "add --caption"), (True, " , ", "no tag")]
)
def test_a_guide_without_captions_or_tags_is_refused(asked, guide, said):
    with pytest.raises(VlbenchError, match=said):
        caption_guide(guide, asked=asked)


def test_only_models_that_generate_are_asked_for_captions():
    with pytest.raises(Unsupported, match="--caption: colour writes no captions; take one that does"):
        check_captions(ColourCheckpoint())
    check_captions(ColourCheckpoint(capabilities=frozenset({CAPTIONS})))
    assert isinstance(Writer(), Generates)
    assert captioner_of(Writer())([1, 2], [["a"], []]) == ["a square", "a square"]
    with pytest.raises(Unsupported, match="colour-tagger writes no captions"):
        captioner_of(ColourTagger())
