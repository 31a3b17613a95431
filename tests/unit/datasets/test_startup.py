"""What a source imports: a rerun from the store must not wait for heavy packages."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

HEAVY = ("torch", "pandas", "datasets", "scipy", "sklearn")
CODE = """
import sys
from vlbench.core.contracts import Place
from vlbench.datasets.layouts import aircraft_variants
from vlbench.datasets.layouts import coop_split
from vlbench.datasets.readers import folder
from vlbench.datasets.readers import hub
from vlbench.datasets.readers import jsonl
from vlbench.datasets.readers import layout
from vlbench.datasets.readers import parquet
from vlbench.datasets.readers import webdataset
from vlbench.datasets.layouts import caption_files
from vlbench.datasets.layouts import caption_json
from vlbench.datasets.layouts import caption_lines
from vlbench.datasets.layouts import caption_list
from vlbench.datasets.layouts import crossmodal3600
from vlbench.datasets.layouts import image_list
from vlbench.datasets.layouts import objectnet
from vlbench.datasets.layouts import torchvision
from vlbench.datasets.layouts import voc
print(*({*%r, "pyarrow", "huggingface_hub"} & {*sys.modules}))
source = parquet.parquet(Place(), path=sys.argv[1])
source[0].image().load()
print(*({*%r} & {*sys.modules}))
"""


@pytest.mark.slow
def test_sources_import_nothing_heavy(
    tmp_path: Path, png: Callable[[int], bytes], write_parquet: Callable[..., Path]
) -> None:
    path = write_parquet(tmp_path / "a.parquet", {"image": [png(0)], "label": [0]})
    command = [sys.executable, "-c", CODE % (HEAVY, HEAVY), str(path)]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    assert run.stdout.split() == []
