"""Long-CLIP: two tables of positions under masks, as the authors' text tower adds them."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from tiny_long_clip import CONTEXT, write_long
from torch import Tensor

from vlbench.cards.build import open_model
from vlbench.cards.catalogue import read_catalogue
from vlbench.cards.folders import FOLDERS, built_in_folder
from vlbench.core.contracts import Origin, Placement, Text
from vlbench.core.errors import CardError, WeightsError
from vlbench.models.clip.checkpoint import long_clip
from vlbench.models.clip.long_clip import KEPT, one_table
from vlbench.models.clip.network import filled_model
from vlbench.models.shared.dual_encoder import unit
from vlbench.models.shared.weights import Weights

TINY = built_in_folder() / FOLDERS["model"] / "tiny-clip"
SENTENCE = "a green triangle to the left of a large yellow star above a small grey ring "


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_long(tmp_path_factory.mktemp("long") / "m", TINY).parent


def authors_features(folder: Path, tokens: Tensor) -> Tensor:
    """Embeddings plus both tables, each under the authors' mask, through the rest of the tower."""
    from vlbench.models.shared.recipe import read_config_file

    config, _ = read_config_file(folder / "open_clip_config.json")
    state = load_file(folder / "open_clip_model.safetensors")
    model, _ = filled_model(config, folder / "open_clip_model.safetensors", ("positional_embedding_res",))
    mask1, mask2 = torch.zeros(CONTEXT, 1), torch.zeros(CONTEXT, 1)
    mask1[:20, :] = 1
    mask2[20:, :] = 1
    x = model.token_embedding(tokens)
    x = x + state["positional_embedding"] * mask1 + state["positional_embedding_res"] * mask2
    x = model.ln_final(model.transformer(x, attn_mask=model.attn_mask))
    features: Tensor = x[torch.arange(len(x)), tokens.argmax(dim=-1)] @ model.text_projection
    return features


def test_features_are_those_of_the_masks(folder: Path) -> None:
    model = long_clip(Origin("long", folder.parent), directory=folder.name).load(Placement())
    texts = [SENTENCE * times for times in (1, 2, 4)] + ["red circle"]
    tokens = model.text_encoder.tower.tokenizer(texts)  # type: ignore[attr-defined]
    assert tokens.shape == (4, CONTEXT)
    assert (tokens != 0).sum(dim=1).tolist()[1:3] == [34, CONTEXT]
    with torch.inference_mode():
        theirs = unit(authors_features(folder, tokens))
    mine = model.encode_texts([Text(text) for text in texts], batch_size=4)
    assert (mine - theirs).abs().max() < 1e-5


def test_what_stands_behind_the_context_is_cut(folder: Path) -> None:
    model = long_clip(Origin("long", folder.parent), directory=folder.name).load(Placement())
    cut, longer, other = (
        model.encode_texts([Text(text)], batch_size=1)
        for text in (SENTENCE * 4, SENTENCE * 4 + "seven", SENTENCE * 2 + "seven")
    )
    assert torch.equal(cut, longer)
    assert (cut - other).abs().max() > 1e-3


def test_the_first_twenty_rows_are_the_first_tables() -> None:
    tables = {"positional_embedding": torch.zeros(30, 2), "positional_embedding_res": torch.ones(30, 2)}
    joined = one_table(Weights(Path("w.pt"), {**tables, "logit_scale": torch.tensor(1.0)})).state
    assert joined.keys() == {"positional_embedding", "logit_scale"}
    assert joined["positional_embedding"].sum(dim=1).tolist() == [0.0] * KEPT + [2.0] * 10


def test_files_that_are_none_of_long_clips() -> None:
    table = torch.zeros(30, 2)
    with pytest.raises(WeightsError, match=r"w\.pt: lacks positional_embedding_res"):
        one_table(Weights(Path("w.pt"), {"positional_embedding": table}))
    with pytest.raises(WeightsError, match=r"\(30, 2\) and positional_embedding_res \(29, 2\)"):
        one_table(
            Weights(Path("w.pt"), {"positional_embedding": table, "positional_embedding_res": table[1:]})
        )


def test_settings_that_name_no_model() -> None:
    for settings in ({}, {"arch": "ViT-B-16"}, {"directory": "x", "arch": "ViT-B-16"}, {"directory": "x"}):
        with pytest.raises(CardError, match="m: "):
            long_clip(Origin("m"), **settings)


@pytest.mark.slow
def test_a_file_of_the_published_layout_loads_by_the_card(tmp_path: Path) -> None:
    """OpenAI's keys without attention masks, two tables of 248 rows, float16, as torch saves it."""
    from vlbench.models.clip.architectures import architecture_config
    from vlbench.models.clip.network import constructed

    with torch.device("meta"):
        layout = constructed(architecture_config("ViT-B-32-quickgelu")).state_dict()
    state = {key: torch.zeros(value.shape, dtype=torch.float16) for key, value in layout.items()}
    state["positional_embedding"] = torch.zeros(248, 512)
    state["positional_embedding_res"] = torch.ones(248, 512)
    torch.save(state, tmp_path / "longclip-B-32.pt")
    opened = open_model("long-clip-b32", read_catalogue(), weights=tmp_path / "longclip-B-32.pt").checkpoint
    model = opened.load(Placement())
    tower = model.text_encoder.tower  # type: ignore[attr-defined]
    assert tower.model.positional_embedding[:, 0].tolist() == [0.0] * 20 + [1.0] * 228
    assert tower.tokenizer(["a " * 300]).shape == (1, 248)
    assert model.info.parameters == pytest.approx(151.36e6, abs=5000)
