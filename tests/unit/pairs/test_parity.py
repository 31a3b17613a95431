"""The lists of the authors' retrieval, from their scripts with an exact index."""

import json
from pathlib import Path

import numpy as np
import pytest

from vlbench.pairs.class_file import class_files
from vlbench.pairs.hits import hits_of, pairs_by_class
from vlbench.pairs.nearest import nearest
from vlbench.pairs.rows import Rows

FIXTURE = Path(__file__).parents[2] / "fixtures" / "react" / "retrieval"
SAID = json.loads(FIXTURE.with_suffix(".json").read_text(encoding="utf-8"))


def test_the_lists_are_the_authors():
    arrays = np.load(FIXTURE.with_suffix(".npz"))
    templates, files = SAID["templates"], [file for shard in SAID["meta"].values() for file in shard]
    found = nearest(arrays["query_features_raw"], Rows("pairs", (arrays["pairs"],)), SAID["k"])
    names = tuple(" and ".join([name] if isinstance(name, str) else name) for name in SAID["classes"])
    of_class = np.repeat(np.arange(len(names)), len(templates))
    classes = pairs_by_class(hits_of(found, "image", None, None), names, of_class)
    assert set(class_files(names)) == SAID["result"].keys()
    for name, file, of_each in zip(SAID["classes"], class_files(names), classes, strict=True):
        first = name if isinstance(name, str) else name[0]  # the authors log the first synonym
        metas: dict[str, list[tuple[str, float]]] = {}
        hits = of_each.hits
        for pair, prompt, cosine in zip(hits.pair, hits.prompt, hits.cosine, strict=True):
            query = templates[prompt % len(templates)].format(first)
            metas.setdefault(files[pair], []).append((query, cosine))
        wanted = {
            image: [(hit["query"], pytest.approx(hit["dist"], abs=1e-6)) for hit in meta["search_meta"]]
            for image, meta in SAID["result"][file].items()
        }
        assert metas == wanted
        assert list(metas) == list(wanted)  # in the order of first appearance
        # they take two images of one file name, in two shards, for one
        assert len(metas) == SAID["files_per_class"][file]
