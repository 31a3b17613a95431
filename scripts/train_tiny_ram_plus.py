"""Train tiny-ram-plus, the tagger of the offline default, from seeds alone: no data, no network.

    python scripts/train_tiny_ram_plus.py --base model_cards/tiny-clip --out model_cards/tiny-ram-plus

RAM++'s architecture at tiny size: what a tag is known by are text features of tiny-clip, which stay as they
are; the Swin transformer and the decoder are learned on scenes of the training split. As RAM++ aligns its
image feature with CLIP's, the mean token is drawn to tiny-clip's, and maps on the way there are hints to the
stages. Two torch threads; another processor or torch rounds differently and ends with other weights and
figures close by.
"""

import argparse
import json
import math
import time
from dataclasses import dataclass
from functools import partial
from multiprocessing import Pool
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from open_clip.model import CLIP
from safetensors.torch import load_file, save_file
from tiny_clip_evaluation import average_precision, read_classes
from tiny_clip_model import (
    MERGES_FILE,
    build_model,
    encode_images,
    encode_texts,
    read_tokenizer,
    tokenize,
)
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, mse_loss, normalize

from vlbench.core.contracts import Place
from vlbench.datasets.shapes.scenes import shapes
from vlbench.datasets.shapes.world import COLOUR_NAMES, SEEN, SHAPES, Population, draw_scene, render
from vlbench.models.ram.checkpoint import PREPROCESSING
from vlbench.models.ram.sizes import TaggerSize
from vlbench.models.ram.swin import timm_key
from vlbench.models.ram.taggers import RamPlus

SIZE = TaggerSize(
    image_size=64,
    embed_dim=32,
    depths=(2, 2, 2),
    heads=(2, 4, 8),
    window=4,
    token_width=128,
    hidden=96,
    intermediate=192,
    descriptions=5,
)
PLAIN = "a photo of a {}."
"""RAM++'s first sentence for every tag, and the only one where nobody described it."""
SEED_OF_SCENES = 1
HELD = 500
"""Scenes of the training split that nothing learns from; thresholds are chosen on them."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """Scenes of several things and of one, steps, images a step, and the optimiser's numbers."""

    steps: int
    several: int = 20000
    single: int = 12000
    batch: int = 112
    seed: int = 1
    rate: float = 2e-3
    warm_up: int = 80
    decay: float = 0.05
    average: float = 0.99
    alike: float = 4.0
    hinted: float = 2.0


HINTS = ((1, "layer2", 96), (2, "layer3", 192))
"""A stage of the Swin transformer, the layer of tiny-clip with as many cells, and its channels."""


class Teacher:
    """tiny-clip's image tower: its unit features, and the maps of the hinted layers at its last call."""

    def __init__(self, tower: CLIP) -> None:
        self.tower = tower
        self.maps: dict[str, Tensor] = {}
        for _, layer, _ in HINTS:
            getattr(tower.visual, layer).register_forward_hook(partial(self._keep, layer))

    def __call__(self, pixels: Tensor) -> Tensor:
        """Unit features [b, 128] of bytes [b, 3, 64, 64]."""
        with torch.no_grad():
            return encode_images(self.tower, pixels.permute(0, 2, 3, 1))

    def _keep(self, layer: str, _module: object, _inputs: object, output: Tensor) -> None:
        self.maps[layer] = output


@dataclass(frozen=True, slots=True)
class Tags:
    """The model's own list: colours and shapes, then the pairs that training scenes show."""

    names: tuple[str, ...]
    bank: Tensor  # [n, k, 128], rows of zeros behind a tag's last sentence


