"""The options of all commands and of the API: each one is defined here, with its default and its help."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypedDict

from vlbench.core.errors import UnknownName, Unsupported, VlbenchError
from vlbench.core.files import default_cache
from vlbench.core.limit import Limit
from vlbench.core.share import Share
from vlbench.engine.settings import FEATURE_BYTES, ExecutorName, RunSettings, resolve_devices
from vlbench.flag import Flag, field_value

if TYPE_CHECKING:
    from PIL.Image import Image
    from torch import Tensor

    from vlbench.cards.data_request import DataRequest
    from vlbench.core.contracts import Precision, PreprocessMode
    from vlbench.core.method import Method


class Keywords(TypedDict, total=False):
    """The options as keywords of `evaluate` and the other functions: the fields of `Options`, by name.

    None means the default. Paths may be strings. `data_root` may contain `TASK=DIR`, a folder for one task.
    `preprocess` may be a function, for a model object only.
    """

    device: str
    executor: "ExecutorName | None"
    ray_address: str | None
    precision: "Precision"
    preprocess: "PreprocessMode | Callable[[Image], Tensor]"
    batch_size: int | None
    workers: int | None
    seed: int
    limit: Limit | None
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
    fail_fast: bool
    share: str | None
    score_only: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What a user chooses besides models and tasks. `Options.of` makes it from keywords or flags."""

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
            "Precision of the model's arithmetic; part of the model's name in results unless fp32.",
            choices=("fp32", "bf16", "fp16"),
        ),
    ] = "fp32"
    preprocess: Annotated[
        "PreprocessMode",
        Flag(
            "exact equals open_clip's to the bit; fast differs by at most 2 of 255.",
            choices=("exact", "fast"),
        ),
    ] = "exact"
    batch_size: Annotated[
        int | None,
        Flag(
            "Images per batch; auto halves it when the device runs out of memory.", least=1, metavar="N|auto"
        ),
    ] = None
    workers: Annotated[
        int | None, Flag("Loader threads.  [default: 2 on a CPU, up to 16 with a GPU]", least=0)
    ] = None
    seed: Annotated[int, Flag("Seed for everything that is drawn at random.")] = 0
    limit: Annotated[
        Limit | None,
        Flag(
            "Use N images (or items) spread over the data, or 0.1 of them; the result is partial and in no "
            "leaderboard.",
            metavar="N|FRACTION",
        ),
    ] = None
    allow_subset: Annotated[
        bool, Flag("Run on the data that exist if the card expects more; the result is partial.")
    ] = False
    verify_data: Annotated[
        bool, Flag("Read the bytes of all data and weights instead of trusting the cache.")
    ] = False
    feature_bytes: Annotated[
        int,
        Flag(
            "GB of image features that a task may store; above it, scores are stored.  [default: 8]", least=0
        ),
    ] = FEATURE_BYTES
    descriptions: Annotated[
        Path | None,
        Flag("Sentences that replace the prompts of tags: JSON {tag: [sentences]}.", place="file"),
    ] = None
    classnames: Annotated[
        Path | None,
        Flag(
            "Names that replace the task's: one per line in its order, or a .tsv of names and ids.",
            place="file",
        ),
    ] = None
    templates: Annotated[
        Path | None,
        Flag("Templates that replace the task's: one per line, each with {} for the name.", place="file"),
    ] = None
    thresholds: Annotated[
        str | None, Flag("Thresholds of tags that replace the model's own.", metavar="FILE|NUMBER")
    ] = None
    method: Annotated[
        tuple[str, ...],
        Flag(
            "Methods that act on features or scores, one row each: zero-shot,ridge@4,best-f1.",
            metavar="NAME[@SHOTS][:SETTING=VALUE][,NAME]",
        ),
    ] = ("zero-shot",)
    allow_seen_images: Annotated[
        bool, Flag("Score test images that the model or its method learned from; the result counts them.")
    ] = False
    data_root: Annotated[
        tuple[Path, ...],
        Flag(
            "Where data are: a folder of data sets, or the folder of one task.",
            place="folder",
            metavar="DIR|TASK=DIR",
        ),
    ] = ()
    task_roots: Mapping[str, Path] = field(default_factory=dict)
    """The data folder of single tasks, by task name; as a flag, TASK=DIR."""
    results: Annotated[Path | None, Flag("Where JSON and CSVs are written.", place="folder")] = None
    cache: Annotated[
        Path,
        Flag("Where features and digests are kept.  [default: ~/.cache/vlbench]", place="folder"),
    ] = field(default_factory=default_cache)
    include_path: Annotated[
        tuple[Path, ...],
        Flag(
            "A folder with your own cards (or with tasks/ and model_cards/); may be repeated.",
            place="existing folder",
        ),
    ] = ()
    weights: Annotated[
        Path | None,
        Flag(
            "A file of weights, whose digest joins the model's name; or checkpoints, 'epoch_*.pt', by step.",
            place="file",
        ),
    ] = None
    save_predictions: Annotated[bool, Flag("Write per-image predictions (parquet) next to the result.")] = (
        False
    )
    missing: Annotated[
        bool, Flag("Skip what --results already has with the same weights, method, protocol and data.")
    ] = False
    fail_fast: Annotated[
        bool, Flag("Stop at the first model, task or pair that cannot run, instead of running the others.")
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
        """Read keywords. Options that are missing or None have their default.

        Raises:
            VlbenchError: an option is unknown or out of range.

        >>> Options.of({"limit": 8, "data_root": ["pets=photos"]}).task_roots
        {'pets': PosixPath('photos')}
        """
        for name in keywords.keys() - DEFAULTS.keys():
            raise UnknownName("option", name, DEFAULTS, advice="they are those of `vlbench run --help`")
        read: dict[str, Any] = {
            name: field_value(name, value, FLAGS[name], DEFAULTS[name]) if name in FLAGS else value
            for name, value in keywords.items()
            if value is not None
        }
        if read.get("share") is not None and read.get("score_only"):
            raise VlbenchError("--share encodes and --score-only scores; give one of them")
        own = read.pop("task_roots", {})
        if not isinstance(own, Mapping):
            raise VlbenchError(f"task_roots is {own!r}; give a mapping of tasks to folders")
        own = {task: Path(root).expanduser() for task, root in own.items()}
        roots: Sequence[Path] = read.pop("data_root", ())
        marked = {root: str(root).partition("=") for root in roots if "=" in str(root) and not root.exists()}
        own |= {task: Path(folder).expanduser() for task, _, folder in marked.values()}
        found = cls(data_root=tuple(root for root in roots if root not in marked), task_roots=own, **read)
        if found.results is not None and found.results.absolute() == found.cache.absolute():
            raise VlbenchError(f"results and cache are one folder, {found.results}; name two")
        return found

    @property
    def methods(self) -> "tuple[Method, ...]":
        """The methods that the user asks for.

        Raises:
            VlbenchError: one is unknown, or has no such setting.
        """
        from vlbench.cards.method import asked_methods  # and pydantic, which `vlbench list` does without

        return asked_methods(self.method)

    @property
    def settings(self) -> RunSettings:
        """The settings of a run, with the device resolved.

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
        """The options about data and texts.

        Raises:
            VlbenchError: as `methods`.
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
"""The default of every option; None where it is computed."""
FLAGS: Mapping[str, Flag] = {
    each.name: each.type.__metadata__[0] for each in fields(Options) if hasattr(each.type, "__metadata__")
}
"""The flags of the options."""
