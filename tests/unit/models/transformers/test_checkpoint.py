"""Dual encoders of transformers: the features of its own forward pass, from folders that it wrote."""

import io
import json
import pickle
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from tiny_transformers import FAMILIES, SIZE, write_tiny

from vlbench.core.contracts import Origin, Placement, Text
from vlbench.core.errors import CardError, Unsupported, WeightsError
from vlbench.models.shared.dual_encoder import DualEncoder, unit
from vlbench.models.transformers.checkpoint import transformers
from vlbench.models.transformers.files import files_in

pytest.importorskip("transformers")
CAPTIONS = ["a photo of a red circle.", "two dog", "a small grey ring to the left of a large yellow star"]


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return {family: write_tiny(tmp_path_factory.mktemp(family), family) for family in FAMILIES}


def opened(folder: Path, **settings: object) -> DualEncoder:
    return transformers(Origin("m"), reference=str(folder), **settings).load(Placement())  # type: ignore[arg-type]


def picture(height: int = 57, width: int = 90) -> Image.Image:
    pixels = np.random.default_rng(height).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


@pytest.mark.parametrize("family", FAMILIES)
def test_scores_are_those_of_transformers(folders: dict[str, Path], family: str) -> None:
    """Its own processor, tokenizer and forward pass, on pictures of the model's size."""
    from transformers import AutoImageProcessor, AutoModel, AutoTokenizer

    folder = folders[family]
    ours = opened(folder)
    theirs = AutoModel.from_pretrained(folder).eval()
    edge = 40 if family == "align" else SIZE  # nothing is resized: kernels on tensors and on images differ
    images = [picture(edge, edge), picture(edge, edge).transpose(Image.Transpose.ROTATE_90)]
    pixels = AutoImageProcessor.from_pretrained(folder)(images, return_tensors="pt")["pixel_values"]
    length = {"align": 64, "chinese_clip": 52}.get(family, 24)
    words = AutoTokenizer.from_pretrained(folder)(
        CAPTIONS, padding="max_length", max_length=length, truncation=True, return_tensors="pt"
    )
    if family == "siglip":
        words.pop("attention_mask")
        words.pop("token_type_ids", None)
    if family in ("clip", "metaclip_2"):
        words.pop("token_type_ids", None)
    with torch.inference_mode():
        found = theirs(pixel_values=pixels, **words)
    mine = ours.encode_images(torch.stack([ours.preprocess(image) for image in images]))
    texts = ours.encode_texts([Text(caption) for caption in CAPTIONS], batch_size=2)
    image_embeds = found.image_embeds / found.image_embeds.norm(dim=-1, keepdim=True)
    text_embeds = found.text_embeds / found.text_embeds.norm(dim=-1, keepdim=True)
    assert (unit(mine) - image_embeds).abs().max() < 1e-5
    assert (texts - text_embeds).abs().max() < 1e-5
    assert (ours.score(mine, texts) - found.logits_per_image).abs().max() < 1e-4
    assert ours.info.feature_shape == tuple(mine.shape[1:])
    assert ours.info.image_size == (SIZE, SIZE)
    assert ours.info.parameters == sum(each.numel() for each in theirs.parameters())


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("mode", ["exact", "fast"])
def test_pixels_are_those_of_the_image_processor(folders: dict[str, Path], family: str, mode: str) -> None:
    """Those of its processor on Pillow images in the exact way, a step off at most elsewhere."""
    from transformers import AutoImageProcessor

    model = transformers(Origin("m", preprocess=mode), reference=str(folders[family])).load(Placement())  # type: ignore[arg-type]
    step = 1 / 255 / min(model.normalisation.keywords["std"])
    for backend, allowed in (("pil", 0.01 if mode == "exact" else 1.01), ("torchvision", 1.01)):
        processor = AutoImageProcessor.from_pretrained(folders[family], backend=backend)
        for image in (picture(), picture(200, 131), picture(90, 61).convert("L"), picture(64, 96)):
            theirs = processor(image, return_tensors="pt")["pixel_values"]
            mine = model.normalisation(model.preprocess(image)[None])
            assert (mine - theirs).abs().max() <= allowed * step
    assert torch.equal(pickle.loads(pickle.dumps(model.preprocess))(image), model.preprocess(image))


