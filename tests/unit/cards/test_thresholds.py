import re
from dataclasses import replace
from pathlib import Path

import pytest

from vlbench.cards.build import open_task
from vlbench.cards.catalogue import read_catalogue
from vlbench.cards.data_request import DataRequest
from vlbench.cards.thresholds import read_thresholds
from vlbench.core.contracts import Text
from vlbench.core.errors import DataError, Unsupported
from vlbench.core.metric_name import DECIDED
from vlbench.core.task import Task

TAGS = (Text("hot dog"), Text("cat"), Text("owl"))
CARD = """\
title: Tags
kind: tagging
protocol: tags
names: names.tsv
sources:
- {kind: shapes, question: tags, split: test, count: 20, seed: 4}
metrics: [mean_average_precision, micro_f1]
primary: mean_average_precision
"""


def built(name: str, thresholds: str | None, *folders: Path) -> Task:
    return open_task(name, read_catalogue(folders), request=DataRequest(thresholds=thresholds)).task


def learning(name: str, *folders: Path) -> Task:
    """A task with its validation split, if its card names one."""
    request = DataRequest(splits=frozenset({"validation"}))
    return open_task(name, read_catalogue(folders), request=request).task


def write_card(folder: Path, validation: str = "") -> Path:
    (folder / "tasks").mkdir()
    tags = (
        "red orange yellow green cyan blue purple pink circle square triangle diamond cross star ring heart"
    )
    (folder / "tasks" / "names.tsv").write_text("\n".join(["name\tn", *(f"{t}\t" for t in tags.split())]))
    (folder / "tasks" / "own.yaml").write_text(CARD + validation)
    return folder


@pytest.mark.parametrize(
    "content",
    [
        "0.5\n0.25\n-1e-1\n",
        "index\tname\tthreshold\r\n0\thot_dog\t0.5\r\n1\tcat\t0.25\r\n2\towl\t-0.1\r\n",
        "name\tthreshold\nowl\t-0.1\nelk\t0.9\ncat\t0.25\nhot dog\t0.5\n",
        '{"owl": -0.1, "hot_dog": 0.5, "cat": 0.25, "elk": 1}',
    ],
)
def test_a_file_states_a_threshold_for_each_tag(tmp_path: Path, content: str) -> None:
    path = tmp_path / "thresholds"
    path.write_bytes(b"\xef\xbb\xbf" + content.encode())
    assert read_thresholds(str(path), TAGS) == (0.5, 0.25, -0.1)


def test_a_number_is_that_of_every_tag() -> None:
    assert read_thresholds("0.17", TAGS) == (0.17,) * 3


def test_names_that_repeat_are_read_in_the_order_of_the_tags(tmp_path: Path) -> None:
    path = tmp_path / "thresholds.json"
    path.write_text('{"crane": 0.5, "crane": 0.25}')
    cranes = (Text("crane", ids={"wnid": "n01"}), Text("crane", ids={"wnid": "n02"}))
    assert read_thresholds(str(path), cranes) == (0.5, 0.25)
    with pytest.raises(DataError, match="'crane' stands twice"):
        read_thresholds(str(path), (Text("crane"),))


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("0.5\n0.25\n", "2 numbers for 3 tags"),
        ("0.5\nhigh\n0.5\n", "line 2: 'high' is no number"),
        ("0.5\nnan\n0.5\n", "line 2: 'nan' is no number"),
        (
            '{"hot dog": 0.5, "cats": 0.5}',
            r"2 of 3 tags have no threshold: 'cat' \(did you mean 'cats'\?\) and 1",
        ),
        ('{"hot dog": true}', "'hot dog': 'True' is no number"),
        ('{"hot dog": 0.5', "not JSON"),
        ("name\tzh\ncat\t\n", "the header lacks `name` or `threshold`"),
        ("name\tthreshold\ncat\n", "line 2: 1 columns where the header has 2"),
    ],
)
def test_a_wrong_file_is_refused(tmp_path: Path, content: str, told: str) -> None:
    path = tmp_path / "thresholds"
    path.write_text(content)
    with pytest.raises(DataError, match=told):
        read_thresholds(str(path), TAGS)


@pytest.mark.parametrize("asked", ["nan", "inf", "missing.txt"])
def test_neither_number_nor_file(asked: str) -> None:
    with pytest.raises(DataError, match=f"{re.escape(asked)}.*(is no number|no such file)"):
        read_thresholds(asked, TAGS)


def test_thresholds_make_a_task_of_their_own(tmp_path: Path) -> None:
    plain = built("shapes-tags", None)
    number = built("shapes-tags", "0.17")
    path = tmp_path / "thresholds.txt"
    path.write_text("0.17\n" * 15 + "0.2\n")
    file = built("shapes-tags", str(path))
    assert [each.name for each in (plain, number)] == ["shapes-tags", "shapes-tags+thresholds@0.17"]
    assert re.fullmatch(r"shapes-tags\+thresholds@[0-9a-f]{6}", file.name)
    assert len({each.protocol.digest for each in (plain, number, file)}) == 3
    assert "thresholds" not in plain.protocol.statement
    assert plain.thresholds is None
    assert number.thresholds == (0.17,) * 16
    assert tuple(number.metrics) == (*plain.metrics, *DECIDED)


