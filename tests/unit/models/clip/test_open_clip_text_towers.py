"""open_clip models whose text tower is of transformers, as BiomedCLIP's and NLLB-CLIP's are."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from tiny_transformers import LAYERS, tiny_tokenizer

from vlbench.core.contracts import Origin, Placement, Text
from vlbench.models.clip.checkpoint import local_dir
from vlbench.models.clip.network import constructed

TEXTS = ["a red dog", "two yellow circle of the house", "a red dog ."]


@pytest.mark.parametrize(
    ("kind", "pooler"), [("bert", "cls_last_hidden_state_pooler"), ("xlm-roberta", "mean_pooler")]
)
def test_features_are_those_of_open_clip(kind: str, pooler: str, tmp_path: Path) -> None:
    """A file of older transformers, which saved positions too, is read as open_clip reads it."""
    from transformers import AutoConfig

    tokenizer = tiny_tokenizer()
    tokenizer.save_pretrained(tmp_path)
    settings = {**LAYERS, "vocab_size": len(tokenizer), "max_position_embeddings": 64, "pad_token_id": 0}
    AutoConfig.for_model(kind, **settings).save_pretrained(tmp_path)
    config = {
        "embed_dim": 16,
        "custom_text": True,
        "vision_cfg": {"image_size": 32, "patch_size": 8, "width": 32, "layers": 1, "head_width": 16},
        "text_cfg": {
            "hf_model_name": str(tmp_path),
            "hf_tokenizer_name": str(tmp_path),
            "hf_proj_type": "mlp",
            "hf_pooler_type": pooler,
            "context_length": 24,
        },
    }
    torch.manual_seed(0)
    network = constructed(config).eval()
    state = {key: value.contiguous().clone() for key, value in network.state_dict().items()}
    state["text.transformer.embeddings.position_ids"] = torch.arange(64)[None]
    save_file(state, tmp_path / "open_clip_model.safetensors")
    (tmp_path / "open_clip_config.json").write_text(json.dumps({"model_cfg": config}), encoding="utf-8")
    model = local_dir(Origin("m"), reference=str(tmp_path)).load(Placement())
    tokens = model.text_encoder.tower.tokenizer(TEXTS)  # type: ignore[attr-defined]
    assert tokens.shape == (3, 24)
    with torch.inference_mode():
        theirs = network.encode_text(tokens, normalize=True)
    mine = model.encode_texts([Text(text) for text in TEXTS], batch_size=2)
    assert (mine - theirs).abs().max() < 1e-6
    assert (mine[0] - mine[1]).abs().max() > 1e-3
