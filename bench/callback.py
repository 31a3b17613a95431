"""Seconds that evaluations add to a training loop, beside the steps and the bare encoding of the same images.

    python bench/callback.py [--steps 200] [--evaluations 3] [--batch 64] [--task shapes] [--limit N]

Trains tiny-clip on drawn scenes with CLIP's contrast, one torch thread, with and without `vlbench.callback`,
in turn. The weights at the end must be equal to the bit. `bare` preprocesses and encodes the images and
prompts of the task in the loop's own model, without a metric, an interval or a digest.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import open_clip
import torch
from open_clip.loss import ClipLoss
from torch import Tensor

import vlbench
from vlbench.core.task import Task

CARD = Path(__file__).parents[1] / "model_cards" / "tiny-clip"
POOL = 512
"""Scenes to train on."""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for name, default in (("steps", 200), ("evaluations", 3), ("batch", 64), ("runs", 3)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--task", default="shapes")
    parser.add_argument("--limit", type=int)
    given = parser.parse_args()
    torch.set_num_threads(1)
    pairs = read_pairs()
    plain, scored, bare = list[float](), list[list[float]](), list[float]()
    for _ in range(given.runs):
        seconds, _, without = trained(pairs, given, evaluating=False)
        plain.append(seconds)
        _, each, with_them = trained(pairs, given, evaluating=True)
        scored.append(each)
        bare.append(bare_seconds(given))
        if any(not torch.equal(with_them[name], without[name]) for name in without):
            raise SystemExit("evaluations change the training")
    step = median(plain) / given.steps
    first = median(each[0] for each in scored)
    later = median(seconds for each in scored for seconds in each[1:])
    added = median(sum(each) for each in scored)
    print(f"{given.steps} steps of {given.batch}: {median(plain):.1f} s, {1000 * step:.0f} ms a step")
    print(f"an evaluation: first {first:.2f} s, later {later:.2f} s; bare encoding {median(bare):.2f} s")
    print(f"{given.evaluations} evaluations add {added:.2f} s, {added / median(plain):.1%} of the loop")
    print("the weights at the end are equal to the bit with and without them")


def make_model() -> tuple[Any, Callable[[Any], Tensor], Any]:
    """tiny-clip as an object of open_clip, with its transform and its tokenizer."""
    model, _, transform = open_clip.create_model_and_transforms(f"local-dir:{CARD}")
    # open_clip does not read the merges of a folder
    loaded: Any = vlbench.load_model("tiny-clip", device="cpu").model
    return model, transform, loaded.text_encoder.tower.tokenizer


def read_pairs() -> tuple[Tensor, Tensor]:
    """Pixels [n, 3, 64, 64] and tokens [n, l] of scenes with captions, none of them a test image."""
    _, transform, tokenizer = make_model()
    examples = vlbench.load_task("shapes-pool").problem.images.examples[:POOL]
    captions = [each.target.captions[0] for each in examples]
    return torch.stack([transform(each.image()) for each in examples]), tokenizer(captions)


def trained(
    pairs: tuple[Tensor, Tensor], given: argparse.Namespace, *, evaluating: bool
) -> tuple[float, list[float], dict[str, Tensor]]:
    """Seconds of the steps, of each evaluation, and the weights at the end."""
    torch.manual_seed(0)
    model, transform, tokenizer = make_model()
    model.train()
    every = given.steps // given.evaluations
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-5)
    loss_of = ClipLoss()
    evaluations: list[float] = []
    with TemporaryDirectory() as cache:
        score = vlbench.callback(
            model,
            given.task,
            every=every,
            preprocess=transform,
            tokenizer=tokenizer,
            limit=given.limit,
            cache=cache,
            workers=0,
        )
        start = time.perf_counter()
        for step in range(1, given.steps + 1):
            chosen = torch.randint(POOL, (given.batch,))
            images, texts, scale = model(*(each[chosen] for each in pairs))
            loss = loss_of(images, texts, scale)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            if evaluating and step % every == 0:
                begun = time.perf_counter()
                (result,) = score(step)
                evaluations.append(time.perf_counter() - begun)
                print(
                    f"step {step}: {result.primary} {result.score:.4f}, {evaluations[-1]:.2f} s", flush=True
                )
        seconds = time.perf_counter() - start - sum(evaluations)
    return seconds, evaluations, {name: each.clone() for name, each in model.state_dict().items()}


def bare_seconds(given: argparse.Namespace) -> float:
    """Seconds to encode the task's images and prompts in the loop's own model, and nothing else."""
    model, transform, tokenizer = make_model()
    task: Task = vlbench.load_task(given.task, limit=given.limit)
    prompts = [prompt for text in task.problem.texts for prompt in text.prompts]
    examples = task.problem.images.examples
    model.eval()
    start = time.perf_counter()
    with torch.no_grad():
        for first in range(0, len(examples), given.batch):
            pixels = [transform(each.image()) for each in examples[first : first + given.batch]]
            model.encode_image(torch.stack(pixels))
        for first in range(0, len(prompts), given.batch):
            model.encode_text(tokenizer(prompts[first : first + given.batch]))
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
