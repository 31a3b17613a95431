from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import cast

import pytest
from huggingface_hub import constants
from short_cards import model, task

from vlbench.cards.build import facts_of, is_zero_shot, open_model, open_task, open_training
from vlbench.cards.catalogue import read_catalogue
from vlbench.cards.data_request import DataRequest
from vlbench.core.contracts import Dataset, Example, Offers, Origin, Place, Target, Text
from vlbench.core.errors import CardError, DataError, SourceMissing, SourceUnread, Unsupported, VlbenchError
from vlbench.core.reading import Reading
from vlbench.core.registry import SOURCES
from vlbench.core.task import Expectation, TaskRequest

pytestmark = pytest.mark.usefixtures("plug_ins")


def count(folder: Path, number: int) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "count").write_text(str(number))
    return folder


def asked(name: str, **request: object) -> tuple[TaskRequest, float]:
    """What the toy kind was given: the request and its setting."""
    built = open_task(name, read_catalogue(), request=DataRequest(**request)).task  # type: ignore[arg-type]
    return cast("tuple[TaskRequest, float]", built)


def test_a_model_card_becomes_its_adapters_checkpoint(cards: Path) -> None:
    (cards / "model_cards" / "net.yaml").write_text(
        "title: N\nadapter: toy\nsettings: {width: 3, tags: [a]}\n"
    )
    built = open_model(
        "net", read_catalogue(), weights=Path("w.pt"), preprocess="fast", cache=cards / "cache"
    ).checkpoint
    origin, *settings = cast("tuple[Origin, int, tuple[str, ...]]", built)
    expected = Origin("net", cards / "model_cards", Path("w.pt"), cards / "cache", "fast")
    assert (replace(origin, open=None), *settings) == (expected, 3, ("a",))


def test_a_model_may_open_another_by_name_and_not_with_its_own_weights(cards: Path) -> None:
    (cards / "model_cards" / "net.yaml").write_text("title: N\nadapter: toy\nsettings: {width: 3}\n")
    built = open_model("toy-ref:top", read_catalogue(), weights=Path("w.pt"), preprocess="fast").checkpoint
    top = cast("tuple[Origin, str]", built)[0]
    assert top.open is not None
    below = cast("tuple[Origin, int, tuple[str, ...]]", top.open("net"))[0]
    assert (below.name, below.weights, below.preprocess) == ("net", None, "fast")


def test_a_reference_goes_to_its_adapter(cards: Path) -> None:
    built = open_model("toy-ref:org/net:1", read_catalogue()).checkpoint
    origin, reference = cast("tuple[Origin, str]", built)
    assert (replace(origin, open=None), reference) == (Origin("toy-ref:org/net:1"), "org/net:1")
    with pytest.raises(Unsupported, match="'toy' is used through model cards alone"):
        open_model("toy:net", read_catalogue())
    with pytest.raises(VlbenchError, match=r"toy-ref: the name b'org/\\xff' is not UTF-8"):
        open_model("toy-ref:org/\udcff", read_catalogue())


def test_a_task_card_becomes_a_request_to_its_kind(
    cards: Path, write_task: Callable[..., Path], tmp_path: Path
) -> None:
    (cards / "tasks" / "names").mkdir()
    (cards / "tasks" / "names" / "n.tsv").write_text("name\twnid\none\tn1\n")
    (cards / "tasks" / "t.txt").write_text("a {}\n")
    write_task(
        names="names/n.tsv",
        templates="t.txt",
        expect="{images: 5}",
        settings="{at: 1}",
        split="val",
        metrics="[acc1, acc5]",
    )
    count(tmp_path / "root" / "data" / "counting", 5)
    request, at = asked("counting", roots=(tmp_path / "root",), allow_subset=True)
    assert at == 1.0
    assert request == TaskRequest(
        name="counting",
        protocol="plain",
        source=request.source,
        names=(Text("one", ids={"wnid": "n1"}),),
        templates=("a {}",),
        metrics=("acc1", "acc5"),
        primary="acc1",
        expect=Expectation(images=5),
        allow_subset=True,
        settings={"at": 1, "split": "val"},
    )
    assert (request.source.name, len(request.source)) == ("data/counting:test", 5)


def test_a_card_without_a_training_split_is_not_learned_from(
    write_task: Callable[..., Path], tmp_path: Path
) -> None:
    write_task()
    count(tmp_path / "data" / "counting", 5)
    with pytest.raises(DataError, match="counting: its card names no training split, and the test split is"):
        open_training("counting", read_catalogue(), request=DataRequest(roots=(tmp_path,)))


