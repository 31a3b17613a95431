from collections.abc import Callable
from pathlib import Path

import pytest

from vlbench.cards.card_file import parse_card, read_card
from vlbench.cards.schema import Fields, ModelCard, TaskCard
from vlbench.core.errors import CardError

pytestmark = pytest.mark.usefixtures("plug_ins")


def message(path: Path, card_type: type[Fields] = TaskCard) -> str:
    with pytest.raises(CardError) as caught:
        read_card(path, card_type)
    return str(caught.value)


def test_a_minimal_card_is_read(write_task: Callable[..., Path]) -> None:
    card = read_card(write_task(settings="{at: 1e-3}", split="no"), TaskCard).card
    assert card.sources[0].options == {"path": "data/counting"}
    assert card.settings == {"at": 0.001}  # YAML 1.2: a number, and `no` is a word
    assert card.split == "no"


def test_all_errors_at_once_each_with_file_and_place(
    write_task: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_task(
        title=None,
        kind="quesion",
        sources="[{kind: listed, splt: test}, {kind: lsted, path: a}, {path: b}]",
        metrics="[acc1, acc1, ac5, recall@x]",
        primary="acc5",
        names="none.tsv",
        train="{sources: [{kind: listed, pth: a}]}",
        validation="{sources: [{kind: lsted}], splt: val}",
        expect="{images: 0, text: 3}",
        colour="red",
    )
    monkeypatch.chdir(path.parent)
    parts = message(path).split("; counting.yaml: ")
    parts[0] = parts[0].removeprefix("counting.yaml: ")
    expected = {
        "title: field required",
        "sources.2.kind: field required",
        "expect.images: input should be greater than or equal to 1, not 0",
        "expect.text: unknown field",
        "colour: unknown field",
        "sources.0.path: field required",
        "sources.0.splt: unknown field; did you mean split?",
        "train.sources.0.path: field required",
        "train.sources.0.pth: unknown field; did you mean path?",
        "validation.sources.0.kind: no source named 'lsted'; did you mean listed?",
        "validation.splt: unknown field",
        "sources.1.kind: no source named 'lsted'; did you mean listed?",
        "kind: no task kind named 'quesion'; did you mean question?",
        "metrics.1: 'acc1' is listed twice",
        "metrics.2: no metric named 'ac5'; did you mean acc5?",
        "metrics.3: metric 'recall@x': 'x' is not a number",
        "primary: 'acc5' is not one of the metrics; add it to them",
        "names: no file none.tsv",
    }
    assert len(parts) == len(expected)
    for line in expected:
        assert any(part.startswith(line) for part in parts), (line, parts)


def test_settings_are_held_against_the_task_kind(write_task: Callable[..., Path]) -> None:
    told = message(write_task(settings="{at: high, seed: 1}"))
    assert "settings.at: input should be a valid number, not 'high'" in told
    assert "settings.seed: unknown field; known: at" in told


@pytest.mark.parametrize("field", ["names", "templates", "ids", "descriptions"])
@pytest.mark.parametrize("path", ["../names.tsv", "/etc/passwd", "a/../../b"])
def test_files_of_a_card_lie_beside_it_or_below_a_data_root(
    field: str, path: str, write_task: Callable[..., Path]
) -> None:
    lines = {"names": "names.tsv", field: path} if field == "ids" else {field: path}
    card = write_task(**lines)
    told = message(card)
    assert f"{field}: leads out of the folder; give a path inside it, not '{path}'" in told
    with pytest.raises(CardError, match=f"{field}: leads out of the folder"):  # as `show` and `list` read it
        parse_card(card, TaskCard)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("adapter: toy\ntitle: A\nsettings: {width: 1}\ntitle: B\n", 'line 4 found duplicate key "title"'),
        ("- a\n", "holds no fields"),
        ("", "holds no fields"),
        ("a: [\n", "line 2 "),
        ("title: A\nadapter: toy\n", "settings.width: field required"),
        (
            "title: A\nadapter: toy\nsettings: {width: 1}\npaper: {title: P, arxiv: 2103.00020}\n",
            "not 2103.0002",
        ),
        (
            "title: A\nadapter: toy\nsettings: {width: 1}\npublished: [{task: t, protocol: p, metric: acc1, "
            "value: 63.2, source: s, verified: true}]\n",
            "published.0.value: input should be less than or equal to 1, not 63.2",
        ),
        (
            "title: A\nadapter: toy\nsettings: {width: 1, tags: [a, 2]}\n",
            "settings.tags.1: input should be a",
        ),
        (
            "title: A\nadapter: toy\nsettings: {width: 1}\ngflops: .nan\n",
            "gflops: input should be a finite number",
        ),
    ],
)
def test_a_wrong_model_card_is_refused(cards: Path, text: str, told: str) -> None:
    path = cards / "model_cards" / "a.yaml"
    path.write_text(text)
    found = message(path, ModelCard)
    assert told in found
    assert found.startswith(str(path))
    assert "\n" not in found
