"""Dual encoders of transformers built from their configuration and filled with a file's weights."""

import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn

from vlbench.adapters.checkpoint_layout import listed, within
from vlbench.adapters.dual_encoder import DualEncoder, Normalisation
from vlbench.adapters.foreign_keys import advice
from vlbench.adapters.hugging_face_files import Files
from vlbench.adapters.hugging_face_images import image_rule
from vlbench.adapters.hugging_face_texts import PaddedTokens, TransformersTexts
from vlbench.adapters.precision import check_placement
from vlbench.adapters.weight_values import check_values, in_float32, scale_of
from vlbench.adapters.weights import read_weights
from vlbench.core.contracts import ModelInfo, Placement, PreprocessMode, ScoreUnit
from vlbench.core.errors import Unsupported, WeightsError

_BUFFER = ".position_ids"
"""The end of keys that transformers passes over without a word: of old releases, no weights."""

_ANCHORS = ("logit_scale", "temperature")
"""Tensors one of which every dual encoder has, by which one is found among others."""


def load_dual_encoder(
    files: Files, *, name: str, placement: Placement, preprocess: PreprocessMode, context: int | None = None
) -> DualEncoder:
    """A checkpoint's model on a device, its parameters in float32.

    Raises:
        WeightsError: a file cannot be read, or a key is missing, unexpected or of another shape.
        Unsupported: the model type, the image processor or the tokenizer is none that runs here, or the
            device or precision is not there.
    """
    check_placement(placement)
    with _quiet():
        config = _config(files)
        rule = image_rule(_processor(files), name=name)
        _check_size(files, config, rule.size)
        tokens = _tokens(files, config, context)
        model, changes = _filled(config, files.weights)
    scale, bias = _scale_and_bias(model, files.weights)
    width = _width(config)
    info = ModelInfo(
        name=name,
        unit=ScoreUnit("cosine", scale, bias),
        image_size=rule.size,
        parameters=sum(parameter.numel() for parameter in model.parameters()),
        feature_shape=(width,),
        changes=(*files.changes, *_other_length(tokens), *changes),
    )
    model = model.to(placement.device)
    return DualEncoder(
        info=info,
        preprocess=rule.transform(preprocess),
        normalisation=Normalisation.on(placement.device, mean=rule.mean, std=rule.std),
        image_tower=_ImageTower(model),
        text_encoder=TransformersTexts(model, tokens, placement),
        placement=placement,
    )


@dataclass(frozen=True, slots=True)
class _ImageTower:
    """Features [b, d] of normalised pixels [b, 3, h, w]."""

    model: nn.Module

    def __call__(self, pixels: Tensor) -> Tensor:
        encode = cast(Callable[..., Any], self.model.get_image_features)
        return cast(Tensor, encode(pixel_values=pixels).pooler_output)


def _config(files: Files) -> Any:
    from transformers import AutoConfig

    assert files.family  # of a type that transformers itself has: no code of the repository is run
    try:
        return AutoConfig.from_pretrained(files.folder, local_files_only=True, trust_remote_code=False)
    except (OSError, ValueError, TypeError) as error:
        raise WeightsError(f"{files.folder}: no configuration of transformers ({_first(error)})") from error


def _check_size(files: Files, config: Any, size: tuple[int, int]) -> None:
    """Raise WeightsError where the image processor makes pixels that a tower of patches does not take."""
    stated = getattr(config.vision_config, "image_size", None)
    if hasattr(config.vision_config, "patch_size") and isinstance(stated, int) and size != (stated, stated):
        raise WeightsError(
            f"{files.folder}: its image processor makes {size[0]}x{size[1]} pixels, its image tower takes "
            f"{stated}x{stated}; take the preprocessor_config.json that the model was trained with"
        )


def _processor(files: Files) -> object:
    from transformers import AutoImageProcessor

    try:
        found: object = AutoImageProcessor.from_pretrained(
            files.folder, local_files_only=True, trust_remote_code=False
        )
    except (OSError, ValueError, TypeError) as error:
        raise WeightsError(f"{files.folder}: no image processor of transformers ({_first(error)})") from error
    return found


