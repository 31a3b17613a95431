import re
from dataclasses import replace
from importlib.resources import files
from xml.etree import ElementTree

import pytest

from vlbench.report.tables.few_shot import Curve, CurvePoint
from vlbench.report.tables.few_shot_legend import short
from vlbench.report.tables.few_shot_picture import (
    MOST_LINES,
    MOST_MODELS,
    few_shot_files,
    few_shot_picture,
)

SVG = "{http://www.w3.org/2000/svg}"
EVIL = '<script>alert("1")</script>&\x1b'


def curve(model="clip", method="probe", points=None, zero_shot=0.25, **changes):
    shown = points or (
        CurvePoint(1, 3, 0.5, 0.125, 0.25, 0.75),
        CurvePoint(4, 3, 0.75, 0.0625, 0.625, 0.875),
        CurvePoint(None, 1, 1.0),
    )
    return Curve("shapes", "acc1", model, method, shown, zero_shot, **changes)


def drawn(*curves):
    return ElementTree.fromstring(few_shot_picture(curves, "few"))


def of(root, kind):
    return [each for each in root.iter(f"{SVG}path") if each.get("class") == kind]


def texts(root):
    return [each.text for each in root.iter(f"{SVG}text")]


def in_plot(elements):
    """Without the samples of the legend, which are drawn around (0, 0)."""
    return [each for each in elements if not re.match(r"M(-13|0) ", each.get("d"))]


def test_values_stand_where_the_axes_say():
    """A scale of 20 to 100 % is 272 units high, from y 330 to 58: 3.4 units a percent."""
    root = drawn(curve())
    ticks = [each for each in texts(root) if re.fullmatch(r"\d+", each)]
    assert ticks == ["20", "40", "60", "80", "100", "1", "4"]
    # 1 and 4 shots are the ends of an axis from 48 + 34 to 626 - 76 - 34; all is in the middle of 76
    (line,) = in_plot(of(root, "line"))
    assert line.get("d") == f"M82.0 {330 - 30 * 3.4:.1f}L516.0 {330 - 55 * 3.4:.1f}"
    bands = [each.get("d") for each in in_plot(of(root, "images"))]
    assert bands == ["M82.0 313.0V143.0", f"M516.0 {330 - 42.5 * 3.4:.1f}V{330 - 67.5 * 3.4:.1f}"]
    bars = [each.get("d") for each in in_plot(of(root, "seeds"))]
    assert [bar.partition("M79.0")[0].partition("M513.0")[0] for bar in bars] == [
        f"M82.0 {330 - 17.5 * 3.4:.1f}V{330 - 42.5 * 3.4:.1f}",
        f"M516.0 {330 - 48.75 * 3.4:.1f}V{330 - 61.25 * 3.4:.1f}",
    ]
    (dashes,) = in_plot(of(root, "zero-shot"))
    assert dashes.get("d") == "M48 313.0H626"
    places = [each.get("transform") for each in root.iter(f"{SVG}g") if "scale" in each.get("transform", "")]
    assert places == [
        "translate(82.0 228.0) scale(1.0)",
        "translate(516.0 143.0) scale(1.0)",
        "translate(588.0 58.0) scale(1.0)",
    ]


def test_shots_stand_on_a_logarithmic_scale():
    points = tuple(CurvePoint(shots, 1, 0.5) for shots in (1, 2, 8, 16))
    (line,) = in_plot(of(drawn(curve(points=points)), "line"))
    places = [float(place.split()[0]) for place in line.get("d")[1:].split("L")]
    # 82 to 592: a quarter of it each time that the shots double
    assert places == [82.0, 209.5, 464.5, 592.0]


def test_the_legend_names_lines_bars_and_bands_and_a_scale_that_does_not_begin_at_0_is_said():
    told = texts(drawn(curve()))
    assert told[:2] == ["Few-shot: shapes", "acc1, % · the scale begins at 20, not at 0"]
    assert told[-4:] == [
        "clip zero-shot",
        "clip probe",
        "± standard deviation over seeds",
        "95 % interval over test images",
    ]
    points = (CurvePoint(1, 1, 0.0), CurvePoint(2, 1, 1.0))
    told = texts(drawn(curve(points=points, zero_shot=None)))
    assert told[1] == "acc1, %"
    assert told[-1] == "clip probe"


def test_a_metric_that_is_no_fraction_keeps_its_unit_and_says_that_lower_is_better():
    points = (CurvePoint(2, 1, 3.0), CurvePoint(4, 1, 2.0))
    told = texts(drawn(curve(points=points, zero_shot=None, is_fraction=False, lower_is_better=True)))
    assert told[1] == "acc1 (lower is better) · the scale begins at 2, not at 0"


