"""CLIP checkpoints end to end: the classifier fixture, names, and what the four adapters accept."""

import json
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path

import numpy as np
import pytest
import torch
from parity_weights import FIXTURES, value
from PIL import Image

from vlbench.core.contracts import Checkpoint, Model, Origin, Placement, Text
from vlbench.core.digest import sha256_of_file
from vlbench.core.errors import CardError, UnknownName, Unsupported, WeightsError
from vlbench.core.registry import ADAPTERS
from vlbench.models.clip.checkpoint import clip, hf_hub, local_dir, open_clip
from vlbench.models.shared.dual_encoder import DualEncoder, unit

WriteFolder = Callable[..., Path]
PUBLISHED = np.load(FIXTURES / "classifier" / "classifier.npz")
WORDS = json.loads((FIXTURES / "classifier" / "classifier.json").read_text(encoding="utf-8"))
TEXTS = [
    Text(name, prompts=tuple(template.format(name) for template in WORDS["templates"]))
    for name in WORDS["classnames"]
]


@pytest.fixture(scope="module")
def model(tiny_folder: Path) -> DualEncoder:
    return local_dir(Origin("tiny"), reference=str(tiny_folder)).load(Placement())


def test_published_classifier(model: DualEncoder) -> None:
    features = model.encode_texts(TEXTS, batch_size=16)
    assert np.abs(features.numpy().T - PUBLISHED["classifier"]).max() < 1e-6
    assert np.abs(features.numpy().T - PUBLISHED["wrong_average_before_normalising"]).max() > 1e-3


def test_published_prompts(model: DualEncoder) -> None:
    prompts = [Text(prompt) for text in TEXTS for prompt in text.prompts]
    raw = torch.from_numpy(PUBLISHED["text_features_raw"]).flatten(0, 1)
    assert (model.encode_texts(prompts, batch_size=4) - unit(raw)).abs().max() < 1e-6


def test_published_logits(model: DualEncoder) -> None:
    with torch.inference_mode():
        images = model.image_tower(value("input/image", (2, 3, 32, 32)))
    assert np.abs(images.numpy() - PUBLISHED["image_features"]).max() < 1e-5
    logits = model.score(unit(images), model.encode_texts(TEXTS, batch_size=16))
    assert logits.shape == (2, 3)
    assert np.abs(logits.numpy() - PUBLISHED["logits_logit_scale"]).max() < 1e-4
    assert model.info.unit.kind == "cosine"
    assert model.info.unit.scale == pytest.approx(1 / 0.07, rel=1e-6)


def test_facts_of_a_loaded_model(model: DualEncoder) -> None:
    contract: Model = model
    assert contract.info.name == "tiny"
    assert contract.info.image_size == (32, 32)
    assert contract.info.parameters == sum(np.prod(shape) for _, shape, _, _ in _tensors())


def test_images_are_encoded_alike_wherever_they_stand_in_a_batch(model: DualEncoder) -> None:
    pixels = torch.stack([model.preprocess(_picture(k)) for k in range(6)])
    assert pixels.dtype == torch.uint8
    features = model.encode_images(pixels)
    assert torch.equal(features, model.image_tower(model.normalisation(pixels)))
    assert not torch.allclose(features.norm(dim=1), torch.ones(6))  # as the tower projects them
    order = [4, 0, 5, 1, 3, 2]
    assert torch.equal(model.encode_images(pixels[order]), features[order])
    assert torch.equal(model.encode_images(pixels.to(memory_format=torch.channels_last)), features)


def test_bf16_on_a_cpu_stays_near(model: DualEncoder, tiny_folder: Path) -> None:
    low = local_dir(Origin("tiny"), reference=str(tiny_folder)).load(Placement("cpu", "bf16"))
    pixels = torch.stack([model.preprocess(_picture(k)) for k in range(2)])
    images, texts = low.encode_images(pixels), low.encode_texts(TEXTS, batch_size=8)
    assert images.dtype == texts.dtype == torch.float32
    assert 0 < (unit(images) - unit(model.encode_images(pixels))).abs().max() < 0.02
    assert 0 < (texts - model.encode_texts(TEXTS, batch_size=8)).abs().max() < 0.02


def test_precisions_that_a_cpu_lacks_are_refused(tiny_folder: Path) -> None:
    with pytest.raises(Unsupported, match="fp16"):
        local_dir(Origin("tiny"), reference=str(tiny_folder)).load(Placement("cpu", "fp16"))