def transparent(kind: str) -> Image.Image:
    """A picture whose hidden colours are not white, as a file of a kind would be opened."""
    generator = np.random.default_rng(1)
    rgba = Image.fromarray(generator.integers(0, 256, (50, 40, 4), dtype=np.uint8))
    alpha = np.where(np.arange(40) < 20, 0, 255).astype(np.uint8)
    rgba.putalpha(Image.fromarray(np.tile(alpha, (50, 1))))
    made = {"LA": rgba.convert("LA"), "P": rgba.quantize(16)}.get(kind, rgba)
    buffer = io.BytesIO()
    if kind == "RGB with a transparent colour":
        rgba.convert("RGB").save(buffer, "PNG", transparency=rgba.convert("RGB").getpixel((3, 3)))
    else:
        made.save(
            buffer,
            kind if kind in ("WEBP", "GIF") else "PNG",
            **({"lossless": True} if kind == "WEBP" else {}),
        )
    return Image.open(buffer)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("kind", ["RGBA", "LA", "P", "WEBP", "GIF", "RGB with a transparent colour"])
@pytest.mark.parametrize("mode", ["exact", "fast"])
def test_transparent_pixels_are_those_of_the_installed_image_processor(
    folders: dict[str, Path], family: str, kind: str, mode: str
) -> None:
    from transformers import AutoImageProcessor

    model = transformers(Origin("m", preprocess=mode), reference=str(folders[family])).load(Placement())  # type: ignore[arg-type]
    processor = AutoImageProcessor.from_pretrained(folders[family], backend="pil")
    theirs = processor(transparent(kind), return_tensors="pt", do_convert_rgb=True)["pixel_values"]
    mine = model.normalisation(model.preprocess(transparent(kind))[None])
    step = 1 / 255 / min(model.normalisation.keywords["std"])
    assert (mine - theirs).abs().max() <= (0.01 if mode == "exact" else 1.01) * step


def test_aligns_pixels_are_cut_from_a_larger_square_between_minus_one_and_one(
    folders: dict[str, Path],
) -> None:
    model = opened(folders["align"])
    white = model.preprocess(Image.new("RGB", (50, 90), (255, 255, 255)))
    assert white.shape == (3, SIZE, SIZE)
    assert model.normalisation(white[None]).unique().tolist() == [1.0]
    assert model.normalisation(torch.zeros_like(white)[None]).unique().tolist() == [-1.0]


def test_siglip_reads_small_letters_and_padding(folders: dict[str, Path]) -> None:
    model = opened(folders["siglip"])
    upper, lower = (
        model.encode_texts([Text(text)], batch_size=1) for text in ("A Photo of a DOG", "a photo of a dog")
    )
    assert torch.equal(upper, lower)
    shorter = opened(folders["siglip"], context=12)
    assert (shorter.encode_texts([Text("a photo of a dog")], batch_size=1) - lower).abs().max() > 1e-3
    with pytest.raises(Unsupported, match="25 tokens; its table of positions has 24"):
        opened(folders["siglip"], context=25)


@pytest.mark.parametrize("family", FAMILIES)
def test_sentences_longer_than_the_context_are_told(folders: dict[str, Path], family: str) -> None:
    long = "a photo of a red circle. " * 30
    assert opened(folders[family]).cut([Text("dog"), Text("dog", prompts=(long, "two dog"))]) == [long]


