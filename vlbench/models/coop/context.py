"""Files of learned contexts: a safetensors file whose header states what the vectors belong to."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

from vlbench.core.contracts import Text
from vlbench.core.errors import DataError, WeightsError
from vlbench.core.files import write_atomically
from vlbench.core.json_text import parsed_json
from vlbench.models.shared.file_kind import check_kind
from vlbench.models.shared.safetensors_file import opened_safetensors

if TYPE_CHECKING:
    from torch import Tensor, nn

Position = Literal["end", "middle", "front"]
"""The position of the class name in the prompt: after, within or before the context."""

POSITIONS: tuple[Position, ...] = get_args(Position)
TENSOR = "ctx"
"""The name of the one tensor in a file, as the authors name it."""

_METADATA = "vlbench_coop"
_OTHER_TENSORS = ("logit_scale", "logit_bias")
"""The tensors of a CLIP that belong to neither tower."""


@dataclass(frozen=True, slots=True)
class ContextFacts:
    """What a learned context belongs to.

    `base` names the model; `backbone` is the digest of its text tower, empty if unknown. `classes` are the
    names and ids that it was learned on, in order; () if unknown. `trained` holds further facts: task, shots,
    seed, epochs, initial words, precision. `learned_from` are the digests of the training images
    (core/image.py); () if not recorded.
    """

    base: str
    backbone: str
    position: Position
    classes: tuple[Text, ...] = ()
    class_specific: bool = False
    trained: Mapping[str, str | int | float] = field(default_factory=dict)
    learned_from: tuple[str, ...] = ()


def read_facts(path: Path) -> ContextFacts:
    """The facts of a context file. Imports no torch.

    Raises:
        WeightsError: the file is missing, damaged or not a context file.
    """
    shape, metadata = _read_header(path)
    try:
        facts = _parsed(parsed_json(metadata[_METADATA]))
    except (DataError, KeyError, TypeError, ValueError) as error:
        reason = f"{error} is missing" if isinstance(error, KeyError) else error
        raise WeightsError(
            f"{path}: no facts of a context in its header ({reason}); write it anew with "
            "`vlbench fit coop` or `vlbench import coop`"
        ) from error
    rank = 3 if facts.class_specific else 2
    if len(shape) != rank:
        kind = "class-specific, [classes, tokens, width]" if facts.class_specific else "[tokens, width]"
        raise WeightsError(f"{path}: {TENSOR} has the shape {shape}, but its header says {kind}")
    if facts.class_specific and shape[0] != len(facts.classes):
        raise WeightsError(
            f"{path}: {TENSOR} has the shape {shape}, but its header names {len(facts.classes)} classes"
        )
    return facts


def read_vectors(path: Path) -> "Tensor":
    """The context vectors [n, d], or [c, n, d] if class-specific, in float32 on the CPU.

    Raises:
        WeightsError: the file is missing, damaged or not a context file, or contains NaN or infinity.
    """
    read_facts(path)
    with opened_safetensors(path, "pt") as file:
        vectors: Tensor = file.get_tensor(TENSOR)
    _check_finite(path, vectors)
    return vectors.float()


def write_context(path: Path, vectors: "Tensor", facts: ContextFacts) -> None:
    """Write context vectors [n, d] or [c, n, d] with their facts. Equal input gives equal bytes.

    Raises:
        WeightsError: the facts do not match the vectors, or the vectors contain NaN or infinity.
    """
    import torch
    from safetensors.torch import save

    rank = 3 if facts.class_specific else 2
    if vectors.ndim != rank or (facts.class_specific and len(vectors) != len(facts.classes)):
        raise WeightsError(
            f"{path}: vectors of the shape {tuple(vectors.shape)} do not fit "
            f"{len(facts.classes)} classes{' of their own' if facts.class_specific else ''}"
        )
    _check_finite(path, vectors)
    stated = {
        "base": facts.base,
        "backbone": facts.backbone,
        "position": facts.position,
        "classes": [{"name": each.name, "ids": dict(each.ids)} for each in facts.classes],
        "class_specific": facts.class_specific,
        "trained": dict(facts.trained),
        "learned_from": list(facts.learned_from),
    }
    # one entry: safetensors writes several in an order that changes from run to run
    metadata = {_METADATA: json.dumps(stated, ensure_ascii=False, sort_keys=True)}
    tensor = vectors.detach().to("cpu", torch.float32).contiguous()
    write_atomically(path, save({TENSOR: tensor}, metadata))


def backbone_digest(model: "nn.Module") -> str:
    """SHA-256 of the tensors of an open_clip model's text tower: names, shapes and values in float32."""
    from vlbench.models.shared.causal_text import text_module

    state = hashlib.sha256()
    for key, tensor in sorted(text_module(model).state_dict().items()):
        if key in _OTHER_TENSORS or key.startswith("visual."):
            continue
        state.update(f"{key} {tuple(tensor.shape)}\n".encode())
        state.update(tensor.detach().to("cpu").float().contiguous().numpy().data)
    return state.hexdigest()


def _check_finite(path: Path, vectors: "Tensor") -> None:
    if not vectors.isfinite().all():
        raise WeightsError(f"{path}: {TENSOR} holds NaN or infinity; learn it again at a lower rate")


def _read_header(path: Path) -> tuple[tuple[int, ...], Mapping[str, str]]:
    """The shape of the one tensor in a file, and the metadata."""
    if not path.is_file():
        raise WeightsError(
            f"{path}: no such file; a context file is written by `vlbench fit coop` or `vlbench import coop`"
        )
    check_kind(path)
    with opened_safetensors(path, "np") as file:
        names, metadata = set(file.keys()), file.metadata() or {}
        shape = tuple(file.get_slice(TENSOR).get_shape()) if TENSOR in names else None
    if others := sorted(names - {TENSOR}):
        raise WeightsError(
            f"{path}: unexpected tensors {', '.join(others[:5])}; a context file holds {TENSOR} alone"
        )
    if shape is None:
        raise WeightsError(f"{path}: lacks the tensor {TENSOR}; it is no file of a learned context")
    if 0 in shape:
        raise WeightsError(f"{path}: {TENSOR} has the shape {shape}, which is empty")
    return shape, metadata


def _parsed(stated: Mapping[str, object]) -> ContextFacts:
    """Facts from their JSON. Raises KeyError, TypeError or ValueError for other JSON."""
    position, classes, trained = stated["position"], stated["classes"], stated["trained"]
    if position not in POSITIONS:
        raise ValueError(f"position {position!r} is none of {', '.join(POSITIONS)}")
    if not isinstance(classes, list) or not isinstance(trained, dict):
        raise TypeError("its classes are no list")
    if not isinstance(stated["class_specific"], bool):
        raise TypeError("class_specific is neither true nor false")
    if not isinstance(stated["base"], str) or not isinstance(stated["backbone"], str):
        raise TypeError("base and backbone are no strings")
    learned_from = stated.get("learned_from", [])
    if not isinstance(learned_from, list) or not all(isinstance(each, str) for each in learned_from):
        raise TypeError("its learned_from is no list of digests")
    return ContextFacts(
        base=stated["base"],
        backbone=stated["backbone"],
        position=position,
        classes=tuple(Text(name=str(each["name"]), ids=dict(each["ids"])) for each in classes),
        class_specific=stated["class_specific"],
        trained=trained,
        learned_from=tuple(learned_from),
    )
