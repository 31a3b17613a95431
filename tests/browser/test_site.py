"""The site in headless Chromium: what a reader does with it, by mouse, by keys and without JavaScript."""

import csv
import importlib.util
import os
import shutil
from dataclasses import replace
from pathlib import Path
from statistics import median

import pytest

from vlbench.core.measurement import Measurement
from vlbench.report.site.data import site_of
from vlbench.report.site.folder import write_site

CHECKOUT = Path(__file__).resolve().parents[2]
CHROMIUM = os.environ.get("VLBENCH_CHROMIUM") or shutil.which("chromium") or ""
FILTER_MS = 100

sync_api = pytest.importorskip(
    "playwright.sync_api", reason="playwright is not installed: pip install 'vlbench[browser]'"
)
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM, reason="no chromium on the path and none in VLBENCH_CHROMIUM"),
]


def made_results(models, tasks):
    spec = importlib.util.spec_from_file_location("bench_site", CHECKOUT / "bench" / "site.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return list(module.made_results(models, tasks, classes=8))


@pytest.fixture(scope="module")
def browser():
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """Twelve made models on six tasks."""
    folder = tmp_path_factory.mktemp("small")
    write_site(site_of(made_results(12, 6)), folder)
    return folder


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    folder = tmp_path_factory.mktemp("large")
    write_site(site_of(made_results(300, 60)), folder)
    return folder


@pytest.fixture
def open_page(browser):
    """Opens pages of a site; at the end nothing was logged as wrong and nothing left the machine."""
    contexts, troubles = [], []

    def opened(site, path="index.html", **options):
        context = browser.new_context(accept_downloads=True, **options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(15_000)
        page.on(
            "console", lambda told: troubles.append(told.text) if told.type in ("error", "warning") else None
        )
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on("request", lambda asked: None if local(asked.url) else troubles.append(asked.url))
        page.goto(address(site, path))
        return page

    yield opened
    for context in contexts:
        context.close()
    assert troubles == []


def local(url):
    return url.startswith(("file://", "data:", "blob:file://", "blob:null"))


def address(site, path):
    name, mark, query = path.partition("?")
    return (site / name).as_uri() + mark + query


def ready(page):
    page.wait_for_selector("html[data-ready=yes]", state="attached")
    return page


def names(page):
    return page.locator("#grid .tabulator-row .tabulator-cell:first-child a").all_inner_texts()


def leaderboard(site):
    with (site / "csv" / "leaderboard.csv").open(encoding="utf-8", newline="") as file:
        return {row["model"]: row for row in csv.DictReader(file)}


def by(site, column, *, descending=True):
    scored = [(float(row[column]), name) for name, row in leaderboard(site).items() if row[column]]
    return [name for _, name in sorted(scored, reverse=descending)]


def test_a_header_sorts_by_mouse_and_by_keys(open_page, small):
    page = ready(open_page(small))
    assert names(page)[:4] == by(small, "mean")[:4]
    task = page.get_by_role("columnheader", name="taggi-made-02")
    task.click()
    assert task.get_attribute("aria-sort") == "descending"
    assert names(page)[: len(by(small, "taggi-made-02"))] == by(small, "taggi-made-02")
    page.locator("#download").focus()
    for _ in range(30):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.matches('[tabulator-field=name]')"):
            break
    head = page.locator("#grid [tabulator-field=name][role=columnheader]")
    page.keyboard.press("Enter")
    assert (head.get_attribute("aria-sort"), names(page)) == ("ascending", sorted(leaderboard(small)))
    page.keyboard.press(" ")
    assert head.get_attribute("aria-sort") == "descending"
    assert task.get_attribute("aria-sort") == "none"


def test_filters_by_name_family_size_task_and_zero_shot(open_page, small):
    page = ready(open_page(small))
    rows = leaderboard(small)
    family = next(iter(rows.values()))["family"]
    page.select_option("#family", family)
    assert set(names(page)) == {name for name, row in rows.items() if row["family"] == family}
    page.select_option("#family", "")
    middle = median(float(row["parameters"]) for row in rows.values())
    page.fill("#most", str(middle))
    page.wait_for_function("document.querySelector('#status').textContent.startsWith('6 of 12')")
    assert set(names(page)) == {name for name, row in rows.items() if float(row["parameters"]) <= middle}
    page.fill("#most", "")
    page.fill("#search", "made-003")
    page.wait_for_function("document.querySelector('#status').textContent.startsWith('1 of 12')")
    assert all("made-003" in name for name in names(page))
    page.fill("#search", "")
    page.select_option("#task", "retri-made-01")
    assert names(page) == by(small, "retri-made-01")
    assert "1 of 6 tasks" in page.locator("#status").inner_text()
    page.select_option("#zero-shot", "y")
    kept = names(page)
    assert set(kept) < set(rows)
    assert page.locator("#grid .mark:visible").count() == 0


def test_the_download_is_leaderboard_csv_of_what_is_shown(open_page, small):
    page = ready(open_page(small))
    page.locator("#chooser summary").click()
    page.get_by_label("Facts: show all").click()
    with page.expect_download() as waiting:
        page.click("#download")
    text = Path(waiting.value.path()).read_text(encoding="utf-8")
    whole = (small / "csv" / "leaderboard.csv").read_text(encoding="utf-8")
    assert sorted(text.splitlines()) == sorted(whole.splitlines())
    assert text.splitlines()[0] == whole.splitlines()[0]
    page.locator("#chooser summary").click()
    page.get_by_label("Facts: show none").click()
    page.fill("#search", "made-003")
    page.wait_for_function("document.querySelector('#status').textContent.startsWith('1 of 12')")
    with page.expect_download() as waiting:
        page.click("#download")
    head, *lines = csv.reader(Path(waiting.value.path()).read_text(encoding="utf-8").splitlines())
    row = leaderboard(small)[lines[0][0]]
    assert "family" not in head
    assert lines == [[row[name] for name in head]]


def test_intervals_are_shown_when_asked_for(open_page, small):
    page = ready(open_page(small))
    assert page.locator("#grid small").count() == 0
    page.check("#intervals")
    shown = page.locator("#grid small").first.inner_text().strip()
    low, high = map(float, shown.split("–"))
    assert low < high


def test_pages_of_tasks_and_models_open_and_link_on(open_page, small):
    page = ready(open_page(small))
    first = names(page)[0]
    page.get_by_role("link", name=first).first.click()
    assert page.locator("h1").inner_text() == first
    page.get_by_role("link", name="taggi-made-02").first.click()
    assert page.locator("h1").inner_text() == "taggi-made-02"
    assert page.locator("svg.picture").count() == 2
    head = page.locator("th", has_text="micro_f1@0.17")
    head.get_by_role("button").focus()
    page.keyboard.press("Enter")
    assert head.get_attribute("aria-sort") == "descending"
    column = page.locator("table").first.locator("tbody tr td:nth-child(5)").all_inner_texts()
    assert column == sorted(column, reverse=True)


def test_two_models_are_compared_with_intervals(open_page, small):
    rows = leaderboard(small)
    best, other = by(small, "mean")[:2]
    page = ready(open_page(small, f"compare.html?a={other}&b={best}"))
    cells = page.locator("#comparison tbody tr", has_text="class-made-00").locator("td").all_inner_texts()
    a, b = (float(rows[name]["class-made-00"]) for name in (other, best))
    assert cells[1:3] == [f"{a:.4f}", f"{b:.4f}"]
    shown = float(cells[3].replace("−", "-"))
    assert shown == pytest.approx(b - a, abs=1e-4)
    low, high = (float(end.replace("−", "-")) for end in cells[4].split(" to "))
    assert low < shown < high
    page.check("#all")
    assert page.locator("#comparison tbody tr", has_text="acc5").count() == 2
    page.click("#swap")
    page.wait_for_function("document.title.startsWith(document.querySelector('#a').value)")
    swapped = (
        page.locator("#comparison tbody tr", has_text="class-made-00").first.locator("td").all_inner_texts()
    )
    assert swapped[1:3] == [f"{b:.4f}", f"{a:.4f}"]


@pytest.fixture
def odd(tmp_path):
    """Models with marks in their names, and a metric whose name is HTML."""
    name = "<img src=x onerror=alert(1)>"
    metrics = (Measurement(0.5, 9, 0.4, 0.6, "wilson", metric=name),)
    results = [
        replace(each, model=f"{each.model}+bf16", task="shapes", primary=name, metrics=metrics)
        for each in made_results(3, 1)
    ]
    write_site(site_of(results), tmp_path)
    return tmp_path


def test_odd_names_are_text_and_found_in_addresses(open_page, odd):
    page = ready(open_page(odd))
    page.locator(".tabulator-col", has_text="shapes").hover()
    page.wait_for_selector(".tabulator-tooltip")
    assert page.locator(".tabulator-tooltip").inner_text() == "<img src=x onerror=alert(1)>"
    third = names(page)[2]
    page.get_by_role("link", name=third).first.click()
    page.get_by_role("link", name="Compare with another model").click()
    assert ready(page).locator("#a").input_value() == third


def test_without_javascript_there_is_a_plain_table(open_page, small):
    page = open_page(small, java_script_enabled=False)
    assert page.locator("#plain table").is_visible()
    assert not page.locator("#grid").is_visible()
    assert not page.locator("#controls").is_visible()
    assert page.locator("#plain tbody tr").count() == 12
    page.get_by_role("link", name="class-made-00").first.click()
    assert page.locator("h1").inner_text() == "class-made-00"


def test_a_theme_that_is_chosen_holds_on_the_next_page(open_page, small):
    page = ready(open_page(small, color_scheme="light"))
    ground = "getComputedStyle(document.documentElement).backgroundColor"
    light = page.evaluate(ground)
    page.get_by_role("button", name="Dark").click()
    dark = page.evaluate(ground)
    page.get_by_role("link", name="Compare").click()
    page.wait_for_url("**/compare.html*", wait_until="load")
    assert (light != dark, page.evaluate(ground)) == (True, dark)
    assert page.get_by_role("button", name="Dark").get_attribute("aria-pressed") == "true"


@pytest.mark.parametrize("path", ["index.html", "compare.html", "tasks/taggi-made-02.html", "models"])
def test_no_page_is_wider_than_a_phone(open_page, small, path):
    name = path if path != "models" else next((small / "models").glob("*.html")).relative_to(small).as_posix()
    page = open_page(small, name, viewport={"width": 360, "height": 740})
    page.wait_for_timeout(200)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_the_skip_link_is_the_first_stop(open_page, small):
    page = ready(open_page(small))
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.getAttribute('href')") == "#content"


MEASURE = """async () => {
  const input = document.querySelector('#search');
  const times = [];
  for (const part of ['laion', 'g14', '', 'made-1', 'eva-made', '', 'zzz', '']) {
    const started = performance.now();
    input.value = part;
    input.dispatchEvent(new Event('input'));
    await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
    times.push(performance.now() - started);
  }
  return times;
}"""


def test_a_filter_of_300_models_and_60_tasks_answers_at_once(open_page, large):
    page = ready(open_page(large))
    for kind in ("classification", "retrieval", "tagging"):
        page.evaluate(f"document.querySelector('[aria-label=\"{kind}: show all\"]').click()")
    assert "60 of 60 tasks" in page.locator("#status").inner_text()
    times = page.evaluate(MEASURE)
    print("milliseconds of filters:", [round(time) for time in times])
    assert page.locator("#status").inner_text().startswith("300 of 300")
    assert median(times) < FILTER_MS