def test_a_clip_of_transformers_is_the_clip_of_open_clip(tmp_path: Path) -> None:
    """One set of weights under both packages' keys."""
    from open_clip import CLIP
    from open_clip.convert import convert_state_dict
    from transformers import AutoModel

    folder = write_tiny(tmp_path / "hf", "clip")
    config = AutoModel.from_pretrained(folder).config
    network = CLIP(
        embed_dim=16,
        quick_gelu=True,
        vision_cfg={
            "image_size": SIZE,
            "patch_size": 8,
            "width": 32,
            "layers": 2,
            "head_width": 16,
            "mlp_ratio": 2,
        },
        text_cfg={
            "context_length": 24,
            "vocab_size": config.text_config.vocab_size,
            "width": 32,
            "heads": 2,
            "layers": 2,
            "mlp_ratio": 2,
        },
    ).eval()
    state = to_open_clip(load_file(folder / "model.safetensors"))
    network.load_state_dict(convert_state_dict(network, state))
    ours = opened(folder)
    pixels = torch.stack([ours.preprocess(picture(k, 40)) for k in (33, 80)])
    tokens = ours.text_encoder.tower.tokenizer(CAPTIONS)[:, 0]  # type: ignore[attr-defined]
    with torch.inference_mode():
        images = network.encode_image(ours.normalisation(pixels), normalize=True)
        texts = network.encode_text(tokens, normalize=True)
    assert (unit(ours.encode_images(pixels)) - images).abs().max() < 1e-5
    found = ours.encode_texts([Text(caption) for caption in CAPTIONS], batch_size=3)
    assert (found - texts).abs().max() < 1e-5


def to_open_clip(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """transformers' keys of a CLIP as open_clip's; queries, keys and values become one."""
    names = {
        "text_model.embeddings.token_embedding.weight": "token_embedding.weight",
        "text_model.embeddings.position_embedding.weight": "positional_embedding",
        "text_model.final_layer_norm.": "ln_final.",
        "text_model.encoder.layers.": "transformer.resblocks.",
        "vision_model.embeddings.class_embedding": "visual.class_embedding",
        "vision_model.embeddings.patch_embedding.weight": "visual.conv1.weight",
        "vision_model.embeddings.position_embedding.weight": "visual.positional_embedding",
        "vision_model.pre_layrnorm.": "visual.ln_pre.",
        "vision_model.post_layernorm.": "visual.ln_post.",
        "vision_model.encoder.layers.": "visual.transformer.resblocks.",
        "self_attn.out_proj.": "attn.out_proj.",
        "layer_norm1.": "ln_1.",
        "layer_norm2.": "ln_2.",
        "mlp.fc1.": "mlp.c_fc.",
        "mlp.fc2.": "mlp.c_proj.",
    }
    found: dict[str, torch.Tensor] = {}
    for key, value in state.items():
        if ".k_proj." in key or ".v_proj." in key:
            continue
        if ".q_proj." in key:
            value = torch.cat([state[key.replace("q_proj", f"{part}_proj")] for part in "qkv"])
            key = key.replace("self_attn.q_proj.", "attn.in_proj_")
        for theirs, ours in names.items():
            key = key.replace(theirs, ours)
        found[key] = value
    found["text_projection"] = found.pop("text_projection.weight").T.contiguous()
    found["visual.proj"] = found.pop("visual_projection.weight").T.contiguous()
    return found


def test_a_hub_repository_is_its_folder(
    folders: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, object]] = []

    def fetch(repository: str, names: tuple[str, ...], **facts: object) -> Path:
        asked.append((names[0], facts["revision"]))
        return next(folders["clip"] / name for name in names if (folders["clip"] / name).is_file())

    monkeypatch.setattr("vlbench.models.transformers.files.hub_file", fetch)
    monkeypatch.setattr("huggingface_hub.try_to_load_from_cache", lambda *_, **__: "there")
    origin = Origin("m", cache=tmp_path)
    checkpoint = transformers(origin, repository="org/tiny", revision="c0ffee")
    assert checkpoint.identify().origin == "org/tiny:model.safetensors"
    assert {revision for _, revision in asked} == {"c0ffee"}
    assert [name for name, _ in asked] == [
        "config.json",
        "preprocessor_config.json",
        "tokenizer.json",
        "model.safetensors",
    ]
    count = len(asked)
    assert transformers(origin, repository="org/tiny", revision="c0ffee").identify() == checkpoint.identify()
    assert len(asked) == count


