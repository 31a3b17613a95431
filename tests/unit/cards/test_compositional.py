"""The cards of the collection `compositional` read miniatures of the published layouts, without edits."""

from functools import partial
from pathlib import Path

import item_layouts as made
import pytest
from card_layouts import build_task, catalogue
from item_layouts import Build, Read

from vlbench.acquiring.check import check_data
from vlbench.cards.card_file import parse_card
from vlbench.cards.data_request import DataRequest
from vlbench.cards.options import check_options
from vlbench.cards.schema import TaskCard
from vlbench.core.contracts import Dataset, Place
from vlbench.core.errors import SourceMissing
from vlbench.core.image import part_of
from vlbench.core.registry import SOURCES, TASK_KINDS

pytestmark = pytest.mark.cards

V7W = "data/visual7w/images"
COCO_QA = "coco/val2017/000000000139.jpg"
VG_QA = "visual_genome/VG_100K/2370799.jpg"
RELATION = partial(made.aro_vg, "visual_genome_relation.json", {"relation_name": "eating"}, "eating")
ATTRIBUTION = partial(
    made.aro_vg, "visual_genome_attribution.json", {"attributes": ["white", "black"]}, "white_black"
)
A = partial(
    made.controlled,
    "controlled_images_dataset.json",
    "controlled_images",
    ("left", "right", "on", "under"),
)
B = partial(
    made.controlled,
    "controlled_clevr_dataset.json",
    "controlled_clevr",
    ("left", "right", "in-front", "behind"),
)
VALSE = {
    "existence": ("existence", "visual7w", V7W),
    "plurals": ("plurals", "coco_2017", "data/plurals/test_images"),
    "counting-hard": ("counting-hard", "visual7w", V7W),
    "counting-small": ("counting-small-quant", "visual7w", V7W),
    "counting-adversarial": ("counting-adversarial", "visual7w", V7W),
    "relations": ("relations", "coco_2017", "coco/val2017"),
    "action-replacement": ("action-replacement", "SWiG", "data/actions/images_512"),
    "actant-swap": ("actant-swap", "SWiG", "data/actions/images_512"),
    "coreference-standard": (
        "coreference-standard",
        "VisDial_train2014",
        "data/coref/release_too_many_is_this_in_color/images",
    ),
    "coreference-hard": ("coreference-hard", "VisDial_v1.0", "data/coref/release_v18/test_images"),
    "foil-it": ("foil-it", "FOIL dataset", "coco/val2014"),
}
SUGAR = ("add-obj", "add-att", "replace-obj", "replace-att", "replace-rel", "swap-obj", "swap-att")
LAYOUTS: list[tuple[str, Build]] = [
    *((f"sugarcrepe-{part}", partial(made.sugarcrepe, part.replace("-", "_"))) for part in SUGAR),
    *(
        (f"sugarcrepe-pp-{part}{how}", partial(made.sugarcrepe_pp, part.replace("-", "_")))
        for part in SUGAR[2:]
        for how in ("", "@text")
    ),
    ("winoground", made.winoground),
    ("winoground", made.winoground_parquet),
    ("colorswap", made.colorswap),
    ("bivlc", made.bivlc),
    ("cola", made.cola),
    ("mmvp-vlm", partial(made.mmvp, "MLLM_VLM Images")),
    ("mmvp-vlm", partial(made.mmvp, "MMVP_VLM_Images")),
    ("aro-vg-relation", RELATION),
    ("aro-vg-relation", made.aro_relation_parquet),
    ("aro-vg-attribution", ATTRIBUTION),
    ("aro-coco-order", partial(made.order_parquet, "ARO-COCO-order")),
    ("aro-coco-order", partial(made.order_json, "coco", "val2014/COCO_val2014_000000391895.jpg", "coco")),
    ("aro-flickr30k-order", partial(made.order_parquet, "ARO-Flickr-Order")),
    (
        "aro-flickr30k-order",
        partial(made.order_json, "flickr30k", "1007129816.jpg", "flickr30k/flickr30k-images"),
    ),
    *((f"valse-{part}", partial(made.valse, *how)) for part, how in VALSE.items()),
    ("whatsup-a", A),
    ("whatsup-b", B),
    ("whatsup-coco-one", partial(made.placed, "coco_qa_one_obj.json", 139, COCO_QA)),
    ("whatsup-coco-two", partial(made.placed, "coco_qa_two_obj.json", 139, COCO_QA)),
    ("whatsup-vg-one", partial(made.placed, "vg_qa_one_obj.json", 2370799, VG_QA)),
    ("whatsup-vg-two", partial(made.placed, "vg_qa_two_obj.json", 2370799, VG_QA)),
    ("cv-bench-2d", made.cv_bench),
]
every_layout = pytest.mark.parametrize(
    ("name", "build"), [pytest.param(*each, id=f"{k}-{each[0]}") for k, each in enumerate(LAYOUTS)]
)