def test_a_logit_bias_is_in_scores_and_unit(
    tmp_path: Path,
    tiny_config: dict[str, object],
    tiny_state: dict[str, torch.Tensor],
    write_folder: WriteFolder,
) -> None:
    state = {**tiny_state, "logit_bias": torch.tensor(-7.5)}
    folder = write_folder(tmp_path, {**tiny_config, "init_logit_bias": -10}, state=state)
    model = local_dir(Origin("b"), reference=str(folder)).load(Placement())
    same = torch.eye(2, 32)
    assert model.info.unit.bias == -7.5
    assert torch.allclose(
        model.score(same, same), torch.tensor([[1 / 0.07 - 7.5, -7.5], [-7.5, 1 / 0.07 - 7.5]])
    )


def test_own_weights_stand_in_the_name(tiny_folder: Path, tmp_path: Path) -> None:
    weights = tiny_folder / "open_clip_model.safetensors"
    expected = f"clip-b32@{sha256_of_file(weights)[:12]}"
    checkpoint: Checkpoint = clip(Origin("clip-b32", weights=weights), arch="ViT-B-32", pretrained="openai")
    assert checkpoint.name == expected
    folder = local_dir(Origin("clip-b32", weights=weights), reference=str(tiny_folder))
    assert folder.load(Placement()).info.name == expected
    assert local_dir(Origin("clip-b32"), reference=str(tiny_folder)).name == "clip-b32"


def test_a_hub_repository_loads_as_its_folder_does(
    model: DualEncoder, tiny_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "vlbench.models.clip.architectures.hub_file", lambda repository, names, **_: tiny_folder / names[0]
    )
    loaded = hf_hub(Origin("hf-hub:org/tiny"), reference="org/tiny").load(Placement())
    assert torch.equal(loaded.encode_texts(TEXTS, batch_size=4), model.encode_texts(TEXTS, batch_size=4))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*torch.jit.* is deprecated", "ignore::torch.jit.TracerWarning")
def test_a_torchscript_archive_brings_its_activation(
    model: DualEncoder, tmp_path: Path, tiny_config: dict[str, object], write_folder: WriteFolder
) -> None:
    """As OpenAI published CLIP: facts as buffers, and QuickGELU in the code alone."""
    network = deepcopy(model.text_encoder.tower.model)  # type: ignore[attr-defined]
    network.register_buffer("input_resolution", torch.tensor(32))
    traced = torch.jit.trace(network, (torch.zeros(1, 3, 32, 32), torch.zeros(1, 77, dtype=torch.long)))
    torch.jit.save(traced, str(tmp_path / "ViT.pt"))
    folder = write_folder(tmp_path / "f", {**tiny_config, "quick_gelu": False})
    origin = Origin("tiny", weights=tmp_path / "ViT.pt")
    loaded = local_dir(origin, reference=str(folder)).load(Placement())
    assert torch.equal(loaded.encode_texts(TEXTS, batch_size=4), model.encode_texts(TEXTS, batch_size=4))


def test_a_directory_lies_beside_the_card(tiny_folder: Path) -> None:
    origin = Origin("tiny", folder=tiny_folder.parent)
    assert clip(origin, directory=tiny_folder.name).identify().weights.keys() == {
        "open_clip_model.safetensors"
    }


@pytest.fixture
def on_hub(
    tmp_path: Path,
    tiny_config: dict[str, object],
    tiny_state: dict[str, torch.Tensor],
    monkeypatch: pytest.MonkeyPatch,
) -> Path:
    """An architecture `tiny`, and its state dict on the hub as a training script saves it."""
    path = tmp_path / "RS5M_tiny.pt"
    state = {f"module.{key}": value.half() for key, value in tiny_state.items()}
    torch.save({"epoch": 3, "state_dict": {**state, "module.queue.0": torch.zeros(2)}}, path)
    monkeypatch.setattr("vlbench.models.clip.checkpoint.architecture_config", lambda _: tiny_config)
    monkeypatch.setattr(
        "vlbench.models.clip.architectures.hub_file", lambda repository, names, **_: tmp_path / names[0]
    )
    return path


