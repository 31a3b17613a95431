"""Images with a metadata.jsonl."""

import json
from pathlib import Path

import pytest

from vlbench.core.contracts import Place, Target, Text
from vlbench.core.errors import DataError, SourceMissing
from vlbench.datasets.readers.folder import folder
from vlbench.datasets.readers.jsonl import jsonl


def write(root: Path, *records: object) -> Path:
    file = root / "metadata.jsonl"
    file.write_text("".join(f"{json.dumps(record)}\n" for record in records), encoding="utf-8")
    return file


def test_lines_give_targets_in_their_order(class_folder: Path) -> None:
    write(
        class_folder,
        {"file_name": "red_square/2.png", "label": "a_b", "width": 12},
        {"file_name": "./blue_disc/0.png", "captions": [" one\n", "two"], "text": "unread"},
        {"file_name": "blue_disc/1.png", "caption": "three", "tags": ["dog", 4], "label": None},
        {"file_name": "red_square/0.png", "text": "four", "tags": []},
        {"file_name": "red_square/1.png", "label": 3, "group": "asia"},
    )
    source = jsonl(Place(roots=(class_folder.parent,)), path="classes")
    assert [source[i].id for i in range(3)] == ["red_square/2.png", "blue_disc/0.png", "blue_disc/1.png"]
    assert [source[i].target for i in range(len(source))] == [
        Target(label="a_b"),
        Target(captions=("one", "two")),
        Target(captions=("three",), tags=("dog", 4)),
        Target(captions=("four",), tags=()),
        Target(label=3, group="asia"),
    ]
    classes = folder(Place(), path=str(class_folder))
    there = {classes[i].id: classes[i].state for i in range(len(classes))}
    assert [source[i].state for i in range(len(source))] == [there[source[i].id] for i in range(len(source))]


def test_tags_may_be_unknown_or_known_to_be_false(class_folder: Path) -> None:
    write(
        class_folder,
        {"file_name": "red_square/0.png", "tags": ["cat"], "unknown_tags": ["dog", 4]},
        {"file_name": "red_square/1.png", "tags": [], "negative_tags": [], "unknown_tags": None},
        {"file_name": "red_square/2.png", "tags": ["cat"], "negative_tags": ["eel"]},
    )
    source = jsonl(Place(), path=str(class_folder))
    assert [source[i].target for i in range(3)] == [
        Target(tags=("cat",), unknown=("dog", 4)),
        Target(tags=(), negatives=()),
        Target(tags=("cat",), negatives=("eel",)),
    ]
    assert source.reading.labels == "tags, unknown_tags, negative_tags of metadata.jsonl"
    assert [text.name for text in source.offers.names] == ["cat", "dog", "eel"]
    write(class_folder, {"file_name": "red_square/0.png", "tags": [], "negative_tags": "cat"})
    with pytest.raises(DataError, match=r"metadata\.jsonl:1: negative_tags 'cat' are no list of strings"):
        jsonl(Place(), path=str(class_folder))


def test_names_are_labels_or_tags_sorted_unless_a_file_orders_them(class_folder: Path) -> None:
    images = [f"red_square/{i}.png" for i in range(3)]

    def names(*said: dict[str, object]) -> tuple[Text, ...]:
        write(
            class_folder, *({"file_name": image, **each} for image, each in zip(images, said, strict=False))
        )
        return jsonl(Place(), path=str(class_folder)).offers.names

    assert names({"label": "b_c"}, {"label": "a"}, {"label": "b_c"}) == (
        Text("a"),
        Text("b c", ids={"label": "b_c"}),
    )
    assert names({"tags": ["y", "x"]}, {"tags": ["x"]}) == (Text("x"), Text("y"))
    assert names({"label": "a", "tags": ["x"]}) == ()  # two vocabularies, and nobody says which
    assert names({"label": 1}, {"label": 0}) == ()
    (class_folder / "names.txt").write_text("\ufeffy\r\nx\tX1\r\n\r\n", encoding="utf-8")
    assert names({"tags": ["y", "x"]}) == (Text("y"), Text("x", ids={"label": "X1"}))


def test_metadata_may_come_with_the_card(class_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "card").mkdir()
    write(class_folder, {"file_name": "red_square/0.png", "tags": ["a"]})
    write(tmp_path / "card", {"file_name": "red_square/1.png", "tags": ["b"]}).rename(
        tmp_path / "card" / "b.jsonl"
    )
    place = Place(roots=(tmp_path,), card_folder=tmp_path / "card")
    source = jsonl(place, path="classes", metadata="b.jsonl")
    assert [source[i].id for i in range(len(source))] == ["red_square/1.png"]
    with pytest.raises(SourceMissing, match=r"no metadata file in .*classes/c.jsonl, .*/card/c.jsonl"):
        jsonl(place, path="classes", metadata="c.jsonl")


