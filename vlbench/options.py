"""The options of all commands and of the API: each is written here, once with its default and its help."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, MISSING, dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypedDict

from vlbench.core.errors import Unsupported, VlbenchError
from vlbench.core.files import default_cache
from vlbench.core.registry import METHODS
from vlbench.core.share import Share
from vlbench.engine.settings import FEATURE_BYTES, ExecutorName, RunSettings, resolve_devices

if TYPE_CHECKING:
    from vlbench.cards.data_request import DataRequest
    from vlbench.core.contracts import Precision, PreprocessMode
    from vlbench.core.method import Method


class Keywords(TypedDict, total=False):
    """The options as `evaluate` and the other functions take them: the fields of `Options`, by their names.

    None stands for the default. Paths may be strings. `data_root` may hold `TASK=DIR`, a task's own folder.
    """

    device: str
    executor: "ExecutorName | None"
    ray_address: str | None
    precision: "Precision"
    preprocess: "PreprocessMode"
    batch_size: int | None
    workers: int | None
    seed: int
    limit: int | None
    allow_subset: bool
    verify_data: bool
    feature_bytes: int
    descriptions: Path | str | None
    classnames: Path | str | None
    templates: Path | str | None
    thresholds: float | Path | str | None
    method: str | Sequence[str]
    allow_seen_images: bool
    data_root: Sequence[Path | str]
    task_roots: Mapping[str, Path | str]
    results: Path | str | None
    cache: Path | str | None
    include_path: Sequence[Path | str]
    weights: Path | str | None
    save_predictions: bool
    missing: bool
    share: str | None
    score_only: bool


@dataclass(frozen=True, slots=True)
class Flag:
    """How a command line states an option: its help, and what values it may have.

    `choices` are all words that it may be; `least` is its lowest number; `place` says that it is a path, and
    what of.
    """

    help: str
    _: KW_ONLY
    choices: Sequence[str] = ()
    least: int | None = None
    place: Literal["file", "folder", "existing folder"] | None = None
    metavar: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What a user chooses beside models and tasks; `Options.of` reads it from keywords or flags."""

    device: Annotated[
        str,
        Flag(
            "cuda:1 say; several for workers: cuda:0,1 or all, or cpu:N for N of them on the CPU.",
            metavar="auto|cpu|cuda:N|all ...",
        ),
    ] = "auto"
    executor: Annotated[
        "ExecutorName | None",
        Flag(
            "Where images are encoded: in this process, or by workers.  [default: ray for several devices]",
            choices=("local", "ray"),
        ),
    ] = None
    ray_address: Annotated[
        str | None,
        Flag("A Ray cluster's, where the workers are; auto is that of this node.", metavar="HOST:PORT"),
    ] = None
    precision: Annotated[
        "Precision",
        Flag(
            "Of the model's arithmetic; part of a result's model name unless fp32.",
            choices=("fp32", "bf16", "fp16"),
        ),
    ] = "fp32"
    preprocess: Annotated[
        "PreprocessMode",
        Flag(
            "exact is open_clip's to the bit; fast differs by at most 2 of 255.",
            choices=("exact", "fast"),
        ),
    ] = "exact"
    batch_size: Annotated[
        int | None,
        Flag("Images a batch; auto halves when the device runs out of memory.", least=1, metavar="N|auto"),
    ] = None
    workers: Annotated[
        int | None, Flag("Loader threads.  [default: 2 on a CPU, up to 16 beside a GPU]", least=0)
    ] = None
    seed: Annotated[int, Flag("Of everything drawn at random.")] = 0
    limit: Annotated[
        int | None,
        Flag(
            "Take N images (or items) spread over the data; the result is partial and in no leaderboard.",
            least=1,
        ),
    ] = None
    allow_subset: Annotated[
        bool, Flag("Run what data there are where the card expects more; the result is partial.")
    ] = False
    verify_data: Annotated[
        bool, Flag("Read the bytes of all data and weights, whatever the cache remembers.")
    ] = False
    feature_bytes: Annotated[
        int,
        Flag(
            "GB of image features that a task may store; above it scores are stored.  [default: 8]", least=0
        ),
    ] = FEATURE_BYTES
    descriptions: Annotated[
        Path | None,
        Flag("Sentences to describe the tags by in place of prompts: JSON {tag: [sentences]}.", place="file"),
    ] = None
    classnames: Annotated[
        Path | None,
        Flag(
            "Names in place of the task's: one a line in its own order, or a .tsv of names and ids.",
            place="file",
        ),
    ] = None
    templates: Annotated[
        Path | None,
        Flag("Templates in place of the task's: one a line, each with {} for the name.", place="file"),
    ] = None
    thresholds: Annotated[
        str | None, Flag("Of tags, in place of the model's own.", metavar="FILE|NUMBER")
    ] = None
    method: Annotated[
        tuple[str, ...],
        Flag(
            "What acts on the model's features or scores, a row each: zero-shot,ridge@4,best-f1.",
            metavar="NAME[@SHOTS][:SETTING=VALUE][,NAME]",
        ),
    ] = ("zero-shot",)
    allow_seen_images: Annotated[
        bool, Flag("Score test images that the model or its method learned from; the result says so.")
    ] = False
    data_root: Annotated[
        tuple[Path, ...],
        Flag(
            "Where data lie: a folder of data sets, or one task's own folder.",
            place="folder",
            metavar="DIR|TASK=DIR",
        ),
    ] = ()
    task_roots: Mapping[str, Path] = field(default_factory=dict)
    """A task's own folder, by the task's name; a flag has them as TASK=DIR."""
    results: Annotated[Path | None, Flag("Where JSON and CSVs are written.", place="folder")] = None
    cache: Annotated[
        Path,
        Flag("Where features and digests are kept.  [default: ~/.cache/vlbench]", place="folder"),
    ] = field(default_factory=default_cache)
    include_path: Annotated[
        tuple[Path, ...],
        Flag(
            "A folder with cards of your own (or its tasks/ and model_cards/); may be repeated.",
            place="existing folder",
        ),
    ] = ()
    weights: Annotated[
        Path | None,
        Flag("The model's weights from a file; its digest becomes part of the model's name.", place="file"),
    ] = None
    save_predictions: Annotated[bool, Flag("Write per-image predictions (parquet) beside the result.")] = (
        False
    )
    missing: Annotated[
        bool, Flag("Leave out what --results has of the same weights, method, protocol and data.")
    ] = False
    share: Annotated[
        Share | None,
        Flag("Encode this share of the images, 1/16 say, and score nothing.", metavar="NUMBER/COUNT"),
    ] = None
    score_only: Annotated[
        bool, Flag("Encode no image: where one is not stored, the shares that lack are named.")
    ] = False

    @classmethod
    def of(cls, keywords: Keywords) -> "Options":
        """Read keywords; what is left out or None has its default.

        Raises:
            VlbenchError: an option is unknown or out of range.

        >>> Options.of({"limit": 8, "data_root": ["pets=photos"]}).task_roots
        {'pets': PosixPath('photos')}
        """
        unknown = keywords.keys() - DEFAULTS.keys()
        if unknown:
            raise VlbenchError(f"unknown options {sorted(unknown)}; known: {sorted(DEFAULTS)}")
        read: dict[str, Any] = {
            name: _read(name, value) for name, value in keywords.items() if value is not None
        }
        if read.get("share") is not None and read.get("score_only"):
            raise VlbenchError("--share encodes and --score-only scores; give one of them")
        own = {task: Path(root) for task, root in read.pop("task_roots", {}).items()}
        roots: Sequence[Path] = read.pop("data_root", ())
        marked = {root: str(root).partition("=") for root in roots if "=" in str(root) and not root.exists()}
        own |= {task: Path(folder) for task, _, folder in marked.values()}
        return cls(data_root=tuple(root for root in roots if root not in marked), task_roots=own, **read)

    @property
    def methods(self) -> "tuple[Method, ...]":
        """The methods that are asked for.

        Raises:
            VlbenchError: one is unknown, or has no such setting.
        """
        from vlbench.cards.method import asked_methods  # and pydantic, which `vlbench list` does without

        return asked_methods(self.method)

    @property
    def settings(self) -> RunSettings:
        """How a run is done, on a device that is there.

        Raises:
            Unsupported: the device asked for is not there.
        """
        device, devices = resolve_devices(self.device, self.cache, self.executor, self.ray_address)
        workers = self.workers
        if workers is None:  # two beside a CPU's own work, up to sixteen for an accelerator
            workers = min(os.cpu_count() or 1, 2 if device == "cpu" else 16)
        said = []
        if self.device == "all" and device == "cpu" and devices != ("all",):
            said = ["no GPU is here, so --device all is the CPU"]
        if devices and devices[0].partition(":")[0] not in (device.partition(":")[0], "all"):
            said = [f"images are encoded on {devices[0]}, and texts and scores computed on {device}"]
        found = {
            "device": device,
            "devices": devices,
            "executor": "ray" if devices else "local",
            "workers": workers,
            "said": tuple(said),
        }
        return RunSettings(**{**self._shared_with(RunSettings), **found})

    def alone(self, what: str) -> RunSettings:
        """The settings of something that runs in this process alone.

        Raises:
            Unsupported: several devices are named, or one is not there.
        """
        if self.ray_address is not None or self.executor == "ray":
            raise Unsupported(f"{what} runs in this process; leave --executor and --ray-address out")
        found = replace(self, executor=None).settings
        if found.devices:
            raise Unsupported(f"{what} runs on one device, not on {self.device}; name one")
        return found

    @property
    def data(self) -> "DataRequest":
        """What is said about data and texts.

        Raises:
            VlbenchError: see `methods`.
        """
        from vlbench.cards.data_request import DataRequest

        return DataRequest(
            **self._shared_with(DataRequest),
            roots=self.data_root,
            roots_by_task=self.task_roots,
            verify=self.verify_data,
            splits=frozenset().union(*(each.learns_from for each in self.methods)),
        )

    def _shared_with(self, part: "type[RunSettings | DataRequest]") -> dict[str, Any]:
        return {each.name: getattr(self, each.name) for each in fields(part) if each.name in DEFAULTS}


