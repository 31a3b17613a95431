"""A hub on this machine with made repositories, and the cards of tasks whose data lie there."""

import io
import tarfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from hub_server import HubServer, hub_server, use_hub
from PIL import Image

REPO = "org/wds_colours"
COLOURS = ("red", "green", "blue")


def png(colour: str) -> bytes:
    data = io.BytesIO()
    Image.new("RGB", (6, 4), colour).save(data, "PNG")
    return data.getvalue()


def tar_of(members: Mapping[str, bytes]) -> bytes:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as tar:
        for name, content in members.items():
            header = tarfile.TarInfo(name)
            header.size = len(content)
            tar.addfile(header, io.BytesIO(content))
    return data.getvalue()


def tars(count: int = 2) -> dict[str, bytes]:
    """A repository of tars in CLIP_benchmark's layout: an image a colour in each tar."""
    shards = {
        f"test/{shard}.tar": tar_of(
            {
                name: content
                for label, colour in enumerate(COLOURS)
                for name, content in ((f"s{label}.png", png(colour)), (f"s{label}.cls", str(label).encode()))
            }
        )
        for shard in range(count)
    }
    return {
        **shards,
        "test/nshards.txt": f"{count}\n".encode(),
        "train/0.tar": tar_of({}),
        "classnames.txt": b"red\ngreen\nblue\n",
        "zeroshot_classification_templates.txt": b"a {c} square.\n",
        "README.md": b"...",
    }


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    with hub_server() as server:
        use_hub(server, tmp_path / "hub-cache", monkeypatch)
        server.repositories[f"datasets/{REPO}"] = tars()
        yield server


@pytest.fixture
def cards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A built-in folder with the one task `colours`, in place of the checkout's cards."""
    folder = tmp_path / "built-in"
    (folder / "tasks" / "names").mkdir(parents=True)
    (folder / "model_cards").mkdir()
    monkeypatch.setattr("vlbench.cards.folders.built_in_folder", lambda: folder)
    (folder / "tasks" / "names" / "colours.tsv").write_text("name\nred\ngreen\nblue\n")
    return folder


@pytest.fixture
def write_card(cards: Path) -> Callable[..., None]:
    def write(name: str = "colours", **lines: str) -> None:
        fields = {
            "title": "Colours",
            "kind": "classification",
            "protocol": "plain",
            "names": "names/colours.tsv",
            "sources": (
                "[{kind: folder, path: colours/val}, {kind: webdataset, path: colours, split: test}, "
                f"{{kind: hub, repo: {REPO}, layout: webdataset, split: test}}]"
            ),
            "expect": "{images: 6, texts: 3}",
            "metrics": "[acc1]",
            "primary": "acc1",
            **lines,
        }
        text = "".join(f"{key}: {value}\n" for key, value in fields.items())
        (cards / "tasks" / f"{name}.yaml").write_text(text)

    return write
