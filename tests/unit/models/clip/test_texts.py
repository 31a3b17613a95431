"""Tokenizers: open_clip's, a model's own merges, and those of a package that may not be there."""

import gzip
from dataclasses import replace
from pathlib import Path

import open_clip
import pytest
import torch

from vlbench.core.errors import Unsupported, WeightsError
from vlbench.models.clip.architectures import architecture_config
from vlbench.models.clip.checkpoint import tokenizer_facts
from vlbench.models.clip.texts import tokenizer_of
from vlbench.models.shared.recipe import Config, Preprocessing, Recipe


def recipe_of(config: Config, merges: Path | None = None, folder: Path | None = None) -> Recipe:
    return Recipe(config, Preprocessing(), Path("w.safetensors"), "test", folder=folder, merges=merges)


def truncated_merges(path: Path, count: int) -> Path:
    """The first merges of open_clip's own vocabulary, behind its version line."""
    packed = Path(open_clip.tokenizer.default_bpe()).read_bytes()
    lines = gzip.decompress(packed).decode().split("\n")
    path.write_bytes(gzip.compress("\n".join(lines[: count + 1]).encode()))
    return path


def test_the_ordinary_tokenizer_heeds_context_and_options() -> None:
    config = {"text_cfg": {"context_length": 8, "tokenizer_kwargs": {"clean": "canonicalize"}}}
    tokens = tokenizer_of(recipe_of(config))(["A dog!"])
    assert torch.equal(tokens, open_clip.SimpleTokenizer(context_length=8, clean="canonicalize")(["A dog!"]))
    assert tokens.shape == (1, 8)


def test_truncated_merges_make_a_small_vocabulary(tmp_path: Path) -> None:
    merges = truncated_merges(tmp_path / "bpe_merges.txt.gz", 300)
    config = {"text_cfg": {"context_length": 32, "vocab_size": 2 * 256 + 300 + 2}}
    tokens = tokenizer_of(recipe_of(config, merges))(["a photo of a dog", "zebra"])
    assert tokens.max() == 813  # the end token has the largest id, at which towers pool
    assert tokens[:, 0].tolist() == [812, 812]
    assert tokens.argmax(dim=1)[1] > 2  # letters stay apart


def test_merges_that_do_not_fit_the_vocabulary_are_refused(tmp_path: Path) -> None:
    merges = truncated_merges(tmp_path / "bpe_merges.txt.gz", 300)
    with pytest.raises(WeightsError, match=r"makes a vocabulary of 814, but text_cfg\.vocab_size is 900"):
        tokenizer_of(recipe_of({"text_cfg": {"vocab_size": 900}}, merges))


def test_a_tokenizer_of_transformers_asks_for_that_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vlbench.models.shared.recipe.find_spec", lambda name: None)
    with pytest.raises(
        Unsupported, match="the tokenizer timm/ViT-B-16-SigLIP needs the package transformers"
    ):
        tokenizer_of(recipe_of(architecture_config("ViT-B-16-SigLIP")))


def test_facts_change_with_the_tokenizers_files(tmp_path: Path) -> None:
    recipe = recipe_of({"text_cfg": {}}, truncated_merges(tmp_path / "bpe_merges.txt.gz", 20))
    before = tokenizer_facts(recipe, None)
    truncated_merges(tmp_path / "bpe_merges.txt.gz", 21)
    assert tokenizer_facts(recipe, None) != before
    named = recipe_of({"text_cfg": {"hf_tokenizer_name": "x"}}, folder=tmp_path)
    (tmp_path / "tokenizer.json").write_text("{}")
    assert "tokenizer.json" in tokenizer_facts(named, None)
    assert "tokenizer.json" not in tokenizer_facts(replace(named, folder=None), None)


@pytest.mark.parametrize("name", ["vocab.txt", "vocab.json", "merges.txt", "spiece.model"])
def test_every_file_of_a_folders_tokenizer_counts(tmp_path: Path, name: str) -> None:
    recipe = recipe_of({"text_cfg": {"hf_tokenizer_name": "x"}}, folder=tmp_path)
    (tmp_path / "tokenizer_config.json").write_text("{}")
    (tmp_path / name).write_text("a")
    before = tokenizer_facts(recipe, None)
    (tmp_path / name).write_text("b")
    assert tokenizer_facts(recipe, None) != before
