"""A tiny Long-CLIP: a CLIP's folder whose table of positions is stretched, and a second one beside it."""

import json
import shutil
from pathlib import Path

CONTEXT = 40


def write_long(folder: Path, base: Path) -> Path:
    """The folder of a CLIP with the key layout that the authors publish; its file of weights."""
    import torch
    from safetensors.torch import load_file, save_file
    from torch.nn.functional import interpolate

    folder.mkdir(parents=True)
    content = json.loads((base / "open_clip_config.json").read_text(encoding="utf-8"))
    content["model_cfg"]["text_cfg"]["context_length"] = CONTEXT
    (folder / "open_clip_config.json").write_text(json.dumps(content), encoding="utf-8")
    shutil.copy(base / "bpe_merges.txt.gz", folder)
    state = load_file(base / "open_clip_model.safetensors")
    table = state["positional_embedding"]
    stretched = interpolate(table.T[None], size=CONTEXT, mode="linear")[0].T.contiguous()
    noise = torch.randn(stretched.shape, generator=torch.Generator().manual_seed(0))
    state["positional_embedding"] = stretched
    state["positional_embedding_res"] = stretched + noise / 10
    path = folder / "open_clip_model.safetensors"
    save_file(state, path)
    return path
