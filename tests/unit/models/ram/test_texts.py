"""Open-vocabulary texts of RAM and RAM++ equal the authors' code on the fixtures."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import open_clip
import pytest
import torch
from parity_weights import FIXTURES, layout, state_dict

from vlbench.core.contracts import Placement, Text
from vlbench.models.ram.texts import (
    BANK_ROWS,
    ram_embeddings,
    ram_plus_embeddings,
    ram_plus_sentences,
    ram_sentences,
)
from vlbench.models.shared.text_tower import TextTower

RAM = FIXTURES / "ram"
OPENSET: dict[str, Any] = json.loads((RAM / "openset.json").read_text(encoding="utf-8"))
WEIGHTS = RAM / "openset_tiny_clip.weights.json"


@pytest.fixture(scope="module")
def tower() -> TextTower:
    arch = layout(WEIGHTS)["meta"]["arch"]
    model = open_clip.CLIP(
        embed_dim=arch["embed_dim"],
        vision_cfg={
            "image_size": arch["image_resolution"],
            "layers": arch["vision_layers"],
            "width": arch["vision_width"],
            "head_width": arch["vision_width"],
            "patch_size": arch["vision_patch_size"],
        },
        text_cfg={
            "context_length": arch["context_length"],
            "vocab_size": arch["vocab_size"],
            "width": arch["transformer_width"],
            "heads": arch["transformer_heads"],
            "layers": arch["transformer_layers"],
        },
        quick_gelu=True,
    )
    model.load_state_dict(state_dict(WEIGHTS))
    return TextTower(model.eval(), open_clip.SimpleTokenizer(context_length=77), Placement(), 512)


@pytest.fixture(scope="module")
def expected() -> dict[str, np.ndarray]:
    with np.load(RAM / "openset.npz") as arrays:
        return dict(arrays)


def described() -> list[Text]:
    return [
        Text(tag, descriptions=tuple(sentences))
        for item in OPENSET["llm_descriptions"]
        for tag, sentences in item.items()
    ]


@pytest.mark.parametrize("name", OPENSET["texts"])
def test_sentences_are_the_authors(name: str) -> None:
    assert list(ram_sentences(Text(name))) == OPENSET["texts"][name]


def test_ram_embeddings(tower: TextTower, expected: dict[str, np.ndarray]) -> None:
    found = ram_embeddings(tower, [Text(name) for name in OPENSET["categories"]], batch_size=16)
    np.testing.assert_allclose(found.numpy(), expected["ram_label_embedding"], atol=1e-4, rtol=0)


def test_ram_plus_embeddings(tower: TextTower, expected: dict[str, np.ndarray]) -> None:
    found = ram_plus_embeddings(tower, described(), batch_size=16)
    assert found.shape == (2, BANK_ROWS, 512)
    np.testing.assert_allclose(
        found.reshape(-1, 512).numpy(), expected["ram_plus_llm_label_embedding"], atol=1e-4, rtol=0
    )


def test_a_tag_without_descriptions_is_one_row_and_zeros(tower: TextTower) -> None:
    assert ram_plus_sentences(Text("Aloe", prompts=("x",))) == ("a photo of a Aloe.",)
    whole = ram_plus_embeddings(tower, described(), batch_size=16)
    found = ram_plus_embeddings(tower, [Text("Aloe"), described()[1]], batch_size=16)
    assert torch.equal(found[0, 0], whole[0, 0])  # the authors' first sentence of a tag is that one
    assert not found[0, 1:].any()
    assert torch.equal(found[1], whole[1])


def test_more_sentences_than_published_make_the_bank_a_multiple(tower: TextTower) -> None:
    many = Text("many", descriptions=tuple(f"number {k}" for k in range(BANK_ROWS + 1)))
    found = ram_plus_embeddings(tower, [many, Text("one")], batch_size=16)
    assert found.shape == (2, 2 * BANK_ROWS, 512)
    assert found[0, : BANK_ROWS + 1].norm(dim=-1).allclose(torch.ones(BANK_ROWS + 1), atol=1e-5)
    assert not found[0, BANK_ROWS + 1 :].any()


def test_companions_and_parts_change_no_bit(tower: TextTower, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [Text(name) for name in ("cat", "an owl", "cat", "Apple")]
    ram, plus = (make(tower, texts, batch_size=8) for make in (ram_embeddings, ram_plus_embeddings))
    monkeypatch.setattr("vlbench.models.ram.texts._TAGS_AT_ONCE", 3)
    for make, together in ((ram_embeddings, ram), (ram_plus_embeddings, plus)):
        alone = torch.cat([make(tower, [text], batch_size=8) for text in texts])
        assert torch.equal(together, alone)
        assert torch.equal(together, make(tower, texts, batch_size=8))
        assert make(tower, [], batch_size=8).shape[0] == 0


def test_templates_are_the_authors() -> None:
    path = Path("vlbench/models/ram/templates.txt")
    assert (Path(__file__).parents[4] / path).read_text(encoding="utf-8").splitlines() == OPENSET["templates"]