def test_a_state_dict_of_a_hub_repository(model: DualEncoder, on_hub: Path) -> None:
    checkpoint = clip(
        Origin("rs"),
        arch="tiny",
        repository="org/rs",
        file=on_hub.name,
        sha256=sha256_of_file(on_hub),
        ignorable=("queue.*",),
    )
    loaded = checkpoint.load(Placement())
    assert checkpoint.identify().origin == f"org/rs:{on_hub.name}"
    nearly = model.encode_texts(TEXTS, batch_size=8)
    assert 0 < (loaded.encode_texts(TEXTS, batch_size=8) - nearly).abs().max() < 2e-3  # saved in half
    assert {value.dtype for value in loaded.image_tower.__self__.parameters()} == {torch.float32}  # type: ignore[attr-defined]


def test_a_state_dict_that_is_another_or_holds_more(on_hub: Path) -> None:
    named = {"arch": "tiny", "repository": "org/rs", "file": on_hub.name}
    with pytest.raises(WeightsError, match=r"1 unexpected keys: queue\.0"):
        clip(Origin("rs"), **named).load(Placement())  # type: ignore[arg-type]
    with pytest.raises(WeightsError, match=r"its SHA-256 begins .* 000000000000; delete it"):
        clip(Origin("rs"), **named, sha256="0" * 64).identify()  # type: ignore[arg-type]


def test_another_image_size_stretches_the_positions(tiny_folder: Path) -> None:
    loaded = clip(Origin("m", folder=tiny_folder.parent), directory=tiny_folder.name, image_size=64).load(
        Placement()
    )
    assert loaded.info.image_size == (64, 64)
    assert loaded.encode_images(loaded.preprocess(_picture(0))[None]).shape == (1, 32)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"arch": "ViT-B-32", "directory": "x"},
        {"arch": "ViT-B-32", "repository": "o/n"},
        {"arch": "ViT-B-32", "file": "w.pt"},
        {"arch": "ViT-B-32", "sha256": "0" * 64},
        {"arch": "ViT-B-32", "pretrained": "openai", "repository": "o/n", "file": "w.pt"},
        {"repository": "o/n", "file": "w.pt"},
        {"directory": "x", "pretrained": "openai"},
        {"directory": "x"},  # without a card
    ],
)
def test_settings_that_say_too_much_or_too_little(settings: dict[str, str]) -> None:
    with pytest.raises(CardError, match="m: "):
        clip(Origin("m"), **settings)  # type: ignore[arg-type]


def test_unknown_architectures_are_refused_at_once() -> None:
    with pytest.raises(UnknownName, match="did you mean ViT-L-14"):
        open_clip(Origin("m"), reference="ViT-L14/openai")
    with pytest.raises(UnknownName, match="ViT-B-32"):
        clip(Origin("m"), arch="ViT-B/32")


def test_the_adapters_are_registered_under_their_names(tiny_folder: Path) -> None:
    assert {"clip", "open_clip", "hf-hub", "local-dir"} <= set(ADAPTERS)
    assert ADAPTERS.get("local-dir") is local_dir
    made = [
        hf_hub(Origin("m"), reference="o/n"),
        local_dir(Origin("m"), reference="d"),
        open_clip(Origin("m"), reference="RN50/openai"),
        clip(Origin("m"), arch="RN50"),
    ]
    assert [checkpoint.adapter for checkpoint in made] == ["hf-hub", "local-dir", "open_clip", "clip"]


def _tensors() -> list[tuple[str, list[int], str, object]]:
    path = FIXTURES / "classifier" / "tiny_open_clip.weights.json"
    tensors: list[tuple[str, list[int], str, object]] = json.loads(path.read_text(encoding="utf-8"))[
        "tensors"
    ]
    return tensors


def _picture(seed: int) -> Image.Image:
    pixels = np.random.default_rng(seed).integers(0, 256, (40, 50, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


@pytest.mark.parametrize("size", [[32], [32, 32, 32]])
def test_an_image_size_that_is_no_pair_is_refused(size: list[int], tiny_folder: Path, tmp_path: Path) -> None:
    config = json.loads((tiny_folder / "open_clip_config.json").read_text())
    config["model_cfg"]["vision_cfg"]["image_size"] = size
    (tmp_path / "open_clip_config.json").write_text(json.dumps(config))
    (tmp_path / "open_clip_model.safetensors").touch()
    with pytest.raises(WeightsError, match=r"m: its configuration says what none does .*to unpack"):
        local_dir(Origin("m"), reference=str(tmp_path)).identify()
