"""Zero-shot heads of the task cards beside clip-benchmark's: a tiny tower of seeded random weights, fp32.

    python bench/zero_shot_heads.py --peer PEER_VENV

For every data set of clip-benchmark's English protocol: its own builder states names (where it has a list
of its own) and templates, its own code makes the head, and the card's names, order and templates have to
give the same. Where clip-benchmark takes names from the data, which are not there, the card's names stand
for them, and the templates alone are compared.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
from clip_benchmark_heads import STANDS_FOR_DATA
from numpy.typing import NDArray

from vlbench.cards.build import open_model
from vlbench.cards.card_file import read_card
from vlbench.cards.catalogue import Catalogue, read_catalogue
from vlbench.cards.schema import TaskCard
from vlbench.cards.texts import read_names, read_templates
from vlbench.core.contracts import Model, Placement, Text
from vlbench.core.protocol import asked

DATA_SETS = {
    "imagenet1k": "imagenet", "imagenetv2": "imagenet-v2", "imagenet_sketch": "imagenet-sketch",
    "imagenet-a": "imagenet-a", "imagenet-r": "imagenet-r", "imagenet-o": "imagenet-o",
    "cifar10": "cifar10", "cifar100": "cifar100", "food101": "food101", "sun397": "sun397",
    "cars": "stanford_cars", "fgvc_aircraft": "fgvc_aircraft", "voc2007": "voc2007", "vtab/dtd": "dtd",
    "vtab/pets": "oxford_pets", "vtab/caltech101": "caltech101", "flowers": "flowers102", "mnist": "mnist",
    "fer2013": "fer2013", "stl10": "stl10", "vtab/eurosat": "eurosat", "vtab/resisc45": "resisc45",
    "gtsrb": "gtsrb", "vtab/kitti_closest_vehicle_distance": "kitti_distance", "country211": "country211",
    "vtab/pcam": "pcam", "vtab/clevr_count_all": "clevr_count_all",
    "vtab/clevr_closest_object_distance": "clevr_closest_object_distance", "renderedsst2": "rendered_sst2",
    "vtab/svhn": "svhn", "vtab/dmlab": "dmlab", "vtab/diabetic_retinopathy": "diabetic_retinopathy",
    "vtab/dsprites_label_orientation": "dsprites_label_orientation",
    "vtab/dsprites_label_x_position": "dsprites_label_x_position",
    "vtab/smallnorb_label_azimuth": "smallnorb_label_azimuth",
    "vtab/smallnorb_label_elevation": "smallnorb_label_elevation",
}  # fmt: skip
"""clip-benchmark's name of a data set, and the card."""

TOWER = {
    "embed_dim": 64,
    "vision_cfg": {"image_size": 32, "layers": 1, "width": 64, "head_width": 32, "patch_size": 16},
    "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 64, "heads": 2, "layers": 2},
}


def main() -> None:
    """Compare all heads, and fail where one differs."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--peer", type=Path, required=True, help="an environment with clip-benchmark")
    parser.add_argument("--tolerance", type=float, default=1e-5)
    arguments = parser.parse_args()
    catalogue = read_catalogue()
    questions = {name: card_texts(card, catalogue) for name, card in DATA_SETS.items()}
    with tempfile.TemporaryDirectory() as folder:
        write_tower(Path(folder))
        theirs = peer_heads(arguments.peer, Path(folder), questions)
        ours = own_heads(Path(folder), questions, catalogue)
    from_data = set(theirs[STANDS_FOR_DATA].tolist())
    worst = 0.0
    for name, card in DATA_SETS.items():
        same = ours[name].shape == theirs[name].shape
        difference = float(np.abs(ours[name] - theirs[name]).max()) if same else float("inf")
        worst = max(worst, difference)
        what = "templates" if name in from_data else "names, order and templates"
        print(f"{card}: {len(ours[name])} classes, {what}: largest difference {difference:.1e}")
    print(f"{len(DATA_SETS)} data sets, {len(DATA_SETS) - len(from_data)} with names; largest {worst:.1e}")
    if worst > arguments.tolerance:
        sys.exit(f"a head differs by more than {arguments.tolerance:g}")


def card_texts(card: str, catalogue: Catalogue) -> list[Text]:
    """The texts of a card as its task asks them."""
    entry = catalogue.tasks[card]
    fields = read_card(entry, TaskCard).card
    if fields.names is None or fields.templates is None:
        sys.exit(f"{card}: has no names or templates of its own")
    templates = read_templates(entry.path.parent / fields.templates)
    return [asked(text, templates) for text in read_names(entry.path.parent / fields.names)]


def peer_heads(peer: Path, model: Path, questions: dict[str, list[Text]]) -> dict[str, NDArray[np.float32]]:
    """clip-benchmark's head [m, d] of each data set."""
    names = {name: [text.name for text in texts] for name, texts in questions.items()}
    asked_file, heads = model / "questions.json", model / "heads.npz"
    asked_file.write_text(json.dumps(names), encoding="utf-8")
    script = Path(__file__).with_name("clip_benchmark_heads.py")
    command = [str(peer / "bin" / "python"), str(script), str(model), str(asked_file), str(heads)]
    process = subprocess.run(command, capture_output=True, text=True, check=False)
    if process.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{process.stderr[-2000:]}")
    with np.load(heads) as arrays:
        return dict(arrays)


def own_heads(
    model: Path, questions: dict[str, list[Text]], catalogue: Catalogue
) -> dict[str, NDArray[np.float32]]:
    """vlbench's head [m, d] of each data set."""
    loaded = open_model(f"local-dir:{model}", catalogue).checkpoint.load(Placement())
    heads: dict[tuple[tuple[str, ...], ...], NDArray[np.float32]] = {}
    found = {}
    for name, texts in questions.items():
        prompts = tuple(text.prompts for text in texts)
        if prompts not in heads:
            heads[prompts] = _encode(loaded, texts)
        found[name] = heads[prompts]
    return found


def _encode(model: Model, texts: list[Text]) -> NDArray[np.float32]:
    with torch.inference_mode():
        return np.asarray(model.encode_texts(texts, batch_size=256).numpy())


def write_tower(folder: Path) -> None:
    """A tiny CLIP of seeded random numbers in open_clip's layout, made in a process of its own."""
    content = {"model_cfg": TOWER, "preprocess_cfg": {}}
    (folder / "open_clip_config.json").write_text(json.dumps(content), encoding="utf-8")
    code = (
        "import sys, torch, open_clip; from pathlib import Path; from safetensors.torch import save_file; "
        "torch.manual_seed(0); folder = sys.argv[1]; "
        "model = open_clip.create_model('local-dir:' + folder, load_weights=False); "
        "save_file(model.state_dict(), str(Path(folder) / 'open_clip_model.safetensors'))"
    )
    subprocess.run([sys.executable, "-c", code, str(folder)], check=True, capture_output=True)


if __name__ == "__main__":
    main()