@pytest.mark.slow
def test_a_split_that_is_learned_from_changes_no_question() -> None:
    plain, chosen = built("shapes-tags", None), learning("shapes-tags")
    assert (chosen.name, chosen.protocol, chosen.metrics) == (plain.name, plain.protocol, plain.metrics)
    validation = chosen.learn_from["validation"]
    assert validation.queries == chosen.problem.queries
    assert {each.id for each in validation.images.examples}.isdisjoint(chosen.problem.ids)


def test_a_file_that_repeats_the_cards_names_asks_the_same_of_every_split(tmp_path: Path) -> None:
    source = "{kind: shapes, question: tags, split: test, count: 20, seed: 5}"
    folder = write_card(tmp_path, f"validation:\n  sources:\n  - {source}\n")
    tags = [text.name for text in built("own", None, folder).problem.texts]
    lines = [f"{tag}\t{n}" for n, tag in enumerate(tags)]  # ids, which the user's file does not repeat
    (folder / "tasks" / "names.tsv").write_text("\n".join(["name\tn", *lines]))
    (tmp_path / "same.txt").write_text("\n".join(tags))
    request = DataRequest(splits=frozenset({"validation"}), classnames=tmp_path / "same.txt")
    found = open_task("own", read_catalogue((folder,)), request=request).task
    assert (found.name, set(found.learn_from)) == ("own", {"validation"})


def test_a_metric_of_the_card_stays_in_its_place(tmp_path: Path) -> None:
    asked = built("own", "0.2", write_card(tmp_path))
    assert list(asked.metrics)[:2] == ["mean_average_precision", "micro_f1"]
    assert sorted(asked.metrics) == sorted({"mean_average_precision", *DECIDED})


def test_without_a_validation_split_there_is_none_to_learn_from(tmp_path: Path) -> None:
    assert not learning("own", write_card(tmp_path)).learn_from
    with pytest.raises(Unsupported, match="shapes: classification has no thresholds"):
        built("shapes", "0.5")


@pytest.mark.parametrize(("seed", "count", "shared"), [(4, 20, 20), (4, 50, 20), (4, 5, 5)])
def test_thresholds_are_never_chosen_on_test_images(
    tmp_path: Path, seed: int, count: int, shared: int
) -> None:
    source = f"{{kind: shapes, question: tags, split: test, count: {count}, seed: {seed}}}"
    folder = write_card(tmp_path, f"validation:\n  sources:\n  - {source}\n")
    told = rf"own: {shared} of {count} validation images are test images \(several-test-4-00000 "
    with pytest.raises(DataError, match=told):
        learning("own", folder)


@pytest.mark.parametrize("names", ["{}.png", "v_{}.png"])
def test_a_copy_of_the_test_images_is_known_by_its_bytes_whatever_its_names(
    tmp_path: Path, names: str
) -> None:
    from PIL import Image

    for copy, name in (("test", "{}.png"), ("val", names)):
        (tmp_path / "data" / copy).mkdir(parents=True)
        for colour in ("red", "blue"):
            Image.new("RGB", (8, 8), colour).save(tmp_path / "data" / copy / name.format(colour))
        lines = [f'{{"file_name": "{name.format(each)}", "tags": ["{each}"]}}\n' for each in ("red", "blue")]
        (tmp_path / "data" / copy / "metadata.jsonl").write_text("".join(lines))
    (tmp_path / "tasks").mkdir()
    (tmp_path / "tasks" / "names.tsv").write_text("name\tn\nred\t\nblue\t\n")
    card = CARD.replace(
        "{kind: shapes, question: tags, split: test, count: 20, seed: 4}", "{kind: jsonl, path: test}"
    )
    card += "validation:\n  sources:\n  - {kind: jsonl, path: val}\n"
    (tmp_path / "tasks" / "own.yaml").write_text(card)
    request = DataRequest(roots=(tmp_path / "data",), splits=frozenset({"validation"}))
    with pytest.raises(DataError, match="2 of 2 validation images are test images"):
        open_task("own", read_catalogue((tmp_path,)), request=request)
    allowed = replace(request, allow_seen_images=True)
    assert open_task("own", read_catalogue((tmp_path,)), request=allowed).task.learn_from
    # another image under the same name is another image
    for colour in ("red", "blue"):
        path = tmp_path / "data" / "val" / names.format(colour)
        Image.new("RGB", (8, 8), "lime" if colour == "red" else "navy").save(path)
    assert open_task("own", read_catalogue((tmp_path,)), request=request).task.learn_from
