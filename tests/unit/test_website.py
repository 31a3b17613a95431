from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from vlbench import build_site, load_task
from vlbench.core.errors import DataError
from vlbench.core.items import Items
from vlbench.core.measurement import Measurement
from vlbench.report.paired.items import write_items
from vlbench.report.results import PREDICTIONS, result_path, write_result

RESULTS = Path(__file__).resolve().parents[2] / "results"


def files(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_offline_defaults_site_holds_its_cards_and_is_the_same_twice(tmp_path):
    for name in ("a", "b"):
        build_site(RESULTS, tmp_path / name)
    assert files(tmp_path / "a") == files(tmp_path / "b")
    page = (tmp_path / "a" / "models" / "tiny-clip.html").read_text(encoding="utf-8")
    assert "tiny-clip, the offline default" in page
    assert "shapes-scenes, drawn-digits" in page
    assert "Coloured shapes in pairs never seen" in (tmp_path / "a/tasks/shapes.html").read_text(
        encoding="utf-8"
    )


def test_published_scores_stand_beside_ours_and_those_of_others_below(make_result, tmp_path):
    metrics = (Measurement(0.6332, 50000, 0.629, 0.637, "wilson", metric="acc1"),)
    ours = make_result(model="clip-b32", task="imagenet", protocol="openai-80", metrics=metrics)
    write_result(ours, tmp_path / "results")
    build_site(tmp_path / "results", tmp_path / "site")
    page = (tmp_path / "site" / "tasks" / "imagenet.html").read_text(encoding="utf-8")
    beside, others = page.split("Beside ours")[1].split("Of models without a result here")
    assert "open_clip" in beside
    assert "0.633" in beside
    assert "clip-l14" in others
    assert ">clip-b32<" not in others


def test_a_methods_row_shows_the_models_card_and_stands_beside_no_published_score(make_result, tmp_path):
    metrics = (Measurement(0.6332, 50000, 0.629, 0.637, "wilson", metric="acc1"),)
    ours = make_result(
        model="clip-b32+bf16+probe@4.s1",
        replicate_of="clip-b32+bf16+probe@4",
        method="probe@4",
        zero_shot="no",
        task="imagenet",
        protocol="openai-80",
        metrics=metrics,
    )
    write_result(ours, tmp_path / "results")
    build_site(tmp_path / "results", tmp_path / "site")
    page = (tmp_path / "site" / "tasks" / "imagenet.html").read_text(encoding="utf-8")
    beside, _ = page.split("Beside ours")[1].split("Of models without a result here")
    assert "not comparable: method: probe@4, and the score is the model" in beside
    assert "reproduced" not in beside
    (card,) = (tmp_path / "site" / "models").glob("clip-b32*.html")
    page = card.read_text(encoding="utf-8")
    assert "Trained on" in page
    assert "probe@4.s1" in page


def test_few_models_with_items_are_tested_in_pairs(make_result, tmp_path):
    chance = np.random.default_rng(0)
    classes = np.zeros(200, dtype=np.int64)
    for model, share in (("weak", 0.3), ("strong", 0.7)):
        ranks = np.where(chance.random(200) < share, 1, 3).astype(np.int64)
        hits = float((ranks == 1).mean())
        metrics = (Measurement(hits, 200, hits - 0.05, hits + 0.05, "wilson", metric="acc1"),)
        result = replace(make_result(model=model), metrics=metrics)
        write_result(result, tmp_path / "results")
        write_items(result, Items(image_ranks=ranks, classes=classes), tmp_path / "results")
    build_site(tmp_path / "results", tmp_path / "site")
    script = (tmp_path / "site" / "names.js").read_text(encoding="utf-8")
    assert '"a":"strong","b":"weak","task":"shapes","metric":"acc1"' in script
    page = (tmp_path / "site" / "tasks" / "shapes.html").read_text(encoding="utf-8")
    assert "significantly better" in page


def test_saved_predictions_become_thumbnails_where_the_images_lie_here(make_result, tmp_path):
    problem = load_task("digits").problem
    ids = [problem.images[i].id for i in range(len(problem.images))]
    result = make_result(task="digits", n_images=len(ids), n_texts=10)
    write_result(result, tmp_path / "results")
    ranks = [7, *[1] * (len(ids) - 1)]
    best = [["nine", "two"]] * len(ids)
    table = pd.DataFrame({"side": "image", "id": ids, "rank": ranks, "best": best})
    table.to_parquet(tmp_path / "results" / result_path(result, PREDICTIONS), index=False)
    build_site(tmp_path / "results", tmp_path / "site")
    page = (tmp_path / "site" / "tasks" / "digits.html").read_text(encoding="utf-8")
    (picture,) = (tmp_path / "site" / "thumbnails").iterdir()
    assert f'src="../thumbnails/{picture.name}"' in page
    truth = problem.texts[int(problem.relevant.queries[0])].name
    assert f"<td>{truth}</td><td>nine</td>" in page


def test_folders_without_a_whole_result_are_refused(make_result, tmp_path):
    with pytest.raises(DataError, match="no such results folder"):
        build_site(tmp_path / "none", tmp_path / "site")
    write_result(make_result(partial="first 50 images"), tmp_path / "results")
    with pytest.raises(DataError, match="no whole result"):
        build_site(tmp_path / "results", tmp_path / "site")
    assert not (tmp_path / "site").exists()


def test_models_that_do_not_compare_are_shown_untested(make_result, tmp_path):
    for model, images in (("a", "1"), ("b", "2")):
        digests = {**make_result().digests, "image_ids": images * 32}
        result = make_result(model=model, digests=digests)
        write_result(result, tmp_path / "results")
        ranks = np.ones(200, dtype=np.int64)
        write_items(result, Items(image_ranks=ranks, classes=ranks), tmp_path / "results")
    build_site(tmp_path / "results", tmp_path / "site")
    script = (tmp_path / "site" / "names.js").read_text(encoding="utf-8")
    assert '"paired":[]' in script
