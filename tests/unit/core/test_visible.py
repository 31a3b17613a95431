import json
import unicodedata

from vlbench.core.visible import visible


def test_whatever_a_terminal_obeys_is_written_out():
    obeyed = (
        "\0\a\b\t\n\r\x1b\x7f\x85\x9b\u061c\u200e\u200f\u2028\u2029\u202a\u202e\u2066\u2069\ufeff\U000e0041"
    )
    assert visible(obeyed).isascii()
    assert visible("a\x9b31mb\u202e") == r"a\u009b31mb\u202e"
    unseen = [chr(code) for code in range(0x110000) if unicodedata.category(chr(code)) in ("Cc", "Zl", "Zp")]
    assert len(unseen) == 67
    assert all(visible(each).isprintable() for each in unseen)


def test_letters_and_what_spells_them_stay():
    told = "naïve ‘名前’ עברית a\u00a0b 👩\u200d🔬 می\u200cخواهم \\u202e"
    assert visible(told) == told


def test_json_says_the_same_and_a_lone_surrogate_can_be_printed():
    told = {"a\u202e\x7f": ["\u2028\ud800\U000e0041", "b"]}
    text = visible(json.dumps(told, ensure_ascii=False, indent=1), keep="\n")
    assert text.encode()
    assert json.loads(text) == told
