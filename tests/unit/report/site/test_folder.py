import errno
import html.parser
import itertools
import json
import os
import re
from pathlib import Path
from urllib.parse import unquote

import pytest

from vlbench.core.errors import DataError
from vlbench.core.files import PASSING
from vlbench.core.measurement import Measurement, Part
from vlbench.report.paired.comparison import Comparison, PairedTest
from vlbench.report.site.addresses import row_page
from vlbench.report.site.data import site_of
from vlbench.report.site.folder import MANIFEST, site_files, write_site
from vlbench.report.site.mistakes import Confusion, Mistakes, WrongItem
from vlbench.report.site.values import CardNotes, Joined
from vlbench.report.tables.averages import Additions

EVIL = "<script>alert(1)</script>"


class Links(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attributes):
        self.found += [value for name, value in attributes if name in ("href", "src") and value]


def results_of(make_result):
    parts = tuple(Part(f"tag {i}", i / 60, 3) for i in range(60))
    tagged = (Measurement(0.5, 60, 0.4, 0.6, "jackknife", parts=parts, metric="map"),)
    return [
        *(make_result(model=f"hf-hub:org/m{i}", acc1=i / 10, facts={"gflops": 1 + i}) for i in range(1, 4)),
        make_result(model="hf-hub:org/m1", task="tags@new", primary="map", metrics=tagged, kind="tagging"),
        *(make_result(model=f"ctx{i}", replicate_of="ctx") for i in range(2)),
    ]


