"""The text side of transformers' dual encoders: texts padded to one length, through one tower."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor, nn

from vlbench.core.contracts import Placement, Text
from vlbench.core.errors import Unsupported, WeightsError
from vlbench.models.shared.dual_encoder import unit_in_blocks
from vlbench.models.shared.precision import inference
from vlbench.models.shared.sentence_tokens import digests, longest, may_be_long, tokenised
from vlbench.models.shared.text_tower import mean_features, sentences_of
from vlbench.models.transformers.files import Files
from vlbench.models.transformers.network import Network, first_line


@dataclass(frozen=True, slots=True)
class PaddedTokens:
    """Turns prompts into the inputs of a text tower, stacked: [p, inputs, context].

    All are padded to one length, so that a text's tokens depend on that text alone.
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

    def too_long(self, prompts: Iterable[str]) -> list[str]:
        """Those of some prompts that have more tokens than the context."""
        long = may_be_long(prompts, self.context)
        return [prompt for prompt, count in zip(long, self.counts(long), strict=True) if count > self.context]

    def counts(self, prompts: Sequence[str]) -> list[int]:
        """Tokens [p] of prompts before any is cut."""
        return [
            len(self.tokenizer(prompt.lower() if self.lower else prompt, verbose=False)["input_ids"])
            for prompt in prompts
        ]


@dataclass(frozen=True, slots=True)
class TransformersTexts:
    """A TextEncoder of dual_encoder.py: the rule of PromptEncoder, by a model of transformers."""

    model: nn.Module
    tokenizer: PaddedTokens
    placement: Placement

    def __call__(self, texts: Sequence[Text], *, batch_size: int) -> Tensor:
        return mean_features(
            texts,
            lambda prompts: self._features(tokenised(self.tokenizer, prompts), batch_size),
            self.placement.device,
        )

    def cut(self, texts: Sequence[Text]) -> Sequence[str]:
        """The sentences of texts that are longer than the context."""
        return self.tokenizer.too_long(each for text in texts for each in sentences_of(text))

    def token_counts(self, texts: Sequence[Text]) -> Sequence[int]:
        """Tokens [m] of each text's longest sentence before it is cut."""
        return longest(self.tokenizer.counts, [sentences_of(text) for text in texts])

    def token_digests(self, texts: Sequence[Text]) -> Sequence[str]:
        """Digests [m] of the tokens that are read of each text's sentences."""
        return digests(self.tokenizer, [sentences_of(text) for text in texts])

    def _features(self, tokens: Tensor, batch_size: int) -> Tensor:
        """Unit features [p, d] of [p, inputs, context]; every batch has one shape."""
        with inference(self.placement):
            batches = torch.split(tokens.to(self.placement.device), batch_size)
            found = torch.cat([self._filled(rows, batch_size) for rows in batches])
        with inference(Placement(self.placement.device)):
            return unit_in_blocks(found)

    def _filled(self, tokens: Tensor, size: int) -> Tensor:
        missing = tokens[:1].expand(size - len(tokens), -1, -1)
        rows = torch.cat([tokens, missing])
        named = dict(zip(self.tokenizer.inputs, rows.unbind(1), strict=True))
        encode = cast(Callable[..., Any], self.model.get_text_features)
        return cast(Tensor, encode(**named).pooler_output)[: len(tokens)].float()


def padded_texts(
    files: Files, config: Any, network: Network, *, context: int | None, placement: Placement
) -> tuple[TransformersTexts, str]:
    """What encodes texts on a device, and what is to be said of its tokenizer, if anything.

    Raises:
        WeightsError: there is no tokenizer that transformers reads, or it belongs to another model.
        Unsupported: a package that it needs is not here, or a context is longer than the tower's.
    """
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(
            files.folder, local_files_only=True, trust_remote_code=False
        )
    except ImportError as error:
        raise Unsupported(
            f"{files.folder}: its tokenizer cannot be read here ({first_line(error)})"
        ) from error
    except (OSError, ValueError, TypeError) as error:
        raise WeightsError(f"{files.folder}: no tokenizer of transformers ({first_line(error)})") from error
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
    tokens = PaddedTokens(tokenizer, family.inputs, length, family.lower)
    stated = tokenizer.model_max_length
    told = (
        f"texts are read up to {length} tokens, where its tokenizer states {stated}"
        if stated < length
        else ""
    )
    return TransformersTexts(network[0], tokens, placement), told
