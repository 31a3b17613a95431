"""The text side of transformers' dual encoders: texts padded to one length, through one tower."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor, nn

from vlbench.core.contracts import Placement
from vlbench.core.damage import reading
from vlbench.core.errors import Unsupported, WeightsError
from vlbench.models.shared.causal_text import full_batches
from vlbench.models.shared.dual_encoder import unit_in_blocks
from vlbench.models.shared.precision import inference
from vlbench.models.shared.sentence_tokens import tokenised
from vlbench.models.shared.text_tower import PromptEncoder
from vlbench.models.transformers.files import Files
from vlbench.models.transformers.network import Network, first_line


@dataclass(frozen=True, slots=True)
class PaddedTokens:
    """Converts prompts to the stacked inputs of a text tower: [p, inputs, context].

    All are padded to one length, so a text's tokens depend on that text alone.
    """

    tokenizer: Any
    inputs: tuple[str, ...]
    context: int
    lower: bool

    def __call__(self, prompts: list[str]) -> Tensor:
        found = self.tokenizer(
            [prompt.lower() for prompt in prompts] if self.lower else prompts,
            padding="max_length",
            truncation=True,
            max_length=self.context,
            return_attention_mask=True,
            return_token_type_ids="token_type_ids" in self.inputs,
            return_tensors="pt",
        )
        return torch.stack([found[name] for name in self.inputs], dim=1)


@dataclass(frozen=True, slots=True)
class PaddedTower:
    """Unit features of sentences from a model of transformers; a SentenceTower of text_tower.py."""

    model: nn.Module
    tokenizer: PaddedTokens
    placement: Placement

    def features(self, sentences: Sequence[str], *, batch_size: int) -> Tensor:
        """Unit features [p, d] of sentences; all batches have the same shape."""
        encode = cast(Callable[..., Any], self.model.get_text_features)
        tokens = tokenised(self.tokenizer, sentences).to(self.placement.device)  # [p, inputs, context]
        found = []
        with inference(self.placement):
            for rows, count in full_batches(tokens, batch_size):
                named = dict(zip(self.tokenizer.inputs, rows.unbind(1), strict=True))
                found.append(encode(**named).pooler_output[:count].float())
        with inference(Placement(self.placement.device)):
            return unit_in_blocks(torch.cat(found))

    def counts(self, sentences: Sequence[str]) -> list[int]:
        """The numbers of tokens [p] of sentences before truncation."""
        read, lower = self.tokenizer.tokenizer, self.tokenizer.lower
        return [
            len(read(sentence.lower() if lower else sentence, verbose=False)["input_ids"])
            for sentence in sentences
        ]


def padded_texts(
    files: Files, config: Any, network: Network, *, context: int | None, placement: Placement
) -> tuple[PromptEncoder, str]:
    """The encoder for texts on a device, and a remark on its tokenizer, empty without one.

    Raises:
        WeightsError: transformers cannot read the tokenizer, or it belongs to another model.
        Unsupported: a package that it needs is not installed, or the context is longer than the tower's.
    """
    from transformers import AutoTokenizer

    wrong = "without a tokenizer that transformers reads"
    with reading(files.folder, wrong, error=WeightsError):
        try:
            tokenizer = AutoTokenizer.from_pretrained(
                files.folder, local_files_only=True, trust_remote_code=False
            )
        except ImportError as error:
            raise Unsupported(
                f"{files.folder}: its tokenizer cannot be read here ({first_line(error)})"
            ) from error
        stated = tokenizer.model_max_length
        if not isinstance(stated, int | float):
            raise TypeError(f"its model_max_length is {stated!r}")
    family = files.family
    table = int(config.text_config.max_position_embeddings)
    length = context or family.context or table
    if length > table:
        raise Unsupported(f"{files.folder}: a context of {length} tokens; its table of positions has {table}")
    rows = int(config.text_config.vocab_size)
    if tokenizer.vocab_size > rows:
        raise WeightsError(
            f"{files.folder}: its tokenizer has {tokenizer.vocab_size} tokens, its table of embeddings "
            f"{rows}; take the tokenizer that the model was trained with"
        )
    tokens = PaddedTokens(tokenizer, family.inputs, length, family.lower)
    return PromptEncoder(PaddedTower(network[0], tokens, placement)), told_of_length(tokens)


def told_of_length(tokens: PaddedTokens) -> str:
    """A remark where texts are read up to more tokens than their tokenizer states; empty where not."""
    stated = getattr(tokens.tokenizer, "model_max_length", tokens.context)
    if stated >= tokens.context:
        return ""
    return f"texts are read up to {tokens.context} tokens, where its tokenizer states {stated}"
