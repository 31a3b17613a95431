"""What a source imports: a rerun from the store must not wait for heavy packages."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

HEAVY = ("torch", "pandas", "datasets", "scipy", "sklearn")
CODE = """
import sys
from vlbench.core.contracts import Place
from vlbench.sources import aircraft_variants, coop_split, folder, hub, jsonl, layout, parquet, webdataset
from vlbench.sources import caption_files, caption_json, caption_lines, caption_list, crossmodal3600
from vlbench.sources import image_list, objectnet, torchvision_data, voc_objects, voc_tags
print(*({*%r, "pyarrow", "huggingface_hub"} & {*sys.modules}))
source = parquet.parquet(Place(), path=sys.argv[1])
source[0].image().load()
print(*({*%r} & {*sys.modules}))
"""


def test_sources_import_nothing_heavy(
    tmp_path: Path, png: Callable[[int], bytes], write_parquet: Callable[..., Path]
) -> None:
    path = write_parquet(tmp_path / "a.parquet", {"image": [png(0)], "label": [0]})
    command = [sys.executable, "-c", CODE % (HEAVY, HEAVY), str(path)]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    assert run.stdout.split() == []