def opened(name: str, root: Path) -> Dataset:
    """What the first source of a card that has its data reads of them."""
    for fields in parse_card(catalogue().tasks[name].path, TaskCard).sources:
        factory = SOURCES.get(fields.kind)
        options, wrong = check_options(factory, fields.options)
        assert not wrong
        try:
            found = factory(Place(roots=(root,), cache=root / "cache", allow_subset=True), **options)
        except SourceMissing:
            continue
        assert isinstance(found, Dataset)
        return found
    raise AssertionError(f"no source of {name} has the data")


def read_of(source: Dataset) -> list[Read]:
    return [
        Read(tuple(source[i].id for i in item.images), item.texts, item.right, dict(item.labels))
        for item in source.offers.items
    ]


def test_every_card_of_the_collection_has_a_layout() -> None:
    assert {name for name, _ in LAYOUTS} == set(catalogue().collections["compositional"].tasks)


@every_layout
def test_a_card_reads_the_layout_that_is_published(name: str, build: Build, tmp_path: Path) -> None:
    expected = build(tmp_path)
    source = opened(name, tmp_path)
    assert read_of(source) == expected
    ids = [item.id for item in source.offers.items]
    assert len(set(ids)) == len(ids)
    distinct = dict.fromkeys(image for item in expected for image in item.images)
    assert [example.id for example in source.examples] == list(distinct)
    for example in source.examples:
        left, top, right, bottom = example.box or (0, 0, 8, 8)
        assert part_of(example.image(), example.box).size == (right - left, bottom - top)
    assert opened(name, tmp_path).revision == source.revision


def test_items_that_annotators_do_not_confirm_are_counted(tmp_path: Path) -> None:
    made.valse("existence", "visual7w", V7W, tmp_path)
    (left_out,) = opened("valse-existence", tmp_path).reading.left_out
    assert str(left_out) == (
        "1 items whose mturk.caption is below 2 (the first: data/existence.json: item existence_1)"
    )


needs_kind = pytest.mark.skipif("matching" not in TASK_KINDS.names(), reason="the task kind is not installed")


@needs_kind
@every_layout
def test_a_card_asks_its_task_of_the_layout(name: str, build: Build, tmp_path: Path) -> None:
    expected = build(tmp_path)
    task = build_task(name, tmp_path, tmp_path / "cache")
    assert len(task.problem.queries) == sum(len(item.texts) for item in expected)
    card = parse_card(catalogue().tasks[name].path, TaskCard)
    assert set(card.metrics) <= task.metrics.keys()
    assert task.primary == card.primary
    assert task.partial


@needs_kind
def test_a_check_of_the_data_says_what_is_missing_and_what_was_left_out(tmp_path: Path) -> None:
    made.valse("existence", "visual7w", V7W, tmp_path)
    found = check_data("valse-existence", catalogue(), DataRequest(roots=(tmp_path,)), sample=5)
    assert (found.state, found.opened) == ("differs", 1)
    assert found.differs == ("1,010 captions expected, 2 found",)
    assert found.notes == ()
    assert "left out: 1 items whose mturk.caption is below 2" in found.read["images"]
