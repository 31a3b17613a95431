"""What a shell is told behind a Tab: names of models and tasks, as bash asks for them."""

import pytest
from click.shell_completion import BashComplete

from vlbench.cli.main import group


def completed(line: str) -> list[str]:
    *words, begun = line.split(" ")
    asked = BashComplete(group, {}, "vlbench", "_VLBENCH_COMPLETE")
    return [item.value for item in asked.get_completions(words, begun)]


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("run --model tiny-c", ["tiny-clip", "tiny-coop"]),
        ("run --task digits,shapes-m", ["digits,shapes-matching"]),
        ("show shapes-ta", ["shapes-tags"]),
        ("show vtab", ["vtab", "vtab+"]),
        ("compare tiny-clip tiny-re", ["tiny-react"]),
        ("data check shapes-ou", ["shapes-outline"]),
        ("fit coop --task dtd@el", ["dtd@elevater"]),
    ],
)
def test_names_are_completed_behind_the_last_comma(line, found):
    assert completed(line) == found
