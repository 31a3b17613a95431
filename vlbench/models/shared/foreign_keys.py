"""Recognises by tensor names which other model or program weights are from, to tell what to do with them."""

import re
from collections.abc import Iterable
from pathlib import Path

_PART = re.compile(r"-\d{5}-of-\d{5}\.")
_PLAIN = "these are not weights of this architecture (a card can list keys to leave out as `ignorable`)"
_KNOWN = (
    (
        re.compile(r"^logit_bias$"),
        "trained with SigLIP's loss: take an architecture, or an open_clip_config.json, with init_logit_bias",
    ),
    (
        re.compile(r"(?:^|[._])lora_|\.adapter_[AB]\.|hada_w"),
        "LoRA matrices are a change to weights and not weights: merge them into those they belong "
        "to, and save the whole",
    ),
    (
        re.compile(r"(?:^|\.)(?:ctx$|prompt_learner\.|meta_net\.|VPT|compound_prompt)"),
        "learned prompts: a context of CoOp's is read by `vlbench import coop`, those of its "
        "descendants are not read",
    ),
    (
        re.compile(r"^positional_embedding_res$"),
        "a file of Long-CLIP's: take a card of the adapter long_clip",
    ),
    (
        re.compile(r"\.alpha_(?:attn|dense)$"),
        "gated blocks of REACT's: take a card of the adapter react that states gated_layers",
    ),
    (
        re.compile(r"^(?:vision_model|text_model)\."),
        "weights of the package transformers: transformers:FOLDER reads them with their configuration",
    ),
    (re.compile(r"^visual\."), "weights of open_clip's layout: take open_clip:ARCHITECTURE with --weights"),
    (
        re.compile(r"^tagging_head\."),
        "weights of a tagger: take a card of the adapter ram, ram_plus or tag2text",
    ),
    (
        re.compile(r"SCB$|weight_format$|qweight$|qzeros$|quant_state|absmax$"),
        "quantised weights are not read: save them in float32 or float16",
    ),
)
"""Names that other programs use, and what to do with their files. The first match counts."""


def advice(path: Path, strange: Iterable[str], own: Iterable[str]) -> str:
    """What to do with a file whose tensors `strange` are not among the model's own names `own`."""
    if _PART.search(path.name):
        return "this is one part of weights in several files, which are not read; save them as one"
    names, known = list(strange), list(own)
    for pattern, what in _KNOWN:
        if any(map(pattern.search, names)) and not any(map(pattern.search, known)):
            return what
    return _PLAIN
