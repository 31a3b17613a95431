"""Other tools' result files: their scores, their names and ours, and what is refused."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from vlbench.api.references import import_scores
from vlbench.core.errors import DataError
from vlbench.report.exchange.imported import (
    ImportedScore,
    TheirScore,
    imported_score,
    imported_text,
    known_already,
    read_imported,
    refuse_doubled,
    write_imported,
)
from vlbench.report.exchange.imported_clip_benchmark import read_clip_benchmark
from vlbench.report.exchange.imported_mteb import read_mteb
from vlbench.report.exchange.imported_open_clip import read_open_clip

FILES = Path(__file__).parents[3] / "fixtures" / "published"
OPEN_CLIP = FILES / "openclip_classification_results.csv"


def test_open_clips_layout_reproduces_its_average_column():
    scores, averages = read_open_clip(OPEN_CLIP)
    assert len(scores) == 6 * 35
    stated = {each.model: each.text for each in averages}
    assert stated["ViT-B-32/openai"] == "0.5265"
    # the file's own averages were made of unrounded columns: one of the six is 0.67035 from rounded ones
    printed = {each.model: f"{each.mean:.4f}" for each in averages}
    assert {model for model, text in stated.items() if printed[model] != text} == {"ViT-L-14-quickgelu/dfn2b"}
    assert all(each.agrees for each in averages)


def test_an_average_that_the_columns_contradict_is_told(tmp_path):
    path = tmp_path / "wrong.csv"
    path.write_text(OPEN_CLIP.read_text().replace(",0.5265,", ",0.5267,"))
    assert [each.model for each in read_open_clip(path)[1] if not each.agrees] == ["ViT-B-32/openai"]


def test_a_column_says_data_set_metric_and_language(tmp_path):
    scores = {each.dataset: each for each in read_open_clip(OPEN_CLIP)[0] if each.model == "ViT-B-32"}
    assert (scores["vtab/pets"].metric, scores["vtab/pets"].text) == ("mean_per_class_recall", "0.8700")
    assert scores["fmow"].metric == scores["geode"].metric == "worst_group_accuracy"
    assert scores["dollar_street"].metric == "worst_group_accuracy@5"
    path = tmp_path / "languages.csv"
    path.write_text(
        "model,version,avg,crossmodal3600 text_retrieval_recall@1 avg,"
        "crossmodal3600 text_retrieval_recall@1 de\n"
        "xlm,laion5b,0.7,0.5,0.73305553197860\n"
    )
    ((only,), _) = read_open_clip(path)
    assert (only.dataset, only.metric, only.language) == ("crossmodal3600", "text_retrieval_recall@1", "de")


def test_clip_benchmarks_json_and_csv():
    (acc1, *_) = read_clip_benchmark(FILES / "clip_benchmark.json")
    assert (acc1.model, acc1.pretrained, acc1.dataset) == (
        "ViT-B-32-quickgelu",
        "laion400m_e32",
        "wds/vtab/cifar100",
    )
    assert (acc1.metric, acc1.text, acc1.language) == ("acc1", "0.7029", "")
    rows = [
        (each.dataset, each.metric, each.text, each.differs)
        for each in read_clip_benchmark(FILES / "clip_benchmark.csv")
    ]
    assert ("flickr30k", "image_retrieval_recall@5", "0.8338000178337097", "") in rows
    assert ("voc2007_multilabel", "mean_average_precision", "0.801436722278595", "") in rows
    assert ("imagenet1k", "acc1", "0.5000", "question: linear_probe") in rows


def test_mteb_needs_a_name_for_its_model(tmp_path):
    file = FILES / "Imagenet1kZeroShot.json"
    with pytest.raises(DataError, match="nothing names the model; add --model NAME"):
        read_mteb(file)
    (tmp_path / file.name).write_text(file.read_text())
    (tmp_path / "model_meta.json").write_text('{"name": "openai/clip-vit-base-patch32"}')
    accuracy, main = read_mteb(tmp_path / file.name)
    assert (accuracy.metric, accuracy.text, main.metric) == ("acc1", "0.59124", "main_score")
    assert accuracy.model == "openai/clip-vit-base-patch32"
    assert accuracy.differs == "protocol: mteb's own templates and copy of the data"


@pytest.mark.parametrize(
    ("read", "name", "text", "message"),
    [
        (read_open_clip, "a.csv", "model,acc1\nx,0.5\n", "not in open_clip's layout: line 1"),
        (read_open_clip, "a.csv", "name,pretrained,Height\na,b,0.5\n", "no column of open_clip's tables"),
        (read_open_clip, "a.csv", "name,pretrained,MNIST\na,b\n", "line 2: 2 columns where the header has 3"),
        (
            read_open_clip,
            "a.csv",
            "name,pretrained,MNIST\na,b,48.3\n",
            "line 2, column MNIST: 48.3 is no fraction",
        ),
        (read_open_clip, "a.csv", "name,pretrained,MNIST\na,b,x\n", "line 2, column MNIST: 'x' is no number"),
        (read_clip_benchmark, "a.csv", "model,acc1\nx,0.5\n", "line 1 lacks one of dataset"),
        (
            read_clip_benchmark,
            "a.json",
            "no JSON",
            "a.json: not JSON (Expecting value: line 1 column 1 (char 0)); a result of",
        ),
        (read_clip_benchmark, "a.json", '{"metrics": {}}', "`task` and metrics are missing"),
        (read_clip_benchmark, "a.json", "[1]", "`task` and metrics are missing"),
        (read_mteb, "a.json", "[]", "not a result of mteb: no JSON object"),
        (read_mteb, "a.json", '{"task_name": "x"}', "`task_name` and `scores` are missing"),
    ],
)
def test_wrong_files_are_refused_in_a_line(tmp_path, read, name, text, message):
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(DataError) as refused:
        read(path)
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)


RUN = {"dataset": "d", "model": "m", "pretrained": "t", "task": "zeroshot_classification"}


@pytest.mark.parametrize(
    ("read", "name", "text", "message"),
    [
        (read_open_clip, "a.csv", "name,pretrained,MNIST,MNIST\na,b,0.5,0.6\n", "the column 'MNIST' twice"),
        (
            read_clip_benchmark,
            "a.csv",
            "acc1,dataset,model,pretrained,task,acc1\n0.5,d,m,t,x,0.6\n",
            "the column 'acc1' twice",
        ),
        (read_clip_benchmark, "a.json", "[" * 100_000, "nests too deeply"),
        (read_clip_benchmark, "a.json", '{"model": "a", "model": "b"}', "the key 'model' stands twice"),
        (
            read_clip_benchmark,
            "a.json",
            json.dumps(RUN | {"metrics": {"acc1": "0.5"}}),
            "acc1 is '0.5', no number",
        ),
        (read_clip_benchmark, "a.json", json.dumps(RUN | {"metrics": {"acc1": 1.7}}), "1.7 is no fraction"),
        (
            read_clip_benchmark,
            "a.json",
            json.dumps(RUN | {"metrics": {"acc1": 0.5}, "language": ["en"]}),
            "language is ['en'], no text",
        ),
        (read_mteb, "a.json", "[" * 100_000, "nests too deeply"),
    ],
)
def test_doubled_and_wrongly_typed_fields_are_refused_by_name(tmp_path, read, name, text, message):
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(DataError) as refused:
        read(path)
    assert message in str(refused.value)
    assert str(refused.value).startswith(str(path))


@pytest.mark.parametrize("second", ["0.5000", "0.6000"])
def test_a_cell_that_a_file_states_twice_is_refused_whatever_it_says(tmp_path, second):
    first = TheirScore("m", "t", "d", "acc1", "0.5000")
    others = [replace(first, language="de"), replace(first, metric="acc5"), replace(first, differs="q")]
    refuse_doubled([first, *others], tmp_path / "own.csv")
    with pytest.raises(DataError, match=f"own.csv: states m t d acc1 twice, 0.5000 and {second}; keep one"):
        refuse_doubled([first, *others, replace(first, text=second)], tmp_path / "own.csv")


def test_a_name_with_a_nul_is_refused(tmp_path):
    for name, text in (
        ("own.csv", "dataset,model,pretrained,task,acc1\nd\0,m,t,zeroshot_classification,0.5\n"),
        ("own.json", json.dumps(RUN | {"metrics": {"ac\0c": 0.5}})),
    ):
        (tmp_path / name).write_text(text)
        with pytest.raises(DataError, match=rf"{name}: .*holds a NUL"):
            read_clip_benchmark(tmp_path / name)


@pytest.mark.parametrize(("file", "model"), [("a.json", "caf\udce9"), ("caf\udce9.json", None)])
def test_a_name_that_is_no_text_is_refused(tmp_path, file, model):
    with pytest.raises(DataError, match=r"the name b'caf\\xe9.*' is not UTF-8; rename it"):
        import_scores("mteb", tmp_path / file, results=tmp_path, model=model)


def imported(file, value="0.5000", **fields):
    theirs = TheirScore("m", "t", "d", "acc1", value, **fields)
    return imported_score(
        theirs, system="clip_benchmark", file=file, card_of=lambda *_: "card", task_of=lambda *_: "task"
    )


def test_a_file_that_is_imported_under_two_names_is_listed_once(tmp_path):
    write_imported([imported("a.csv")], tmp_path)
    assert known_already([imported("b.csv")], tmp_path) == 1
    assert known_already([imported("a.csv")], tmp_path) == 0
    write_imported([imported("b.csv")], tmp_path)
    assert [each.file for each in read_imported(tmp_path)] == ["a.csv"]
    # files that contradict each other are two sources
    write_imported([imported("c.csv", "0.6000")], tmp_path)
    assert [each.file for each in read_imported(tmp_path)] == ["a.csv", "c.csv"]


def test_what_vlbench_exported_is_known_for_its_own(tmp_path):
    score = imported("own.csv", exporter="vlbench")
    assert score.published.differs == "exported by vlbench: no score of others"
    assert score.published.imported
    assert imported("theirs.csv").published.differs == ""


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda data: data.replace(b"acc1", b"acc\xff"), "not UTF-8 at byte 91"),
        (lambda data: data.replace(b"acc1", b"a" * 200_000), "field larger than field limit"),
        (lambda data: data.replace(b"acc1", b'"acc1'), "unexpected end of data"),
        (lambda data: data.replace(b"0.5000", b"1.7"), r"line 2, acc1: 1\.7 is no fraction"),
        (lambda data: data.replace(b"0.5000", b"nan"), "line 2, acc1: 'nan' is no number"),
        (lambda data: data + data.splitlines(keepends=True)[1], "states clip_benchmark m/t d acc1 twice"),
        (lambda data: data.replace(b"acc1", b"ac\0c1"), "holds a NUL"),
        (lambda data: data[:-9], "not written by `vlbench import`"),
    ],
)
def test_a_damaged_import_is_refused_in_a_line_that_names_it(tmp_path, damage, message):
    path = write_imported([imported("a.csv")], tmp_path)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(DataError, match=message) as error:
        read_imported(tmp_path)
    assert str(error.value).startswith(str(path))
    assert "\n" not in str(error.value)


def test_a_small_number_in_powers_of_ten_is_a_decimal(tmp_path):
    path = tmp_path / "run.json"
    run = (
        '{"dataset": "d", "model": "m", "pretrained": "t", "task": "zeroshot_classification", "metrics": %s}'
    )
    path.write_text(run % '{"acc1": 2.5e-05, "acc1_list": [1], "n": true}')
    assert [(each.metric, each.text) for each in read_clip_benchmark(path)] == [("acc1", "0.000025")]


def test_a_metric_that_clip_benchmark_could_not_compute_is_left_out(tmp_path):
    """It writes NaN as the acc5 of data sets with fewer than five classes."""
    path = tmp_path / "run.json"
    path.write_text(
        '{"dataset": "wds/vtab/pcam", "model": "m", "pretrained": "t", "task": "zeroshot_classification", '
        '"metrics": {"acc1": 0.6, "acc5": NaN, "mean_per_class_recall": 0.61}}'
    )
    assert [each.metric for each in read_clip_benchmark(path)] == ["acc1", "mean_per_class_recall"]


def test_files_of_one_name_from_two_models_or_data_sets_stand_beside_each_other(tmp_path):
    """mteb calls a task's file the same for every model, CLIP_benchmark any run's `result.json`."""

    def imported(model, dataset, value):
        theirs = TheirScore(model, "", dataset, "acc1", value)
        score = imported_score(
            theirs, system="mteb", file="result.json", card_of=lambda *_: "", task_of=lambda *_: ""
        )
        return write_imported([score], tmp_path)

    imported("org/a", "cifar10", "0.5000")
    imported("org/b", "cifar10", "0.6000")
    first = imported("org/a", "mnist", "0.7000")
    assert imported("org/a", "mnist", "0.8000") == first  # a new import of one run takes its place
    assert sorted(each.text for each in read_imported(tmp_path)) == ["0.5000", "0.6000", "0.8000"]


def test_what_is_written_is_read_back_and_stands_beside_results(tmp_path):
    theirs = read_clip_benchmark(FILES / "clip_benchmark.csv")
    ours = {"ViT-B-32": "clip-b32", "imagenet1k": "imagenet"}
    scores = [
        imported_score(
            each,
            system="clip_benchmark",
            file="a.csv",
            card_of=lambda model, _: ours.get(model, ""),
            task_of=lambda dataset, _: ours.get(dataset, ""),
        )
        for each in theirs
    ]
    path = write_imported(scores, tmp_path)
    assert path == tmp_path / "imported" / "clip_benchmark-a.csv"
    back = read_imported(tmp_path)
    assert sorted(back, key=repr) == sorted(scores, key=repr)
    published = [each.published for each in back if each.published is not None]
    assert {(each.model, each.task, each.printed) for each in published if not each.differs} >= {
        ("clip-b32", "imagenet", "0.63334")
    }
    assert published[0].source == "clip_benchmark: a.csv (imported)"
    table = imported_text(back, {"imagenet"}).splitlines()
    assert table[0] == "Imported, measured by other tools:"
    assert table[-1] == "and 3 scores on tasks without a result here"
    assert imported_text((), {"imagenet"}) == ""


def test_a_foreign_file_among_the_imported_is_named(tmp_path):
    (tmp_path / "imported").mkdir()
    (tmp_path / "imported" / "mine.csv").write_text("a,b\n1,2\n")
    with pytest.raises(DataError, match="not written by `vlbench import`"):
        read_imported(tmp_path)


def test_scores_of_other_tools_stand_below_under_their_own_heading():
    theirs = ImportedScore("mteb", "M", "", "shapes", "shapes", "acc1", "0.51", "protocol: own", "f.json")
    text = imported_text([theirs], ["shapes"], markdown=True)
    assert text.splitlines()[0] == "Measured by other tools and imported:"
    assert text.splitlines()[-1] == "| mteb | M | shapes | acc1 | 0.5100 | protocol: own |"
    assert imported_text([theirs], ["digits"], markdown=True) == ""