def main() -> None:
    """Draw, train, measure, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--base", type=Path, required=True, help="the folder of tiny-clip")
    parser.add_argument("--out", type=Path, required=True, help="folder to write the model to")
    parser.add_argument("--steps", type=int, default=1300)
    options = parser.parse_args()
    torch.set_num_threads(2)
    start = time.perf_counter()
    recipe = Recipe(steps=options.steps)
    tower = read_tower(options.base)
    tags = read_tags(tower, options.base)
    pixels, truth = draw(recipe)
    print(f"drawn in {time.perf_counter() - start:.0f} s", flush=True)
    torch.manual_seed(recipe.seed)
    model = fresh(SIZE)
    averaged = train(model, tags, Teacher(tower), pixels[HELD:], truth[HELD:], recipe)
    seconds = time.perf_counter() - start
    options.out.mkdir(parents=True, exist_ok=True)
    thresholds = choose_thresholds(averaged, tags, pixels[:HELD], truth[:HELD])
    save(averaged, tags, thresholds, options.out)
    log = {
        "seconds": round(seconds),
        "parameters": sum(each.numel() for each in averaged.parameters()),
        "steps": recipe.steps,
        "seed": recipe.seed,
        "torch": torch.__version__,
        "measured": {"shapes-tags mean_average_precision": round(measure(averaged, tags), 4)},
    }
    print(json.dumps(log, indent=1), flush=True)
    (options.out / "training_log.json").write_text(json.dumps(log, indent=1) + "\n", encoding="utf-8")


def read_tower(base: Path) -> CLIP:
    """tiny-clip, frozen."""
    config = json.loads((base / "open_clip_config.json").read_text(encoding="utf-8"))["model_cfg"]
    tower = build_model(config)
    tower.load_state_dict(load_file(base / "open_clip_model.safetensors"))
    tower.eval().requires_grad_(requires_grad=False)
    return tower


def read_tags(tower: CLIP, base: Path) -> Tags:
    """The tags and the text features of their sentences by tiny-clip."""
    tokenizer = read_tokenizer(base / MERGES_FILE)
    attributes, pairs = read_classes("shapes-tags"), read_classes("shapes")
    seen = [pairs.names[colour * len(SHAPES) + shape] for colour, shape in SEEN]
    rows = []
    with torch.inference_mode():
        for names, templates in ((attributes.names, attributes.templates), (seen, pairs.templates)):
            for name in names:
                sentences = [template.replace("{}", name) for template in (PLAIN, *templates)]
                features = encode_texts(tower, tokenize(tokenizer, sentences))
                rows.append(torch.cat([features, features.new_zeros(SIZE.descriptions - len(features), 128)]))
    return Tags((*attributes.names, *seen), torch.stack(rows).clone())


def draw(recipe: Recipe) -> tuple[Tensor, Tensor]:
    """Bytes [n, 3, 64, 64] of training scenes and which tags [n, 64] are true; several things come first."""
    with Pool(2) as pool:
        drawn = pool.map(partial(_scene, "several"), range(recipe.several), 64)
        drawn += pool.map(partial(_scene, "single"), range(recipe.single), 64)
    pixels = torch.from_numpy(np.stack([image for image, _ in drawn])).permute(0, 3, 1, 2).contiguous()
    return pixels, torch.from_numpy(np.stack([shown for _, shown in drawn]))


def _scene(population: Population, index: int) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    scene = draw_scene(population=population, split="train", seed=SEED_OF_SCENES, index=index)
    pairs = {(thing.colour, thing.shape) for thing in scene.things}
    colours, things = {colour for colour, _ in pairs}, {shape for _, shape in pairs}
    shown = [colour in colours for colour in range(len(COLOUR_NAMES))]
    shown += [shape in things for shape in range(len(SHAPES))]
    return render(scene), np.array(shown + [pair in pairs for pair in SEEN])


def fresh(size: TaggerSize) -> RamPlus:
    """The network with weights from torch's global seed: normal of 0.02, norms 1, biases 0."""
    model = RamPlus(size)
    state = {}
    for name, parameter in model.named_parameters():
        value = torch.zeros(parameter.shape)
        if name == "reweight_scale":
            value = torch.tensor(math.log(1 / 0.07))
        elif parameter.ndim >= 2:
            value = nn.init.trunc_normal_(
                value, std=0.02 if parameter.ndim > 2 else parameter.shape[1] ** -0.5
            )
        elif name.endswith("weight"):
            value = torch.ones(parameter.shape)
        state[name] = value
    model.load_state_dict(state, strict=False, assign=True)
    return model.requires_grad_()


def tokens_of(model: RamPlus, pixels: Tensor) -> Tensor:
    """Tokens [b, 1 + t, 128] of bytes [b, 3, 64, 64]."""
    mean, std = (torch.tensor(PREPROCESSING[key]).view(-1, 1, 1) for key in ("mean", "std"))
    return model.encode((pixels.float() / 255 - mean) / std)


def logits_of(model: RamPlus, tokens: Tensor, bank: Tensor) -> Tensor:
    """Logits [b, n] of tokens [b, 1 + t, 128]."""
    return model.logits(model.described(tokens, bank), model.remember(tokens))