def _tokens(files: Files, config: Any, context: int | None) -> PaddedTokens:
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(
            files.folder, local_files_only=True, trust_remote_code=False
        )
    except ImportError as error:
        raise Unsupported(f"{files.folder}: its tokenizer cannot be read here ({_first(error)})") from error
    except (OSError, ValueError, TypeError) as error:
        raise WeightsError(f"{files.folder}: no tokenizer of transformers ({_first(error)})") from error
    family = files.family
    table = int(config.text_config.max_position_embeddings)
    length = context or family.context or table
    if length > table:
        raise Unsupported(f"{files.folder}: a context of {length} tokens; its table of positions has {table}")
    rows = int(config.text_config.vocab_size)
    if tokenizer.vocab_size > rows:
        raise WeightsError(
            f"{files.folder}: its tokenizer has {tokenizer.vocab_size} tokens, its table of "
            f"embeddings {rows}; take "
            "the tokenizer that the model was trained with"
        )
    return PaddedTokens(tokenizer, family.inputs, length, family.lower)


def _other_length(tokens: PaddedTokens) -> tuple[str, ...]:
    """What is to be said where a tokenizer's own files cut texts before the context ends."""
    stated = tokens.tokenizer.model_max_length
    if stated >= tokens.context:
        return ()
    return (f"texts are read up to {tokens.context} tokens, where its tokenizer states {stated}",)


def _filled(config: Any, path: Path) -> tuple[nn.Module, tuple[str, ...]]:
    """The model in evaluation mode on the CPU, filled under transformers' own names of older layouts.

    The second part says what was changed on the way.

    Raises:
        WeightsError: a key is missing, unexpected or of another shape; the first few are named.
    """
    from transformers import MODEL_MAPPING

    weights = in_float32(within(read_weights(path), _ANCHORS))
    model, told = MODEL_MAPPING[type(config)].from_pretrained(
        None,
        config=config,
        state_dict=dict(weights.state),
        output_loading_info=True,
        ignore_mismatched_sizes=True,
        dtype=torch.float32,
    )
    own = model.state_dict()
    unexpected = sorted(told["unexpected_keys"])
    problems = [
        listed(f"{text} {len(keys)} keys", keys)
        for text, keys in (
            ("lacks", sorted(told["missing_keys"])),
            ("has, unexpected,", unexpected),
            ("has, of another shape,", _keys(told["mismatched_keys"])),
        )
        if keys
    ]
    if problems or told["error_msgs"]:
        what = " and ".join([*problems, *told["error_msgs"]])
        raise WeightsError(f"{path}: {what}; {advice(path, unexpected, own)}")
    # what lies in the file under an older name is looked at as it was read
    found = weights.having({**own, **weights.state})
    check_values(found, [key for key, value in own.items() if value.is_floating_point()])
    others = [key for key in weights.state if key not in own]
    buffers = [key for key in others if key.endswith(_BUFFER)]
    older = [key for key in others if key not in buffers]
    said = [listed(f"{len(buffers)} buffers without weights not read", buffers)] if buffers else []
    said += [listed(f"{len(older)} tensors read under newer names", older)] if older else []
    return cast(nn.Module, model).eval().requires_grad_(requires_grad=False), (*weights.changes, *said)


def _keys(mismatched: Any) -> list[str]:
    return sorted(key if isinstance(key, str) else str(key[0]) for key in mismatched)


def _scale_and_bias(model: nn.Module, path: Path) -> tuple[float, float]:
    """What a cosine is multiplied with and what is added: exp(logit_scale), or 1 / temperature (ALIGN)."""
    parameters: Mapping[str, Tensor] = dict(model.named_parameters(recurse=False))
    bias = parameters.get("logit_bias")
    if "logit_scale" in parameters:
        scale = scale_of(path, parameters["logit_scale"])
    else:
        scale = float(1 / parameters["temperature"])
    return scale, 0.0 if bias is None else float(bias)


def _width(config: Any) -> int:
    """Dimensions of both towers' features: the projection's, or the image tower's where there is none."""
    return int(getattr(config, "projection_dim", None) or config.vision_config.hidden_size)


@contextmanager
def _quiet() -> Iterator[None]:
    """Without transformers' reports and progress bars: what is wrong is raised here."""
    from transformers.utils import logging

    verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity(logging.CRITICAL)
    logging.disable_progress_bar()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()


def _first(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)
