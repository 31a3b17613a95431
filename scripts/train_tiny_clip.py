"""Train tiny-clip, the model of the offline default, from seeds alone: no data, no network.

    python scripts/train_tiny_clip.py --out model_cards/tiny-clip

Two torch threads. Another processor or torch rounds differently, so that a run elsewhere ends with other
weights and figures close by. OMP_WAIT_POLICY=passive helps where other work shares the cores.
"""

import argparse
import json
import math
import time
from dataclasses import dataclass
from pathlib import Path

import torch
from open_clip.model import CLIP
from open_clip.tokenizer import SimpleTokenizer
from tiny_clip_data import GROUP, TrainingData, build
from tiny_clip_evaluation import Classes, evaluate, read_classes
from tiny_clip_model import (
    MERGES_FILE,
    build_model,
    configure,
    cut_merges,
    encode_images,
    encode_texts,
    read_tokenizer,
    save,
    tokenize,
)
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy, log_softmax, normalize

from vlbench.datasets.shapes.world import COLOUR_NAMES, SEEN, SHAPES

CAPTIONS = 2
"""Captions of an image in a step, of its five."""
SEEN_COLUMNS = [colour * len(SHAPES) + shape for colour, shape in SEEN]
MAY_MEET = torch.zeros(len(COLOUR_NAMES), len(SHAPES), dtype=torch.bool)
for _colour, _shape in SEEN:
    MAY_MEET[_colour, _shape] = True


@dataclass(frozen=True, slots=True)
class Recipe:
    """Counts in a step (groups of four scenes, single scenes, digits) and the optimiser's numbers."""

    steps: int
    seed: int = 1
    groups: int = 28
    singles: int = 80
    digits: int = 36
    rate: float = 2.5e-3
    warm_up: int = 60
    decay: float = 0.05
    average: float = 0.99


@dataclass(frozen=True, slots=True)
class Sentences:
    """Everything the text tower reads, as tokens."""

    captions: Tensor  # [g, 4, 5, 64]
    pairs: list[Tensor]  # a template each: [48, 64], pairs seen in training
    attributes: list[Tensor]  # a template each: [16, 64], colours then shapes
    digits: list[Tensor]  # a template each: [10, 64]


class Tagging(torch.nn.Module):
    """Scale and bias that turn a cosine into the log-odds of a tag; thrown away after training."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = torch.nn.Parameter(torch.tensor(2.3))
        self.bias = torch.nn.Parameter(torch.tensor(-4.0))

    def forward(self, cosines: Tensor) -> Tensor:
        return cosines * self.scale.exp() + self.bias


def main() -> None:
    """Draw, train, measure, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder to write the model to")
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(2)
    start = time.perf_counter()
    recipe = Recipe(steps=options.steps, seed=options.seed)
    data = build(groups=9000, singles=16000, digits=16000, seed=recipe.seed)
    print(f"drawn in {time.perf_counter() - start:.0f} s", flush=True)
    options.out.mkdir(parents=True, exist_ok=True)
    log = run(data, recipe, options.out, start)
    (options.out / "training_log.json").write_text(json.dumps(log, indent=1) + "\n", encoding="utf-8")


def run(data: TrainingData, recipe: Recipe, folder: Path, start: float) -> dict[str, object]:
    """Train on drawn data and write the folder; the answer is what the log says."""
    tokenizer = _make_tokenizer(data, folder / MERGES_FILE)
    sentences = _read_sentences(data, tokenizer)
    torch.manual_seed(recipe.seed)
    config = configure(tokenizer.vocab_size)
    model = build_model(config)
    averaged, loss = train(model, data, sentences, recipe)
    seconds = time.perf_counter() - start
    save(averaged, config, folder)
    found = evaluate(averaged, tokenizer)
    log: dict[str, object] = {
        "seconds": round(seconds),
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "vocabulary": tokenizer.vocab_size,
        "steps": recipe.steps,
        "seed": recipe.seed,
        "final_loss": round(loss, 4),
        "torch": torch.__version__,
        "measured": {name: round(value, 4) for name, value in found.items()},
    }
    print(json.dumps(log, indent=1), flush=True)
    return log


