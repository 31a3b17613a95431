import csv
import itertools
import json

import pytest
import yaml
from huggingface_hub.repocard_data import model_index_to_eval_results

from vlbench.core.errors import DataError
from vlbench.core.measurement import Measurement
from vlbench.report.exchange.export import ExportNames, export_text, untold
from vlbench.report.exchange.imported_clip_benchmark import read_clip_benchmark

NAMES = ExportNames(
    title=lambda task: f"Title of {task}",
    dataset=lambda task: (f"wds/{task}", "en"),
    weights=lambda model: (model.upper(), "tag"),
)
FORMS = ("model-index", "jsonl", "clip_benchmark")


def metrics(**values):
    return tuple(Measurement(value, 4, metric=name) for name, value in values.items())


@pytest.fixture
def results(make_result):
    recall = metrics(**{"image_retrieval_recall@5": 0.75, "image_retrieval_median_rank": 3.0})
    return [
        make_result(model="small"),
        make_result(model="large", metrics=metrics(acc1=1 / 3, acc5=None, nll=1.5)),
        make_result(
            model="small",
            task="captions",
            kind="retrieval",
            metrics=recall,
            primary="image_retrieval_recall@5",
        ),
        make_result(model="quick", partial="limit 5"),
        make_result(model="small", task="own", kind="composed", metrics=metrics(acc1=0.5)),
    ]


def test_the_hubs_own_reader_reads_the_model_index(results):
    index = yaml.safe_load(export_text(results, "model-index", NAMES))["model-index"]
    assert [each["name"] for each in index] == ["large", "small"]
    name, found = model_index_to_eval_results([index[0]])
    assert name == "large"
    assert [(each.metric_type, each.metric_name, each.metric_value) for each in found] == [
        ("accuracy", "acc1", 0.333333),
        ("nll", "nll", 1.5),
    ]
    assert found[0].task_type == "zero-shot-image-classification"
    assert (found[0].dataset_type, found[0].dataset_name) == ("shapes", "Title of shapes")
    assert found[0].dataset_args["protocol_digest"] == "d" * 32


def test_a_model_called_like_a_truth_value_keeps_its_name(make_result):
    found = export_text([make_result(model="on")], "model-index", NAMES)
    assert yaml.safe_load(found)["model-index"][0]["name"] == "on"


def test_a_json_line_is_a_metric(results):
    lines = [json.loads(line) for line in export_text(results, "jsonl", NAMES).splitlines()]
    assert [(line["model"], line["task"], line["metric"], line["value"]) for line in lines] == [
        ("large", "shapes", "acc1", 1 / 3),
        ("large", "shapes", "acc5", None),
        ("large", "shapes", "nll", 1.5),
        ("small", "captions", "image_retrieval_recall@5", 0.75),
        ("small", "captions", "image_retrieval_median_rank", 3.0),
        ("small", "own", "acc1", 0.5),
        ("small", "shapes", "acc5", 0.75),
        ("small", "shapes", "acc1", 0.5),
    ]
    assert lines[0]["primary"] is True
    assert lines[0]["settings_precision"] == "fp32"


def test_what_clip_benchmarks_layout_holds_is_read_back(results, tmp_path):
    path = tmp_path / "benchmark.csv"
    path.write_text(export_text(results, "clip_benchmark", NAMES))
    found = [
        (each.model, each.pretrained, each.dataset, each.metric, float(each.text), each.differs)
        for each in read_clip_benchmark(path)
    ]
    assert found == [
        ("LARGE", "tag", "wds/shapes", "acc1", 1 / 3, ""),
        ("SMALL", "tag", "wds/captions", "image_retrieval_recall@5", 0.75, ""),
        ("SMALL", "tag", "wds/shapes", "acc1", 0.5, ""),
        ("SMALL", "tag", "wds/shapes", "acc5", 0.75, ""),
    ]
    (line, *_) = csv.DictReader(path.read_text().splitlines())
    assert (line["model_fullname"], line["task"]) == ("LARGE tag", "zeroshot_classification")


@pytest.mark.parametrize("form", FORMS)
def test_the_order_of_results_changes_no_byte(results, form):
    texts = {export_text(order, form, NAMES) for order in itertools.permutations(results, len(results))}
    assert len(texts) == 1
    assert "quick" not in texts.pop()


def test_what_a_method_learned_is_called_so_or_left_out_and_named(make_result):
    learned = {
        "model": "small+probe.s1",
        "method": "probe",
        "zero_shot": "no",
        "digests": {"method": "e" * 32},
    }
    results = [make_result(), make_result(**learned)]
    line = json.loads(export_text(results, "jsonl", NAMES).splitlines()[-1])
    assert (line["model"], line["method"], line["method_digest"]) == ("small+probe.s1", "probe", "e" * 32)
    index = yaml.safe_load(export_text(results, "model-index", NAMES))["model-index"]
    told = {each["name"]: each["results"][0] for each in index}
    assert told["small"]["task"]["type"] == "zero-shot-image-classification"
    assert told["small+probe.s1"]["task"] == {"type": "image-classification", "name": "Image Classification"}
    assert told["small+probe.s1"]["dataset"]["args"]["method"] == "probe"
    assert export_text(results, "clip_benchmark", NAMES) == export_text(results[:1], "clip_benchmark", NAMES)
    assert untold(results, "clip_benchmark") == (
        "left out, since CLIP_benchmark's CSV has no place for a method: small+probe.s1"
    )
    assert (untold(results, "jsonl"), untold(results[:1], "clip_benchmark")) == ("", "")


def test_tasks_whose_metrics_clip_benchmark_does_not_know_are_said_to_be_left_out(results, make_result):
    matched = make_result(
        task="pairs", kind="matching", metrics=metrics(text_score=0.5), primary="text_score"
    )
    said = "left out, since CLIP_benchmark's CSV knows no metric of: own, pairs"
    assert untold([*results, matched], "clip_benchmark") == said
    assert untold([matched], "jsonl") == ""


def test_results_on_other_data_are_told_apart_or_refused(make_result):
    digests = [{"image_ids": "i", "texts": "t", "truth": truth} for truth in "rs"]
    results = [make_result(model=model, digests=each) for model, each in zip("ab", digests, strict=True)]
    lines = [json.loads(line) for line in export_text(results, "jsonl", NAMES).splitlines()]
    assert {(line["model"], line["truth_digest"]) for line in lines} == {("a", "r"), ("b", "s")}
    index = yaml.safe_load(export_text(results, "model-index", NAMES))["model-index"]
    assert [each["results"][0]["dataset"]["args"]["truth_digest"] for each in index] == ["r", "s"]
    with pytest.raises(DataError, match="shapes: b and a differ in right answers, which the CSV cannot say"):
        export_text(results, "clip_benchmark", NAMES)
    assert export_text(results[:1], "clip_benchmark", NAMES)