def test_the_next_source_is_tried_where_data_are_missing(write_task: Callable[..., Path]) -> None:
    write_task(sources="[{kind: listed, path: a}, {kind: remote, repo: org/data}]")
    request, _ = asked("counting")
    assert request.source.name == "remote:org/data"


@dataclass(frozen=True)
class Old:
    """A source as version 0.1 has it: a class."""

    name: str = "old:here"
    revision: str = "1"
    offers: Offers = field(default_factory=Offers)

    def __len__(self) -> int:
        return 2

    def __getitem__(self, index: int) -> Example:
        return Example(f"{index}.png", print, self.target(index))

    def target(self, index: int) -> Target:
        return Target(label=index)

    def fingerprint(self, index: int) -> str:
        return f"old {index}"


def old(place: Place, /) -> Old:
    return Old()


def test_a_source_of_version_0_1_is_read(write_task: Callable[..., Path]) -> None:
    write_task(sources="[{kind: old}]")
    SOURCES.register("old")(old)
    try:
        source = asked("counting")[0].source
    finally:
        SOURCES.unregister("old")
    assert [each.state for each in source.examples] == ["old 0", "old 1"]
    assert [each.target.label for each in source.examples] == [0, 1]
    assert (source.name, source.reading) == ("old:here", Reading())


def test_every_place_is_named_where_all_data_are_missing(write_task: Callable[..., Path]) -> None:
    write_task(sources="[{kind: listed, path: a}, {kind: listed, path: b}]")
    with pytest.raises(DataError) as caught:
        asked("counting")
    assert str(caught.value) == (
        "counting: no data found: no count in a; no count in b; put one into a, or put one into b, "
        "or name the very folder: --data-root counting=FOLDER"
    )


def test_a_tasks_own_folder_stands_for_every_path(write_task: Callable[..., Path], tmp_path: Path) -> None:
    write_task(
        sources="[{kind: listed, path: a, split: train}, {kind: listed, path: b, split: train}, "
        "{kind: remote, repo: org/data}]"
    )
    folder = count(tmp_path / "here", 2)
    request, _ = asked("counting", roots_by_task={"counting": folder})
    assert request.source.name == f"{folder}:train"
    with pytest.raises(DataError) as caught:  # the hub is no answer to a folder that was named
        asked("counting", roots_by_task={"counting": tmp_path / "there"})
    assert str(caught.value).count("no count in") == 1
    assert "or `vlbench data get counting`, or name the very folder" in str(caught.value)

    write_task(sources="[{kind: listed, path: a}]", aliases="[tally]")
    for name in ("counting", "tally"):  # the folder is named by either name, and the task too
        request, _ = asked(name, roots_by_task={"tally": folder})
        assert request.source.name == f"{folder}:test"

    write_task(sources="[{kind: remote, repo: org/data}]")
    with pytest.raises(DataError, match="come from remote, not from a folder"):
        asked("counting", roots_by_task={"counting": folder})


def test_a_tasks_own_folder_may_be_the_one_above_its_data(
    write_task: Callable[..., Path], tmp_path: Path
) -> None:
    write_task(sources="[{kind: listed, path: a/val}, {kind: listed, path: b}]")
    for place, found in (("here", "here"), ("here/val", "here/val")):  # the deeper one wins
        count(tmp_path / place, 2)
        request, _ = asked("counting", roots_by_task={"counting": tmp_path / "here"})
        assert request.source.name.startswith(f"{tmp_path / found}:")
    write_task(sources="[{kind: listed, path: a/../../b}]")
    with pytest.raises(CardError, match=r"counting: a source's path: 'a/\.\./\.\./b' leads out"):
        asked("counting", roots_by_task={"counting": tmp_path / "here"})


