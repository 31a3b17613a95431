"""Output directories of a CoOp training by Dassl: read without running code, and checked against a base."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import torch
from torch import Tensor

from vlbench.core.contracts import Precision, Text
from vlbench.core.errors import WeightsError
from vlbench.core.text_file import read_text
from vlbench.models.coop.context import POSITIONS, TENSOR, Position
from vlbench.models.coop.prompts import plain_prompts
from vlbench.models.shared.causal_text import token_table
from vlbench.models.shared.sentence_tokens import tokenised
from vlbench.models.shared.text_tower import TextTower
from vlbench.models.shared.weight_files import read_pickle
from vlbench.models.shared.weights import listed

_FOLDER = "prompt_learner"
_BEST = "model-best.pth.tar"
_NEWEST = "checkpoint"
"""The text file that names the last written file (dassl/utils/torchtools.py, save_checkpoint)."""

_NUMBERED = "model.pth.tar-"
_PREFIXES = ("module.", "_orig_mod.", "prompt_learner.")
"""Prefixes of names from parallel training, torch.compile and a state dict of the whole model."""

_BESIDE = ("token_prefix", "token_suffix")
"""The embeddings of the words around a context, which are the base's and not learned."""

_PRECISIONS: Mapping[torch.dtype, Precision] = {
    torch.float16: "fp16",
    torch.bfloat16: "bf16",
    torch.float32: "fp32",
}
_Allowed = Callable[..., object] | tuple[Callable[..., object], str]
"""An entry of torch's safe globals: the replacement for a name, and the name."""

_INERT_NAMES = (
    *(f"torch.optim.{name}" for name in ("sgd.SGD", "adam.Adam", "adamw.AdamW", "rmsprop.RMSprop")),
    *(
        f"torch.optim.lr_scheduler.{name}"
        for name in ("CosineAnnealingLR", "StepLR", "MultiStepLR", "LRScheduler", "_LRScheduler")
    ),
    *(
        f"dassl.optim.lr_scheduler.{name}"
        for name in ("_BaseWarmupScheduler", "ConstantWarmupScheduler", "LinearWarmupScheduler")
    ),
    "dassl.optim.radam.RAdam",
)
"""The optimisers and schedulers that Dassl offers (dassl/optim); its files contain such objects."""


_TOLERANCE = 0.01
"""The tolerance relative to the largest value. float16 rounds by a twentieth of it; words of another model
differ by all of it."""


@dataclass(frozen=True, slots=True, eq=False)
class DasslContext:
    """A context from Dassl: `vectors` [n, d] or [c, n, d] in float32, and the precision it was saved in.

    `epochs` is the number of training epochs; None if the file does not state it. `prefix` [c, 1, d] and
    `suffix` [c, t, d] are the embeddings of the words before and after it, one row per prompt; None if they
    are missing or zero.
    """

    vectors: Tensor
    precision: Precision
    epochs: int | None
    prefix: Tensor | None = None
    suffix: Tensor | None = None


@dataclass(frozen=True, slots=True)
class DirectoryFacts:
    """The facts about a training in the name of its output directory; None where it states nothing."""

    position: Position | None = None
    shots: int | None = None
    seed: int | None = None


class _Inert:
    """The replacement for a pickled optimiser or scheduler: accepts any arguments and state, keeps none."""

    def __new__(cls, *_: object) -> "_Inert":
        return super().__new__(cls)

    def __init__(self, *_: object) -> None:
        """Ignore the arguments that the pickle gives."""

    def __setstate__(self, state: object) -> None:
        """Ignore the state that the pickle gives."""


def _plain_dict(*_: object) -> dict[object, object]:
    """The replacement for a defaultdict, since weights_only only fills plain dictionaries."""
    return {}


def read_dassl(path: Path) -> DasslContext:
    """Read the context in a file from Dassl, without its optimiser and scheduler.

    Raises:
        WeightsError: the file is damaged, has no context or several, or would run code.
    """
    stand_ins: list[_Allowed] = [(_Inert, name) for name in _INERT_NAMES]
    stand_ins += [(_plain_dict, "collections.defaultdict"), (dict, "builtins.dict")]
    with torch.serialization.safe_globals(stand_ins):
        content = read_pickle(path)
    state = content.get("state_dict") if isinstance(content, Mapping) else None
    if not isinstance(content, Mapping) or not isinstance(state, Mapping):
        raise WeightsError(f"{path}: holds no state_dict; name a file of a prompt_learner folder")
    found = {_short(str(key)): value for key, value in state.items()}
    vectors = found.get(TENSOR)
    if not isinstance(vectors, Tensor):
        raise WeightsError(
            f"{path}: lacks the tensor {TENSOR}, holds {', '.join(sorted(found)[:5]) or 'nothing'}; it is no "
            "context of CoOp's"
        )
    if vectors.ndim not in (2, 3) or vectors.dtype not in _PRECISIONS:
        raise WeightsError(
            f"{path}: {TENSOR} is {vectors.dtype} {tuple(vectors.shape)}; a context is [tokens, width] or "
            "[classes, tokens, width]"
        )
    others = sorted(found.keys() - {TENSOR, *_BESIDE})
    if others or len(found) != len(state):
        left = listed(f"learned beside {TENSOR}", others or [str(key) for key in state])
        raise WeightsError(
            f"{path}: {left}; this is no context of CoOp's alone but of a method that followed it (CoCoOp, "
            "MaPLe and others), which is not read: without the rest its numbers would be another model's"
        )
    epochs = content.get("epoch")
    return DasslContext(
        vectors.detach().float(),
        _PRECISIONS[vectors.dtype],
        epochs if isinstance(epochs, int) else None,
        *(_stated(found.get(name)) for name in _BESIDE),
    )


