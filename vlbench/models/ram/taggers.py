"""RAM++, RAM and Tag2Text: image tokens, and logits of tags that ask them.

Attributes are named after the authors' keys (recognize-anything, ram/models). What a tag is known by
(`label_embed`) is no part of a network: it comes as the texts' features, of which a file holds a bank.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from vlbench.models.ram import swin
from vlbench.models.ram.sizes import TaggerSize
from vlbench.models.ram.tag_decoder import Memory, TagDecoder
from vlbench.models.shared.dual_encoder import products


class Tagger(nn.Module):
    """What the three share: tokens of an image, and a decoder that reads them."""

    def __init__(self, size: TaggerSize, memory_width: int) -> None:
        super().__init__()
        self.size = size
        self.feature_width = memory_width
        self.visual_encoder = swin.build(size)
        self.tagging_head = TagDecoder(size, memory_width)

    def encode(self, pixels: Tensor) -> Tensor:
        """Tokens [b, 1 + t, c] of normalised pixels [b, 3, h, w], the mean token first."""
        return swin.tokens(self.visual_encoder, pixels)

    def remember(self, tokens: Tensor) -> tuple[Memory, ...]:
        """What the decoder reads of tokens [b, t, c]; the same for every tag."""
        memory: tuple[Memory, ...] = self.tagging_head.remember(tokens)
        return memory

    def described(self, tokens: Tensor, texts: Tensor) -> Tensor:  # noqa: ARG002 - RAM++ reads the tokens
        """What some images take tags [n, ...] for: [b, n, e], or [1, n, e] where all take them alike."""
        return texts[None]

    def logits(self, described: Tensor, memory: tuple[Memory, ...]) -> Tensor:
        """Logits [b, n] of tags [b or 1, n, e]."""
        raise NotImplementedError

    def bank_shapes(self, tags: int) -> Mapping[str, tuple[int, ...]]:
        """Keys and shapes of what a file's own tags are known by, so many of them."""
        raise NotImplementedError

    def bank(self, state: Mapping[str, Tensor]) -> Tensor:
        """What a file's own tags are known by [n, ...], of tensors under those keys."""
        return state["label_embed"]


class Ram(Tagger):
    """RAM: a tag is a vector [512] of a CLIP text tower (Zhang et al. 2023, arXiv 2306.03514)."""

    def __init__(self, size: TaggerSize) -> None:
        super().__init__(size, size.token_width)
        self.image_proj = nn.Linear(size.width, size.token_width)
        self.wordvec_proj = nn.Linear(size.token_width, size.hidden)
        self.fc = nn.Linear(size.hidden, 1)

    def encode(self, pixels: Tensor) -> Tensor:
        tokens: Tensor = self.image_proj(super().encode(pixels))
        return tokens

    def logits(self, described: Tensor, memory: tuple[Memory, ...]) -> Tensor:
        query = torch.relu(self.wordvec_proj(described))  # [b, n, h]
        states = self.tagging_head(query, memory)
        # summed row by row: a matrix-vector product rounds a row by its place among others
        found: Tensor = (states * self.fc.weight[0]).sum(dim=-1) + self.fc.bias
        return found

    def bank_shapes(self, tags: int) -> Mapping[str, tuple[int, ...]]:
        return {"label_embed": (tags, self.size.token_width)}


class RamPlus(Ram):
    """RAM++: a tag is a set of descriptions that each image weighs (Huang et al. 2023, arXiv 2310.15200)."""

    def __init__(self, size: TaggerSize) -> None:
        super().__init__(size)
        self.reweight_scale = nn.Parameter(torch.empty(()))

    def described(self, tokens: Tensor, texts: Tensor) -> Tensor:
        """Means [b, n, 512] of descriptions [n, k, 512], weighed by their likeness to the mean token."""
        return weighed(self.description_weights(tokens, texts), texts)

    def description_weights(self, tokens: Tensor, texts: Tensor) -> Tensor:
        """Weights [b, n, k] that sum to 1: softmax of scaled products; rows of zeros are no description."""
        n, k, width = texts.shape
        image = normalize(tokens[:, 0], dim=-1)  # [b, 512]
        likeness = self.reweight_scale.exp() * products(image, texts.reshape(n * k, width))  # [b, n * k]
        absent = ~texts.any(dim=-1)  # [n, k]
        return likeness.reshape(-1, n, k).masked_fill(absent, -torch.inf).softmax(dim=-1)

    def bank_shapes(self, tags: int) -> Mapping[str, tuple[int, ...]]:
        return {"label_embed": (tags * self.size.descriptions, self.size.token_width)}

    def bank(self, state: Mapping[str, Tensor]) -> Tensor:
        """Descriptions [n, k, 512]."""
        return state["label_embed"].view(-1, self.size.descriptions, self.size.token_width)


class Tag2Text(Tagger):
    """Tag2Text: a tag has a query and output weights of its own (Huang et al. 2023, arXiv 2303.05657)."""

    def __init__(self, size: TaggerSize) -> None:
        super().__init__(size, size.width)

    def logits(self, described: Tensor, memory: tuple[Memory, ...]) -> Tensor:
        """Logits [b, n] of [1, n, 2 * hidden + 1]: a tag's query, its output weights and bias."""
        hidden = self.size.hidden
        query, weights, bias = torch.split(described, [hidden, hidden, 1], dim=-1)
        states = self.tagging_head(query, memory)  # [b, n, h]
        found: Tensor = (states * weights).sum(dim=-1) + bias.squeeze(-1)
        return found

    def bank_shapes(self, tags: int) -> Mapping[str, tuple[int, ...]]:
        hidden = self.size.hidden
        return {"label_embed.weight": (tags, hidden), "fc.W": (1, tags, hidden), "fc.b": (1, tags)}

    def bank(self, state: Mapping[str, Tensor]) -> Tensor:
        """Queries, output weights and biases [n, 2 * hidden + 1]."""
        return torch.cat([state["label_embed.weight"], state["fc.W"][0], state["fc.b"].T], dim=1)


def weighed(weights: Tensor, texts: Tensor) -> Tensor:
    """Sums [b, n, e] of descriptions [n, k, e] under weights [b, n, k], all images in one contraction."""
    return torch.bmm(weights.transpose(0, 1), texts).transpose(0, 1)
