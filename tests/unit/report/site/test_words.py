from vlbench.report.site.words import statement_lines


def test_texts_that_a_protocol_leaves_to_the_data_are_not_shown_as_none():
    assert statement_lines({"texts": 0, "settings": {}}) == [("Texts", "those of the data")]
    assert statement_lines({"texts": 10}) == [("Texts", "10")]
