"""Tag lists: the packaged ones against their published digests, and where a task's tags stand in them."""

from collections import Counter
from hashlib import sha256
from pathlib import Path

import pytest

from vlbench.core.contracts import Text
from vlbench.core.errors import CardError, Unsupported
from vlbench.models.ram.tag_lists import positions, read_tags, read_thresholds

LISTS = Path(__file__).parents[4] / "model_cards" / "tag_lists"
RAM, TAG2TEXT = LISTS / "ram.tsv", LISTS / "tag2text.tsv"


def names_of(path: Path) -> tuple[str, ...]:
    return tuple(tag.name for tag in read_tags(path, "ram"))


@pytest.mark.parametrize(
    ("path", "digest"),
    [
        (RAM, "5d96d2f7225527480ad773aaac76b6e5c08a18adf6eae9ca7d2ab923d5e7bd8b"),
        (TAG2TEXT, "7d05c7cb88ed46a2aee1434776964f6bdbda0c0f4233c8633e109084382d3a45"),
    ],
)
def test_names_are_the_published_files(path: Path, digest: str) -> None:
    """Both files end without a newline, as facts of the parity fixtures say."""
    assert sha256("\n".join(names_of(path)).encode()).hexdigest() == digest


def test_thresholds_are_the_published_file() -> None:
    thresholds = read_thresholds(RAM)
    lines = [row.split("\t")[3] for row in RAM.read_text(encoding="utf-8").splitlines()[1:]]
    assert sha256(("\n".join(lines) + "\n").encode()).hexdigest() == (
        "b6f81d0de1bc7f9c251af512c413eae976c77dbfbadf700d4e3d90510f4c6447"
    )
    counts = Counter(thresholds)
    assert (len(thresholds), counts[0.65], counts[0.8], counts[1.0]) == (4585, 3414, 735, 10)


@pytest.mark.slow
def test_counts_and_repetitions() -> None:
    tags = read_tags(RAM, "ram")
    assert tags[2] == Text("abacus", ids={"ram": "2", "zh": "算盘"})
    assert len({tag.name for tag in tags}) == len(tags) == 4585
    assert len({tag.ids["zh"] for tag in tags}) == 4379
    names = names_of(TAG2TEXT)
    assert (len(names), len(set(names))) == (3429, 3313)
    assert "zh" not in read_tags(TAG2TEXT, "tag2text")[0].ids


def test_tag2texts_raised_and_deleted_tags() -> None:
    names, thresholds = names_of(TAG2TEXT), read_thresholds(TAG2TEXT)
    by_value = {
        value: {names[i] for i, each in enumerate(thresholds) if each == value} for value in set(thresholds)
    }
    assert by_value[0.7] == {"person", "man", "woman"}
    assert by_value[1.0] == {"quarter", "back", "one", "two", "three", "four", "five"}
    assert set(by_value) == {0.68, 0.7, 1.0}


def test_positions_by_id_then_by_unique_name() -> None:
    tags = ("cat", "train", "ice cream", "train")
    texts = [Text("rail", ids={"tag2text": "3"}), Text("cat"), Text("ice_cream", ids={"ram": "9"})]
    assert positions(texts, tags, "tag2text", "tag2text") == [3, 0, 2]
    with pytest.raises(Unsupported, match=r"'train' stands 2 times in its list, at 1, 3; state which as the"):
        positions([Text("train")], tags, "tag2text", "tag2text")
    for wrong in ("4", "-1", "a", "1.0", "٣", "9" * 5000):
        with pytest.raises(Unsupported, match=r"m: ram '.+' of 'rail' is no index of its 4 tags"):
            positions([Text("rail", ids={"ram": wrong})], tags, "ram", "m")


def test_unknown_tags_are_refused_in_one_line_that_names_the_first() -> None:
    texts = [Text(name) for name in ("cat", "trian", "Boeing 737", "c", "d")]
    with pytest.raises(Unsupported) as caught:
        positions(texts, ("cat", "train"), "ram", "ram-plus")
    assert str(caught.value) == (
        "ram-plus: 4 of 5 tags are not in its list of 2 names: 'trian' (did you mean 'train'?), "
        "'Boeing 737', 'c' and 1 more; leave them out, or take a model of open vocabulary (ram-plus-open)"
    )


def test_the_common_tags_of_open_images_are_rams_by_id_and_by_name() -> None:
    lines = (LISTS.parents[1] / "tasks" / "names" / "openimages-common-214.tsv").read_text().splitlines()[1:]
    rows = [line.split("\t") for line in lines]
    tags = names_of(RAM)
    by_id = positions([Text(row[0], ids={"ram": row[1]}) for row in rows], tags, "ram", "ram")
    assert by_id == positions([Text(row[0]) for row in rows], tags, "ram", "ram")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "is empty"),
        ("index\ttag\n0\tcat\n", "header has no column `name`"),
        ("index\tname\n0\n", "line 2: 1 columns where the header has 2"),
        ("index\tname\n1\tcat\n", "line 2: index '1' where 0 is next"),
    ],
)
def test_a_wrong_list_is_refused(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "tags.tsv"
    path.write_text(text)
    with pytest.raises(CardError, match=told):
        names_of(path)


def test_a_plain_list_has_names_alone(tmp_path: Path) -> None:
    path = tmp_path / "tags.txt"
    path.write_text("cat\nice cream\n")
    assert names_of(path) == ("cat", "ice cream")
    with pytest.raises(CardError, match="no column `threshold`"):
        read_thresholds(path)
    with pytest.raises(CardError, match="no such file; correct the name"):
        names_of(tmp_path / "none.txt")


@pytest.mark.parametrize("stated", ["-0.1", "1.5", "nan", "high", ""])
def test_a_threshold_is_a_probability(tmp_path: Path, stated: str) -> None:
    path = tmp_path / "tags.tsv"
    path.write_text(f"name\tthreshold\ncat\t{stated}\n")
    with pytest.raises(CardError, match=r"line 2: threshold .* is no number from 0 to 1"):
        read_thresholds(path)
