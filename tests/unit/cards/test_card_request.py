"""What of a user's files stands in a task's name: only what asks something else than the card."""

from pathlib import Path

import pytest
from card_layouts import catalogue

from vlbench.cards.build import open_task
from vlbench.cards.card_request import no_data
from vlbench.cards.data_request import DataRequest
from vlbench.cards.schema import SourceFields
from vlbench.core.errors import SourceMissing

TASKS = Path(catalogue().tasks["digits"].path.parent)


def file(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("option", "lies", "ending"),
    [("templates", "templates/digits.txt", "txt"), ("classnames", "names/digits.tsv", "tsv")],
)
def test_the_cards_own_texts_as_a_file_are_the_cards_task(
    tmp_path: Path, option: str, lies: str, ending: str
) -> None:
    text = (TASKS / lies).read_text(encoding="utf-8")
    plain = open_task("digits", catalogue(), request=DataRequest()).task
    own = {option: file(tmp_path, f"same.{ending}", text)}
    same = open_task("digits", catalogue(), request=DataRequest(**own)).task  # type: ignore[arg-type]
    assert (same.name, same.protocol, same.problem.texts) == ("digits", plain.protocol, plain.problem.texts)
    changed = {option: file(tmp_path, f"other.{ending}", text.replace("nine", "9").replace("hand", "pen"))}
    other = open_task("digits", catalogue(), request=DataRequest(**changed)).task  # type: ignore[arg-type]
    assert other.name.startswith(f"digits+{option}@")
    assert other.protocol.digest != plain.protocol.digest


def test_the_cards_names_line_by_line_are_the_cards_task(tmp_path: Path) -> None:
    plain = open_task("digits", catalogue(), request=DataRequest()).task
    names = file(tmp_path, "names.txt", "".join(f"{text.name}\n" for text in plain.problem.texts))
    both = {"classnames": names, "templates": file(tmp_path, "own.txt", "a scan of {}\n")}
    marked = open_task("digits", catalogue(), request=DataRequest(**both)).task  # type: ignore[arg-type]
    assert marked.name.partition("@")[0] == "digits+templates"


def test_what_both_places_ask_for_is_said_once() -> None:
    tried = [("no a", "pass X so that DIR/a exists"), ("no b", "pass X so that DIR/b exists"), ("no c", "Y")]
    passed_over = [(SourceFields(kind="folder"), SourceMissing(*each)) for each in tried]
    assert no_data(passed_over) == (
        "no data found: no a; no b; and in 1 more places; pass X so that DIR/a exists or DIR/b exists"
    )
