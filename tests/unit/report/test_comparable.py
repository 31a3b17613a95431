from dataclasses import replace

import pytest

from vlbench.report.comparable import columns, what_differs

DIGESTS = {"image_ids": "i" * 32, "texts": "t" * 32, "truth": "r" * 32, "image_sample": "s" * 32}


@pytest.fixture
def on(make_result):
    """Results of a model whose digests differ as said."""

    def make(model, **changed):
        kept = {name: digest for name, digest in {**DIGESTS, **changed}.items() if digest}
        return make_result(model=model, digests=kept)

    return make


@pytest.mark.parametrize(
    ("changed", "names"),
    [
        ({}, ()),
        ({"image_ids": "x" * 32}, ("image ids",)),
        ({"texts": "x" * 32}, ("texts",)),
        ({"truth": "x" * 32}, ("right answers",)),
        ({"truth": ""}, ()),
        ({"image_sample": "x" * 32}, ("image contents",)),
        ({"image_sample": ""}, ()),
        ({"image_sample": "x" * 32, "image_ids": "x" * 32}, ("image ids",)),
        # what learned from no such images stands beside what did
        ({"validation_image_ids": "x" * 32}, ()),
        ({"train_image_ids": "x" * 32}, ()),
        ({"image_ids": "x" * 32, "truth": "x" * 32}, ("image ids", "right answers")),
    ],
)
def test_answers_to_one_question_alone_may_stand_together(on, changed, names):
    assert what_differs(on("a"), on("b", **changed)) == names
    assert what_differs(on("b", **changed), on("a")) == names


def test_a_column_tells_apart_whatever_differs_alone(on):
    one = on("a", validation_image_ids="v" * 32, train_image_ids="n" * 32)
    digests = [
        replace(one, digests={**one.digests, name: "x" * 32}) for name in one.digests if name != "model"
    ]
    untold = replace(one, digests={**one.digests, "truth": ""})
    revision = "x" * len(one.source_revision)
    others = [*digests, replace(one, protocol_digest="x"), replace(one, source_revision=revision)]
    pairs = [*((one, other) for other in others), (untold, replace(untold, n_relevant=untold.n_relevant + 1))]
    for first, second in pairs:
        differ = what_differs(first, replace(second, model="b"))
        ((_, told),) = columns([first, replace(second, model="b")])["shapes"].left_out
        assert told == differ != ()


@pytest.mark.parametrize("split", ["validation", "train"])
def test_what_learned_from_other_images_leaves_the_column_and_the_models_alone_stay(on, split):
    name = f"{split}_image_ids"
    results = [
        on("a"),
        on("a+probe", **{name: "1" * 32}),
        on("b"),
        on("b+probe", **{name: "1" * 32}),
        on("c+probe", **{name: "2" * 32}),
    ]
    column = columns(results)["shapes"]
    assert [each.model for each in column.kept] == ["a", "a+probe", "b", "b+probe"]
    images = {"validation": "validation images", "train": "training images"}[split]
    assert [(each.model, names) for each, names in column.left_out] == [("c+probe", (images,))]


def test_another_protocol_or_number_of_right_pairs_differs(on):
    a = on("a", truth="")
    assert what_differs(a, replace(a, protocol_digest="e" * 32)) == ("protocol",)
    assert what_differs(a, replace(a, n_relevant=199)) == ("right answers",)


def test_results_on_other_images_labels_or_captions_share_no_column(on):
    results = [
        on("a"),
        on("b"),
        on("c", truth="x" * 32),
        on("d", image_ids="x" * 32),
        on("e", texts="x" * 32),
    ]
    column = columns(results)["shapes"]
    assert [each.model for each in column.kept] == ["a", "b"]
    assert [(each.model, names) for each, names in column.left_out] == [
        ("c", ("right answers",)),
        ("d", ("image ids",)),
        ("e", ("texts",)),
    ]


def test_a_result_that_does_not_tell_the_right_answers_joins_the_largest_column_and_is_named(on):
    results = [on("a"), on("b"), on("c", truth="x" * 32), on("old", truth="")]
    column = columns(results)["shapes"]
    assert [each.model for each in column.kept] == ["a", "b", "old"]
    assert column.untold == ("old",)


def test_of_as_many_the_smallest_question_stands_and_partial_results_do_not_count(on):
    results = [
        on("a", truth="2" * 32),
        on("b", truth="1" * 32),
        replace(on("c", truth="2" * 32), partial="x"),
    ]
    assert [each.model for each in columns(results)["shapes"].kept] == ["b"]
