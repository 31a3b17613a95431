"""What is read of a checkpoint of transformers: nothing is passed over that the package would pass over."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from tiny_transformers import write_tiny
from torch import Tensor

from vlbench.core.contracts import Model, Origin, Placement
from vlbench.core.errors import WeightsError
from vlbench.models.transformers.checkpoint import transformers

FILE = "model.safetensors"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny(tmp_path_factory.mktemp("tiny") / "clip", "clip")


@pytest.fixture(scope="module")
def state(folder: Path) -> dict[str, Tensor]:
    return load_file(folder / FILE)


def opened(folder: Path, state: dict[str, Tensor], tmp_path: Path) -> Model:
    save_file({key: value.contiguous() for key, value in state.items()}, tmp_path / "own.safetensors")
    origin = Origin("m", weights=tmp_path / "own.safetensors")
    return transformers(origin, reference=str(folder)).load(Placement())


def test_buffers_that_the_package_passes_over_are_counted(
    folder: Path, state: dict[str, Tensor], tmp_path: Path
) -> None:
    key = "vision_model.embeddings.position_ids"
    model = opened(folder, {**state, key: torch.arange(17)[None]}, tmp_path)
    assert model.info.changes == (f"1 buffers without weights not read: {key}",)


def test_a_tokenizer_that_states_a_shorter_length_than_the_context_is_told(tmp_path: Path) -> None:
    folder = write_tiny(tmp_path / "clip", "clip")
    path = folder / "tokenizer_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "model_max_length": 20}))
    model = transformers(Origin("m"), reference=str(folder)).load(Placement())
    assert model.info.changes == ("texts are read up to 24 tokens, where its tokenizer states 20",)


@pytest.mark.parametrize(
    ("file", "field", "value", "told"),
    [
        ("tokenizer_config.json", "model_max_length", "77", r"tokenizer.* \(its model_max_length is '77'\)"),
        ("config.json", "projection_dim", None, r"config\.json is none that a model can be made of"),
    ],
)
def test_a_setting_of_another_type_is_refused(
    file: str, field: str, value: object, told: str, folder: Path, tmp_path: Path
) -> None:
    other = shutil.copytree(folder, tmp_path / "m")
    content = json.loads((other / file).read_text())
    (other / file).write_text(json.dumps({**content, field: value}))
    with pytest.raises(WeightsError, match=told):
        transformers(Origin("m"), reference=str(other)).load(Placement())


@pytest.mark.parametrize("prefix", ["clip.", "model."])
def test_a_head_beside_the_model_is_refused_by_name(
    folder: Path, state: dict[str, Tensor], tmp_path: Path, prefix: str
) -> None:
    inner = {prefix + key: value for key, value in state.items()}
    with pytest.raises(WeightsError, match=r"classifier\.weight"):
        opened(folder, {**inner, "classifier.weight": torch.ones(3, 3)}, tmp_path)


def test_weights_under_an_older_name_are_told(tmp_path: Path) -> None:
    folder = write_tiny(tmp_path / "align", "align")
    older = {
        key.replace("LayerNorm.weight", "LayerNorm.gamma"): value
        for key, value in load_file(folder / FILE).items()
    }
    count = sum(key.endswith("LayerNorm.gamma") for key in older)
    assert count
    (said,) = opened(folder, older, tmp_path).info.changes
    assert said.startswith(f"{count} tensors read under newer names: ")


def test_weights_of_open_clips_layout_are_told(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="weights of open_clip's layout: take open_clip:ARCHITECTURE"):
        opened(folder, {"visual.proj": torch.ones(2, 2), "logit_scale": torch.tensor(1.0)}, tmp_path)


@pytest.mark.parametrize("value", [14.28, 100.0])
def test_a_factor_in_place_of_its_logarithm_is_refused(
    folder: Path, state: dict[str, Tensor], tmp_path: Path, value: float
) -> None:
    with pytest.raises(WeightsError, match="save its natural logarithm"):
        opened(folder, {**state, "logit_scale": torch.tensor(value)}, tmp_path)


def test_a_tokenizer_with_more_tokens_than_the_table_has_rows_is_refused(
    folder: Path, tmp_path: Path
) -> None:
    other = shutil.copytree(folder, tmp_path / "m")
    path = other / "tokenizer.json"
    content = json.loads(path.read_text())
    words = content["model"]["vocab"]
    words |= {f"word{number}": len(words) + number for number in range(500)}
    path.write_text(json.dumps(content))
    with pytest.raises(WeightsError, match=r"its tokenizer has \d+ tokens, its table of embeddings \d+"):
        transformers(Origin("m"), reference=str(other)).load(Placement())


def test_an_image_processor_of_another_size_is_refused(folder: Path, tmp_path: Path) -> None:
    other = shutil.copytree(folder, tmp_path / "m")
    path = other / "preprocessor_config.json"
    content = json.loads(path.read_text())
    content |= {"size": {"shortest_edge": 48}, "crop_size": {"height": 48, "width": 48}}
    path.write_text(json.dumps(content))
    with pytest.raises(
        WeightsError, match="its image processor makes 48x48 pixels, its image tower takes 32x32"
    ):
        transformers(Origin("m"), reference=str(other)).load(Placement())


def test_a_second_file_of_weights_is_named(folder: Path, tmp_path: Path) -> None:
    other = shutil.copytree(folder, tmp_path / "m")
    (other / "pytorch_model.bin").write_bytes(b"other")
    said = transformers(Origin("m"), reference=str(other)).load(Placement()).info.changes
    assert said == (f"not read, beside {FILE}: pytorch_model.bin",)