DEFAULTS: Mapping[str, Any] = {
    each.name: None if each.default is MISSING else each.default for each in fields(Options)
}
"""The default of every option; None where it is made anew."""
FLAGS: Mapping[str, Flag] = {
    each.name: each.type.__metadata__[0] for each in fields(Options) if hasattr(each.type, "__metadata__")
}
"""The flags of the options."""


def _read(name: str, value: Any) -> Any:
    """A value as a user gives it, as the field holds it; VlbenchError where it is not one of the field's."""
    flag = FLAGS.get(name)
    if flag is None:
        return value
    if name == "batch_size" and isinstance(value, str):
        if value == "auto":
            return None
        if not value.isdecimal() or int(value) < 1:
            raise VlbenchError(f"--batch-size {value!r} is neither auto nor a number of 1 or more")
        value = int(value)
    if name == "share":
        return Share.of(value)
    if name == "thresholds":
        if str(value) in METHODS:
            raise VlbenchError(f"{value} is a method, which learns thresholds: pass --method {value}")
        return str(value)
    if flag.choices and value not in flag.choices:
        raise VlbenchError(f"{name} is {value!r}; give {' or '.join(flag.choices)}")
    if flag.least is not None and value < flag.least:
        raise VlbenchError(f"{name} is {value}; give {flag.least} or more")
    if isinstance(DEFAULTS[name], tuple):
        several = (value,) if isinstance(value, str | Path) else tuple(value)
        return tuple(map(Path, several)) if flag.place else several
    if name == "cache":
        return Path(value or default_cache()).expanduser()
    return Path(value) if flag.place else value