def _short(key: str) -> str:
    while key.startswith(_PREFIXES):
        key = key.partition(".")[2]
    return key


def _stated(tokens: object) -> Tensor | None:
    """Embeddings in float32; None for anything else and for zeros."""
    if not isinstance(tokens, Tensor) or tokens.ndim != 3 or not tokens.any():
        return None
    return tokens.detach().float()


def dassl_file(directory: Path, *, epoch: int | None = None) -> Path:
    """The file in an output or prompt_learner directory: that of `epoch`, else the best, newest or last one.

    Raises:
        WeightsError: there is none, or there are other models next to it.
    """
    folder = directory / _FOLDER if (directory / _FOLDER).is_dir() else directory
    if not folder.is_dir():
        raise WeightsError(f"{folder}: no such directory; name Dassl's output directory")
    _check_alone(folder)
    numbers = sorted(
        int(found[1])
        for path in folder.iterdir()
        if (found := re.fullmatch(rf"{re.escape(_NUMBERED)}(\d+)", path.name))
    )
    if epoch is not None:
        if epoch not in numbers:
            known = ", ".join(map(str, numbers)) or "none"
            raise WeightsError(f"{folder}: holds no {_NUMBERED}{epoch}; epochs there: {known}")
        return folder / f"{_NUMBERED}{epoch}"
    newest = folder / _NEWEST
    named = read_text(newest, WeightsError).strip() if newest.is_file() else ""
    for name in (_BEST, Path(named).name):
        if name and (folder / name).is_file():
            return folder / name
    if not numbers:
        raise WeightsError(f"{folder}: holds neither {_BEST} nor {_NUMBERED}N; name Dassl's output directory")
    return folder / f"{_NUMBERED}{numbers[-1]}"


def _check_alone(folder: Path) -> None:
    """Raise WeightsError if a training saved other models next to its prompt_learner, each in a folder."""
    if folder.name != _FOLDER:
        return
    others = sorted(
        path.name for path in folder.parent.iterdir() if path != folder and any(path.glob("model*.pth.tar*"))
    )
    if others:
        raise WeightsError(
            f"{folder.parent}: {listed(f'other models were trained beside {_FOLDER}', others)}; a context of "
            "CoOp's alone is read, and without them its numbers would be another model's"
        )


def directory_facts(directory: Path) -> DirectoryFacts:
    """Parse what CoOp's scripts write into the name of an output directory.

    >>> directory_facts(Path("output/pets/CoOp/vit_b16_16shots/nctx16_cscFalse_ctpmiddle/seed3"))
    DirectoryFacts(position='middle', shots=16, seed=3)
    """
    name = directory.resolve().as_posix()
    position = re.search(rf"_ctp({'|'.join(POSITIONS)})(?:/|$)", name)
    shots, seed = re.search(r"_(\d+)shots(?:/|$)", name), re.search(r"/seed(\d+)(?:/|$)", name)
    return DirectoryFacts(
        position=cast(Position, position[1]) if position else None,
        shots=int(shots[1]) if shots else None,
        seed=int(seed[1]) if seed else None,
    )


def check_words(
    found: DasslContext, tower: TextTower, classes: Sequence[Text], *, path: Path, base: str
) -> tuple[str, ...]:
    """Check the words around a context against its base, and the words of its prompts against class names.

    Returns remarks on names that differ from those of the training.

    Raises:
        WeightsError: it was learned on another base, in another order of classes, or with several contexts
            per class.
    """
    table = token_table(tower.model)
    if found.prefix is not None:
        begin = table[tower.tokenizer([""])[0, 0]]
        if not _alike(found.prefix, begin.expand_as(found.prefix)):
            raise WeightsError(
                f"{path}: token_prefix is not how prompts of {base} begin; it was learned on another model, "
                "name that as --base"
            )
    specific = found.vectors.ndim == 3
    prompts = next((len(each) for each in (found.prefix, found.suffix) if each is not None), None)
    if specific and prompts not in (None, len(found.vectors)):
        raise WeightsError(
            f"{path}: ctx holds {len(found.vectors)} contexts and there are {prompts} prompts; several "
            "contexts a class (as PLOT has them) are not read"
        )
    if found.suffix is None or not classes:
        return ()
    if len(found.suffix) != len(classes):
        return (f"learned on {len(found.suffix)} classes, {len(classes)} are named",)
    return _other_names(found, found.suffix, tower, classes, path)


def _other_names(
    found: DasslContext, suffix: Tensor, tower: TextTower, classes: Sequence[Text], path: Path
) -> tuple[str, ...]:
    """The differences between the names and the words of the training prompts."""
    count = found.vectors.shape[-2]
    prompts = plain_prompts([each.name for each in classes], count)
    tokens = tokenised(tower.tokenizer, prompts)[:, 1 + count :]
    length = min(tokens.shape[1], suffix.shape[1])
    table = token_table(tower.model)
    words = [table[row[:length]] for row in tokens]  # c times [t, d]
    wrong = [place for place, row in enumerate(words) if not _alike(suffix[place, :length], row)]
    moved = [
        f"{classes[place].name!r} stands where {classes[other].name!r} was learned"
        for place in wrong
        for other, row in enumerate(words)
        if _alike(suffix[place, :length], row)
    ]
    if moved and found.vectors.ndim == 3:
        raise WeightsError(
            f"{path}: {listed('classes in another order', moved)}; name them as they were trained"
        )
    names = [classes[place].name for place in wrong]
    return (listed("other words in training for", names),) if names else ()


def _alike(one: Tensor, other: Tensor) -> bool:
    """Whether two tensors are equal up to half precision."""
    return bool(torch.allclose(one, other, rtol=0, atol=_TOLERANCE * float(other.abs().max())))
