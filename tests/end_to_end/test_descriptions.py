"""Descriptions of any number a tag, through the one evaluator, beside RAM++'s formula tag by tag."""

import json
from io import BytesIO

import numpy as np
import pytest
import torch

from vlbench import evaluate, load_model, load_task
from vlbench.core.contracts import Text
from vlbench.core.files import read_checked

MODEL = "tiny-ram-plus-open"
COUNTS = (3, 51, 60, 130)
"""Descriptions of the first tags; each other tag has two."""
LIMIT = 12


def sentences(name, count):
    """So many sentences, no two alike."""
    return [f"a photo of a {name}, number {k}." for k in range(count)]


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """All tags described."""
    folder = tmp_path_factory.mktemp("descriptions")
    names = [text.name for text in load_task("shapes-tags", limit=LIMIT).problem.texts]
    counts = [*COUNTS, *[2] * (len(names) - len(COUNTS))]
    described = {name: sentences(name, count) for name, count in zip(names, counts, strict=True)}
    (folder / "descriptions.json").write_text(json.dumps(described))
    return folder / "descriptions.json"


def scores_of(files, cache):
    evaluate(MODEL, "shapes-tags", descriptions=files, limit=LIMIT, cache=cache, device="cpu")
    (path,) = (cache / "predictions").glob("*.npz")
    with np.load(BytesIO(read_checked(path))) as arrays:
        return arrays["scores"]


def by_formula(model, tokens, text):
    """Logits [n] of one tag from its own sentences alone: no bank, no zeros."""
    each = [Text(text.name, descriptions=(sentence,)) for sentence in text.descriptions]
    rows = model.encode_texts(each, batch_size=8)[:, 0]  # [k, d]
    image = torch.nn.functional.normalize(tokens[:, 0], dim=-1)
    weights = (model.network.reweight_scale.exp() * image @ rows.T).softmax(dim=-1)  # [n, k]
    return model.network.logits((weights @ rows)[:, None], model.network.remember(tokens))[:, 0]


def test_any_number_of_descriptions_is_the_formula_tag_by_tag(files, tmp_path):
    found = scores_of(files, tmp_path)
    model = load_model(MODEL, device="cpu").model
    problem = load_task("shapes-tags", limit=LIMIT, descriptions=files).problem
    pixels = torch.stack([model.preprocess(problem.images[i].image()) for i in range(LIMIT)])
    with torch.inference_mode():
        tokens = model.encode_images(pixels)
        assert tuple(len(text.descriptions) for text in problem.texts[:5]) == (*COUNTS, 2)
        for column, text in enumerate(problem.texts):
            expected = by_formula(model, tokens, text).numpy()
            np.testing.assert_allclose(found[:, column], expected, atol=1e-4, rtol=0)


def test_what_is_stored_of_other_lists_changes_no_bit(files, tmp_path):
    whole = scores_of(files, tmp_path / "fresh")
    described = json.loads(files.read_text())
    fewest = {name: each if len(each) <= COUNTS[0] else ["x"] for name, each in described.items()}
    (tmp_path / "few.json").write_text(json.dumps(fewest))
    alone = scores_of(tmp_path / "few.json", tmp_path / "few")
    cache = tmp_path / "few"
    for path in (cache / "predictions").iterdir():
        path.unlink()
    assert scores_of(files, cache).tobytes() == whole.tobytes()
    for path in (cache / "predictions").iterdir():
        path.unlink()
    for path in (cache / "measurements").iterdir():
        path.unlink()
    assert scores_of(tmp_path / "few.json", cache).tobytes() == alone.tobytes()


def test_the_order_of_the_tags_moves_columns_alone():
    model = load_model(MODEL, device="cpu").model
    texts = [Text(str(count), descriptions=tuple(sentences("star", count))) for count in COUNTS]
    tokens = torch.randn(3, 65, 128, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        rows = model.encode_texts(texts, batch_size=16)
        turned = model.encode_texts(texts[::-1], batch_size=16)
        assert rows.shape[1] == 130
        assert torch.equal(turned.flip(0), rows)
        assert torch.equal(model.score(tokens, turned).flip(1), model.score(tokens, rows))
        longer = torch.nn.functional.pad(rows, (0, 0, 0, 20))
        assert torch.allclose(model.score(tokens, longer), model.score(tokens, rows), atol=1e-5)
