"""The tiny CLIP of the CoOp fixtures, in open_clip's folder layout."""

import json
from pathlib import Path

import pytest
from parity_weights import FIXTURES, layout, state_dict
from safetensors.torch import save_file

COOP = FIXTURES / "coop"


@pytest.fixture(scope="session")
def coop_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("coop")
    meta = layout(COOP / "tiny_clip.weights.json")["meta"]
    arch = meta["arch"]
    config = {
        "embed_dim": arch["embed_dim"],
        "quick_gelu": True,
        "vision_cfg": {
            "image_size": arch["image_resolution"],
            "layers": arch["vision_layers"],
            "width": arch["vision_width"],
            "patch_size": arch["vision_patch_size"],
            "head_width": arch["vision_width"] // meta["vision_heads"],
        },
        "text_cfg": {
            "context_length": arch["context_length"],
            "vocab_size": arch["vocab_size"],
            "width": arch["transformer_width"],
            "heads": arch["transformer_heads"],
            "layers": arch["transformer_layers"],
        },
    }
    content = {"model_cfg": config, "preprocess_cfg": {}}
    (folder / "open_clip_config.json").write_text(json.dumps(content))
    save_file(state_dict(COOP / "tiny_clip.weights.json"), folder / "open_clip_model.safetensors")
    return folder
