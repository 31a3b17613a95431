"""Beam search against searches done by hand."""

import pytest
import torch

from vlbench.models.ram.caption_beams import BeamRule, beam_search

END, A, B, START, C, D = range(6)
PIECES = 24
RARE = 1e-6


class Table:
    """A language model whose next piece depends on an image and the last piece."""

    def __init__(self, *tables):
        rows = torch.full((len(tables), PIECES, PIECES), RARE)
        for image, table in enumerate(tables):
            for last, following in table.items():
                for piece, probability in following.items():
                    rows[image, last, piece] = probability
        self.logits = (rows / rows.sum(dim=-1, keepdim=True)).log() + 5  # a shift changes nothing
        self.beams = torch.zeros(0)

    def first(self, prompt):
        return self.logits[torch.arange(len(prompt)), prompt[:, -1]]

    def following(self, pieces, parents):
        count = len(pieces) // len(self.logits)
        images = torch.arange(len(self.logits)).repeat_interleave(count)
        before = len(self.logits) if not len(self.beams) else len(self.beams)
        assert (parents // (before // len(self.logits)) == images).all()
        self.beams = pieces
        return self.logits[images, pieces]


SHORT = {START: {A: 0.6, B: 0.39}, A: {END: 0.9, B: 0.1}, B: {END: 0.2, A: 0.8}}
LONG = {START: {A: 0.5, B: 0.5}, A: {A: 0.1, B: 0.9}, B: {A: 0.8, B: 0.2}}


def found(*tables, shortest=0, longest=6, beams=2):
    rule = BeamRule(beams=beams, shortest=shortest, longest=longest, end=END)
    return beam_search(Table(*tables), torch.tensor([[START]] * len(tables)), rule)


@pytest.mark.parametrize(
    ("shortest", "longest", "text"),
    [
        (0, 6, [START, A]),  # log(0.54) / 2 = -0.31 before log(0.2808) / 3 = -0.42
        (3, 6, [START, B, A]),  # no end behind 2 pieces
        (0, 2, [START, A]),  # cut: log(0.6) / 2
        (9, 4, [START, A, B, A]),  # never an end: 0.6 * 0.1 * 0.8 = 0.048 before 0.39 * 0.8 * 0.1
    ],
)
def test_the_mean_log_probability_decides(shortest, longest, text):
    assert found(SHORT, shortest=shortest, longest=longest) == [text]


@pytest.mark.parametrize(("beams", "text"), [(2, [START, B, A, D]), (3, [START, B])])
def test_an_end_counts_among_the_best_beams_alone(beams, text):
    """`b a` 0.18 and `b c` 0.1575 come before `b end` 0.1125, whose log / 2 is -1.09; `b a d` is -1.13."""
    scattered = {D: 0.06, **dict.fromkeys(range(D + 1, PIECES), 0.052)}
    table = {START: {A: 0.5, B: 0.45}, B: {A: 0.4, C: 0.35, END: 0.25}, A: scattered, C: scattered}
    assert found(table, longest=4, beams=beams) == [text]


def test_images_of_a_batch_do_not_see_one_another():
    alone = [*found(SHORT), *found(LONG), *found(SHORT)]
    assert alone[0] != alone[1]
    assert found(SHORT, LONG, SHORT) == alone
