"""Names in every field of a site: they stand on its pages as text, and add no element and no attribute."""

import html.parser
import json
import re

import pytest
from odd_names import ODD_NAMES

from vlbench.core.measurement import Measurement, Part
from vlbench.core.published import PublishedScore
from vlbench.report.exchange.verify import PublishedComparison
from vlbench.report.paired.comparison import Comparison, PairedTest
from vlbench.report.site.data import site_of
from vlbench.report.site.folder import site_files
from vlbench.report.site.mistakes import Confusion, Mistakes, WrongItem
from vlbench.report.site.values import CardNotes, Joined
from vlbench.report.tables.averages import Additions

pytestmark = pytest.mark.slow
CALL = re.compile(r"vlbench\.\w+\((.*)\);", re.DOTALL)
NAMES = tuple(name for name in ODD_NAMES if name not in ("model", "mean"))  # columns of leaderboard.csv


class Page(html.parser.HTMLParser):
    def __init__(self, page):
        super().__init__()
        self.found, self.links, self.words = set(), [], []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.found.add((tag, tuple(sorted(name for name, _ in attributes))))
        self.links += [value for name, value in attributes if name in ("href", "src")]
        self.words += [
            value for name, value in attributes if name in ("title", "aria-label", "alt") and value
        ]

    def handle_data(self, data):
        self.words.append(data)


def site_with(make_result, name):
    """A site of three rows and two tasks with all that pages show, a name in each place that takes one."""
    parts = tuple(Part(f"{name}{n}", n / 60, 3) for n in range(60))
    metrics = (
        Measurement(0.5, 60, 0.4, 0.6, "jackknife", parts=parts, metric="map"),
        Measurement(0.25, 60, metric=f"f1@{name}"),
    )
    row = f"{name}+probe@1"
    shared = {
        "task": name,
        "primary": "map",
        "kind": name,
        "metrics": metrics,
        "protocol": name,
        "adapter": name,
        "source": name,
        "weights": {name: name},
        "software": {name: name},
        "facts": {"family": name, "licence": name, "gflops": 1.5, "parameters": 3},
        "protocol_statement": {"templates": [name] * 9, name: name, "settings": {name: name}},
    }
    device = {"device": name, "device_name": name, "precision": name, "preprocess": name}
    results = [
        make_result(model=name, **shared, settings=device),
        make_result(model=name, task="other", digests={"image_ids": name}),
        make_result(model="plain", **{**shared, "facts": {"gflops": 2.5}}, settings=device),
        make_result(model="left out", **shared, digests={"image_ids": "others"}),
        make_result(model="left out too", **shared, digests={"truth": "others"}),
        *(
            make_result(
                model=f"{row}.s{n}",
                replicate_of=row,
                method="probe@1",
                settings={**device, "shots": 1},
                **shared,
            )
            for n in (0, 1)
        ),
    ]
    notes = CardNotes(name, ((name, name),))
    score = PublishedScore(name, name, name, 0.5, 3, name, differs=name, notes=name)
    wrong = WrongItem(name, name, name, 2, name, 0.5, b"x")
    test = PairedTest(name, 9, 0.05, 0.15, 0.004)
    joined = Joined(
        models={name: notes},
        tasks={name: notes},
        beside=(PublishedComparison(name, name, name, score, "not comparable", 0.5, reason=name),),
        published={name: (score,)},
        paired=(Comparison(name, "plain", name, name, 0.0, 0.1, test, p_holm=0.01),),
        mistakes=(Mistakes(name, name, (Confusion(name, name, 1),), (wrong,)),),
        additions=Additions(ranks={name: {name: 1, "plain": 2}}),
    )
    return site_of(results, joined)


def pages_of(files):
    return {path: Page(data.decode()) for path, data in files.items() if path.endswith(".html")}


@pytest.fixture(scope="module")
def known(make_result):
    """Every element that the pages have with plain names, with its attributes."""
    names = ("a", "plain-name_with/marks@x")
    pages = [pages_of(dict(site_files(site_with(make_result, name)))) for name in names]
    return {found for each in pages for page in each.values() for found in page.found}


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_text_wherever_it_stands(make_result, known, name):
    files = dict(site_files(site_with(make_result, name)))
    for path, page in pages_of(files).items():
        assert page.found <= known, path
        assert not [link for link in page.links if re.match(r"[\s\x00-\x1f]*(?!data:,$)\w+:", link)]
        assert all(map(str.isascii, page.links))
        # the page that compares is filled by its script
        assert path == "compare.html" or name in "".join(page.words)
    for path, data in files.items():
        assert not {"", ".."} & set(path.split("/"))
        assert path.isprintable()
        if path.endswith(".js") and not path.startswith("static/"):
            call = data.decode().removesuffix("\n")
            assert not set("\n\r\u2028\u2029") & set(call)
            assert json.loads(CALL.fullmatch(call)[1])