def train(model: CLIP, data: TrainingData, sentences: Sentences, recipe: Recipe) -> tuple[CLIP, float]:
    """Run all steps; the averaged model and the mean loss of the last 50 steps."""
    tagging = Tagging()
    averaged = build_model(configure(model.vocab_size))
    averaged.load_state_dict(model.state_dict())
    matrices = [p for p in model.parameters() if p.ndim >= 2]
    vectors = [p for p in model.parameters() if p.ndim < 2] + list(tagging.parameters())
    optimiser = torch.optim.AdamW(
        [{"params": matrices, "weight_decay": recipe.decay}, {"params": vectors, "weight_decay": 0.0}],
        lr=recipe.rate,
        betas=(0.9, 0.98),
    )
    random = torch.Generator().manual_seed(recipe.seed)
    losses = []
    model.train()
    for step in range(recipe.steps):
        for group in optimiser.param_groups:
            group["lr"] = recipe.rate * _schedule(step, recipe)
        loss = _loss(model, tagging, data, sentences, recipe, random)
        optimiser.zero_grad()
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        with torch.no_grad():
            model.logit_scale.clamp_(0, math.log(100))
            _average(averaged, model, min(recipe.average, (step + 1) / (step + 10)))
        losses.append(float(loss.detach()))
        if (step + 1) % 50 == 0:
            print(f"step {step + 1}: loss {sum(losses[-50:]) / 50:.3f}", flush=True)
    return averaged, sum(losses[-50:]) / len(losses[-50:])


