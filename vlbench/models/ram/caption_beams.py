"""Beam search as the captions of Tag2Text were published with: several beginnings of a text kept at a time.

Source: the search of transformers 4.25, which recognize-anything runs on; a text's score is the mean of its
pieces' log-probabilities, its prompt counted in the length and its end not.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import torch
from torch import Tensor


class Steps(Protocol):
    """A language model behind prompts of one length, asked a piece at a time."""

    def first(self, prompt: Tensor) -> Tensor:
        """Logits [b, v] of what follows prompts [b, l]."""

    def following(self, pieces: Tensor, parents: Tensor) -> Tensor:
        """Logits [b * k, v] of what follows pieces [b * k], each behind the beam `parents` [b * k].

        Beams of an image lie together; a parent counts the beams of the step before, which was one an image
        at the first call.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class BeamRule:
    """How many beams, the piece that ends a text, and least and most pieces of one, its prompt included."""

    beams: int
    shortest: int
    longest: int
    end: int


@dataclass(slots=True)
class _Found:
    """The best texts of an image so far, `most` of them at most."""

    most: int
    texts: list[tuple[float, list[int]]] = field(default_factory=list)
    closed: bool = False

    def add(self, text: list[int], total: float) -> None:
        score = total / len(text)
        if len(self.texts) < self.most or score > self.texts[0][0]:
            self.texts = sorted([*self.texts, (score, text)], key=lambda each: each[0])[-self.most :]

    def close_if_none_can_be_better(self, total: float, length: int) -> None:
        """Close where the best candidate, a text of a total and a length, scores no better than the worst."""
        self.closed |= len(self.texts) == self.most and self.texts[0][0] >= total / length


def beam_search(steps: Steps, prompt: Tensor, rule: BeamRule) -> list[list[int]]:
    """The best text of each image as pieces, its prompt [b, l] in front, its end left out."""
    found = [_Found(rule.beams) for _ in prompt]
    texts = prompt[:, None]  # [b, k, l]; one beam until the first choice
    totals = torch.zeros(len(prompt), 1, device=prompt.device)  # [b, k]
    logits = steps.first(prompt)
    while True:
        best, parents, pieces = _candidates(logits, totals, texts.shape[2], rule)
        kept = [
            _kept(each, texts[i], rows, rule)
            for i, (each, rows) in enumerate(zip(found, _rows(best, parents, pieces), strict=True))
        ]
        chosen = torch.tensor(kept, device=prompt.device)  # [b, k], places among the candidates
        totals, parents, pieces = (each.gather(1, chosen) for each in (best, parents, pieces))
        beams = texts.shape[1]
        texts = torch.cat(
            [texts.gather(1, parents[..., None].expand(-1, -1, texts.shape[2])), pieces[..., None]], 2
        )
        if texts.shape[2] >= rule.longest or all(each.closed for each in found):
            break
        offsets = torch.arange(len(prompt), device=prompt.device)[:, None] * beams
        logits = steps.following(pieces.flatten(), (offsets + parents).flatten())
    for each, unfinished, scores in zip(found, texts.tolist(), totals.tolist(), strict=True):
        if not each.closed:
            for text, total in zip(unfinished, scores, strict=True):
                each.add(text, total)
    return [each.texts[-1][1] for each in found]


def _candidates(logits: Tensor, totals: Tensor, length: int, rule: BeamRule) -> tuple[Tensor, Tensor, Tensor]:
    """The 2 k best continuations of each image by logits [b * k, v]: totals, beams, pieces, each [b, 2 k]."""
    gains = logits.float().log_softmax(dim=-1)
    if length < rule.shortest:
        gains[:, rule.end] = -torch.inf
    pieces = gains.shape[1]
    sums = (totals[..., None] + gains.view(*totals.shape, pieces)).flatten(1)  # [b, k * v]
    best, places = sums.topk(2 * rule.beams, dim=1)
    return best, places // pieces, places % pieces


def _rows(*columns: Tensor) -> list[list[tuple[float, int, int]]]:
    """Columns [b, c] as lists: for each image its candidates."""
    return [
        list(zip(*each, strict=True)) for each in zip(*(column.tolist() for column in columns), strict=True)
    ]


def _kept(
    found: _Found, texts: Tensor, candidates: Sequence[tuple[float, int, int]], rule: BeamRule
) -> list[int]:
    """Places of the candidates that go on; those that end are found, if among the best of all."""
    kept = []
    for place, (total, parent, piece) in enumerate(candidates):
        if piece != rule.end:
            kept.append(place)
        elif place < rule.beams and not found.closed:
            found.add(texts[parent].tolist(), total)
        if len(kept) == rule.beams:
            break
    found.close_if_none_can_be_better(candidates[0][0], texts.shape[1])
    return kept
