"""Towers of timm: its own forward pass and transform, and nothing imported or fetched too early."""

import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import timm as package
import torch
from contracts.adapter_samples import SMALL_TOWER, TINY
from PIL import Image
from safetensors.torch import load_file, save_file
from timm.data import create_transform, resolve_model_data_config
from torch import Tensor, nn

from vlbench.core.contracts import Origin, Placement, PreprocessMode
from vlbench.core.errors import UnknownName, WeightsError
from vlbench.models.shared import hub_files
from vlbench.models.shared.dual_encoder import normalised
from vlbench.models.shared.weights import Weights
from vlbench.models.timm.checkpoint import TimmCheckpoint, timm
from vlbench.models.timm.images import of_tower, transform

DINO = "vit_small_patch14_dinov2.lvd142m"
GEOMETRIES = {
    DINO: True,
    "test_resnet": False,  # bilinear, cut
    "swinv2_tiny_window8_256": False,  # cut a little
    "convnext_tiny.in12k_ft_in1k_384": True,  # squashed
    "efficientvit_b1.r224_in1k": False,
    "vit_base_patch16_sapiens2.fb": True,  # squashed to an oblong, bilinear
    "deepseek_vit_412m_enc.deepseek_v4_1_flash": False,  # padded with the mean
}
"""Models, and whether nothing of an image is cut off or padded, so that there is a fast way."""


@pytest.fixture(scope="module")
def network() -> nn.Module:
    torch.manual_seed(3)
    return package.create_model(SMALL_TOWER, num_classes=1000).eval()


@pytest.fixture
def whole(network: nn.Module, tmp_path: Path) -> Path:
    """A file as timm publishes it, with its classifier."""
    save_file(network.state_dict(), tmp_path / "whole.safetensors")
    return tmp_path / "whole.safetensors"


def opened(weights: Path, name: str = SMALL_TOWER, mode: PreprocessMode = "exact") -> TimmCheckpoint:
    return timm(Origin(f"timm:{name}", weights=weights, preprocess=mode), reference=name)


def picture(height: int = 170, width: int = 230, mode: str = "RGB") -> Image.Image:
    grid = np.add.outer(np.arange(height), np.arange(width))[..., None] * np.array([0.4, 0.7, 1.1])
    noise = np.random.default_rng(height).normal(0, 20, (height, width, 3))
    found = Image.fromarray((128 + 90 * np.sin(grid / 20) + noise).clip(0, 255).astype(np.uint8))
    if mode == "RGBA":
        found.putalpha(found.convert("L"))
    return found.convert(mode)


@pytest.mark.parametrize("mode", ["RGB", "L", "P", "RGBA"])
def test_features_are_those_of_timm(network: nn.Module, whole: Path, mode: str) -> None:
    """Its own transform of images as its own reader opens them, then what its classifier reads."""
    theirs = create_transform(**resolve_model_data_config(network), is_training=False)
    model = opened(whole).load(Placement())
    images = [picture(mode=mode), picture(300, 90, mode), picture(160, 160, mode)]
    with torch.inference_mode():
        pixels = torch.stack([theirs(each.convert("RGB")) for each in images])
        expected = network.forward_head(network.forward_features(pixels), pre_logits=True)  # type: ignore[operator]
        bytes_of = torch.stack([pickle.loads(pickle.dumps(model.preprocess))(each) for each in images])
        assert torch.equal(model.normalisation(bytes_of), pixels)
        found = model.encode_images(bytes_of)
    assert torch.allclose(found, expected, atol=1e-5, rtol=0)
    assert model.info.feature_shape == expected.shape[1:]
    assert model.info.image_size == (160, 160)


