import pytest
from colour_model import ColourModel
from colour_tagger import ColourTagger

from vlbench.cards.catalogue import read_catalogue
from vlbench.core.contracts import Text
from vlbench.core.errors import DataError, Unsupported
from vlbench.tagging.texts import id_of, read_tag_file, split_names, texts_for, with_prompts


def test_tags_are_lines_or_a_table_with_ids(tmp_path):
    lines, table = tmp_path / "tags.txt", tmp_path / "tags.tsv"
    lines.write_text("red\n light blue \n")
    table.write_text("name\tcolour\tzh\nred\t7\t红\nred\t8\t\n")
    assert read_tag_file(lines) == (Text("red"), Text("light blue"))
    assert read_tag_file(table) == (
        Text("red", ids={"colour": "7", "zh": "红"}),
        Text("red", ids={"colour": "8"}),
    )


def test_a_tag_twice_is_refused_unless_ids_tell_them_apart(tmp_path):
    path = tmp_path / "tags.txt"
    path.write_text("red\nblue\nred\n")
    with pytest.raises(DataError, match=r"tags\.txt: the tag 'red' stands 2 times"):
        read_tag_file(path)


def test_a_models_own_tags_are_taken_where_none_are_given():
    assert [text.name for text in texts_for(ColourTagger(), None)][:2] == ["red", "green"]
    with pytest.raises(Unsupported, match="colour has no tag list of its own; give it one: --tags FILE"):
        texts_for(ColourModel(), None)


def test_a_given_tag_takes_over_what_the_models_list_knows_of_its_name():
    given = (Text("blue"), Text("sky"), Text("red", ids={"colour": "9"}), Text("green", ids={"zh": "绿色"}))
    assert texts_for(ColourTagger(), given) == (
        Text("blue", ids={"colour": "2", "zh": "蓝"}),
        Text("sky"),
        Text("red", ids={"colour": "9"}),
        Text("green", ids={"colour": "1", "zh": "绿色"}),
    )


def test_an_id_is_no_name_in_another_language():
    assert id_of(Text("red", ids={"zh": "红", "ram": "3", "wnid": "n1"})) == "3"
    assert id_of(Text("red", ids={"zh": "红"})) is None


def test_names_in_chinese_are_there_for_all_or_the_first_missing_are_named():
    tags = ColourTagger().tags()
    assert split_names("zh", tags[:2]) == ("红", "绿")
    assert split_names("en", tags[:2]) == ("red", "green")
    with pytest.raises(Unsupported, match=r"--language zh: 1 of 3 tags have no Chinese name \('sky'\)"):
        split_names("zh", (*tags[:2], Text("sky")))


def test_prompts_are_the_packaged_sentences_and_descriptions_stand_alone():
    described = Text("blue", descriptions=("The colour of the sky.",))
    assert with_prompts((Text("red"), described), read_catalogue()) == (
        Text("red", prompts=("a photo of a red.",)),
        described,
    )