@pytest.mark.slow
def test_the_same_bytes_whatever_the_order_and_however_often(make_result, tmp_path):
    results = results_of(make_result)[:4]
    files = {tuple(site_files(site_of(order))) for order in itertools.permutations(results)}
    assert len(files) == 1
    write_site(site_of(results), tmp_path / "a")
    write_site(site_of(results), tmp_path / "b")
    first, second = (
        {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        for folder in (tmp_path / "a", tmp_path / "b")
    )
    assert first == second


def test_every_link_of_every_page_leads_to_a_file_of_the_site(make_result, tmp_path):
    mistakes = Mistakes(
        "hf-hub:org/m1", "shapes", (Confusion("a", "b", 2),), (WrongItem("i", "a", "b", 3, thumbnail=b"x"),)
    )
    site = site_of(results_of(make_result), Joined(mistakes=(mistakes,)))
    written = write_site(site, tmp_path)
    pages = sorted(tmp_path.rglob("*.html"))
    assert len(pages) == written.pages == 2 + 2 + 4
    for page in pages:
        links = Links()
        links.feed(page.read_text(encoding="utf-8"))
        for link in links.found:
            target = link.partition("?")[0]
            if not link.startswith(("#", "data:")):
                assert (page.parent / unquote(target)).is_file(), (page, link)


def test_few_shot_curves_stand_on_the_pages_of_their_task_and_model_with_their_table(make_result):
    def probed(model, shots, **changes):
        settings = {"seed": 0, "shots": shots}
        row = f"{model}+probe@{shots}"
        return make_result(
            model=f"{row}.s0", replicate_of=row, method=f"probe@{shots}", settings=settings, **changes
        )

    results = [
        *(make_result(model=model) for model in ("a", "b")),
        *(probed(EVIL, shots) for shots in (1, 2)),
        probed("a", 1, task="digits"),
        make_result(task="plain"),
    ]
    site = site_of(results)
    pages = {path: data.decode() for path, data in site_files(site) if path.endswith((".html", ".csv"))}
    assert pages["csv/few_shot.csv"] == site.csvs["few_shot.csv"]
    count = {
        path: page.count('<svg xmlns="http://www.w3.org/2000/svg" class="curves"')
        for path, page in pages.items()
    }
    with_curves = {path for path, found in count.items() if found}
    evil = row_page(EVIL + "+probe@1")
    assert with_curves == {
        *("tasks/shapes.html", "tasks/digits.html", "models/a.html", "models/a+probe@1.html"),
        *(evil, evil.replace("@1", "@2")),
    }
    linked = {path for path, page in pages.items() if "static/curves.css" in page}
    assert linked == {path for path, page in pages.items() if "csv/few_shot.csv" in page} == with_curves
    assert not any(EVIL in page for path, page in pages.items() if path.endswith(".html"))
    assert "csv/few_shot.csv" not in dict(site_files(site_of([make_result()])))


def test_nothing_is_loaded_from_elsewhere(make_result):
    for path, data in site_files(site_of(results_of(make_result))):
        if path.endswith((".html", ".css")):
            text = data.decode()
            assert not re.findall(r"""(?:src|href)=["'](?:https?:)?//|url\((?!["']?data:)|@import""", text), (
                path
            )


def test_the_page_of_a_task_tells_chance_where_a_result_states_it(make_result):
    levelled = make_result(metrics=(Measurement(0.5, 200, metric="acc1", chance=1 / 64),))
    told, none = (
        dict(site_files(site_of([each])))["tasks/shapes.html"] for each in (levelled, make_result())
    )
    assert b"<dt>By chance</dt><dd>0.0156</dd>" in told
    assert b"By chance" not in none
    assert b"constant" not in told


def test_names_are_escaped_wherever_they_stand(make_result):
    notes = CardNotes(EVIL, (("About", EVIL),))
    named = [make_result(model=name, task="t", protocol=EVIL) for name in (EVIL, "b")]
    mistakes = Mistakes(EVIL, "t", (Confusion(EVIL, EVIL, 1),), (WrongItem(EVIL, EVIL, EVIL, 2),))
    joined = Joined(models={EVIL: notes}, tasks={"t": notes}, mistakes=(mistakes,))
    for path, data in site_files(site_of(named, joined)):
        if path.endswith(".html"):
            assert EVIL.encode() not in data, path


def test_a_row_of_a_method_tells_it_and_that_it_is_not_zero_shot(make_result):
    learned = make_result(model="small+probe", method="probe", zero_shot="no")
    files = dict(site_files(site_of([make_result(), learned])))
    method = re.compile(r"<dt>Method</dt>\s*<dd>probe</dd>")
    pages = {name: files[f"models/{name}.html"].decode() for name in ("small", "small+probe")}
    assert [bool(method.search(page)) for page in pages.values()] == [False, True]
    assert [page.count("<td>no</td>") for page in pages.values()] == [0, 1]
    data = json.loads(
        files["leaderboard.js"].decode().removeprefix("vlbench.leaderboard(").removesuffix(");\n")
    )
    assert {row["name"]: row["zeroShot"] for row in data["rows"]} == {"small": "y", "small+probe": "n"}


def test_scores_reach_the_scripts_with_six_decimals(make_result):
    files = dict(site_files(site_of([make_result(acc1=1 / 3), make_result(model="b")])))
    text = files["leaderboard.js"].decode()
    data = json.loads(text.removeprefix("vlbench.leaderboard(").removesuffix(");\n"))
    rows = {row["name"]: row for row in data["rows"]}
    assert rows["small"]["scores"] == [0.333333]
    assert rows["b"]["scores"] == [[0.5, 0.4, 0.6]]
    assert rows["b"]["zeroShot"] == "y"
    row = json.loads(files["models/b.js"].decode().removeprefix("vlbench.row(").removesuffix(");\n"))
    assert dict(dict(row["tasks"])["shapes"]["metrics"])["acc1"] == [0.5, 0.4, 0.6]


def test_no_name_of_a_task_or_metric_is_a_key_of_a_script(make_result):
    taken = ("__proto__", "constructor")
    metrics = tuple(Measurement(0.5, 9, metric=name) for name in taken)
    results = [make_result(task=task, primary=taken[0], metrics=metrics) for task in taken]
    row = dict(site_files(site_of(results)))["models/small.js"].decode()
    assert not [name for name in taken if f'"{name}":' in row]
    data = json.loads(row.removeprefix("vlbench.row(").removesuffix(");\n"))
    assert [(task, [name for name, _ in told["metrics"]]) for task, told in data["tasks"]] == [
        (task, list(taken)) for task in taken
    ]


def test_paired_tests_reach_the_page_that_compares(make_result):
    test = PairedTest("McNemar", 9, 0.05, 0.15, 0.004)
    test = Comparison("a", "b", "shapes", "acc1", 0.0, 0.1, test, p_holm=0.0123456)
    files = dict(site_files(site_of([make_result()], Joined(paired=(test,)))))
    data = json.loads(files["names.js"].decode().removeprefix("vlbench.names(").removesuffix(");\n"))
    assert data["paired"] == [
        {
            "a": "a", "b": "b", "task": "shapes", "metric": "acc1", "method": "McNemar", "p": 0.0123,
            "difference": 0.1, "low": 0.05, "high": 0.15,
        }
    ]  # fmt: skip


def test_pages_of_what_is_gone_go_and_a_users_folder_is_left_alone(make_result, tmp_path):
    folder = tmp_path / "site"
    write_site(site_of([make_result(), make_result(model="old")]), folder)
    (folder / "models" / "mine.txt").write_text("mine")
    write_site(site_of([make_result()]), folder)
    assert {path.name for path in (folder / "models").iterdir()} == {"small.html", "small.js", "mine.txt"}
    assert "models/old.html" not in (folder / MANIFEST).read_text()
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "cat.jpg").write_bytes(b"cat")
    with pytest.raises(DataError, match="other files than a site"):
        write_site(site_of([make_result()]), tmp_path / "photos")


