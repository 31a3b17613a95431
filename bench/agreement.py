"""Scores of vlbench beside clip-benchmark's on real images: one seeded random ViT-B-32, fp32, exact mode.

    python bench/agreement.py --peer PEER_VENV --cifar10 CLASS_FOLDERS --imagenet WNID_FOLDERS

Classification among CIFAR-10's ten names and among ImageNet's thousand (through the cards, as
subsets), and retrieval of captions made of class names. Prints both sides and the largest difference.
"""

import argparse
import tempfile
from pathlib import Path

from processes import METRICS, Run, run_peer, run_vlbench, write_weights
from webdataset_folder import (
    Item,
    Questions,
    card_templates,
    cards,
    imagenet_names,
    imagenet_wnids,
    jpegs,
    write_lines,
    write_webdataset,
)

FEW = 2
"""Templates of the 80 that are used among a thousand names."""
RECALLS = tuple(f"{side}_retrieval_recall@{k}" for side in ("image", "text") for k in (1, 5, 10))


def main() -> None:
    """Compare the three."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for name in ("--peer", "--cifar10", "--imagenet"):
        parser.add_argument(name, type=Path, required=True)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        weights = folder / "weights.pt"
        write_weights(weights)
        cifar10(folder / "cifar10", arguments.cifar10, weights, arguments.peer)
        imagenet(folder / "imagenet", arguments.imagenet, weights, arguments.peer)
        retrieval(folder / "retrieval", arguments.imagenet, weights, arguments.peer)


def cifar10(folder: Path, images: Path, weights: Path, peer: Path) -> None:
    """The card cifar10, ten names and 18 templates."""
    names = [row.split("\t")[0] for row in (cards() / "names" / "cifar10.tsv").read_text().splitlines()[1:]]
    classes = sorted(path.name for path in images.iterdir())
    items = [Item(path.read_bytes(), classes.index(path.parent.name)) for path in jpegs(images)]
    write_webdataset(folder, Questions(names, card_templates("cifar10")), items)
    theirs = run_peer(peer, folder, weights)
    ours = run_vlbench(
        "cifar10", folder, weights, folder / "cache", "--data-root", f"cifar10={images}", "--allow-subset"
    )
    show(f"cifar10: 10 names, {len(items)} images", METRICS, theirs, ours)


def imagenet(folder: Path, images: Path, weights: Path, peer: Path) -> None:
    """The card imagenet with the first of its templates, a thousand names."""
    labels = {wnid: number for number, wnid in enumerate(imagenet_wnids())}
    templates = card_templates("imagenet")[:FEW]
    items = [Item(path.read_bytes(), labels[path.parent.name]) for path in jpegs(images)]
    write_webdataset(folder, Questions(imagenet_names(), templates), items)
    more = folder / "more" / "tasks"
    more.mkdir(parents=True)
    card = (cards() / "imagenet.yaml").read_text(encoding="utf-8")
    card = card.replace("templates: templates/imagenet.txt", "templates: few.txt")
    card = card.replace("names: names/imagenet.tsv", f"names: {cards() / 'names' / 'imagenet.tsv'}")
    (more / "imagenet-few.yaml").write_text(card, encoding="utf-8")
    write_lines(more / "few.txt", templates)
    theirs = run_peer(peer, folder, weights)
    where = (
        "--include-path",
        str(folder / "more"),
        "--data-root",
        f"imagenet-few={images}",
        "--allow-subset",
    )
    ours = run_vlbench("imagenet-few", folder, weights, folder / "cache", *where)
    show(f"imagenet: 1000 names x {FEW} templates, {len(items)} images", METRICS, theirs, ours)


def retrieval(folder: Path, images: Path, weights: Path, peer: Path) -> None:
    """One to five captions an image, made of its class name and file name."""
    names = dict(zip(imagenet_wnids(), imagenet_names(), strict=True))
    items = []
    for number, path in enumerate(jpegs(images)):
        words = (names[path.parent.name], path.stem.split("_", 1)[-1].replace("_", " "))
        captions = (
            f"{ways} {words[way % 2]}, picture {number}"
            for way, ways in enumerate(
                ("a photo of a", "a close look at the", "this shows a", "someone's", "a picture of one")
            )
        )
        items.append(Item(path.read_bytes(), captions=tuple(captions)[: 1 + number % 5]))
    write_webdataset(folder, Questions(), items)
    theirs = run_peer(peer, folder, weights, "zeroshot_retrieval")
    ours = run_vlbench("retrieval", folder, weights, folder / "cache")
    show(f"retrieval: {len(items)} images, one to five captions each", RECALLS, theirs, ours)


def show(what: str, metrics: tuple[str, ...], theirs: Run, ours: Run) -> None:
    """Both sides and the largest difference."""
    print(what)
    for metric in metrics:
        print(f"  {metric}: clip-benchmark {theirs.scores[metric]:.6f}, vlbench {ours.scores[metric]:.6f}")
    largest = max(abs(theirs.scores[metric] - ours.scores[metric]) for metric in metrics)
    print(f"  largest difference {largest:.1e}")


if __name__ == "__main__":
    main()
