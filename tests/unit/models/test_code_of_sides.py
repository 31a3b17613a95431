"""Which files' code is in which side's keys, of every family that vlbench registers."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import vlbench.models
from vlbench.core.code_digest import code_of
from vlbench.models.clip import checkpoint as clip
from vlbench.models.clip.long_clip import one_table
from vlbench.models.coop import checkpoint as coop
from vlbench.models.ram import checkpoint as ram_checkpoint
from vlbench.models.react.network import construct
from vlbench.models.transformers import files as hugging_face_files

FOLDER = Path(vlbench.models.__file__).parent
SOURCES = {
    ".".join(["vlbench", "models", *path.relative_to(FOLDER).with_suffix("").parts]): path.read_bytes()
    for path in sorted(FOLDER.rglob("*.py"))
}
SIDES = {
    ("clip", "image"): [clip._IMAGES],
    ("clip", "text"): [clip._TEXTS],
    ("react", "image"): [clip._IMAGES, construct.__module__],
    ("long_clip", "text"): [clip._TEXTS, one_table.__module__],
    ("coop", "text"): [coop._TEXTS],
    ("taggers", "image"): [ram_checkpoint._IMAGES],
    ("taggers", "text"): [ram_checkpoint._TEXTS],
    ("taggers", "whole"): [ram_checkpoint._SCORES],
    ("transformers", "image"): [hugging_face_files._IMAGES],
    ("transformers", "text"): [hugging_face_files._TEXTS],
}
"""Root modules. REACT's texts and Long-CLIP's images are as CLIP's; taggers are RAM, RAM++ and Tag2Text."""

OF_TEXTS = {"shared.causal_text", "shared.sentence_tokens", "shared.text_tower", "shared.token_tree"}
"""Modules that turn words to features, whatever the family."""
OF_TAGS = {"ram.texts", "ram.tag_lists"}
OF_IMAGES = {"shared.preprocess"}
BY_FAMILY = {
    ("clip", "image"): {"clip.images", *OF_IMAGES},
    ("clip", "text"): {"clip.texts", *OF_TEXTS},
    ("react", "image"): {"clip.images", "react.network", "react.gated_block", *OF_IMAGES},
    ("long_clip", "text"): {"clip.texts", "clip.long_clip", *OF_TEXTS},
    ("coop", "text"): {"coop.context", "coop.loading", "coop.prompts", *OF_TEXTS},
    ("taggers", "image"): {"ram.images", *OF_IMAGES},
    ("taggers", "text"): {*OF_TAGS, *OF_TEXTS},
    ("taggers", "whole"): {
        "ram.images",
        "ram.model",
        "ram.texts",
        "ram.tag_lists",
        *OF_TEXTS,
        *OF_IMAGES,
    },
    ("transformers", "image"): {"transformers.images", *OF_IMAGES},
    ("transformers", "text"): {"transformers.texts", *OF_TEXTS},
}
"""The modules that decide a side's features and those of no other side of a family."""

ONE_SIDED = set().union(*BY_FAMILY.values())
LOADED = """
import importlib, sys
for name in sys.argv[1:]:
    importlib.import_module(name)
print(*sorted(name for name in sys.modules if name.startswith("vlbench.models.")))
"""


def digest(roots: list[str], sources: dict[str, bytes]) -> list[str]:
    return sorted(code_of(roots, sources).values())


BEFORE = {side: digest(roots, SOURCES) for side, roots in SIDES.items()}


def short(names: set[str]) -> set[str]:
    return {name.removeprefix("vlbench.models.") for name in names}


@pytest.mark.parametrize("side", SIDES, ids="-".join)
def test_a_side_holds_its_own_modules_and_none_of_the_other_side(side: tuple[str, str]) -> None:
    assert short(set(code_of(SIDES[side], SOURCES))) & ONE_SIDED == BY_FAMILY[side]


@pytest.mark.slow
def test_a_statement_in_a_file_changes_the_sides_that_hold_it_and_words_change_none() -> None:
    for name, source in SOURCES.items():
        changed = {**SOURCES, name: source + b"\n_INSERTED = 1\n"}
        said = {**SOURCES, name: source + b'\n"""Said."""\n# and commented\n'}
        for side, roots in SIDES.items():
            held = name in code_of(roots, changed)
            assert (digest(roots, changed) != BEFORE[side]) is held, (name, side)
            assert digest(roots, said) == BEFORE[side], (name, side)


@pytest.mark.slow
def test_a_file_that_is_called_otherwise_or_lies_elsewhere_changes_no_side() -> None:
    moved = "vlbench.models.elsewhere.moved"
    for name in SOURCES:
        # one module is imported as such, whose users would have to call it otherwise
        if name.endswith(("__init__", "ram.swin")) or any(name in roots for roots in SIDES.values()):
            continue
        old, new = f"from {name} import".encode(), f"from {moved} import".encode()
        sources = {
            moved if each == name else each: source.replace(old, new) for each, source in SOURCES.items()
        }
        for side, roots in SIDES.items():
            assert digest(roots, sources) == BEFORE[side], (name, side)


@pytest.mark.slow
def test_a_side_holds_what_is_loaded_with_it_and_what_functions_import() -> None:
    """Python itself says which modules it loads with the roots; more are imported later, inside functions."""
    roots = sorted({root for names in SIDES.values() for root in names})
    run = subprocess.run([sys.executable, "-c", LOADED, *roots], check=True, capture_output=True, text=True)
    later = {
        node.module
        for name in code_of(roots, SOURCES)
        for function in ast.walk(ast.parse(SOURCES[name]))
        if isinstance(function, ast.FunctionDef)
        for node in ast.walk(function)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("vlbench.models.")
    }
    loaded = {name for name in run.stdout.split() if f"{name}.__init__" not in SOURCES}
    assert set(code_of(roots, SOURCES)) == loaded | {name for name in later if name}