def test_where_the_disk_is_full_the_list_of_a_sites_files_stays_whole(make_result, tmp_path, monkeypatch):
    write_site(site_of([make_result(), make_result(model="old")]), tmp_path)
    before = (tmp_path / MANIFEST).read_bytes()

    def full(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("os.fsync", full)
        with pytest.raises(OSError, match="No space left"):
            write_site(site_of([make_result()]), tmp_path)
    assert (tmp_path / MANIFEST).read_bytes() == before
    write_site(site_of([make_result()]), tmp_path)
    assert not (tmp_path / "models" / "old.html").exists()
    assert [path.name for path in tmp_path.glob(".*")] == [MANIFEST]


@pytest.mark.slow
@pytest.mark.parametrize("room", [0, 1, 5])
def test_a_site_that_is_cut_off_is_known_as_one_and_mended(make_result, tmp_path, monkeypatch, room):
    site, written = site_of([make_result()]), []

    def write_bytes(path, data):
        if len(written) == room:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        written.append(path)
        with path.open("wb") as file:
            return file.write(data)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", write_bytes)
        with pytest.raises(OSError, match="No space left") as raised:
            write_site(site, tmp_path / "site")
    assert Path(raised.value.filename).parent.is_relative_to(tmp_path / "site")
    write_site(site, tmp_path / "site")
    write_site(site, tmp_path / "whole")
    assert read(tmp_path / "site") == read(tmp_path / "whole")


def test_a_site_that_was_killed_at_its_first_file_is_no_folder_of_others(make_result, tmp_path):
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / f".{MANIFEST}.12345678{PASSING}").write_bytes(b"")
    write_site(site_of([make_result()]), tmp_path / "site")
    assert not list((tmp_path / "site").glob(f".*{PASSING}"))


def read(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_parts_beyond_forty_are_folded(make_result):
    files = dict(site_files(site_of(results_of(make_result))))
    page = files["tasks/tags@new.html"].decode()
    assert "The other 20" in page
    assert page.index("tag 39<") < page.index("The other 20") < page.index("tag 40<")


def test_tabulator_comes_with_its_licence(make_result):
    files = dict(site_files(site_of([make_result()])))
    assert b"MIT" in files["static/tabulator.LICENSE.txt"]
    assert b"sourceMappingURL" not in files["static/tabulator.min.js"]
    static = Path(__file__).parents[4] / "vlbench/report/site/static"
    assert {f"static/{path.name}" for path in static.iterdir()} <= files.keys()


def test_a_model_with_marks_is_named_to_the_page_that_compares(make_result):
    files = dict(site_files(site_of([make_result(model="a b+bf16"), make_result(model="c")])))
    page = files["models/a b+bf16.html"].decode()
    assert 'href="../compare.html?a=a%20b%2Bbf16"' in page  # a + in a query is a blank


def test_a_rank_is_of_the_ranked_which_seeds_are_one_by_one(make_result):
    results = [make_result(model=f"ctx{i}", replicate_of="ctx") for i in range(3)]
    ranks = {"shapes": {"ctx0": 1, "ctx1": 1, "ctx2": 1, "small": 4}}
    site = site_of([*results, make_result()], Joined(additions=Additions(ranks=ranks)))
    assert "4 of 4" in dict(site_files(site))["models/small.html"].decode()


def test_of_a_metric_that_should_be_low_the_lowest_is_the_best(make_result):
    results = [
        make_result(
            model=model,
            primary="nll",
            facts={"gflops": gflops},
            metrics=(Measurement(loss, 9, metric="nll", lower_is_better=True),),
        )
        for model, loss, gflops in (("m3", 0.3, 3.0), ("m1", 0.1, 1.0), ("m2", 0.2, 2.0))
    ]
    site = site_of(results)
    assert [each.model for each in site.tasks[0].results] == ["m1", "m2", "m3"]
    files = {path: data.decode() for path, data in site_files(site) if path.endswith((".html", ".js"))}
    assert '"lowIsGood":true' in files["leaderboard.js"]
    assert "On the Pareto front: m1.<" in files["tasks/shapes.html"]
    assert '<em style="left:10.00%"' in files["models/m3.html"]