def test_each_side_has_its_own_digest(folders: dict[str, Path], tmp_path: Path) -> None:
    folder = shutil.copytree(folders["siglip"], tmp_path / "f")
    before = transformers(Origin("m"), reference=str(folder)).identify()
    cut = transformers(Origin("m"), reference=str(folder), context=12).identify()
    assert (cut.image, cut.text) != (before.image, before.text)
    assert cut.image == before.image
    path = folder / "preprocessor_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "resample": 2}))
    after = transformers(Origin("m"), reference=str(folder)).identify()
    assert after.image != before.image
    assert after.text == before.text
    assert after.weights == before.weights


def test_an_identity_imports_neither_torch_nor_transformers(folders: dict[str, Path]) -> None:
    told = """
import sys
from vlbench.models.transformers.checkpoint import transformers
from vlbench.core.contracts import Origin
assert transformers(Origin("m"), reference=sys.argv[1]).identify().whole
assert not {"torch", "transformers"} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", told, str(folders["clip"])], check=True)


def test_weights_of_ones_own_stand_in_the_name(folders: dict[str, Path], tmp_path: Path) -> None:
    state = load_file(folders["clip"] / "model.safetensors")
    state["logit_scale"] = torch.tensor(3.0)
    save_file(state, tmp_path / "own.safetensors")
    checkpoint = transformers(
        Origin("m", weights=tmp_path / "own.safetensors"), reference=str(folders["clip"])
    )
    assert checkpoint.name.startswith("m@")
    assert checkpoint.load(Placement()).info.unit.scale == pytest.approx(np.exp(3.0))


def test_what_runs_no_dual_encoder_is_refused(folders: dict[str, Path], tmp_path: Path) -> None:
    folder = shutil.copytree(folders["clip"], tmp_path / "f")
    (folder / "config.json").write_text('{"model_type": "siglip2", "auto_map": {"AutoModel": "x.Y"}}')
    with pytest.raises(Unsupported, match="'siglip2' is no dual encoder that runs here; known: align"):
        opened(folder)
    (folder / "model.safetensors").unlink()
    with pytest.raises(WeightsError, match="several files are not read"):
        files_in(Origin("m"), folder)
    (folder / "tokenizer.json").unlink()
    with pytest.raises(WeightsError, match=r"no tokenizer \(tokenizer\.json or"):
        files_in(Origin("m"), folder)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "either repository, or directory"),
        ({"repository": "a/b", "directory": "c"}, "either repository, or directory"),
        ({"directory": "c"}, "there is no card"),
        ({"directory": "c", "revision": "d"}, "name the repository"),
        ({"repository": "a/b", "context": 0}, "give 1 or more"),
    ],
)
def test_settings_that_name_no_model(settings: dict[str, object], message: str) -> None:
    with pytest.raises(CardError, match=message):
        transformers(Origin("m"), **settings)  # type: ignore[arg-type]


def test_the_cards_state_their_networks_sizes() -> None:
    """ALIGN's default configuration; Chinese-CLIP's with patches of 16 and its vocabulary of 21,128."""
    import transformers as package

    from vlbench.cards.card_file import read_card
    from vlbench.cards.folders import FOLDERS, built_in_folder
    from vlbench.cards.schema import ModelCard

    chinese = package.ChineseCLIPConfig(text_config={"vocab_size": 21128}, vision_config={"patch_size": 16})
    with torch.device("meta"):
        networks = {
            "align-base": package.AlignModel(package.AlignConfig()),
            "chinese-clip-b16": package.ChineseCLIPModel(chinese),
        }
    for name, network in networks.items():
        card = read_card(built_in_folder() / FOLDERS["model"] / f"{name}.yaml", ModelCard).card
        assert card.parameters == round(sum(each.numel() for each in network.parameters()) / 1e6, 2)
