"""The captioning half of the parity fixtures' tiny Tag2Text: its sizes, and word pieces made of its words."""

import json
from pathlib import Path

from tiny_taggers import RAM

from vlbench.models.ram.sizes import CaptionSize

SIZE = CaptionSize(layers=3, heads=4, vocabulary=200, positions=64)
FACTS = json.loads((RAM / "tiny_tag2text.json").read_text())
_ADDED = 2
_UNKNOWN = 100


def write_word_pieces(folder: Path, count: int = SIZE.vocabulary) -> str:
    """A vocabulary of the fixture's words at their places; the answer is the file's name."""
    pieces = [f"piece{place}" for place in range(count - _ADDED)]
    for word, place in FACTS["words"].items():
        pieces[place] = word
    for piece, place in (
        ("[PAD]", FACTS["pad"]),
        ("[UNK]", _UNKNOWN),
        ("[CLS]", FACTS["cls"]),
        ("[SEP]", FACTS["sep"]),
    ):
        pieces[place] = piece
    (folder / "pieces.txt").write_text("\n".join([*pieces, ""]), encoding="utf-8")
    return "pieces.txt"