def test_after_data_that_lack_their_labels_nothing_is_downloaded(
    write_task: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    offline = []

    def unread(place: Place, /, *, path: str) -> Dataset:
        raise SourceUnread(path, "3 pictures have no labels", "add them")

    def remote(place: Place, /, *, repo: str) -> Dataset:
        offline.append(constants.HF_HUB_OFFLINE)
        raise SourceMissing(f"{repo} is not here", "fetch it")

    monkeypatch.setitem(SOURCES._values, "own", unread)
    monkeypatch.setitem(SOURCES._values, "hub", remote)
    write_task(sources="[{kind: hub, repo: a}, {kind: own, path: b}, {kind: hub, repo: c}]")
    with pytest.raises(DataError, match=r"^counting: b: 3 pictures have no labels; add them$"):
        asked("counting")
    assert (offline, constants.HF_HUB_OFFLINE) == ([False, True], False)


def test_a_copy_that_the_card_knows_to_be_unreadable_is_told(
    write_task: Callable[..., Path], tmp_path: Path
) -> None:
    write_task(sources="[{kind: listed, path: a}]", unread="{a/all: has no split; fetch the split}")
    (tmp_path / "here" / "a" / "all").mkdir(parents=True)
    for request in (
        {"roots": (tmp_path / "here",)},
        {"roots_by_task": {"counting": tmp_path / "here" / "a"}},
    ):
        with pytest.raises(DataError, match=r"^counting: .*here/a/all has no split; fetch the split$"):
            asked("counting", **request)
    write_task(sources="[{kind: listed, path: a}]", unread="{../all: has no split}")
    with pytest.raises(CardError, match=r"counting: unread: '\.\./all' leads out of the folder"):
        asked("counting")


@pytest.mark.parametrize(
    ("limit", "taken", "partial"),
    [
        (3, 3, "limit 3"),
        (1, 1, "limit 1"),
        (10, 10, ""),
        (99, 10, ""),
        (0.3, 3, "limit 3"),
        (0.01, 1, "limit 1"),
    ],
)
def test_a_limit_takes_an_image_of_each_span(
    write_task: Callable[..., Path], tmp_path: Path, limit: int | float, taken: int, partial: str
) -> None:
    write_task()
    count(tmp_path / "data" / "counting", 10)
    request, _ = asked("counting", roots=(tmp_path,), limit=limit)
    assert (len(request.source), request.partial) == (taken, partial)
    labels = [request.source[i].target.label for i in range(taken)]
    ends = [i * 10 // taken for i in range(taken + 1)]
    spans = zip(ends, labels, ends[1:], strict=False)
    assert all(start <= label < stop for start, label, stop in spans)
    again, _ = asked("counting", roots=(tmp_path,), limit=limit)
    assert [again.source[i].target.label for i in range(taken)] == labels


def test_a_limit_does_not_fall_in_step_with_the_classes(
    write_task: Callable[..., Path], tmp_path: Path
) -> None:
    write_task()
    count(tmp_path / "data" / "counting", 640)
    request, _ = asked("counting", roots=(tmp_path,), limit=20)
    classes = {request.source[i].target.label % 16 for i in range(20)}  # sixteen classes in turn
    assert len(classes) > 8


def test_a_limit_below_one_is_refused(write_task: Callable[..., Path], tmp_path: Path) -> None:
    write_task()
    count(tmp_path / "data" / "counting", 10)
    with pytest.raises(DataError, match="counting: a limit of 0"):
        asked("counting", roots=(tmp_path,), limit=0)


@pytest.mark.parametrize(
    ("trained_on", "data", "answer"),
    [
        (["laion2b", "imagenet"], ["imagenet"], "no"),
        (["laion2b"], ["imagenet"], "yes"),
        ([], ["imagenet"], "yes"),
        (None, ["imagenet"], "unknown"),
        (["laion2b"], [], "unknown"),
    ],
)
def test_a_model_is_zero_shot_where_both_cards_say_so(trained_on, data, answer):
    fields = {} if trained_on is None else {"trained_on": trained_on}
    assert is_zero_shot(model(**fields), task(data)) == answer


@pytest.mark.parametrize(
    ("trained_on", "data", "answer"),
    [
        # what was tuned on is not zero-shot, and what else the weights saw stays unknown
        (None, ["pets"], "no"),
        (None, ["imagenet"], "unknown"),
        (["laion2b"], ["pets"], "no"),
        (["laion2b"], ["imagenet"], "unknown"),
    ],
)
def test_a_model_that_was_tuned_on_something_is_zero_shot_nowhere_for_sure(trained_on, data, answer):
    fields = {} if trained_on is None else {"trained_on": trained_on}
    assert is_zero_shot(model(**fields, tuned_on=["pets"]), task(data)) == answer


@pytest.mark.parametrize(
    ("thresholds", "answer"),
    [(None, "yes"), ("0.2", "yes"), ("mine.txt", "unknown")],
)
def test_a_file_of_thresholds_does_not_say_what_they_were_chosen_on(thresholds, answer):
    assert is_zero_shot(model(trained_on=["laion2b"]), task(["imagenet"]), thresholds) == answer
    assert is_zero_shot(model(trained_on=["imagenet"]), task(["imagenet"]), thresholds) == "no"


def test_what_has_no_card_is_unknown():
    assert is_zero_shot(None, task(["imagenet"])) == "unknown"
    assert is_zero_shot(model(trained_on=[]), None) == "unknown"


def test_facts_leave_out_what_a_card_does():
    assert facts_of(model(family="openai", gflops=8.8)) == {"family": "openai", "gflops": 8.8}
    assert facts_of(None) == {}
