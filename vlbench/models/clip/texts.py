"""The text side of an open_clip model: the tokenizer of its configuration, and its tower."""

from typing import cast

from vlbench.core.contracts import Placement
from vlbench.core.damage import reading
from vlbench.core.errors import WeightsError
from vlbench.core.text_file import read_text
from vlbench.models.clip.network import Network
from vlbench.models.shared.recipe import MERGES_FILE, Recipe, check_transformers, section
from vlbench.models.shared.sentence_tokens import Tokenizer
from vlbench.models.shared.text_tower import PromptEncoder, TextTower

_CONTEXT = 77
"""The context length if a configuration states none (open_clip/tokenizer.py, DEFAULT_CONTEXT_LENGTH)."""

_VOCABULARY = 49408
"""The vocabulary size if a configuration states none: open_clip's own (open_clip/model.py)."""


def prompt_encoder(recipe: Recipe, network: Network, placement: Placement) -> tuple[PromptEncoder, str]:
    """The encoder for the prompts of texts on a device, and a remark on its tokenizer, empty without one.

    Raises:
        WeightsError: the tokenizer cannot be downloaded, or belongs to another model.
        Unsupported: it needs the package transformers, which is not installed.
    """
    tokenizer = tokenizer_of(recipe)
    text = section(recipe.config, "text_cfg")
    rows = text.get("vocab_size", None if "hf_model_name" in text else _VOCABULARY)
    made = getattr(getattr(tokenizer, "tokenizer", tokenizer), "vocab_size", None)
    told = ""
    if isinstance(rows, int) and isinstance(made, int) and made != rows:
        # the hub's tokenizers that open_clip names are those of its own trainings
        if made > rows and (recipe.folder is not None or not text.get("hf_tokenizer_name")):
            raise WeightsError(
                f"{recipe.weights}: its tokenizer has {made} tokens, text_cfg.vocab_size is {rows}; take the "
                f"tokenizer that the model was trained with ({MERGES_FILE} or text_cfg.hf_tokenizer_name)"
            )
        told = f"the tokenizer has {made} tokens, the table of embeddings {rows} rows"
    dimensions = cast(int, recipe.config["embed_dim"])
    return PromptEncoder(TextTower(network[0], tokenizer, placement, dimensions)), told


def tokenizer_of(recipe: Recipe) -> Tokenizer:
    """The tokenizer of a recipe: its own merges, one of the transformers package, or open_clip's BPE.

    Raises:
        WeightsError: merges do not fit the vocabulary, or a tokenizer cannot be downloaded.
        Unsupported: it needs the package transformers, which is not installed.
    """
    from open_clip.tokenizer import HFTokenizer, SimpleTokenizer

    text = section(recipe.config, "text_cfg")
    context = cast(int, text.get("context_length", _CONTEXT))
    options = section(text, "tokenizer_kwargs")
    named = text.get("hf_tokenizer_name")
    if not named:
        if recipe.merges is None:
            return cast(Tokenizer, SimpleTokenizer(context_length=context, **options))
        read_text(recipe.merges, WeightsError)  # open_clip would unpack whatever lies there
        with reading(recipe.merges, "no file of BPE merges", error=WeightsError):
            made = SimpleTokenizer(bpe_path=str(recipe.merges), context_length=context, **options)
        stated = text.get("vocab_size", _VOCABULARY)
        if made.vocab_size != stated:
            raise WeightsError(
                f"{recipe.merges}: makes a vocabulary of {made.vocab_size}, but text_cfg.vocab_size is "
                f"{stated}; take the merges that the model was trained with"
            )
        return cast(Tokenizer, made)
    # open_clip reads the tokenizer of a local folder from that folder, whatever its name.
    source = str(recipe.folder or named)
    check_transformers(f"the tokenizer {source}")
    try:
        mode = text.get("tokenizer_mode")
        return cast(Tokenizer, HFTokenizer(source, context_length=context, tokenizer_mode=mode, **options))
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