def test_a_corrected_label_changes_the_revision(class_folder: Path) -> None:
    def revision(label: str) -> str:
        write(class_folder, {"file_name": "red_square/0.png", "label": label})
        return jsonl(Place(), path=str(class_folder)).revision

    assert revision("cat") == revision("cat") != revision("dog")


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (
            '{"file_name": "red_square/9.png"}',
            r"image .*red_square/9\.png is not there; complete the images",
        ),
        ('{"file_name": "none/9.png"}', r"image .*none/9\.png is not there"),
        ('{"file_name": "red_square"}', r"image .*red_square is not there"),
        ('{"file_name": "red_square/0.png"}', r"red_square/0\.png is named at .*:1 already"),
        ('{"file_name": "../x.png"}', r"'../x\.png' leads out of the folder"),
        ('{"file_name": "/x.png"}', r"'/x\.png' leads out of the folder"),
        ('{"label": "x"}', "has no file_name, but label"),
        ('{"file_name": "red_square/1.png"', "not JSON"),
        ("[]", "not a JSON object"),
        ('{"file_name": "red_square/1.png", "label": 0.5}', r"label 0\.5 is neither"),
        ('{"file_name": "red_square/1.png", "label": true}', "label True is neither"),
        ('{"file_name": "red_square/1.png", "captions": ["a", 1]}', r"captions \['a', 1\] are neither"),
        ('{"file_name": "red_square/1.png", "tags": "a"}', "tags 'a' are no list"),
    ],
)
def test_a_wrong_line_is_named(class_folder: Path, line: str, problem: str) -> None:
    file = class_folder / "metadata.jsonl"
    file.write_text('{"file_name": "red_square/0.png"}\n\n' + line + "\n")
    with pytest.raises(DataError, match=f"{file}:3: {problem}") as wrong:
        jsonl(Place(), path=str(class_folder))
    assert "\n" not in str(wrong.value)


def test_no_metadata_is_missing_data_and_an_empty_one_an_error(class_folder: Path) -> None:
    with pytest.raises(SourceMissing, match=r"no metadata\.jsonl or metadata\.csv in .*classes"):
        jsonl(Place(), path=str(class_folder))
    write(class_folder)
    with pytest.raises(DataError, match="has no line"):
        jsonl(Place(), path=str(class_folder))


def test_images_without_a_line_and_blank_captions_are_counted(class_folder: Path) -> None:
    lines = '{"file_name": "red_square/0.png", "captions": ["a", "b", ""], "class": "red"}\n'
    (class_folder / "metadata.jsonl").write_text(lines)
    source = jsonl(Place(), path=str(class_folder))
    assert source[0].target.captions == ("a", "b")
    assert [(each.count, each.why, each.first) for each in source.reading.left_out] == [
        (1, "blank captions", "metadata.jsonl:1"),
        (8, "images without a line in metadata.jsonl", "blue_disc/0.png"),
    ]
    assert source.reading.labels == "captions of metadata.jsonl; left alone: class"


def table(root: Path, text: str) -> None:
    (root / "metadata.csv").write_text(text, encoding="utf-8")


def test_a_table_is_read_as_the_lines_are(class_folder: Path) -> None:
    table(
        class_folder, "file_name,label,group,width\nred_square/2.png,hot_dog,asia,12\nblue_disc/0.png,cat,,\n"
    )
    source = jsonl(Place(), path=str(class_folder))
    assert [source[i].target for i in range(2)] == [
        Target(label="hot_dog", group="asia"),
        Target(label="cat"),
    ]
    assert source.reading.labels == "label, group of metadata.csv; left alone: width"
    assert [text.name for text in source.offers.names] == ["cat", "hot dog"]
    table(class_folder, "file_name,label\nred_square/2.png,1\nblue_disc/0.png,0\n")
    assert [each.target.label for each in jsonl(Place(), path=str(class_folder)).examples] == [1, 0]
    write(class_folder, {"file_name": "red_square/1.png", "label": "x"})
    both = jsonl(Place(), path=str(class_folder))
    assert ([each.id for each in both.examples], both.reading.left_out[0].first) == (
        ["red_square/1.png"],
        "metadata.csv",
    )


def test_a_caption_a_row(class_folder: Path) -> None:
    table(
        class_folder,
        'file_name,text\nred_square/2.png,"a dog, a mat"\nblue_disc/0.png,two\nred_square/2.png,one more\n',
    )
    source = jsonl(Place(), path=str(class_folder))
    assert [(each.id, each.target.captions) for each in source.examples] == [
        ("red_square/2.png", ("a dog, a mat", "one more")),
        ("blue_disc/0.png", ("two",)),
    ]
    line = {"file_name": "red_square/0.png", "caption": "a"}
    (class_folder / "metadata.csv").unlink()
    write(class_folder, line, {**line, "caption": "b"})
    assert jsonl(Place(), path=str(class_folder))[0].target.captions == ("a", "b")
    write(class_folder, {**line, "label": "cat"}, {**line, "label": "dog"})
    with pytest.raises(DataError, match=r"jsonl:2: red_square/0\.png is named at .*:1 already"):
        jsonl(Place(), path=str(class_folder))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("image,label\na.png,cat\n", r"csv: line 2: has no file_name, but image, label; name"),
        (
            "file_name;label\na.png;cat\n",
            "has no file_name, but file_name;label; set columns apart by commas",
        ),
        (
            "file_name,tags\nred_square/0.png,cat\n",
            "the column 'tags' has no lists; state tags in a metadata",
        ),
        ("file_name,label\nred_square/0.png\n", "line 2: 1 columns where the header has 2"),
        ("file_name,label\n../x.png,cat\n", r"csv: line 2: '\.\./x\.png' leads out"),
        ("file_name,label\n", "has no line"),
    ],
)
def test_a_wrong_table_is_named(class_folder: Path, text: str, told: str) -> None:
    table(class_folder, text)
    with pytest.raises(DataError, match=told):
        jsonl(Place(), path=str(class_folder))
