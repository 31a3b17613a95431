"""Checkpoints in each container, and the folders and contexts that models are made of."""

import pickle
import shutil
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from dassl_directory import write_directory
from fuzz.command import command_line
from fuzz.harness import OUT, Case, Input
from fuzz.watch import CHECKOUT
from parity_weights import FIXTURES, layout, state_dict
from safetensors.torch import save_file
from tiny_transformers import write_tiny

from vlbench import load_model
from vlbench.models.clip.network import filled_model
from vlbench.models.shared.weight_files import read_weights

TINY = FIXTURES / "classifier" / "tiny_open_clip.weights.json"
CONFIG: dict[str, Any] = layout(TINY)["meta"]["config"]
State = dict[str, torch.Tensor]


class Touched:
    """Pickled as a call that writes a file: who runs it is caught at the file."""

    def __reduce__(self) -> tuple[object, ...]:
        return open, ("/tmp/vlbench-fuzz-ran", "w")


def safetensors_file(state: State, path: Path) -> None:
    save_file({key: value.contiguous() for key, value in state.items()}, path)


def zip_file(state: State, path: Path) -> None:
    torch.save({"state_dict": state, "epoch": 3}, path)


def legacy_file(state: State, path: Path) -> None:
    torch.save(state, path, _use_new_zipfile_serialization=False)


def dangerous_zip(state: State, path: Path) -> None:
    torch.save({"state_dict": dict(list(state.items())[:2]), "x": Touched()}, path)


def dangerous_pickle(_: State, path: Path) -> None:
    path.write_bytes(pickle.dumps({"state_dict": {}, "x": Touched()}))


def torchscript_file(state: State, path: Path) -> None:
    class Holder(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            for key, value in state.items():
                self.register_parameter(key.replace(".", "_"), torch.nn.Parameter(value, requires_grad=False))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x * torch.sigmoid(1.702 * x)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.save(torch.jit.trace(Holder(), torch.zeros(2)), str(path))


def big_vision_file(_: State, path: Path) -> None:
    names = ("img/embedding/kernel", "img/embedding/bias", "img/cls", "img/pos_embedding", "t", "b")
    np.savez(path, **{name: np.zeros((2, 3), dtype=np.float32) for name in names})


def weights_file(write: Callable[[State, Path], None], name: str, root: Path) -> None:
    """One file of weights, of a few tensors: what is read of it is its container."""
    state = dict(list(state_dict(TINY).items())[:6])
    root.mkdir(exist_ok=True)
    write(state, root / name)


def weights_door(name: str, case: Case) -> None:
    """Read a file as every model reads its weights."""
    read_weights(case / name)


def big_vision_door(case: Case) -> None:
    """Read Google's arrays into a network."""
    filled_model(CONFIG, case / "w.npz")


def model_folder(root: Path) -> None:
    """A whole model in open_clip's layout, as small as one can be."""
    import json

    (root / "model").mkdir()
    content = {
        "model_cfg": CONFIG,
        "preprocess_cfg": {"mean": [0.5] * 3, "std": [0.5] * 3, "interpolation": "bicubic"},
    }
    (root / "model" / "open_clip_config.json").write_text(json.dumps(content))
    safetensors_file(state_dict(TINY), root / "model" / "open_clip_model.safetensors")


def merges_folder(root: Path) -> None:
    shutil.copytree(CHECKOUT / "model_cards" / "tiny-clip", root / "model")


def local_door(case: Case) -> None:
    """Load a folder as a model."""
    load_model(f"local-dir:{case / 'model'}", cache=case.cache, device="cpu")


def transformers_folder(root: Path) -> None:
    write_tiny(root / "model", "clip")


def transformers_door(case: Case) -> None:
    """Load a folder that save_pretrained wrote."""
    load_model(f"transformers:{case / 'model'}", cache=case.cache, device="cpu")


def context(root: Path) -> None:
    shutil.copytree(CHECKOUT / "model_cards" / "tiny-coop", root / "cards" / "tiny-coop")
    card = "title: c\nadapter: coop\nsettings: {base: tiny-clip, context: tiny-coop/context.safetensors}\n"
    (root / "cards" / "mine.yaml").write_text(card)


def context_door(case: Case) -> None:
    """Show or load a learned context."""
    if case.rng.random() < 0.3:
        command_line("show", "mine", "--include-path", case / "cards")
    else:
        load_model("mine", include_path=[case / "cards"], cache=case.cache, device="cpu")


def dassl(root: Path) -> None:
    write_directory(root / "trained", {"model.pth.tar-50": torch.arange(4 * 128.0).reshape(4, 128) / 1024})
    (root / "trained" / "prompt_learner" / "checkpoint").write_text("model.pth.tar-50\n")
    (root / "c.txt").write_text("cat\ndog\nbird\n")


def dassl_door(case: Case) -> None:
    """Import what CoOp's own code learned."""
    out = case / OUT / "c.safetensors"
    command_line(
        "import",
        "coop",
        case / "trained",
        "--base",
        "tiny-clip",
        "--classnames",
        case / "c.txt",
        "--out",
        out,
    )


CONTAINERS: tuple[tuple[str, Callable[[State, Path], None], str, bool], ...] = (
    ("safetensors", safetensors_file, "w.safetensors", True),
    ("checkpoint, zip", zip_file, "w.pt", True),
    ("checkpoint, legacy", legacy_file, "w.pth.legacy", True),
    ("checkpoint, TorchScript", torchscript_file, "w.ts", True),
    ("checkpoint, zip that would run code", dangerous_zip, "w.pt", False),
    ("checkpoint, pickle that would run code", dangerous_pickle, "w.pkl", False),
)
INPUTS = [
    *(
        Input(
            what,
            partial(weights_file, write, name),
            (name,),
            partial(weights_door, name),
            share=20,
            taken=taken,
        )
        for what, write, name, taken in CONTAINERS
    ),
    Input(
        "checkpoint, npz",
        partial(weights_file, big_vision_file, "w.npz"),
        ("w.npz",),
        big_vision_door,
        15,
        taken=False,
    ),
    Input("open_clip folder", model_folder, ("model/*.json",), local_door, share=8),
    Input("open_clip merges", merges_folder, ("model/*.gz",), local_door, share=2),
    Input(
        "transformers folder",
        transformers_folder,
        ("model/*.json", "model/*.txt"),
        transformers_door,
        share=3,
    ),
    Input("learned context", context, ("cards/*.safetensors",), context_door, share=3),
    Input("Dassl directory", dassl, ("trained/*", "c.txt"), dassl_door, share=3),
]