def _loss(
    model: CLIP,
    tagging: Tagging,
    data: TrainingData,
    sentences: Sentences,
    recipe: Recipe,
    random: torch.Generator,
) -> Tensor:
    """Contrast of scenes and captions, tags, and three classifications by prompts, in one pass a tower."""
    groups = torch.randint(len(data.several), (recipe.groups,), generator=random)
    singles = torch.randint(len(data.single), (recipe.singles,), generator=random)
    drawn = torch.randint(len(data.digits), (recipe.digits,), generator=random)
    pixels = torch.cat(
        [
            torch.from_numpy(data.several[groups.numpy()]).flatten(0, 1),
            torch.from_numpy(data.single[singles.numpy()]),
            torch.from_numpy(data.digits[drawn.numpy()]),
        ]
    )
    scenes = recipe.groups * GROUP
    chosen = torch.rand(scenes, 5, generator=random).argsort(dim=1)[:, :CAPTIONS]
    captions = sentences.captions[groups].flatten(0, 1)[torch.arange(scenes)[:, None], chosen].flatten(0, 1)
    prompts = [_choose(each, random) for each in (sentences.pairs, sentences.attributes, sentences.digits)]
    images = encode_images(model, pixels)
    texts = encode_texts(model, torch.cat([captions, *prompts]), chunks=5)
    several, single, digit = torch.split(images, [scenes, recipe.singles, recipe.digits])
    caption, pair, attribute, numeral = torch.split(texts, [len(captions), *(len(each) for each in prompts)])
    scale = model.logit_scale.exp()

    contrast = _contrast(scale * several @ caption.T)
    shown = torch.cat(
        [
            torch.from_numpy(data.several_tags[groups.numpy()]).flatten(0, 1),
            torch.nn.functional.one_hot(torch.from_numpy(data.single_pairs[singles.numpy()]), 64).bool(),
        ]
    )  # [scenes + singles, 64]
    grid = shown.reshape(-1, len(COLOUR_NAMES), len(SHAPES))
    truth = torch.cat([grid.any(2), grid.any(1), shown[:, SEEN_COLUMNS]], dim=1).float()
    cosines = torch.cat([several, single]) @ torch.cat([attribute, pair]).T
    fair = torch.cat([_can_go(grid.any(1), MAY_MEET.T), _can_go(grid.any(2), MAY_MEET)], dim=1)
    weight = torch.cat([4.0 * fair, torch.full((len(fair), len(SEEN)), 2.0)], dim=1)
    tags = (binary_cross_entropy_with_logits(tagging(cosines), truth, reduction="none") * weight).mean()

    label = torch.from_numpy(data.single_pairs[singles.numpy()])
    column = torch.tensor(SEEN_COLUMNS)
    colours, shapes = torch.split(attribute, [len(COLOUR_NAMES), len(SHAPES)])
    named = cross_entropy(scale * single @ pair.T, torch.searchsorted(column, label))
    colour, shape = label // len(SHAPES), label % len(SHAPES)
    among_colours = (scale * single @ colours.T).masked_fill(~MAY_MEET.T[shape], -1e4)
    among_shapes = (scale * single @ shapes.T).masked_fill(~MAY_MEET[colour], -1e4)
    named = named + cross_entropy(among_colours, colour) + cross_entropy(among_shapes, shape)
    read = cross_entropy(scale * digit @ numeral.T, torch.from_numpy(data.digit_labels[drawn.numpy()]))
    sums = normalize(colours[column // len(SHAPES)] + shapes[column % len(SHAPES)], dim=-1)
    composed = (1 - (sums * pair).sum(1)).mean()
    loss: Tensor = contrast + 2 * tags + named + 0.5 * read + composed
    return loss


def _can_go(present: Tensor, meet: Tensor) -> Tensor:
    """Where training shows an attribute `[b, 8]` beside one that is present: `[b, 8]` and `[8, 8]`.

    Elsewhere its absence says nothing of the image, and learning it would rule the held-out pairs out.
    """
    return (present.float() @ meet.float()) > 0


def _contrast(logits: Tensor) -> Tensor:
    """Both ways of `[b, b * CAPTIONS]`, an image's captions side by side."""
    count = len(logits)
    owner = torch.arange(count).repeat_interleave(CAPTIONS)
    to_image = cross_entropy(logits.T, owner)
    rows = log_softmax(logits, dim=1)[owner, torch.arange(count * CAPTIONS)]
    loss: Tensor = (to_image - rows.mean()) / 2
    return loss


def _choose(prompts: list[Tensor], random: torch.Generator) -> Tensor:
    return prompts[int(torch.randint(len(prompts), (), generator=random))]


def _schedule(step: int, recipe: Recipe) -> float:
    """Up in a line, down along a cosine; 0 to 1."""
    if step < recipe.warm_up:
        return (step + 1) / recipe.warm_up
    return 0.5 * (1 + math.cos(math.pi * (step - recipe.warm_up) / (recipe.steps - recipe.warm_up)))


def _average(averaged: CLIP, model: CLIP, keep: float) -> None:
    for mean, value in zip(averaged.state_dict().values(), model.state_dict().values(), strict=True):
        if value.is_floating_point():
            mean.lerp_(value, 1 - keep)
        else:
            mean.copy_(value)


def _make_tokenizer(data: TrainingData, path: Path) -> SimpleTokenizer:
    texts = [text for group in data.captions for captions in group for text in captions]
    for task in ("shapes", "shapes-tags", "digits"):
        classes = read_classes(task)
        texts += [text for template in classes.templates for text in classes.fill(template)]
    cut_merges({word.strip(",:") for text in texts for word in text.split()}, path)
    return read_tokenizer(path)


def _read_sentences(data: TrainingData, tokenizer: SimpleTokenizer) -> Sentences:
    pairs, tags, digits = (read_classes(task) for task in ("shapes", "shapes-tags", "digits"))
    seen = Classes(tuple(pairs.names[column] for column in SEEN_COLUMNS), pairs.templates)
    flat = [text for group in data.captions for captions in group for text in captions]
    captions = torch.cat(
        [tokenize(tokenizer, flat[k : k + 5000]).to(torch.int32) for k in range(0, len(flat), 5000)]
    )
    return Sentences(
        captions=captions.reshape(len(data.captions), GROUP, 5, -1),
        pairs=[tokenize(tokenizer, seen.fill(template)) for template in seen.templates],
        attributes=[tokenize(tokenizer, tags.fill(template)) for template in tags.templates],
        digits=[tokenize(tokenizer, digits.fill(template)) for template in digits.templates],
    )


if __name__ == "__main__":
    main()