def test_a_point_says_all_of_it_in_its_title():
    said = [each.text for each in drawn(curve()).iter(f"{SVG}title")]
    assert "clip by probe, 1 shot: 50.0 ± 12.5 over 3 seeds, images 25.0 to 75.0" in said
    assert "clip by probe, all images: 100.0" in said
    assert "clip zero-shot: 25.0" in said


def test_hostile_names_are_text_and_control_characters_marks():
    picture = few_shot_picture([replace(curve(EVIL, EVIL), task=EVIL, metric=EVIL)], "few")
    root = ElementTree.fromstring(picture)
    assert "<script" not in picture
    assert not list(root.iter(f"{SVG}script"))
    assert EVIL.replace("\x1b", "\ufffd") in root.find(f"{SVG}title").text


def test_nothing_stands_above_100_or_below_0_percent():
    points = (CurvePoint(1, 2, 0.99, 0.125, 0.9, 1.0), CurvePoint(2, 2, 0.01, 0.125, 0.0, 0.1))
    root = drawn(curve(points=points))
    assert [each for each in texts(root) if re.fullmatch(r"-?\d+", each)][:6] == [
        *("0", "20", "40", "60", "80", "100")
    ]
    numbers = [float(y) for bar in in_plot(of(root, "seeds")) for y in re.findall(r"V([\d.]+)", bar.get("d"))]
    assert all(58 <= y <= 330 for y in numbers)


def test_equal_zero_shot_scores_of_two_models_both_show():
    dashes = in_plot(of(drawn(curve("a"), curve("b")), "zero-shot"))
    assert [(each.get("stroke-dasharray"), each.get("stroke-dashoffset")) for each in dashes] == [
        ("7 17", "0"),
        ("7 17", "-12"),
    ]


def test_lines_of_equal_scores_stand_beside_one_another():
    places = [
        float(re.match(r"M([\d.]+)", each.get("d"))[1])
        for each in in_plot(of(drawn(curve("a"), curve("b"), curve("c")), "line"))
    ]
    assert places == [72.0, 82.0, 92.0]


def test_of_many_lines_the_best_are_drawn_with_a_word():
    def scored(model, method, score):
        return curve(model, method, (CurvePoint(1, 1, score),), score)

    many = [scored(f"m{i}", f"probe{j}", i / 20 + j / 100) for i in range(10) for j in range(3)]
    root = drawn(*many)
    assert texts(root)[-1] == f"{MOST_LINES} of 30 lines, those of the best points; few_shot.csv has all"
    names = {each.split()[0] for each in texts(root) if each and re.match(r"m\d", each)}
    assert names == {"m6", "m7", "m8", "m9"}
    lowest = drawn(*(replace(each, lower_is_better=True) for each in many))
    assert {each.split()[0] for each in texts(lowest) if each and re.match(r"m\d", each)} == {
        *("m0", "m1", "m2", "m3")
    }
    colours = {each.get("class") for each in drawn(*many[::3]).iter(f"{SVG}g")} - {None}
    assert len(colours) == MOST_MODELS


def test_a_curve_without_a_score_is_none():
    nothing = curve(points=(CurvePoint(1, 2, None),))
    assert few_shot_picture([nothing], "few") == ""
    assert few_shot_files([nothing]) == {}


def test_the_picture_does_not_depend_on_the_order_of_curves():
    curves = [curve("a"), curve("b", "x"), curve("b", "y", zero_shot=None)]
    assert few_shot_picture(curves, "i") == few_shot_picture(curves[::-1], "i")


def test_a_file_of_its_own_has_every_class_that_it_uses_and_colours_for_light_and_dark():
    (text,) = few_shot_files([curve("a"), replace(curve("a"), metric="other")]).values()
    root = ElementTree.fromstring(text)
    style = root.find(f"{SVG}style").text
    css = files("vlbench.report.site").joinpath("static", "curves.css").read_text(encoding="utf-8")
    assert css in style
    assert "color-scheme: light dark" in style
    used = {name for each in root.iter() for name in each.get("class", "").split()} - {"curves"}
    assert all(f".{name} " in css for name in used)
    assert "other" not in texts(root)[1]


@pytest.mark.parametrize(
    ("words", "shown"), [("abc", "abc"), ("abcdefghijk", "abc…jk"), ("abcdef", "abcdef")]
)
def test_long_names_keep_both_ends(words, shown):
    assert short(words, 6) == shown
