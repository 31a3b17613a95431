"""Recipes: where configuration, preprocessing and weights come from, and what is remembered."""

import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from open_clip.pretrained import get_pretrained_cfg

from vlbench.core.contracts import Origin
from vlbench.core.errors import UnknownName, WeightsError
from vlbench.models.clip import architectures
from vlbench.models.clip.architectures import architecture_config, from_hub, from_registry
from vlbench.models.shared.recipe import from_folder


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, tuple[str, ...]]]:
    """A hub whose every repository has every file; the answer lists what was asked for."""
    asked: list[tuple[str, tuple[str, ...]]] = []
    vit = architecture_config("ViT-B-16")

    def file(repository: str, names: tuple[str, ...], **_: str) -> Path:
        asked.append((repository, tuple(names)))
        path = tmp_path / "hub" / "snapshots" / "c0ffee" / names[0]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"model_cfg": vit, "preprocess_cfg": {"interpolation": "bilinear"}}))
        return path

    monkeypatch.setattr(architectures, "hub_file", file)
    return asked


def test_a_tags_file_and_facts_are_remembered(
    origin: Origin, hub: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = from_registry(origin, arch="ViT-B-32", tag="laion2b_s34b_b79k")
    assert hub == [
        (
            "laion/CLIP-ViT-B-32-laion2B-s34B-b79K",
            ("open_clip_model.safetensors", "open_clip_pytorch_model.bin"),
        )
    ]
    assert first.origin == "laion/CLIP-ViT-B-32-laion2B-s34B-b79K@c0ffee:open_clip_model.safetensors"
    monkeypatch.setattr("open_clip.pretrained.get_pretrained_cfg", None)
    assert from_registry(origin, arch="ViT-B-32", tag="laion2b_s34b_b79k") == first
    assert len(hub) == 1
    first.weights.unlink()
    assert from_registry(origin, arch="ViT-B-32", tag="laion2b_s34b_b79k") == first
    assert len(hub) == 2


def test_a_tag_that_names_a_file(origin: Origin, hub: list[tuple[str, tuple[str, ...]]]) -> None:
    from_registry(origin, arch="ViTamin-B", tag="datacomp1b")
    assert hub == [("jienengchen/ViTamin-B", ("pytorch_model.safetensors", "pytorch_model.bin"))]


@pytest.mark.parametrize(
    ("arch", "tag"), [("ViT-B-32", "openai"), ("ViT-B-32-quickgelu", "laion400m_e32"), ("ViT-B-32", "OpenAI")]
)
def test_weights_trained_with_quick_gelu_run_with_it(
    origin: Origin, hub: object, arch: str, tag: str
) -> None:
    assert from_registry(origin, arch=arch, tag=tag).config["quick_gelu"] is True
    assert not from_registry(origin, arch="ViT-B-32", tag="laion2b_s34b_b79k").config.get("quick_gelu")


def test_preprocessing_is_the_tags(origin: Origin, hub: object) -> None:
    facts = get_pretrained_cfg("ViT-B-16-SigLIP-384", "webli")
    made = from_registry(origin, arch="ViT-B-16-SigLIP-384", tag="webli").preprocessing
    assert made.size == (384, 384)
    assert made.resize_mode == facts["resize_mode"] == "squash"
    assert made.mean == tuple(facts["mean"]) == (0.5, 0.5, 0.5)


def test_own_weights_keep_the_tags_preprocessing_and_fetch_nothing(tmp_path: Path, hub: list[object]) -> None:
    (tmp_path / "own.pt").write_bytes(b"x")
    own = Origin("m", weights=tmp_path / "own.pt")
    made = from_registry(own, arch="ViT-B-16-SigLIP", tag="webli")
    assert made.weights == tmp_path / "own.pt"
    assert made.origin == "file:own.pt"
    assert made.preprocessing.resize_mode == "squash"
    assert hub == []


def test_own_weights_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"gone\.pt: no such file"):
        from_registry(Origin("m", weights=tmp_path / "gone.pt"), arch="ViT-B-32", tag=None)


def test_an_unknown_tag_comes_with_close_ones(origin: Origin) -> None:
    with pytest.raises(UnknownName, match="did you mean laion2b_s34b_b79k"):
        from_registry(origin, arch="ViT-B-32", tag="laion2b_s34b_b79")


def test_an_architecture_without_weights_lists_its_tags(origin: Origin) -> None:
    with pytest.raises(WeightsError, match=r"add a tag .* or --weights FILE; tags: openai, laion400m_e31"):
        from_registry(origin, arch="ViT-B-32", tag=None)


def test_an_archive_whose_code_takes_a_sigmoid_runs_with_quick_gelu(tmp_path: Path) -> None:
    path = tmp_path / "ViT-B-32.pt"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("x/constants.pkl", b"")
        file.writestr("x/code/__torch__.py", "_0 = torch.mul(x, torch.sigmoid(torch.mul(x, 1.702)))")
    made = from_registry(Origin("m", weights=path), arch="ViT-B-32", tag=None)
    assert made.config["quick_gelu"] is True


def test_a_hub_repository(origin: Origin, hub: list[tuple[str, tuple[str, ...]]]) -> None:
    made = from_hub(origin, repository="org/name")
    assert [names for _, names in hub] == [
        ("open_clip_config.json",),
        ("open_clip_model.safetensors", "open_clip_pytorch_model.bin"),
    ]
    assert made.preprocessing.interpolation == "bilinear"
    assert made.config == architecture_config("ViT-B-16")
    assert made.origin == "org/name@c0ffee:open_clip_model.safetensors"


def test_a_folders_weights(
    tmp_path: Path, origin: Origin, write_folder: Callable[..., Path], tiny_config: object
) -> None:
    folder = write_folder(tmp_path / "f", tiny_config)
    with pytest.raises(WeightsError, match="no file of weights"):
        from_folder(origin, folder=folder)
    (folder / "epoch_3.pt").write_bytes(b"x")
    assert from_folder(origin, folder=folder).weights.name == "epoch_3.pt"
    (folder / "epoch_4.pt").write_bytes(b"x")
    with pytest.raises(WeightsError, match=r"2 files of weights; name one open_clip_model\.safetensors"):
        from_folder(origin, folder=folder)
    (folder / "open_clip_pytorch_model.bin").write_bytes(b"x")
    assert from_folder(origin, folder=folder).weights.name == "open_clip_pytorch_model.bin"
    assert from_folder(origin, folder=folder).merges is None


def test_a_folder_that_is_not_there(origin: Origin) -> None:
    with pytest.raises(WeightsError, match=r"nowhere/open_clip_config\.json: no such file"):
        from_folder(origin, folder=Path("nowhere"))
