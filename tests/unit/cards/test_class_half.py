"""Halves of a classification's classes: which, what is counted, and how they are called."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from listed import listed

from vlbench.cards.build import open_task, open_training
from vlbench.cards.catalogue import half_name, read_catalogue
from vlbench.cards.class_half import class_half, half_classes, positions_in_half
from vlbench.cards.data_request import DataRequest
from vlbench.core.contracts import Offers, Target, Text
from vlbench.core.errors import DataError, Unsupported
from vlbench.core.task import Expectation, Task, TaskRequest
from vlbench.task_kinds.classification import classification

NAMES = tuple(Text(name) for name in ("ant", "bee", "cat", "dog", "eel"))
LABELS = (4, 0, "bee", 3, 2, 0, "eel")


def request(*labels: str | int, **fields: Any) -> TaskRequest:
    source = listed(tuple(Target(label=label) for label in labels or LABELS))
    return TaskRequest(name="pets", protocol="coop", source=source, **{"names": NAMES, **fields})


def shown(task: Task) -> list[tuple[str, str]]:
    """Every image by its id and the name of its class."""
    problem = task.problem
    texts = problem.relevant.queries.tolist()
    return [(problem.images[i].id, problem.texts[text].name) for i, text in enumerate(texts)]


def test_the_middle_class_of_an_odd_number_is_base() -> None:
    assert [list(half_classes(n, "base")) for n in (1, 2, 5)] == [[0], [0], [0, 1, 2]]
    assert [list(half_classes(n, "new")) for n in (1, 2, 5)] == [[], [1], [3, 4]]


@pytest.mark.parametrize("name", ["pets", "@base", "pets@all", "pets@base@x"])
def test_other_names_are_no_halves(name: str) -> None:
    assert half_name(name) is None


def test_a_half_keeps_its_classes_and_the_images_of_those() -> None:
    base = classification(class_half(request(), "base"))
    new = classification(class_half(request(), "new"))
    assert [text.name for text in base.problem.texts] == ["ant", "bee", "cat"]
    assert shown(base) == [("1.png", "ant"), ("2.png", "bee"), ("4.png", "cat"), ("5.png", "ant")]
    assert [text.name for text in new.problem.texts] == ["dog", "eel"]
    assert shown(new) == [("0.png", "eel"), ("3.png", "dog"), ("6.png", "eel")]
    assert (base.name, base.protocol.name) == ("pets@base", "coop@base")
    whole = classification(request())
    assert len({whole.protocol.digest, base.protocol.digest, new.protocol.digest}) == 3
    assert new.problem.images[1].state == whole.problem.images[3].state


def test_a_half_keeps_the_groups_of_its_images() -> None:
    source = listed((Target(label=0, group="Asia"), Target(label=4, group="Europe"), Target(label=1)))
    base = class_half(TaskRequest("pets", "coop", source, names=NAMES), "base").source
    assert [base[i].target for i in range(len(base))] == [Target(label=0, group="Asia"), Target(label=1)]


def test_names_of_the_data_are_halved_too() -> None:
    source = listed((Target(label=2), Target(label=0)), Offers(NAMES[:4], ("the {}",)))
    new = classification(class_half(TaskRequest("own", "own", source), "new"))
    assert [text.prompts for text in new.problem.texts] == [("the cat",), ("the dog",)]
    assert shown(new) == [("0.png", "cat")]


def test_the_cards_counts_are_of_the_whole() -> None:
    counted = class_half(request(expect=Expectation(images=7, texts=5)), "new")
    assert counted.expect == Expectation(images=3, texts=2)
    assert classification(counted).partial == ""
    short = Expectation(images=8, texts=5)
    with pytest.raises(DataError, match="7 images where the card says 8"):
        class_half(request(expect=short), "new")
    some = class_half(request(expect=short, allow_subset=True), "new")
    assert classification(some).partial == "7 images where the card says 8"
    assert class_half(request(), "new").expect == Expectation(images=None, texts=2)


def test_images_without_a_class_have_no_halves() -> None:
    source = listed((Target(captions=("a cat",)),))
    with pytest.raises(Unsupported, match=r"image 0\.png of captions has no class"):
        class_half(TaskRequest("captions", "p", source), "base")


def test_a_sample_of_the_whole_lies_in_its_half() -> None:
    labels = [0, 3, 1, 4, 0, 2]
    for half in ("base", "new"):
        part = class_half(request(*labels), half)
        whole = request(*labels).source
        chosen = [5, 3, 0, 1]
        inside = positions_in_half(chosen, labels, classes=5, half=half)
        kept = [whole[i].id for i in chosen if labels[i] in half_classes(5, half)]
        assert [part.source[i].id for i in inside] == kept
        assert len(kept) == 2


@pytest.fixture
def insects(write_task: Callable[..., Path], tmp_path: Path) -> Path:
    """A classification card with training images, on class folders."""
    for part, count in (("test", 2), ("train", 3)):
        for name in ("ant", "bee", "cicada"):
            folder = tmp_path / "insects" / part / name
            folder.mkdir(parents=True)
            for number in range(count):
                (folder / f"{number}.png").write_bytes(b"never opened")
    write_task(
        "insects",
        kind="classification",
        expect="{images: 6, texts: 3}",
        sources="[{kind: folder, path: insects/test}]",
        train="{sources: [{kind: folder, path: insects/train}]}",
    )
    return tmp_path


def test_a_card_answers_to_its_halves_and_to_their_training_images(insects: Path) -> None:
    catalogue = read_catalogue()
    roots = DataRequest(roots=(insects,))
    base = open_task("insects@base", catalogue, request=roots).task
    assert base.name == "insects@base"
    assert shown(base) == [(f"{name}/{k}.png", name) for name in ("ant", "bee") for k in range(2)]
    fit = open_training("insects@base", catalogue, request=roots).task
    assert shown(fit) == [(f"{name}/{k}.png", name) for name in ("ant", "bee") for k in range(3)]
    assert list(catalogue.tasks) == ["insects"]

    limited = open_task("insects@base", catalogue, request=DataRequest(roots=(insects,), limit=2)).task
    assert ([name for _, name in shown(limited)], limited.partial) == (["ant", "bee"], "limit 2")
    own = DataRequest(roots_by_task={"insects": insects / "insects" / "test"})
    assert shown(open_task("insects@base", catalogue, request=own).task) == shown(base)


def test_training_images_of_fewer_classes_are_refused(insects: Path) -> None:
    for image in (insects / "insects" / "train" / "cicada").iterdir():
        image.unlink()
    (insects / "insects" / "train" / "cicada").rmdir()
    with pytest.raises(DataError, match="2 texts where the card says 3"):
        open_training("insects", read_catalogue(), request=DataRequest(roots=(insects,)))
