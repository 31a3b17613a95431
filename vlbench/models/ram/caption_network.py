"""Tag2Text's captioning half: an encoder by which tags read an image, and a text decoder; both have BERT's
layers.

Attributes have the names of the authors' keys (recognize-anything, ram/models/tag2text.py and bert.py). The
layers are those of transformers, without BERT's token types.
"""

from inspect import signature
from typing import Any

import torch
from torch import Tensor, nn
from transformers.models.bert.configuration_bert import BertConfig
from transformers.models.bert.modeling_bert import BertLMHeadModel, BertModel

from vlbench.models.ram.sizes import CaptionSize, TaggerSize

CACHE = "cache" if "cache" in signature(BertLMHeadModel.forward).parameters else "past_key_values"
"""The names of BERT's argument and result for the keys of earlier pieces; transformers 5.24 renamed both."""
HIDDEN_FROM_ATTENTION = -10000.0
"""The number that the authors add to the logit of a padded token."""


class CaptionNetwork(nn.Module):
    """A bidirectional tag encoder with cross-attention to image tokens, and a causal text decoder."""

    def __init__(self, size: TaggerSize, captions: CaptionSize) -> None:
        super().__init__()
        config = bert_config(size, captions)
        self.tag_encoder = BertModel(config, add_pooling_layer=False)
        self.text_decoder = BertLMHeadModel(config)
        for layer in self.tag_encoder.encoder.layer:
            attention = layer.crossattention.self
            attention.key = nn.Linear(size.width, size.hidden)
            attention.value = nn.Linear(size.width, size.hidden)

    def encode_tags(self, pieces: Tensor, present: Tensor, tokens: Tensor) -> Tensor:
        """States [b, l, h] of word pieces [b, l], which attend to tokens [b, t, c] and to the pieces that are
        `present`."""
        words = self.tag_encoder.embeddings(input_ids=pieces)
        mask = torch.where(present, 0.0, HIDDEN_FROM_ATTENTION).to(words.dtype)[:, None, None, :]
        states: Tensor = self.tag_encoder.encoder(
            words.contiguous(), attention_mask=mask, encoder_hidden_states=tokens
        ).last_hidden_state
        return states

    def steps(self, states: Tensor) -> "DecoderSteps":
        """The text decoder for states [b, k, h] of tags, called piece by piece."""
        return DecoderSteps(self.text_decoder, states)

    def computed(self, device: str) -> None:
        """Fill on a device what no file has: buffers, and token types of zeros."""
        for embeddings in (self.tag_encoder.embeddings, self.text_decoder.bert.embeddings):
            count = embeddings.position_embeddings.num_embeddings
            embeddings.position_ids = torch.arange(count, device=device)[None]
            embeddings.token_type_ids = torch.zeros(1, count, dtype=torch.long, device=device)
            types = embeddings.token_type_embeddings
            types.weight = nn.Parameter(torch.zeros(types.weight.shape, device=device), requires_grad=False)


class DecoderSteps:
    """A text decoder after one prompt, piece by piece: a Steps of caption_beams.py.

    The keys of the tags are the same for every beam of an image, so only the keys of the pieces follow the
    beams.
    """

    def __init__(self, decoder: BertLMHeadModel, states: Tensor) -> None:
        self._decoder = decoder
        self._states = states  # [b, k, h]
        self._cache: Any = None

    def first(self, prompt: Tensor) -> Tensor:
        """Logits [b, v] of the pieces after prompts [b, l], or after further pieces."""
        found = self._decoder(
            input_ids=prompt,
            encoder_hidden_states=self._states,
            **{CACHE: self._cache},
            use_cache=True,
            logits_to_keep=1,
        )
        self._cache = found[CACHE]
        last: Tensor = found.logits[:, -1]
        return last

    def following(self, pieces: Tensor, parents: Tensor) -> Tensor:
        """Logits [b * k, v] of the next pieces, after pieces [b * k] that extend the beams `parents` [b *
        k]."""
        beams = len(pieces) // len(self._states)
        if beams > 1:
            self._cache.batch_repeat_interleave(beams)
            self._states = self._states.repeat_interleave(beams, dim=0)
        else:
            self._cache.self_attention_cache.reorder_cache(parents)
        return self.first(pieces[:, None])


def bert_config(size: TaggerSize, captions: CaptionSize) -> Any:
    """BERT's configuration for layers with cross-attention (eps 1e-12, exact GELU, as published)."""
    return BertConfig(
        vocab_size=captions.vocabulary,
        hidden_size=size.hidden,
        num_hidden_layers=captions.layers,
        num_attention_heads=captions.heads,
        intermediate_size=size.intermediate,
        hidden_act="gelu",
        layer_norm_eps=1e-12,
        max_position_embeddings=captions.positions,
        type_vocab_size=1,
        pad_token_id=0,
        is_decoder=True,
        add_cross_attention=True,
        attn_implementation="eager",
    )
