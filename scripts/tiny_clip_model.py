"""The network and the vocabulary of tiny-clip, and the folder open_clip reads them from."""

import gzip
import json
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path

import torch
from open_clip.model import CLIP
from open_clip.tokenizer import SimpleTokenizer, default_bpe
from safetensors.torch import save_file
from torch import Tensor

CONTEXT_LENGTH = 64
FIRST_MERGES = 300
MEAN, STD = 0.5, 0.25
MERGES_FILE = "bpe_merges.txt.gz"


def cut_merges(words: Iterable[str], path: Path) -> None:
    """Write the merges that these words use, and the first 300, in CLIP's order.

    A word that uses only kept merges is cut as CLIP's own tokenizer cuts it.
    """
    whole = SimpleTokenizer()
    used = {f"{a} {b}" for a, b in list(whole.bpe_ranks)[:FIRST_MERGES]}
    for word in sorted(set(words)):
        pieces = [*word[:-1], f"{word[-1]}</w>"]
        while len(pieces) > 1:
            pairs = list(pairwise(pieces))
            best = min(pairs, key=lambda pair: whole.bpe_ranks.get(pair, len(whole.bpe_ranks)))
            if best not in whole.bpe_ranks:
                break
            used.add(" ".join(best))
            at = pairs.index(best)
            pieces[at : at + 2] = ["".join(best)]
    lines = Path(default_bpe())
    with gzip.open(lines, "rt", encoding="utf-8") as file:
        header, *merges = file.read().split("\n")
    kept = [merge for merge in merges if merge in used]
    text = "\n".join([header, *kept])  # no newline at the end: open_clip would read it as a merge
    path.write_bytes(gzip.compress(text.encode(), mtime=0))


def read_tokenizer(path: Path) -> SimpleTokenizer:
    """open_clip's tokenizer over a file of merges."""
    return SimpleTokenizer(bpe_path=str(path), context_length=CONTEXT_LENGTH)


def configure(vocabulary: int) -> dict[str, object]:
    """The model's configuration in open_clip's words."""
    return {
        "embed_dim": 128,
        "vision_cfg": {"image_size": 64, "layers": [1, 1, 1, 1], "width": 12, "patch_size": None},
        "text_cfg": {
            "context_length": CONTEXT_LENGTH,
            "vocab_size": vocabulary,
            "width": 128,
            "heads": 4,
            "layers": 2,
        },
    }


def build_model(config: dict[str, object]) -> CLIP:
    """The network with fresh weights from torch's global seed."""
    return CLIP(**config)


def encode_texts(model: CLIP, tokens: Tensor, *, chunks: int = 1) -> Tensor:
    """Unit text features `[m, d]`, each chunk of the length-sorted tokens `[m, 64]` cut to its longest.

    Exact, because the text tower is causal and reads its answer at the end token.
    """
    lengths = tokens.argmax(dim=1) + 1
    order = lengths.argsort()
    parts = []
    for rows in order.chunk(chunks):
        longest = int(lengths[rows].max())
        cut = tokens[rows, :longest]
        x = model.token_embedding(cut) + model.positional_embedding[:longest]
        x = model.ln_final(model.transformer(x, attn_mask=model.attn_mask[:longest, :longest]))
        parts.append(x[torch.arange(len(cut)), lengths[rows] - 1])
    pooled = torch.cat(parts)[order.argsort()]
    return torch.nn.functional.normalize(pooled @ model.text_projection, dim=-1)


def encode_images(model: CLIP, pixels: Tensor) -> Tensor:
    """Unit image features `[b, d]` of uint8 pixels `[b, 64, 64, 3]`."""
    scaled = (pixels.permute(0, 3, 1, 2).float() / 255 - MEAN) / STD
    return torch.nn.functional.normalize(model.visual(scaled.contiguous()), dim=-1)


def tokenize(tokenizer: SimpleTokenizer, texts: Sequence[str]) -> Tensor:
    """Tokens `[m, 64]`.

    Raises:
        ValueError: a text is longer than the context.
    """
    tokens: Tensor = tokenizer(list(texts))
    if bool((tokens[:, -1] != 0).any()):
        raise ValueError(f"a text has {CONTEXT_LENGTH} tokens or more; lengthen the context")
    return tokens


def save(model: CLIP, config: dict[str, object], folder: Path) -> None:
    """Write the weights and the configuration as open_clip's local-dir layout has them."""
    state = {name: value.detach().contiguous() for name, value in model.state_dict().items()}
    weights = folder / "open_clip_model.safetensors"
    save_file(state, weights)
    weights.chmod(0o644)  # safetensors writes for the owner alone
    preprocess = {
        "size": [64, 64],
        "mode": "RGB",
        "mean": [MEAN] * 3,
        "std": [STD] * 3,
        "interpolation": "bicubic",
        "resize_mode": "shortest",
    }
    whole = {"model_cfg": config, "preprocess_cfg": preprocess}
    (folder / "open_clip_config.json").write_text(json.dumps(whole, indent=1) + "\n", encoding="utf-8")