def train(
    model: RamPlus, tags: Tags, teacher: Teacher, pixels: Tensor, truth: Tensor, recipe: Recipe
) -> RamPlus:
    """Run all steps; the averaged model."""
    averaged = fresh(SIZE)
    averaged.load_state_dict(model.state_dict())
    stages: dict[int, Tensor] = {}
    bridges = nn.ModuleList(nn.Linear(SIZE.embed_dim * 2**stage, channels) for stage, _, channels in HINTS)

    def hold(stage: int, _module: object, _inputs: object, output: Tensor) -> None:
        stages[stage] = output

    taps = [
        model.visual_encoder.layers[stage].register_forward_hook(partial(hold, stage))
        for stage, _, _ in HINTS
    ]
    learned = [*model.parameters(), *bridges.parameters()]
    matrices = [p for p in learned if p.ndim >= 2]
    vectors = [p for p in learned if p.ndim < 2]
    optimiser = torch.optim.AdamW(
        [{"params": matrices, "weight_decay": recipe.decay}, {"params": vectors, "weight_decay": 0.0}],
        lr=recipe.rate,
        betas=(0.9, 0.98),
    )
    random = torch.Generator().manual_seed(recipe.seed)
    attributes = len(COLOUR_NAMES) + len(SHAPES)
    weight = torch.cat([torch.ones(attributes), torch.full((len(SEEN),), 2.0)])
    losses: list[float] = []
    start = time.perf_counter()
    for step in range(recipe.steps):
        for group in optimiser.param_groups:
            group["lr"] = recipe.rate * _schedule(step, recipe)
        chosen = torch.randint(len(pixels), (recipe.batch,), generator=random)
        # a tag may come with its first sentence alone: nobody describes it then
        kept = torch.rand(tags.bank.shape[:2], generator=random) < 0.5
        kept[:, 0] = True
        wanted = teacher(pixels[chosen])
        tokens = tokens_of(model, pixels[chosen])
        found = logits_of(model, tokens, tags.bank * kept[..., None])
        said = binary_cross_entropy_with_logits(found, truth[chosen].float(), reduction="none") * weight
        apart = 1 - (normalize(tokens[:, 0], dim=-1) * wanted).sum(1)
        loss = said.mean() + recipe.alike * apart.mean() + recipe.hinted * _missed(stages, bridges, teacher)
        optimiser.zero_grad()
        torch.autograd.backward(loss)
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        with torch.no_grad():
            keep = min(recipe.average, (step + 1) / (step + 10))
            for mean, value in zip(averaged.parameters(), model.parameters(), strict=True):
                mean.lerp_(value, 1 - keep)
        losses.append(float(said.detach().mean()))
        if (step + 1) % 100 == 0:
            rate = (step + 1) / (time.perf_counter() - start)
            print(f"step {step + 1}: loss {sum(losses[-100:]) / 100:.4f}, {rate:.2f} steps/s", flush=True)
    for tap in taps:
        tap.remove()
    return averaged.eval().requires_grad_(requires_grad=False)


def _missed(stages: dict[int, Tensor], bridges: nn.ModuleList, teacher: Teacher) -> Tensor:
    """Mean squares between the stages' cells [b, h, w, c], through a linear map, and standardised maps."""
    missed = torch.zeros(())
    for (stage, layer, _), bridge in zip(HINTS, bridges, strict=True):
        wanted = teacher.maps[layer].permute(0, 2, 3, 1)
        mean, deviation = wanted.mean((0, 1, 2)), wanted.std((0, 1, 2)) + 1e-3
        missed = missed + mse_loss(bridge(stages[stage]), (wanted - mean) / deviation)
    return missed


def _schedule(step: int, recipe: Recipe) -> float:
    """Up in a line, down along a cosine; 0 to 1."""
    if step < recipe.warm_up:
        return (step + 1) / recipe.warm_up
    return 0.5 * (1 + math.cos(math.pi * (step - recipe.warm_up) / (recipe.steps - recipe.warm_up)))


@torch.inference_mode()
def _logits(model: RamPlus, pixels: Tensor, bank: Tensor) -> Tensor:
    return torch.cat([logits_of(model, tokens_of(model, part), bank) for part in torch.split(pixels, 64)])


def choose_thresholds(model: RamPlus, tags: Tags, pixels: Tensor, truth: Tensor) -> list[float]:
    """The probability, in hundredths, of each tag's highest F1 on scenes of the training split."""
    probabilities = _logits(model, pixels, tags.bank).sigmoid()
    steps = torch.arange(5, 96) / 100
    said = probabilities[None] > steps[:, None, None]  # [s, n, m]
    f1 = 2 * (said & truth).sum(1) / (said.sum(1) + truth.sum(0)).clamp(min=1)
    return [float(steps[best]) for best in f1.argmax(dim=0).tolist()]


def measure(model: RamPlus, tags: Tags) -> float:
    """Mean average precision on the task `shapes-tags`, closed vocabulary."""
    names = read_classes("shapes-tags").names
    source = shapes(Place(), question="tags", count=500)
    images = np.stack([np.asarray(source[k].image()) for k in range(len(source))])
    pixels = torch.from_numpy(images).permute(0, 3, 1, 2)
    truth = torch.tensor([[name in (source[k].target.tags or ()) for name in names] for k in range(500)])
    return float(average_precision(_logits(model, pixels, tags.bank)[:, : len(names)], truth).mean())


def save(model: RamPlus, tags: Tags, thresholds: list[float], folder: Path) -> None:
    """Write the weights under the authors' keys, and the tag list with its thresholds."""
    # timm merges patches before a stage, the authors after one
    theirs = {timm_key(f"layers.{k}.downsample."): f"layers.{k}.downsample." for k in range(len(SIZE.depths))}
    state = {"label_embed": tags.bank.flatten(0, 1).contiguous()}
    for key, value in model.state_dict().items():
        for own, other in theirs.items():
            if f".{own}" in key:
                key = key.replace(own, other)
                break
        state[key] = value.detach().contiguous()
    path = folder / "model.safetensors"
    save_file(state, path)
    path.chmod(0o644)  # safetensors writes for the owner alone
    lines = ["index\tname\tthreshold"]
    lines += [
        f"{k}\t{name}\t{threshold:.2f}"
        for k, (name, threshold) in enumerate(zip(tags.names, thresholds, strict=True))
    ]
    (folder / "tags.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