@pytest.mark.parametrize(
    "name", ["eva02_tiny_patch14_224.mim_in22k", "test_maxvit", "test_vit_relpos", "test_efficientnet"]
)
def test_what_no_file_holds_is_computed_as_timm_does(name: str, tmp_path: Path) -> None:
    """Turns of positions, their indices in windows: buffers that are in no state dict."""
    torch.manual_seed(1)
    theirs = package.create_model(name).eval()
    save_file(theirs.state_dict(), tmp_path / "whole.safetensors")
    model = opened(tmp_path / "whole.safetensors", name).load(Placement())
    theirs.reset_classifier(0)
    pixels = model.preprocess(picture())[None]
    with torch.inference_mode():
        expected = theirs.eval()(model.normalisation(pixels))
        assert torch.allclose(model.encode_images(pixels), expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("name", GEOMETRIES)
def test_pixels_are_those_of_timms_transform(name: str, whole: Path) -> None:
    if name not in package.list_models() + package.list_pretrained():
        pytest.skip("this release of timm has no such model")
    recipe = opened(whole, name).recipe
    stated = package.get_pretrained_cfg(name).to_dict()
    theirs = create_transform(**package.data.resolve_data_config(pretrained_cfg=stated), is_training=False)
    mean, std = recipe.preprocessing.mean, recipe.preprocessing.std
    for image in (picture(), picture(90, 300), picture(700, 640), picture(31, 30)):
        exact = transform(recipe, "exact")(image)
        assert exact.shape == (3, *recipe.preprocessing.size)
        assert torch.equal(normalised(exact[None], mean=mean, std=std)[0], theirs(image))
        fast = transform(recipe, "fast")(image)
        assert (type(transform(recipe, "fast")) is not type(transform(recipe, "exact"))) == GEOMETRIES[name]
        assert int((fast.int() - exact.int()).abs().max()) <= (2 if GEOMETRIES[name] else 0)


@pytest.mark.slow
def test_a_classifier_is_left_aside_and_said(network: nn.Module, whole: Path, tmp_path: Path) -> None:
    said = opened(whole).load(Placement()).info.changes
    assert said == ("2 tensors of a classifier not read: head.bias, head.weight",)
    tower = {key: value for key, value in network.state_dict().items() if not key.startswith("head.")}
    save_file(tower, tmp_path / "tower.safetensors")
    assert opened(tmp_path / "tower.safetensors").load(Placement()).info.changes == ()
    ten = {**tower, "head.weight": torch.zeros(10, 64), "head.bias": torch.zeros(10)}
    save_file(ten, tmp_path / "ten.safetensors")
    assert opened(tmp_path / "ten.safetensors").load(Placement()).info.changes == said


@pytest.mark.parametrize("name", [SMALL_TOWER, "efficientvit_m0.r224_in1k", "caformer_s18", "test_convnext"])
def test_what_is_left_of_a_file_is_the_tower(name: str) -> None:
    """Also where a classifier is several modules, or lies beside a norm that is the tower's."""
    with torch.device("meta"):
        given = package.create_model(name).state_dict()
        kept = package.create_model(name, num_classes=0).state_dict()
    config = {"vision_cfg": {"timm_model_name": name}}
    assert of_tower(Weights(Path("f"), given), config=config).state.keys() == kept.keys()


def test_files_of_other_models_are_refused_in_a_line(whole: Path, tmp_path: Path) -> None:
    def refused(state: dict[str, Tensor]) -> str:
        save_file(state, tmp_path / "other.safetensors")
        with pytest.raises(WeightsError) as caught:
            opened(tmp_path / "other.safetensors").load(Placement())
        assert "\n" not in str(caught.value)
        return str(caught.value)

    state = load_file(whole)
    assert "an image and a text tower" in refused(load_file(TINY / "open_clip_model.safetensors"))
    assert "lacks 1 keys: cls_token" in refused({k: v for k, v in state.items() if k != "cls_token"})
    assert "has 1 unexpected keys: blocks.9.x" in refused({**state, "blocks.9.x": torch.zeros(2)})
    assert "cls_token (1, 1, 3) instead of (1, 1, 64)" in refused(
        {**state, "cls_token": torch.zeros(1, 1, 3)}
    )
    two = {f"{who}.{key}": value.clone() for who in ("student", "teacher") for key, value in state.items()}
    assert "holds several models: student., teacher." in refused(two)
    with pytest.raises(WeightsError, match="lacks"):
        opened(whole, "test_resnet").load(Placement())


@pytest.mark.parametrize(
    ("name", "close"),
    [
        ("vit_small_patch14_dinov2.lvd142", DINO),
        ("test_vitt", "test_vit"),
        ("vit_small_patch14_dino2", "dinov2"),
    ],
)
def test_a_wrong_name_is_told_what_was_meant(whole: Path, name: str, close: str) -> None:
    with pytest.raises(UnknownName, match=f"no timm model named '{name}'; did you mean .*{close}") as caught:
        opened(whole, name).identify()
    assert "\n" not in str(caught.value)


def test_without_a_network_or_published_weights_a_line_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(hub_files, "has_network", lambda: False)
    name = f"timm:{DINO}"
    with pytest.raises(WeightsError) as caught:
        timm(Origin(name), reference=DINO).identify()
    assert str(caught.value) == (
        f"{name}: model.safetensors of timm/{DINO} is not on this machine and could not be fetched "
        "(no connection to the hub); fetch it on another machine and pass --weights FILE"
    )
    with pytest.raises(WeightsError, match=r"^timm:gcvit_tiny: timm names no weights on the hub; pass"):
        timm(Origin("timm:gcvit_tiny"), reference="gcvit_tiny").identify()


def test_the_file_of_the_hub_is_taken(whole: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []
    path = whole.parent / "snapshots" / "c0ffee" / "model.safetensors"
    path.parent.mkdir(parents=True)
    whole.rename(path)
    monkeypatch.setattr(
        "vlbench.models.clip.architectures.hub_file", lambda *names, **_: asked.append(names) or path
    )
    checkpoint = timm(Origin("timm:test_vit"), reference="test_vit")
    assert asked == []
    assert checkpoint.identify().origin == "timm/test_vit.r160_in1k@c0ffee:model.safetensors"
    assert asked == [("timm/test_vit.r160_in1k", ("model.safetensors",))]
    assert checkpoint.name == "timm:test_vit"


def test_an_identity_is_of_the_image_side_alone(whole: Path) -> None:
    exact, fast = opened(whole).identify(), opened(whole, mode="fast").identify()
    assert exact.text == fast.text == ""
    assert exact.image != fast.image
    assert opened(whole, "vit_tiny_patch16_224").identify().image != exact.image
    assert opened(whole).name == f"timm:{SMALL_TOWER}@{exact.weights[whole.name][:12]}"


@pytest.mark.slow
def test_what_is_known_of_a_model_is_told_without_torch(whole: Path, tmp_path: Path) -> None:
    told = (
        "import sys; from pathlib import Path\n"
        "from vlbench.models.timm.checkpoint import timm; from vlbench.core.contracts import Origin\n"
        "origin = Origin('m', None, Path(sys.argv[1]), Path(sys.argv[2]))\n"
        f"timm(origin, reference={SMALL_TOWER!r}).identify()\n"
        "sys.exit(sum(name in sys.modules for name in ('torch', 'timm')))"
    )
    arguments = [sys.executable, "-c", told, str(whole), str(tmp_path / "cache")]
    assert subprocess.run(arguments, check=False).returncode == 2  # looked up
    assert subprocess.run(arguments, check=False).returncode == 0  # remembered
