import pytest

from vlbench.report.markdown import escaped


@pytest.mark.parametrize(
    ("text", "inert"),
    [
        ("[x](javascript:alert(1))", r"[x\]\(javascript:alert(1))"),
        ("![x](http://a/b.png)", r"![x\]\(http://a/b.png)"),
        ("<script>alert(1)</script>", "&lt;script>alert(1)&lt;/script>"),
        ("<javascript:alert(1)>", "&lt;javascript:alert(1)>"),
        ("a|b\\|c\\", r"a\|b\\\|c\\"),
        ("`a` **b** ~~c~~ __d__", r"\`a\` \*\*b\*\* \~\~c\~\~ \_\_d\_\_"),
        ("&lt;b> R&D", "&amp;lt;b> R&amp;D"),
        ("a\n\n# b\u2028\x1b[2J\u202e", r"a\\n\\n# b\\u2028\\u001b[2J\\u202e"),
    ],
)
def test_nothing_in_a_name_is_markdown(text, inert):
    assert escaped(text) == inert


def test_names_of_metrics_and_intervals_are_read_as_they_stand():
    told = "mean_average_precision 0.5000 [0.4000, 0.6000] vtab+ recall@5"
    assert escaped(told) == told
