"""Plug-ins of these tests: an adapter, a source and a task kind that hand back what they were given."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pytest

from vlbench.core.contracts import Example, Offers, Origin, Place, Target, TaskRequest, Text
from vlbench.core.errors import SourceMissing
from vlbench.core.registry import ADAPTERS, SOURCES, TASK_KINDS


@dataclass(frozen=True)
class ListedImages:
    """As many examples as a folder's `count` file says."""

    name: str
    count: int
    offers: Offers = field(default_factory=Offers)
    revision: str = "1"

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> Example:
        raise AssertionError("no image is opened when a task is built")

    def target(self, index: int) -> Target:
        return Target(label=index)

    def fingerprint(self, index: int) -> str:
        return str(index)


def listed(place: Place, /, *, path: str, split: Literal["train", "test"] = "test") -> ListedImages:
    for root in (Path(), *place.roots):
        if (root / path / "count").is_file():
            return ListedImages(f"{path}:{split}", int((root / path / "count").read_text()))
    raise SourceMissing(f"no count in {path}", f"put one into {path}")


def remote(place: Place, /, *, repo: str) -> ListedImages:
    return ListedImages(f"remote:{repo}", 7)


def own(place: Place, /, *, path: str) -> ListedImages:
    names = tuple(Text(each.name, ids={"folder": each.name}) for each in sorted(Path(path).iterdir()))
    return ListedImages("own", 4, Offers(names=names))


def toy(origin: Origin, /, *, width: int, tags: tuple[str, ...] = ()) -> tuple[Origin, int, tuple[str, ...]]:
    return origin, width, tags


def toy_reference(origin: Origin, /, *, reference: str) -> tuple[Origin, str]:
    return origin, reference


def question(request: TaskRequest, /, *, at: float = 0.5) -> tuple[TaskRequest, float]:
    return request, at


@pytest.fixture
def plug_ins(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    entered = [
        (ADAPTERS, "toy", toy),
        (ADAPTERS, "toy-ref", toy_reference),
        (SOURCES, "listed", listed),
        (SOURCES, "remote", remote),
        (TASK_KINDS, "question", question),
    ]
    for registry, name, plug_in in entered:
        registry.register(name)(plug_in)
    monkeypatch.setitem(SOURCES._values, "own", own)
    yield
    for registry, name, _ in entered:
        registry.unregister(name)


@pytest.fixture
def cards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty built-in folder of cards, in place of the checkout's."""
    folder = tmp_path / "built-in"
    (folder / "tasks").mkdir(parents=True)
    (folder / "model_cards").mkdir()
    monkeypatch.setattr("vlbench.cards.folders.built_in_folder", lambda: folder)
    return folder


@pytest.fixture
def write_task(cards: Path) -> Callable[..., Path]:
    """Write a task card with some lines changed: None leaves one out."""

    def write(name: str = "counting", folder: Path | None = None, **lines: str | None) -> Path:
        fields: dict[str, str | None] = {
            "title": "Counting",
            "kind": "question",
            "protocol": "plain",
            "sources": "[{kind: listed, path: data/counting}]",
            "metrics": "[acc1]",
            "primary": "acc1",
            **lines,
        }
        path = (folder or cards / "tasks") / f"{name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(f"{key}: {value}\n" for key, value in fields.items() if value is not None))
        return path

    return write
