"""Commands killed at random moments, and several at once: nothing is lost, damaged or left over."""

from collections.abc import Iterator
from random import Random

import pytest
from end_to_end import kills


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[object]:
    with kills.prepared(tmp_path_factory.mktemp("ground")) as ready:
        yield ready


@pytest.mark.parametrize("command", kills.COMMANDS)
def test_a_command_that_is_killed_goes_on_and_leaves_nothing(ground: object, command: str) -> None:
    tally = kills.kill(ground, command, 1, Random(f"{command} 1"))
    assert (tally.tries, tally.failed, tally.left_after, tally.differing) == (1, 0, 0, 0), tally.said


def test_several_at_once_lose_no_row(ground: object) -> None:
    asked = ("tiny-clip", "tiny-clip+fast")  # those of this seed, in three runs beside a check
    assert kills.crowd(ground, kills.all_results(ground, asked), Random(36)) == []
