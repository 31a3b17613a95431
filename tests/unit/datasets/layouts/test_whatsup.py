"""What'sUp: pairs and sets are told by file names, so that renamed images are refused."""

import json
from pathlib import Path

import pytest

from vlbench.core.contracts import Place
from vlbench.core.errors import DataError
from vlbench.datasets.layouts.whatsup import whatsup


@pytest.mark.parametrize("name", ["1.jpeg", "mug_above_table.jpeg", "mug_left.jpeg"])
def test_a_name_without_a_relation_is_refused(tmp_path: Path, name: str) -> None:
    record = [{"image_path": f"data/controlled_images/{name}", "caption_options": ["a", "b", "c", "d"]}]
    (tmp_path / "c.json").write_text(json.dumps(record))
    with pytest.raises(DataError, match=r"c\.json: item 0: the name of .* says no relation; keep the set's"):
        whatsup(Place(), path=str(tmp_path), annotations="c.json")
