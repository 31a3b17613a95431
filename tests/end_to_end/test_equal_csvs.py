"""Equal results make equal CSVs, whatever the machine does else: only costs.csv tells runs apart."""

import os

import child_command
import pytest
from PIL import Image

TASKS = "digits,shapes-tags,shapes-retrieval"
CLASSES = ("red circle", "blue circle")
OWN = "=my\u2028photos"
LATER = """
import sys, time
now, now_ns = time.time, time.time_ns
time.time, time.time_ns = lambda: now() + 4e7, lambda: now_ns() + 4 * 10**16
from vlbench.cli.main import main
main(sys.argv[1:])
"""


def vlbench(*arguments, code=None, **environment):
    done = child_command.vlbench(*arguments, code=code, **environment)
    assert "\u2028" not in done.stdout + done.stderr
    return done.stdout


def photos(folder, order, modified):
    """A folder of two classes of three images each, its files made in an order."""
    for number in order:
        place = folder / OWN / CLASSES[number % 2]
        place.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (16, 16), ("red", "blue")[number % 2]).save(place / f"{number}.png")
        os.utime(place / f"{number}.png", (modified, modified))
    return folder / OWN


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """The results of one run, and of another as different as one on another machine and day would be."""
    here, there = (tmp_path_factory.mktemp(name) for name in ("here", "there"))

    def run(folder, own, *more, **changes):
        where = ("--results", folder / "results", "--cache", folder / "cache", "--device", "cpu")
        asked = ("-m", "tiny-clip,tiny-coop", "-t", f"{TASKS},classification:{own}")
        vlbench("run", *asked, *where, *more, **changes)
        return folder / "results"

    first = run(here, photos(here, range(6), 1e9), "--workers", 0, PYTHONHASHSEED="1", TZ="UTC")
    other = {"PYTHONHASHSEED": "2", "TZ": "Asia/Kathmandu", "OMP_NUM_THREADS": "2", "code": LATER}
    own = photos(there / "other" / "place", reversed(range(6)), 1.5e9)
    return first, run(there, own, "--workers", 3, "--batch-size", 17, **other)


def test_every_csv_but_that_of_costs_is_equal_to_the_byte(folders):
    first, other = ({path.name: path.read_bytes() for path in each.glob("*.csv")} for each in folders)
    assert len(first) == 7
    assert first.keys() == other.keys()
    assert [name for name in first if first[name] != other[name]] == ["costs.csv"]
    assert not [name for name, data in first.items() if str(folders[0].parent).encode() in data]


def test_a_folder_with_an_odd_name_goes_through_every_command(folders, tmp_path):
    results, baseline = folders[0], tmp_path / "baseline.csv"
    vlbench("leaderboard", "--results", results, "--check")
    vlbench("check", "--results", results, "--baseline", baseline, "--update")
    assert "nothing moved" in vlbench("check", "--results", folders[1], "--baseline", baseline, "--strict")
    vlbench("compare", "tiny-clip", "tiny-coop", "--results", results)
    vlbench("site", "--results", results, "--out", tmp_path / "site")
    vlbench("verify", "--results", results)
    vlbench("export", "--format", "clip_benchmark", "--results", results, "--out", tmp_path / "out.csv")
