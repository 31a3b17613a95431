"""open_clip's configurations, read without importing it."""

from pathlib import Path

import pytest

from vlbench.core.errors import UnknownName, WeightsError
from vlbench.models.clip.architectures import architecture_config
from vlbench.models.shared.recipe import Preprocessing, read_config_file


def test_an_unknown_architecture_comes_with_close_ones() -> None:
    with pytest.raises(UnknownName, match="no open_clip architecture named 'ViT-B32'; did you mean ViT-B-32"):
        architecture_config("ViT-B32")
    with pytest.raises(UnknownName):
        architecture_config("../constants")


def test_preprocessing_is_defaults_then_weights_then_the_towers_size() -> None:
    config = {"vision_cfg": {"image_size": 64}}
    said = {
        "mean": [0.5, 0.5, 0.5],
        "std": None,
        "resize_mode": "squash",
        "size": 224,
        "url": "x",
        "mode": "RGB",
    }
    made = Preprocessing.of(config, said)
    assert made.size == (64, 64)
    assert made.mean == (0.5, 0.5, 0.5)
    assert made.std == Preprocessing().std
    assert made.resize_mode == "squash"
    assert Preprocessing.of({"vision_cfg": {"image_size": [20, 30]}}, {"mean": 0}).mean == (0, 0, 0)
    assert Preprocessing.of({"vision_cfg": {"image_size": [20, 30]}}, {}).size == (20, 30)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "no such file"),
        ("{", "not JSON"),
        ("[1]", "not JSON"),
        ('{"model_cfg": {"embed_dim": 3}}', "lacks vision_cfg, text_cfg"),
    ],
)
def test_configuration_files_that_do_not_do(tmp_path: Path, content: str | None, reason: str) -> None:
    path = tmp_path / "open_clip_config.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(WeightsError, match=reason):
        read_config_file(path)
