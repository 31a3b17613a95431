"""The tokenizer that a model's configuration names, and what tells it from another."""

from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, cast

from vlbench.adapters.architectures import section
from vlbench.adapters.recipe import MERGES_FILE, Recipe
from vlbench.core.errors import Unsupported, WeightsError
from vlbench.core.files import remembered_sha256

if TYPE_CHECKING:
    from vlbench.adapters.sentence_tokens import Tokenizer

_FOLDER_FILES = ("*token*", "vocab*", "merges*", "*.model")
"""Patterns of the files in a folder that a tokenizer of transformers is made of."""

_CONTEXT = 77
"""Context of a configuration that states none (open_clip/tokenizer.py, DEFAULT_CONTEXT_LENGTH)."""

_VOCABULARY = 49408
"""Rows where a configuration states none: those of open_clip's own vocabulary (open_clip/model.py)."""


def tokenizer_of(recipe: Recipe) -> "Tokenizer":
    """The tokenizer of a recipe: its own merges, one of the transformers package, or open_clip's BPE.

    Raises:
        WeightsError: merges that do not fit the vocabulary, or a tokenizer that cannot be fetched.
        Unsupported: it needs the package transformers, which is not installed.
    """
    from open_clip.tokenizer import HFTokenizer, SimpleTokenizer

    text = section(recipe.config, "text_cfg")
    context = cast(int, text.get("context_length", _CONTEXT))
    options = section(text, "tokenizer_kwargs")
    named = text.get("hf_tokenizer_name")
    if not named:
        if recipe.merges is None:
            return cast("Tokenizer", SimpleTokenizer(context_length=context, **options))
        made = SimpleTokenizer(bpe_path=str(recipe.merges), context_length=context, **options)
        _check_vocabulary(recipe.merges, made.vocab_size, text)
        return cast("Tokenizer", made)
    # open_clip reads the tokenizer of a local folder from that folder, whatever its name.
    source = str(recipe.folder or named)
    check_transformers(f"the tokenizer {source}")
    try:
        mode = text.get("tokenizer_mode")
        return cast("Tokenizer", HFTokenizer(source, context_length=context, tokenizer_mode=mode, **options))
    except (OSError, ValueError) as error:
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        if recipe.folder is not None:
            raise WeightsError(
                f"{recipe.folder}: no tokenizer that transformers reads ({reason}); put the files of "
                f"{named} there"
            ) from error
        raise WeightsError(
            f"the tokenizer {source} is not on this machine and could not be fetched ({reason}); fetch it "
            "where there is a network and copy the hub's cache"
        ) from error


def check_transformers(what: str) -> None:
    """Raise Unsupported unless the package transformers is installed."""
    if find_spec("transformers") is None:
        raise Unsupported(f"{what} needs the package transformers; run: pip install transformers")


def tokenizer_facts(recipe: Recipe, cache: Path | None) -> Mapping[str, object]:
    """What can change the tokens of a recipe beyond its text_cfg and open_clip's version."""
    facts: dict[str, object] = {}
    if recipe.merges is not None:
        facts[MERGES_FILE] = remembered_sha256(recipe.merges, cache)
    if section(recipe.config, "text_cfg").get("hf_tokenizer_name"):
        try:
            facts["transformers"] = version("transformers")
        except PackageNotFoundError:
            facts["transformers"] = None
        if recipe.folder is not None:
            found = {path for pattern in _FOLDER_FILES for path in recipe.folder.glob(pattern)}
            facts.update((path.name, remembered_sha256(path, cache)) for path in sorted(found))
    return facts


def vocabulary_change(recipe: Recipe, tokenizer: "Tokenizer") -> tuple[str, ...]:
    """What is to be said where a tokenizer has not as many tokens as the table of embeddings has rows.

    Raises:
        WeightsError: it has more, and so belongs to another model.
    """
    text = section(recipe.config, "text_cfg")
    rows = text.get("vocab_size", None if "hf_model_name" in text else _VOCABULARY)
    made = getattr(getattr(tokenizer, "tokenizer", tokenizer), "vocab_size", None)
    if not isinstance(rows, int) or not isinstance(made, int) or made == rows:
        return ()
    # the hub's tokenizers that open_clip names are those of its own trainings
    if made > rows and (recipe.folder is not None or not text.get("hf_tokenizer_name")):
        raise WeightsError(
            f"{recipe.weights}: its tokenizer has {made} tokens, text_cfg.vocab_size is {rows}; take the "
            f"tokenizer that the model was trained with ({MERGES_FILE} or text_cfg.hf_tokenizer_name)"
        )
    return (f"the tokenizer has {made} tokens, the table of embeddings {rows} rows",)


def _check_vocabulary(merges: Path, made: int, text: Mapping[str, object]) -> None:
    stated = text.get("vocab_size", _VOCABULARY)
    if made != stated:
        raise WeightsError(
            f"{merges}: makes a vocabulary of {made}, but text_cfg.vocab_size is {stated}; "
            "take the merges that the model was trained with"
        )
