"""Beam search with the rules under which the captions of Tag2Text were published.

Source: the search of transformers 4.25, which recognize-anything uses. The score of a text is the mean
log-probability of its pieces; the prompt counts in the length, the end piece does not.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import torch
from torch import Tensor


class Steps(Protocol):
    """A language model after prompts of one length, called piece by piece."""

    def first(self, prompt: Tensor) -> Tensor:
        """Logits [b, v] of the pieces after prompts [b, l]."""

    def following(self, pieces: Tensor, parents: Tensor) -> Tensor:
        """Logits [b * k, v] of the next pieces, after pieces [b * k] that extend the beams `parents` [b * k].

        Beams of an image are consecutive. A parent is an index of a beam of the previous step, which has one
        beam per image at the first call.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class BeamRule:
    """The number of beams, the end piece, and the least and most pieces of a text with its prompt."""

    beams: int
    shortest: int
    longest: int
    end: int


@dataclass(slots=True)
class _Found:
    """The best texts of an image so far, at most `most`."""

    most: int
    texts: list[tuple[float, list[int]]] = field(default_factory=list)
    closed: bool = False

    def add(self, text: list[int], total: float) -> None:
        score = total / len(text)
        if len(self.texts) < self.most or score > self.texts[0][0]:
            self.texts = sorted([*self.texts, (score, text)], key=lambda each: each[0])[-self.most :]

    def close_if_none_can_be_better(self, total: float, length: int) -> None:
        """Close if the best candidate, with this total and length, scores no better than the worst text
        kept."""
        self.closed |= len(self.texts) == self.most and self.texts[0][0] >= total / length


def beam_search(steps: Steps, prompt: Tensor, rule: BeamRule) -> list[list[int]]:
    """The best text of each image as pieces, with its prompt [b, l] and without its end piece."""
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
    """The 2 k best continuations for each image from logits [b * k, v]: totals, beams and pieces, each [b, 2
    k]."""
    gains = logits.float().log_softmax(dim=-1)
    if length < rule.shortest:
        gains[:, rule.end] = -torch.inf
    pieces = gains.shape[1]
    sums = (totals[..., None] + gains.view(*totals.shape, pieces)).flatten(1)  # [b, k * v]
    best, places = sums.topk(2 * rule.beams, dim=1)
    return best, places // pieces, places % pieces


def _rows(*columns: Tensor) -> list[list[tuple[float, int, int]]]:
    """Columns [b, c] as lists of candidates for each image."""
    return [
        list(zip(*each, strict=True)) for each in zip(*(column.tolist() for column in columns), strict=True)
    ]


def _kept(
    found: _Found, texts: Tensor, candidates: Sequence[tuple[float, int, int]], rule: BeamRule
) -> list[int]:
    """The positions of the candidates that continue.

    Those that end go to `found` if they are among the best.
    """
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
