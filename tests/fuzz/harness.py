"""One loop over the cases of an input: each is made of a seed, put before a door, and judged."""

import os
import random
import resource
import shutil
import signal
import sys
import tempfile
import traceback
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import cache
from pathlib import Path
from types import FrameType
from typing import Literal

from fuzz.containers import damaged
from fuzz.mutation import Damage
from fuzz.watch import CHECKOUT, Outside, watching

from vlbench.core.errors import VlbenchError

Verdict = Literal["accepted", "refused", "traceback", "abort", "outside", "hang", "memory"]
FAULTS: tuple[Verdict, ...] = ("traceback", "abort", "outside", "hang", "memory")
WARM_UPS = 3
"""So often the good files are put before the door: it imports what it needs, and has to take them."""
_STATUS = Path("/proc/self/status")
OUT = "out"
"""The folder of a case that may be written, beside the cache that all cases of an input share."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a case may take, where the usual one takes a hundredth of a second, and how much memory."""

    seconds: float = 20.0
    bytes: int = 2_000_000_000


@dataclass(frozen=True, slots=True)
class Case:
    """A folder with files, which of them are damaged, a cache, and what the door draws its choices from."""

    folder: Path
    cache: Path
    rng: random.Random
    damaged: tuple[str, ...] = ()

    def __truediv__(self, name: str) -> Path:
        return self.folder / name


