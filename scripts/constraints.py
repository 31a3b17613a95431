"""constraints.txt: the exact versions that the checks are known to pass with.

python scripts/constraints.py write             the versions of this environment, with today's date
python scripts/constraints.py lowest            print the lowest versions that pyproject.toml allows
python scripts/constraints.py age --days 60     exit 1 where the file is older
"""

import argparse
import subprocess
import sys
import tomllib
from datetime import UTC, date, datetime
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
FILE = ROOT / "constraints.txt"
HEAD = "# Exact versions that the checks pass with; python scripts/constraints.py write. Made on "
EXTRAS = ("transformers",)
"""Extras that the checks need; others are no part of them."""


def main() -> None:
    """Write the file, print the lowest versions, or tell the file's age."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=["write", "lowest", "age"])
    parser.add_argument("--days", type=int, default=60, help="the oldest that the file may be")
    arguments = parser.parse_args()
    if arguments.what == "lowest":
        print("\n".join(lowest((ROOT / "pyproject.toml").read_text(encoding="utf-8"))))
    elif arguments.what == "write":
        FILE.write_text(
            "\n".join([HEAD + datetime.now(UTC).date().isoformat(), *installed()]) + "\n", encoding="utf-8"
        )
    else:
        made = made_on(FILE.read_text(encoding="utf-8"))
        days = (datetime.now(UTC).date() - made).days
        print(f"{FILE.name} is {days} days old")
        sys.exit(days > arguments.days)


def lowest(project: str) -> list[str]:
    """NAME==VERSION of every lower bound in a pyproject.toml, sorted; of several bounds the highest."""
    about = tomllib.loads(project)
    lines = [*about["project"]["dependencies"], *about["dependency-groups"]["dev"]]
    for extra in EXTRAS:
        lines += about["project"]["optional-dependencies"][extra]
    bounds: dict[str, str] = {}
    for line in lines:
        requirement = Requirement(line)
        for bound in requirement.specifier:
            name = canonicalize_name(requirement.name)
            if bound.operator == ">=" and _parts(bound.version) > _parts(bounds.get(name, "0")):
                bounds[name] = bound.version
    return [f"{name}=={version}" for name, version in sorted(bounds.items())]


def installed() -> list[str]:
    """NAME==VERSION of what is installed here, vlbench itself left out; a local build's label is cut off."""
    freeze = [sys.executable, "-m", "pip", "freeze", "--all", "--exclude-editable"]
    lines = subprocess.run(freeze, check=True, capture_output=True, text=True).stdout.splitlines()
    pairs = [line.partition("==")[::2] for line in lines if "==" in line]
    return sorted(f"{canonicalize_name(name)}=={version.partition('+')[0]}" for name, version in pairs)


def made_on(text: str) -> date:
    """The date in the first line of a constraints file."""
    return date.fromisoformat(text.partition("\n")[0].removeprefix(HEAD))


def _parts(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))


if __name__ == "__main__":
    main()
