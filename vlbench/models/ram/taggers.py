"""RAM++, RAM and Tag2Text: image tokens, and the logits of tags that attend to them.

Attributes have the names of the authors' keys (recognize-anything, ram/models). The features of a tag
(`label_embed`) are not part of a network: they are the text features, and a file has a bank of them.
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
    """The common base of the three: an encoder to image tokens, and a decoder that reads them."""

    def __init__(self, size: TaggerSize, memory_width: int) -> None:
        super().__init__()
        self.size = size
        self.feature_width = memory_width
        self.visual_encoder = swin.build(size)
        self.tagging_head = TagDecoder(size, memory_width)

    def encode(self, pixels: Tensor) -> Tensor:
        """Tokens [b, 1 + t, c] of normalised pixels [b, 3, h, w]; the mean token comes first."""
        return swin.tokens(self.visual_encoder, pixels)

    def remember(self, tokens: Tensor) -> tuple[Memory, ...]:
        """The keys and values of tokens [b, t, c] for the decoder, which are the same for every tag."""
        memory: tuple[Memory, ...] = self.tagging_head.remember(tokens)
        return memory

    def described(self, tokens: Tensor, texts: Tensor) -> Tensor:  # noqa: ARG002 - RAM++ reads the tokens
        """The embeddings of tags [n, ...] for some images: [b, n, e], or [1, n, e] if they do not depend on
        the image."""
        return texts[None]

    def logits(self, described: Tensor, memory: tuple[Memory, ...]) -> Tensor:
        """Logits [b, n] of tags [b or 1, n, e]."""
        raise NotImplementedError

    def bank_shapes(self, tags: int) -> Mapping[str, tuple[int, ...]]:
        """The keys and shapes of the bank of tag features in a file, for this number of tags."""
        raise NotImplementedError

    def bank(self, state: Mapping[str, Tensor]) -> Tensor:
        """The bank of tag features [n, ...], from the tensors with those keys."""
        return state["label_embed"]


class Ram(Tagger):
    """RAM: a tag is a vector [512] from a CLIP text tower (Zhang et al. 2023, arXiv 2306.03514)."""

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
    """RAM++: a tag is a set of descriptions, weighted by each image (Huang et al. 2023, arXiv 2310.15200)."""

    def __init__(self, size: TaggerSize) -> None:
        super().__init__(size)
        self.reweight_scale = nn.Parameter(torch.empty(()))

    def described(self, tokens: Tensor, texts: Tensor) -> Tensor:
        """Means [b, n, 512] of descriptions [n, k, 512], weighted by their similarity to the mean token."""
        return weighed(self.description_weights(tokens, texts), texts)

    def description_weights(self, tokens: Tensor, texts: Tensor) -> Tensor:
        """Weights [b, n, k] that sum to 1: a softmax of scaled products. Rows of zeros are padding."""
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
    """Tag2Text: a tag has its own query and output weights (Huang et al. 2023, arXiv 2303.05657)."""

    def __init__(self, size: TaggerSize) -> None:
        super().__init__(size, size.width)

    def logits(self, described: Tensor, memory: tuple[Memory, ...]) -> Tensor:
        """Logits [b, n] from [1, n, 2 * hidden + 1]: the query, output weights and bias of each tag."""
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
    """Weighted sums [b, n, e] of descriptions [n, k, e] with weights [b, n, k], for all images at once."""
    return torch.bmm(weights.transpose(0, 1), texts).transpose(0, 1)
