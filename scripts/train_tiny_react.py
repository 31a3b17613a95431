"""Make tiny-react from tiny-clip by REACT's gated-image recipe, from seeds alone: no data, no network.

    python scripts/train_tiny_react.py --base model_cards/tiny-clip --out model_cards/tiny-react

Its text tower is tiny-clip's, locked. REACT gates transformers and tiny-clip's image tower is none, so a
small vision transformer first learns to agree with it, on plain training scenes and drawn digits. Then gated
blocks in front of its last two layers, and they alone, are tuned on outlined training scenes and texts.
Two torch threads; another processor or torch ends with other weights and figures close by.
"""

import argparse
import json
import shutil
import time
from pathlib import Path

import torch
from open_clip.model import CLIP
from open_clip.tokenizer import SimpleTokenizer
from safetensors.torch import load_file
from tiny_clip_evaluation import evaluate
from tiny_clip_model import MERGES_FILE, build_model, configure, read_tokenizer, save
from tiny_react_agreement import VISION, agree, student
from tiny_react_data import draw_plain, draw_retrieved
from tiny_react_stage import Stage
from tiny_react_tuning import read_sentences, tune

from vlbench.models.react.gated_block import add_gates

GATED_LAYERS = 2
AGREEMENT = Stage(steps=900, rate=2e-3, warm_up=60)
TUNING = Stage(steps=400, rate=2e-3, warm_up=30, gate_rate=2e-2)


def main() -> None:
    """Draw, agree, tune, measure, write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--base", type=Path, required=True, help="folder of tiny-clip")
    parser.add_argument("--out", type=Path, required=True, help="folder to write the model to")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(2)
    options.out.mkdir(parents=True, exist_ok=True)
    log = run(options.base, options.out, options.seed)
    print(json.dumps(log, indent=1), flush=True)
    (options.out / "training_log.json").write_text(json.dumps(log, indent=1) + "\n", encoding="utf-8")


def run(folder: Path, out: Path, seed: int) -> dict[str, object]:
    """Make the model of a base and write its folder; the answer is what the log says."""
    start = time.perf_counter()
    plain = draw_plain(singles=14000, several=22000, digits=14000, seed=seed)
    retrieved = draw_retrieved(singles=14000, sets=450, seed=seed + 1)
    print(f"drawn in {time.perf_counter() - start:.0f} s", flush=True)

    tokenizer = read_tokenizer(folder / MERGES_FILE)
    base = read_base(folder, tokenizer)
    torch.manual_seed(seed)
    random = torch.Generator().manual_seed(seed)
    config = {**configure(tokenizer.vocab_size), "vision_cfg": VISION}
    model = student(base, config)
    cosine = agree(model, base, plain, AGREEMENT, random)
    print(f"agreed after {time.perf_counter() - start:.0f} s", flush=True)
    before = evaluate(model, tokenizer)

    model.requires_grad_(requires_grad=False)
    add_gates(model, GATED_LAYERS)
    loss = tune(model, retrieved, read_sentences(model, retrieved, tokenizer), TUNING, random)
    seconds = time.perf_counter() - start
    save(model, config, out)
    shutil.copyfile(folder / MERGES_FILE, out / MERGES_FILE)
    return {
        "seconds": round(seconds),
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "steps of agreement": AGREEMENT.steps,
        "steps of tuning": TUNING.steps,
        "seed": seed,
        "cosine with tiny-clip": round(cosine, 4),
        "final_loss": round(loss, 4),
        "torch": torch.__version__,
        "measured": rounded(evaluate(model, tokenizer)),
        "measured before tuning": rounded(before),
        "measured of tiny-clip": rounded(evaluate(base, tokenizer)),
    }


def read_base(folder: Path, tokenizer: SimpleTokenizer) -> CLIP:
    """tiny-clip as it was written, frozen."""
    base = build_model(configure(tokenizer.vocab_size))
    base.load_state_dict(load_file(folder / "open_clip_model.safetensors"))
    base.eval().requires_grad_(requires_grad=False)
    return base


def rounded(found: dict[str, float]) -> dict[str, float]:
    """Fractions to four places."""
    return {name: round(value, 4) for name, value in found.items()}


if __name__ == "__main__":
    main()
