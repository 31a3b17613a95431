"""The data sets that people ask most, in each layout that they have: read to the right classes, or refused.

docs/data.md shows the table of these cases.
"""

import re
from pathlib import Path

import pytest
from card_layouts import build_task, catalogue, truth
from layout_cases import COLUMNS, TABLE, Case

from vlbench.cards.yaml_file import read_mapping as yaml_fields
from vlbench.core.errors import DataError

pytestmark = pytest.mark.cards
PAGE = Path(__file__).parents[3] / "docs" / "data.md"


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize("column", range(len(COLUMNS)), ids=COLUMNS)
@pytest.mark.parametrize("task", TABLE)
def test_each_layout_is_read_to_the_right_classes_or_refused_in_words(
    task: str, column: int, tmp_path: Path
) -> None:
    case = TABLE[task][column]
    if case is None:
        return
    root = tmp_path / "data"
    root.mkdir()
    case.build(root)
    shown = case.lies.split(" and ")
    assert all(any(root.glob(re.sub(r"/$", "", re.sub(r"<\w+>", "*", each)))) for each in shown)
    if case.refused:
        with pytest.raises(DataError, match=case.refused):
            build_task(task, root, tmp_path / "cache")
        return
    found = build_task(task, root, tmp_path / "cache")
    assert truth(found) == [(each,) for each in case.classes]
    assert found.partial


def test_a_card_with_sources_of_its_own_says_itself_what_is_unread() -> None:
    wrong = []
    for name, entry in catalogue().tasks.items():
        stated = yaml_fields(entry.path)
        other = catalogue().tasks.get(str(stated.get("extends")))
        if other is not None and "unread" in other.fields and "sources" in stated and "unread" not in stated:
            wrong.append(name)
    assert wrong == []


def page_of(table: dict[str, tuple[Case | None, ...]]) -> str:
    """The table as the page shows it."""
    lines = [f"| task | {' | '.join(COLUMNS)} |", f"|{'---|' * (len(COLUMNS) + 1)}"]
    for task, cases in table.items():
        cells = " | ".join("" if case is None else case.cell for case in cases)
        lines.append(f"| `{task}` | {cells} |")
    return "\n".join(lines)


def test_the_page_shows_these_cases() -> None:
    assert page_of(TABLE) in PAGE.read_text(encoding="utf-8")
