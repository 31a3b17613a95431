"""Published scores beside results: the arithmetic of the three verdicts, and what makes two incomparable."""

import csv
import json

import pytest

from vlbench.core.digest import digest_of
from vlbench.core.measurement import Measurement
from vlbench.core.published import CardProtocol, ProtocolField, PublishedScore, printed_value
from vlbench.report.exchange.verify import Cards, compare, unreproduced
from vlbench.report.exchange.verify_text import comparisons_text


def fields(digest, templates):
    return {"templates": ProtocolField(digest, templates), "split": ProtocolField("t", "test")}


CARDS = Cards(
    protocols={
        "shapes": CardProtocol("shapes", "held-out", fields("1", "1 of a.txt")),
        "shapes@many": CardProtocol("shapes@many", "many", fields("2", "80 of b.txt")),
        "shapes@same": CardProtocol("shapes@same", "same", fields("1", "1 of a.txt")),
    },
    weights={"small": "f" * 64},
)


def score(text="0.634", *, task="shapes", model="small", metric="acc1", **fields):
    source = fields.pop("source", "paper")
    return PublishedScore(model, task, metric, *printed_value(text), source=source, **fields)


def accuracy(value, low, high):
    return (Measurement(value, 1000, low, high, "wilson", metric="acc1"),)


@pytest.fixture
def judge(make_result):
    """The judgement of one score beside one result, whose fields are given."""

    def judge(published, *, tolerance=0.002, **fields):
        (found,) = compare([make_result(**fields)], [published], CARDS, tolerance=tolerance)
        return found.judgement

    return judge


UNDECIDED = "undecided: {}, within its interval, too few images (1,000) to tell"


@pytest.mark.parametrize(
    ("value", "low", "high", "text", "expected"),
    [
        # the interval: 0.640 is printed of anything from 0.6395 to 0.6405
        (0.650, 0.6404, 0.660, "0.640", UNDECIDED.format("+0.0100")),
        (0.650, 0.6406, 0.660, "0.640", "off by +0.010"),
        (0.630, 0.620, 0.6395, "0.640", UNDECIDED.format("-0.0100")),
        (0.630, 0.620, 0.6394, "0.640", "off by -0.010"),
        # the tolerance, where the interval is narrow or missing
        (0.6360, 0.6359, 0.6361, "0.6340", "reproduced"),
        (0.6361, 0.6361, 0.6361, "0.6340", "off by +0.0021"),
        (0.6320, None, None, "0.6340", "reproduced"),
        (0.6319, None, None, "0.6340", "off by -0.0021"),
        # half a unit of the last digit, where that is more
        (0.635, None, None, "0.63", "reproduced"),
        (0.6351, None, None, "0.63", "off by +0.005"),
        (0.625, None, None, "0.63", "reproduced"),
    ],
)
def test_a_score_is_reproduced_within_tolerance_or_rounding_and_undecided_within_the_interval(
    judge, value, low, high, text, expected
):
    assert judge(score(text), metrics=accuracy(value, low, high)) == expected


def test_the_tolerance_is_the_callers(judge):
    exact = accuracy(0.64, None, None)
    assert judge(score("0.6340"), metrics=exact, tolerance=0.006) == "reproduced"
    assert judge(score("0.6340"), metrics=exact, tolerance=0.0) == "off by +0.0060"
    assert judge(score("0.6340"), metrics=accuracy(0.63405, None, None), tolerance=0.0) == "reproduced"


@pytest.mark.parametrize(
    ("published", "fields", "expected"),
    [
        (score(differs="split: all of 2007"), {}, "split: all of 2007"),
        (score(), {"partial": "limit 100"}, "partial result: limit 100"),
        (
            score("0.5"),
            {"model": "small+bf16+probe@4~3fa2c1", "method": "probe@4~3fa2c1"},
            "method: probe@4~3fa2c1, and the score is the model's own",
        ),
        (
            score("0.5"),
            {"model": "small+probe.s1", "replicate_of": "small+probe", "method": "probe"},
            "method: probe, and the score is the model's own",
        ),
        (score(), {"model": "small@12ab34"}, "weights: a file of the user's own"),
        (score(), {"task": "shapes+templates@12ab34"}, "templates: of the user's own"),
        (score(task="shapes@many"), {}, "templates: 80 of b.txt, not 1 of a.txt"),
        (score(task="shapes@absent"), {}, "protocol: the score's is shapes@absent"),
        (
            score(),
            {"protocol": "older"},
            "protocol: the result's is older, the card's held-out; run it again",
        ),
        (score(metric="acc7"), {}, "metric: acc7 is not among the result's"),
        (score(), {"acc1": None}, "metric: acc1 could not be measured"),
        (
            score(),
            {"model": "small+bf16", "settings": {"precision": "bf16"}, "metrics": accuracy(0.5, 0.4, 0.6)},
            "precision: bf16, not fp32 (-0.1340)",
        ),
    ],
)
def test_what_differs_is_named(judge, published, fields, expected):
    assert judge(published, **fields) == f"not comparable: {expected}"


def test_a_protocol_of_another_name_and_the_same_content_is_comparable(judge):
    assert judge(score("0.5", task="shapes@same")) == "reproduced"


def test_a_local_copy_of_the_published_weights_is_no_other_model(judge):
    copy = {"small.safetensors": "f" * 64}
    assert judge(score("0.5"), model="small@ffffff", weights=copy) == "reproduced"


