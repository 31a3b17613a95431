"""Plug-ins of these tests: an adapter, a source and a task kind that hand back what they were given."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal, NoReturn

import pytest

from vlbench.core.contracts import Dataset, Example, Offers, Origin, Place, Target, Text
from vlbench.core.dataset import Examples
from vlbench.core.errors import SourceMissing
from vlbench.core.registry import ADAPTERS, SOURCES, TASK_KINDS
from vlbench.core.task import TaskRequest


def unopened() -> NoReturn:
    raise AssertionError("no image is opened when a task is built")


def numbered(index: int) -> Example:
    return Example(f"{index}", unopened, Target(label=index), str(index))


def listed(place: Place, /, *, path: str, split: Literal["train", "test"] = "test") -> Dataset:
    for root in (Path(), *place.roots):
        if (root / path / "count").is_file():
            count = int((root / path / "count").read_text())
            return Dataset(f"{path}:{split}", "1", Examples(numbered, count))
    raise SourceMissing(f"no count in {path}", f"put one into {path}")


def remote(place: Place, /, *, repo: str) -> Dataset:
    return Dataset(f"remote:{repo}", "1", Examples(numbered, 7))


def own(place: Place, /, *, path: str) -> Dataset:
    names = tuple(Text(each.name, ids={"folder": each.name}) for each in sorted(Path(path).iterdir()))
    return Dataset("own", "1", Examples(numbered, 4), Offers(names=names))


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
