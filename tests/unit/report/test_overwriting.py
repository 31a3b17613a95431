from dataclasses import replace

import pytest

from vlbench.core.errors import DataError
from vlbench.report.comparable import Question
from vlbench.report.overwriting import refuse_other_data, refuse_other_folder
from vlbench.report.results import write_result

DIGESTS = {
    "image_ids": "i" * 32,
    "texts": "t" * 32,
    "truth": "r" * 32,
    "image_sample": "s" * 32,
    "validation_image_ids": "v" * 32,
    "train_image_ids": "a" * 32,
}
STATEMENT = {"templates": ["a {}."], "texts": 4}


@pytest.fixture
def there(make_result):
    return make_result(digests=DIGESTS, protocol_statement=STATEMENT, source="jsonl:mine")


@pytest.fixture
def replaced(there, tmp_path):
    """Whether a run may replace a result by one that differs from it as said."""

    def run(was=there, **changes):
        write_result(was, tmp_path)
        new = replace(was, **changes)
        refuse_other_data(
            tmp_path,
            model=new.model,
            question=Question.of(new),
            statement=new.protocol_statement,
        )

    return run


@pytest.mark.parametrize(
    ("changed", "what"),
    [
        ({"image_ids": "x"}, "image ids"),
        ({"texts": "x"}, "texts"),
        ({"truth": "x"}, "right answers"),
        ({"image_sample": "x"}, "image contents"),
        ({"image_ids": "x", "truth": "x"}, "image ids and right answers"),
        ({"validation_image_ids": "x"}, "validation images"),
        ({"train_image_ids": "x"}, "training images"),
    ],
)
def test_a_result_on_other_data_of_one_card_is_not_replaced(replaced, changed, what):
    with pytest.raises(DataError, match=rf"small\.json was measured on other data: its {what} differ from"):
        replaced(digests={**DIGESTS, **changed})


def test_a_result_on_other_files_of_equal_ids_and_labels_is_not_replaced(replaced):
    with pytest.raises(DataError, match="its files differ from those of jsonl:mine; delete it to replace it"):
        replaced(source_revision="2")


def test_other_data_that_no_card_counts_are_not_taken_for_another_protocol(there, replaced):
    old, new = ({**STATEMENT, "data": digest} for digest in "ab")
    with pytest.raises(DataError, match="right answers"):
        replaced(
            replace(there, protocol_statement=old),
            protocol_statement=new,
            protocol_digest="e" * 32,
            digests={**DIGESTS, "truth": "x"},
        )


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"protocol_digest": "e" * 32, "digests": {**DIGESTS, "texts": "x", "truth": "x"}},
        {
            "protocol_digest": "e" * 32,
            "protocol_statement": {**STATEMENT, "settings": {"split": "val"}},
            "digests": {**DIGESTS, "image_ids": "x"},
        },
    ],
    ids=["a rerun", "other class names", "another split"],
)
def test_a_rerun_and_a_run_of_an_edited_card_replace_a_result(replaced, changes):
    replaced(**changes)


def test_two_folders_with_equal_names_that_both_lie_here_are_refused_whatever_the_model(there, tmp_path):
    for name in ("a/test", "b/test"):
        (tmp_path / name).mkdir(parents=True)
    write_result(replace(there, model="other", source=f"folder:{tmp_path}/a/test"), tmp_path)

    def asked(source):
        return Question.of(replace(there, source=source))

    with pytest.raises(
        DataError, match=r"other\.json was measured on folder:.*a/test, not on folder:.*b/test"
    ):
        refuse_other_folder(tmp_path, asked(f"folder:{tmp_path}/b/test"))
    other = replace(there, source=f"folder:{tmp_path}/b/test", digests={**DIGESTS, "image_sample": "x"})
    with pytest.raises(DataError, match="which has the same name"):
        refuse_other_folder(tmp_path, Question.of(other))
    refuse_other_folder(tmp_path, asked(f"folder:{tmp_path}/b/../a/test"))
    # a folder that was moved, or one of another machine
    (tmp_path / "a/test").rmdir()
    refuse_other_folder(tmp_path, asked(f"folder:{tmp_path}/b/test"))
    refuse_other_folder(tmp_path, asked("shapes"))


def test_a_damaged_result_is_replaced(there, replaced, tmp_path):
    write_result(there, tmp_path).write_text("{")
    refuse_other_data(tmp_path, model="small", question=Question.of(there), statement={})
