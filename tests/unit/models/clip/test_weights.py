"""Weights brought into open_clip models: what is moved, resampled or not read is said, or refused."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from tiny_transformers import tiny_tokenizer
from torch import Tensor

from vlbench.cards.folders import FOLDERS, built_in_folder
from vlbench.core.contracts import Origin, Placement, Text
from vlbench.core.errors import WeightsError
from vlbench.models.clip.checkpoint import ClipCheckpoint, clip, local_dir, open_clip
from vlbench.models.clip.network import constructed, filled_model
from vlbench.models.shared.recipe import CONFIG_FILE

TINY = built_in_folder() / FOLDERS["model"] / "tiny-clip"
WEIGHTS = "open_clip_model.safetensors"
TOWER = ("text_projection", "positional_embedding", "token_embedding", "transformer", "ln_final")
VIT = {
    "embed_dim": 16,
    "vision_cfg": {"image_size": 32, "layers": 2, "width": 32, "head_width": 16, "patch_size": 8},
    "text_cfg": {"context_length": 16, "vocab_size": 100, "width": 32, "heads": 2, "layers": 2},
}


@pytest.fixture(scope="module")
def state() -> dict[str, Tensor]:
    return load_file(TINY / WEIGHTS)


def opened(weights: Path | None = None) -> ClipCheckpoint:
    return clip(Origin("tiny-clip", TINY.parent, weights), directory="tiny-clip")


def saved(tmp_path: Path, state: dict[str, Tensor], name: str = "w.safetensors") -> Path:
    save_file(state, tmp_path / name)
    return tmp_path / name


def words(checkpoint: ClipCheckpoint) -> Tensor:
    texts = [Text("a red circle"), Text("a blue square above a large yellow star")]
    with torch.inference_mode():
        return checkpoint.load(Placement()).encode_texts(texts, batch_size=2)


def test_a_text_tower_under_its_custom_name_is_the_same_tower(
    tmp_path: Path, state: dict[str, Tensor]
) -> None:
    moved = {f"text.{key}" if key.startswith(TOWER) else key: value for key, value in state.items()}
    checkpoint = opened(saved(tmp_path, moved))
    assert torch.equal(words(checkpoint), words(opened()))
    (said,) = checkpoint.load(Placement()).info.changes
    assert (
        said == f"text tower read from under 'text.' (custom text): {len(moved.keys() - state.keys())} keys"
    )


def test_two_text_towers_are_refused(tmp_path: Path, state: dict[str, Tensor]) -> None:
    both = {
        **state,
        **{f"text.{key}": value.clone() for key, value in state.items() if key.startswith(TOWER)},
    }
    with pytest.raises(WeightsError, match="holds two text towers"):
        opened(saved(tmp_path, both)).load(Placement())


def longer(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """The 64 positions that are used, and 40 behind them."""
    table = state["positional_embedding"]
    return {**state, "positional_embedding": torch.cat([table, table[-1:].repeat(40, 1)])}


def test_more_text_positions_than_the_context_are_refused_with_its_length(
    tmp_path: Path, state: dict[str, Tensor]
) -> None:
    path = saved(tmp_path, longer(state))
    with pytest.raises(
        WeightsError, match=r"has 104 positions, this architecture reads 64.*context_length: 104"
    ):
        opened(path).load(Placement())


def test_the_context_length_that_the_refusal_names_gives_the_old_features(
    tmp_path: Path, state: dict[str, Tensor]
) -> None:
    folder = shutil.copytree(TINY, tmp_path / "m")
    config = json.loads((folder / CONFIG_FILE).read_text())
    config["model_cfg"]["text_cfg"]["context_length"] = 104
    (folder / CONFIG_FILE).write_text(json.dumps(config))
    save_file(longer(state), folder / WEIGHTS)
    assert (words(local_dir(Origin("m"), reference=str(folder))) - words(opened())).abs().max() < 1e-6


def test_fewer_text_positions_are_interpolated_and_said(tmp_path: Path, state: dict[str, Tensor]) -> None:
    short = {**state, "positional_embedding": state["positional_embedding"][:32].clone()}
    assert opened(saved(tmp_path, short)).load(Placement()).info.changes == (
        "positional_embedding interpolated from 32 to 64 positions (the file's context_length is 32)",
    )


def vit(**vision: int) -> dict[str, object]:
    return {**VIT, "vision_cfg": {**VIT["vision_cfg"], **vision}}  # type: ignore[dict-item]


def vit_state() -> dict[str, Tensor]:
    torch.manual_seed(0)
    return {key: value.contiguous() for key, value in constructed(vit()).state_dict().items()}


def test_image_positions_are_interpolated_and_said(tmp_path: Path) -> None:
    _, said = filled_model(vit(image_size=48), saved(tmp_path, vit_state()))
    assert said == ("visual.positional_embedding interpolated from 4x4 to 6x6 positions",)


def test_a_bias_taken_as_zero_is_said(tmp_path: Path) -> None:
    _, said = filled_model({**vit(), "init_logit_bias": -10}, saved(tmp_path, vit_state()))
    assert said == ("logit_bias is not in the file and taken as 0",)


def test_what_is_not_read_is_counted(tmp_path: Path) -> None:
    more = {
        "input_resolution": torch.tensor(32),
        "transformer.position_ids": torch.arange(3),
        "decoder.a": torch.ones(1),
        "decoder.b": torch.ones(1),
    }
    _, said = filled_model(vit(), saved(tmp_path, {**vit_state(), **more}), ["decoder.*"])
    assert said == (
        "2 buffers without weights not read: input_resolution, transformer.position_ids",
        "2 tensors not read, as the card says: decoder.a, decoder.b",
    )


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("visual.transformer.resblocks.0.attn.lora_A", "LoRA matrices are a change to weights"),
        ("logit_bias", "trained with SigLIP's loss: .*init_logit_bias"),
        ("positional_embedding_res", "a file of Long-CLIP's"),
        ("visual.transformer.gated_resblocks.1.alpha_attn", "gated blocks of REACT's"),
        ("prompt_learner.ctx", "learned prompts: .*import coop"),
        ("text_projection.weight_format", "quantised weights are not read"),
        ("decoder.weight", "not weights of this architecture"),
    ],
)
def test_a_refusal_says_what_the_names_tell(tmp_path: Path, name: str, what: str) -> None:
    path = saved(tmp_path, {**vit_state(), name: torch.ones(1)})
    with pytest.raises(WeightsError, match=f"{name.replace('.', '[.]')}; .*{what}|{name}; {what}"):
        filled_model(vit(), path)


def test_a_part_of_weights_in_several_files_is_told(tmp_path: Path) -> None:
    half = dict(list(vit_state().items())[:9])
    with pytest.raises(WeightsError, match="one part of weights in several files, which are not read"):
        filled_model(vit(), saved(tmp_path, half, "model-00001-of-00002.safetensors"))


def test_a_folder_of_parts_is_told(tmp_path: Path) -> None:
    folder = shutil.copytree(TINY, tmp_path / "m", ignore=shutil.ignore_patterns("*.safetensors"))
    (folder / "open_clip_model.safetensors.index.json").write_text('{"weight_map": {}}')
    with pytest.raises(
        WeightsError, match=r"index\.json: weights in several files are not read; save them as"
    ):
        local_dir(Origin("m"), reference=str(folder)).identify()


def test_a_second_file_of_weights_in_a_folder_is_named(tmp_path: Path) -> None:
    folder = shutil.copytree(TINY, tmp_path / "m")
    (folder / "open_clip_pytorch_model.bin").write_bytes(b"other")
    said = local_dir(Origin("m"), reference=str(folder)).load(Placement()).info.changes
    assert said == (f"not read, beside {WEIGHTS}: open_clip_pytorch_model.bin",)


@pytest.mark.parametrize("value", [100.0, 14.28])
def test_a_factor_in_place_of_its_logarithm_is_refused(
    tmp_path: Path, state: dict[str, Tensor], value: float
) -> None:
    path = saved(tmp_path, {**state, "logit_scale": torch.tensor(value)})
    with pytest.raises(WeightsError, match=rf"logit_scale is {value:g}, .* natural logarithm"):
        opened(path).load(Placement())


def test_a_configuration_beside_the_users_weights_that_says_otherwise_is_told(tmp_path: Path) -> None:
    folder = shutil.copytree(TINY, tmp_path / "m")
    assert opened(folder / WEIGHTS).load(Placement()).info.changes == ()
    config = json.loads((folder / CONFIG_FILE).read_text())
    config["preprocess_cfg"]["mean"] = [0.1, 0.2, 0.3]
    config["model_cfg"]["vision_cfg"]["image_size"] = 96
    (folder / CONFIG_FILE).write_text(json.dumps(config))
    (said,) = opened(folder / WEIGHTS).load(Placement()).info.changes
    assert "mean (0.1, 0.2, 0.3), taken (0.5, 0.5, 0.5)" in said
    assert "size (96, 96), taken (64, 64)" in said


@pytest.mark.parametrize(
    ("rows", "said"),
    [(100, "its tokenizer has 49408 tokens, text_cfg.vocab_size is 100"), (60000, None)],
)
def test_a_tokenizer_of_another_vocabulary(tmp_path: Path, rows: int, said: str | None) -> None:
    config = {**vit(), "text_cfg": {**VIT["text_cfg"], "vocab_size": rows}}  # type: ignore[dict-item]
    folder = tmp_path / "m"
    folder.mkdir()
    (folder / CONFIG_FILE).write_text(json.dumps({"model_cfg": config}))
    state = {key: value.contiguous() for key, value in constructed(config).state_dict().items()}
    save_file(state, folder / WEIGHTS)
    checkpoint = local_dir(Origin("m"), reference=str(folder))
    if said is not None:
        with pytest.raises(WeightsError, match=said):
            checkpoint.load(Placement())
        return
    assert checkpoint.load(Placement()).info.changes == (
        "the tokenizer has 49408 tokens, the table of embeddings 60000 rows",
    )


def test_apples_layout_with_more_learned_tensors_is_refused_by_name(tmp_path: Path) -> None:
    state = {
        "image_encoder.model.patch_embed.0.rbr_conv.0.conv.weight": torch.ones(1),
        "logit_scale": torch.tensor(1.0),
        "side.gate": torch.ones(1),
    }
    with pytest.raises(WeightsError, match=r"has 1 unexpected keys: side\.gate"):
        filled_model(vit(), saved(tmp_path, state))


def test_a_folder_whose_tokenizer_is_missing_or_another_models_is_told(tmp_path: Path) -> None:
    config = {**vit(), "text_cfg": {**VIT["text_cfg"], "hf_tokenizer_name": "org/tok", "vocab_size": 20}}  # type: ignore[dict-item]
    (tmp_path / CONFIG_FILE).write_text(json.dumps({"model_cfg": config}))
    state = {key: value.contiguous() for key, value in constructed(config).state_dict().items()}
    saved(tmp_path, state, WEIGHTS)
    checkpoint = local_dir(Origin("m"), reference=str(tmp_path))
    with pytest.raises(
        WeightsError, match=r"no tokenizer that transformers reads .* put the files of org/tok there"
    ):
        checkpoint.load(Placement())
    tiny_tokenizer().save_pretrained(tmp_path)
    with pytest.raises(WeightsError, match=r"its tokenizer has \d+ tokens, text_cfg.vocab_size is 20"):
        checkpoint.load(Placement())


def test_a_size_that_a_preprocessing_states_in_vain_is_told(tmp_path: Path) -> None:
    folder = shutil.copytree(TINY, tmp_path / "m")
    config = json.loads((folder / CONFIG_FILE).read_text())
    config["preprocess_cfg"] |= {"size": [96, 96], "mode": "L"}
    (folder / CONFIG_FILE).write_text(json.dumps(config))
    assert local_dir(Origin("m"), reference=str(folder)).load(Placement()).info.changes == (
        "preprocess_cfg says size [96, 96], the image tower's (64, 64) is taken",
        "preprocess_cfg says mode L, RGB is taken",
    )


def test_an_activation_that_the_tags_weights_ask_for_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vlbench.models.clip.architectures._tag_facts", lambda *_: {"quick_gelu": True})
    weights = saved(tmp_path, {"a": torch.ones(1)})
    plain, quick = (
        open_clip(Origin("m", weights=weights), reference=f"{name}/openai").recipe
        for name in ("ViT-B-32", "ViT-B-32-quickgelu")
    )
    assert plain.config["quick_gelu"]
    assert plain.changes == ("computed with QuickGELU, as its weights were trained",)
    assert quick.changes == ()
