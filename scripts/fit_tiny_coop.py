"""Learn tiny-coop, the context of the offline default, on a few of the training images of `shapes`.

    python scripts/fit_tiny_coop.py --out model_cards/tiny-coop

The images show the pairs that `shapes` asks for, drawn with a seed that no task uses. Another processor
or torch rounds differently and ends with another context and figures close by.
"""

import argparse
import tempfile
from pathlib import Path

import torch

import vlbench

BASE, TASK = "tiny-clip", "shapes"
SHOTS, SEED = 4, 1


def main() -> None:
    """Learn the context and put it into a folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder to write context.safetensors to")
    options = parser.parse_args()
    torch.set_num_threads(2)
    with tempfile.TemporaryDirectory() as folder:
        (learned,) = vlbench.fit_coop(
            BASE,
            TASK,
            shots=(SHOTS,),
            seeds=(SEED,),
            recipe={"features": "frozen"},
            out=Path(folder) / "out",
            cache=Path(folder) / "cache",
            device="cpu",
        )
        options.out.mkdir(parents=True, exist_ok=True)
        (options.out / "context.safetensors").write_bytes(learned.context.read_bytes())
    print(f"loss {learned.loss:.3f}, accuracy {learned.accuracy:.3f} on its training images")


if __name__ == "__main__":
    main()