@dataclass(frozen=True, slots=True)
class Input:
    """Something that vlbench reads: how good ones are made, which files are damaged, and the door to it.

    `corpus` writes good files into a folder; `targets` are patterns of those that are damaged, `door` puts
    a case before vlbench as a user would. `share` says how many cases it gets beside other inputs. `rename`
    also gives names of files and folders that nobody means. `alone` leaves out what is not damaged; without
    `taken` the good files are refused already, for what they are.
    """

    name: str
    corpus: Callable[[Path], object]
    targets: tuple[str, ...]
    door: Callable[[Case], object]
    share: int = 10
    rename: bool = False
    alone: bool = False
    taken: bool = True


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a case: a verdict, and of a fault what was raised or reached, and where."""

    case: int
    verdict: Verdict
    what: str = ""


class Late(BaseException):
    """A case takes too long."""


@cache
def corpus_of(each: Input) -> Mapping[str, bytes]:
    """The good files of an input, made once."""
    with tempfile.TemporaryDirectory(prefix="vlbench-corpus-") as folder:
        each.corpus(Path(folder))
        return {
            path.relative_to(folder).as_posix(): path.read_bytes()
            for path in sorted(Path(folder).rglob("*"))
            if path.is_file()
        }


def damaged_files(each: Input, damage: Damage) -> tuple[dict[str, bytes], tuple[str, ...]]:
    """The files of a case, and which of them are damaged: one, now and then two."""
    good = corpus_of(each)
    targets = [name for name in good if any(fnmatch(name, pattern) for pattern in each.targets)]
    names = damage.rng.sample(targets, min(len(targets), 1 if damage.rng.random() < 0.85 else 2))
    changed = {name: damaged(name, good[name], damage) for name in names}
    files = changed if each.alone else {**good, **changed}
    if each.rename and damage.rng.random() < 0.2:
        return renamed(good if damage.rng.random() < 0.8 else files, damage.rng.choice([*files]), damage), ()
    return files, tuple(names)


def renamed(files: Mapping[str, bytes], name: str, damage: Damage) -> dict[str, bytes]:
    """Files, of which one or a folder of some has a name that a disk takes and nobody means."""
    parts = name.split("/")
    at = damage.rng.randrange(1, len(parts)) if len(parts) > 1 else 0
    word = damage.word().replace("/", damage.rng.choice("∕_")).replace("\0", "")[:60].strip("\n") or "\n"
    word = "..." if word in (".", "..") else word
    suffix = Path(name).suffix if at == len(parts) - 1 else ""
    before = "/".join(parts[: at + 1])
    after = "/".join((*parts[:at], word + suffix))
    return {
        after + each[len(before) :] if each == before or each.startswith(f"{before}/") else each: data
        for each, data in files.items()
    }


def written(files: Mapping[str, bytes], folder: Path) -> None:
    """Write files below a folder; a name that this disk does not take is left out."""
    for name, data in files.items():
        try:
            path = os.fsencode(folder / name)
        except UnicodeEncodeError:
            path = os.path.join(os.fsencode(folder), name.encode("utf-8", "surrogatepass"))  # noqa: PTH118
        try:
            os.makedirs(os.path.dirname(path), exist_ok=True)  # noqa: PTH103, PTH120 - of bytes
            with open(path, "wb") as file:  # noqa: PTH123 - of bytes
                file.write(data)
        except OSError:
            continue


def outcomes(
    each: Input, seed: int, cases: Iterable[int], base: Path, limits: Limits = Limits()
) -> Iterator[Outcome]:
    """Judge cases of an input one after the other; each is made of seed, name and number alone."""
    (base / "cache").mkdir(exist_ok=True)
    canary = base / "canary" / "secret.png"
    if not canary.exists():
        canary.parent.mkdir()
        canary.write_bytes(b"\x89PNG\r\n\x1a\n" + b"secret")
    os.environ["VLBENCH_CACHE"] = str(base / "cache")
    good = corpus_of(each)
    for warm_up in range(WARM_UPS):
        with _written(good, base) as folder:
            _refuse_bad_corpus(each, Case(folder, base / "cache", random.Random(warm_up), tuple(good)))
    for number in cases:
        rng = random.Random(f"{seed}/{each.name}/{number}")
        files, names = damaged_files(each, Damage(rng, str(canary)))
        with _written(files, base) as folder:
            yield judged(each, Case(folder, base / "cache", rng, names), number, limits)


@contextmanager
def _written(files: Mapping[str, bytes], base: Path) -> Iterator[Path]:
    """The folder of a case, with its files, as the working folder."""
    folder, here = base / "case", Path.cwd()
    written(files, folder)
    (folder / OUT).mkdir(parents=True, exist_ok=True)
    os.chdir(folder)
    try:
        yield folder
    finally:
        os.chdir(here)
        shutil.rmtree(folder)


def _refuse_bad_corpus(each: Input, case: Case) -> None:
    """Raise where the good files of an input are not taken: then what is damaged says nothing."""
    try:
        each.door(case)
    except VlbenchError as error:
        if each.taken:
            raise ValueError(f"{each.name}: its good files are refused: {error}") from error


def judged(each: Input, case: Case, number: int, limits: Limits) -> Outcome:
    """Put a case before its door."""
    _forget_most_memory()
    most = _most_memory()
    hub = Path(os.environ.get("HF_HOME", case.cache))  # empty, in a process of the sweep
    with time_limit(limits.seconds), watching([case.folder, hub], [case / OUT, case.cache]) as seen:
        found = _opened(each, case, number)
    if seen:
        return Outcome(number, "outside", seen[0].replace(f"{case.folder.parent}/", ""))
    if found.verdict in ("accepted", "refused") and _most_memory() - most > limits.bytes:
        return Outcome(number, "memory", f"{_most_memory() - most:,} bytes more")
    return found


def _opened(each: Input, case: Case, number: int) -> Outcome:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            each.door(case)
    except VlbenchError as error:
        if "\n" in str(error).strip() and not isinstance(error, VlbenchError):
            return Outcome(number, "traceback", _told(error))
        return Outcome(number, "refused", str(error))
    except Outside as error:
        return Outcome(number, "outside", f"{error} ({_frame(error)})")
    except Late as error:
        return Outcome(number, "hang", f"too long in {_frame(error)}")
    except MemoryError as error:
        return Outcome(number, "memory", _told(error))
    except Exception as error:  # noqa: BLE001 - whatever comes is the finding
        return Outcome(number, "traceback", _told(error))
    return Outcome(number, "accepted")


def _told(error: BaseException) -> str:
    line = " ".join(str(error).split()).encode("utf-8", "backslashreplace").decode()
    return f"{type(error).__name__} in {_frame(error)}: {line[:200]}"


def _frame(error: BaseException) -> str:
    """The innermost frame of vlbench's own code, else the innermost of all."""
    frames = traceback.extract_tb(error.__traceback__)
    package = f"{CHECKOUT}/vlbench/"
    own = [frame for frame in frames if frame.filename.startswith(package)] or frames
    return f"{own[-1].filename.removeprefix(f'{CHECKOUT}/')}:{own[-1].name}" if own else "nowhere"


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise Late where the block takes longer."""

    def late(_: int, __: FrameType | None) -> None:
        raise Late

    before = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _most_memory() -> int:
    """The most bytes that this process held since `_forget_most_memory`, or ever where that is not told."""
    try:
        told = _STATUS.read_text()
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return int(told.partition("VmHWM:")[2].split()[0]) * 1024


def _forget_most_memory() -> None:
    with suppress(OSError):
        _STATUS.with_name("clear_refs").write_text("5")