def test_half_precision_that_is_within_is_reproduced(judge):
    assert judge(score("0.5"), model="small+bf16", settings={"precision": "bf16"}) == "reproduced"


def test_a_seed_stands_for_its_row(judge):
    assert judge(score("0.5", model="row"), model="row-seed1", replicate_of="row") == "reproduced"


def test_scores_of_other_models_and_data_sets_are_left_out(make_result):
    others = [score(model="large"), score(task="digits"), score(task="shapes-tags")]
    assert compare([make_result()], others, CARDS) == []


def test_one_source_that_is_reproduced_excuses_those_that_contradict_it(make_result):
    result = make_result(metrics=accuracy(0.5, 0.49, 0.51))
    scores = [score("0.5", source="a"), score("0.7", source="b"), score("0.7", source="c")]
    found = compare([result], scores, CARDS)
    assert [each.judgement for each in found] == ["reproduced", "off by -0.200", "off by -0.200"]
    assert unreproduced(found) == []
    assert len(unreproduced(compare([result], scores[1:], CARDS))) == 2


def test_every_form_says_the_same(make_result):
    found = compare(
        [make_result()], [score("0.9", source="a|b"), score(differs="names: others", source="c")], CARDS
    )
    rows = json.loads(comparisons_text(found, "json"))
    assert [(row["published"], row["verdict"], row["reason"]) for row in rows] == [
        (0.9, "off", ""),
        (0.634, "not comparable", "names: others"),
    ]
    assert rows[0]["difference"] == pytest.approx(-0.4)
    first, _ = csv.DictReader(comparisons_text(found, "csv").splitlines())
    assert (first["value"], first["published"], first["source"]) == ("0.500000", "0.9", "a|b")
    assert "| off by -0.400 | a\\|b |" in comparisons_text(found, "markdown")
    assert comparisons_text(found, "text").endswith("0 reproduced, 1 off, 1 not comparable")


def test_an_imported_score_excuses_no_published_one_that_is_off(make_result):
    result = make_result(metrics=accuracy(0.5, 0.49, 0.51))
    own = score("0.5", source="clip_benchmark: own.csv (imported)", imported=True)
    found = compare([result], [score("0.7", source="paper"), own], CARDS)
    assert {each.judgement for each in found} == {"off by -0.200", "reproduced"}
    assert [each.published.source for each in unreproduced(found)] == ["paper"]
    # alone it holds like any other
    assert unreproduced(compare([result], [own], CARDS)) == []
    assert len(unreproduced(compare([result], [score("0.7", imported=True)], CARDS))) == 1


def test_too_few_images_to_tell_release_nothing(make_result):
    result = make_result(metrics=accuracy(0.6, 0.56, 0.64))
    (found,) = compare([result], [score("0.633")], CARDS)
    assert found.judgement == UNDECIDED.format("-0.0330")
    assert unreproduced([found]) == [found]
    # nor what is off
    found = compare([result], [score("0.633", source="a"), score("0.7", source="b")], CARDS)
    assert len(unreproduced(found)) == 2
    text = comparisons_text(found, "text")
    assert text.endswith("0 reproduced, 1 off, 1 undecided, 0 not comparable")


OTHER_NAMES = "protocol digest: not that of the card, which has other names or ids"


def covered(**changes):
    """What the digest of a card's protocol covers."""
    return {
        "kind": "classification",
        "primary": "acc1",
        "ties": "a rule",
        "settings": {},
        "templates": ["a {}."],
        "texts": [["red", {}], ["blue", {}]],
    } | changes


@pytest.mark.parametrize(
    ("result", "told"),
    [
        (covered(), ""),
        (covered(texts=[["rouge", {}], ["bleu", {}]]), OTHER_NAMES),
        (covered(texts=[["red", {"wnid": "n1"}], ["blue", {}]]), OTHER_NAMES),
        (covered(settings={"split": "val"}), "settings: split=val in the result, none on the card"),
        (covered(primary="acc5"), "primary: acc5 in the result, acc1 on the card"),
    ],
)
def test_a_result_of_another_digest_than_its_cards_reproduces_nothing(make_result, result, told):
    card = CardProtocol("shapes", "held-out", texts=2, templates=("a {}.",), covered=covered())
    made = make_result(
        n_texts=2,
        protocol_digest=digest_of(result),
        protocol_statement={**result, "texts": 2},
        metrics=accuracy(0.634, 0.63, 0.64),
    )
    (found,) = compare([made], [score()], Cards(protocols={"shapes": card}))
    assert found.judgement == (f"not comparable: {told}; run it again" if told else "reproduced")
    assert (unreproduced([found]) == [found]) is bool(told)


def test_captions_and_descriptions_are_the_results_own(make_result):
    retrieval = covered(kind="retrieval", texts=[])
    card = CardProtocol(
        "shapes", "held-out", covered={k: v for k, v in retrieval.items() if k not in ("texts", "templates")}
    )
    for statement, digest, judgement in (
        ({**retrieval, "texts": 0}, digest_of(retrieval), "reproduced"),
        ({**retrieval, "texts": 0}, "d" * 32, "not comparable: protocol digest"),
        # names and templates of the data, which nobody here can know
        ({**covered(), "texts": 2}, "d" * 32, "reproduced"),
    ):
        made = make_result(
            protocol_digest=digest, protocol_statement=statement, metrics=accuracy(0.634, 0.63, 0.64)
        )
        (found,) = compare([made], [score()], Cards(protocols={"shapes": card}))
        assert found.judgement.startswith(judgement)
