"""Pages of a site, from jinja templates with everything escaped."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from vlbench.core.measurement import Part
from vlbench.core.result import Result
from vlbench.report.results import source_text
from vlbench.report.site import drawn, words
from vlbench.report.site.addresses import comparison_with, link, row_link, task_link, task_table
from vlbench.report.site.cells import bar, breakable, cell, whisker
from vlbench.report.site.data import own_score, standings
from vlbench.report.site.values import CardNotes, Score, Site, SiteRow, Standing, TaskView
from vlbench.report.tables.costs import SPEED
from vlbench.report.tables.few_shot import model_of
from vlbench.report.tables.levels import Level, level_of
from vlbench.report.tables.row_facts import ROW_FACTS
from vlbench.report.tables.seeds import row_of

if TYPE_CHECKING:
    from jinja2 import Environment

OPEN_PARTS = 40
"""How many classes or tags a task's page shows before the fold."""

HARDEST = 5
RANKS = "A rank is 1 + the number of models that are significantly better (paired tests, Holm, 5 %)."
Lines = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Pages:
    """A site's templates, ready to fill."""

    site: Site
    environment: "Environment"
    standings: Mapping[str, Mapping[str, Standing]]

    @classmethod
    def of(cls, site: Site) -> "Pages":
        return cls(site, _environment(), {task.name: standings(site.rows, task) for task in site.tasks})

    def index(self) -> str:
        """The leaderboard."""
        return self._filled(
            "index.html",
            up="",
            here="index",
            drawn=drawn.of_means(self.site.rows),
            any_trained=any("no" in row.zero_shot.values() for row in self.site.rows),
        )

    def compare(self) -> str:
        """The page that compares two models side by side, filled by its script."""
        return self._filled("compare.html", up="", here="compare")

    def task(self, task: TaskView) -> str:
        """The page of a task: the scores of all models on it."""
        one = task.one
        lines = [[own_score(result, metric) for metric in task.metrics] for result in task.results]
        digits = [words.digits_for(score.value for score in column) for column in zip(*lines, strict=True)]
        ends = [end for score, *_ in lines for end in (score.value, score.low, score.high)]
        return self._filled(
            "task.html",
            up="../",
            here="task",
            task=task,
            facts=[
                ("Kind", one.kind),
                ("Images", f"{one.n_images:,}"),
                ("Texts", f"{one.n_texts:,}"),
                ("Right pairs", f"{one.n_relevant:,}"),
                ("Primary metric", one.primary),
                *_levels(task),
                ("Models", f"{len(task.results):,}"),
                *task.notes.lines,
            ],
            lines=lines,
            digits=digits,
            axis=words.Span.around(ends),
            csv=link(task_table(task.name), "../"),
            metric_note="Hover a value for its interval." + (f" {RANKS}" if task.ranks else ""),
            protocol=_protocol(one),
            drawn=drawn.of_task(self.site.rows, one),
            few_shot=drawn.of_curves(self.site, task=task.name),
            training=drawn.of_training(self.site, task.name),
            open_parts=OPEN_PARTS,
        )

    def row(self, row: SiteRow) -> str:
        """The page of a model: its scores and ranks on all tasks."""
        notes = self.site.joined.models.get(row.name, CardNotes())
        lines = []
        for task in self.site.tasks:
            if task.name in row.results:
                standing = self.standings[task.name][row.name]
                lines.append((task, standing, words.digits_for([standing.score.value])))
        return self._filled(
            "model.html",
            up="../",
            here="model",
            row=row,
            notes=notes,
            facts=[*_row_facts(row), *notes.lines],
            compare=comparison_with(row.name, "../"),
            lines=lines,
            axis=words.Span(0.0, 1.0),
            ranked=any(row.name in task.ranks for task in self.site.tasks),
            few_shot=drawn.of_curves(self.site, model=model_of(next(iter(row.results.values()))[0])),
            hardest=list(_hardest(row)),
            seeds=list(_seeds(row)),
            runs=_runs(row),
        )

    def _filled(self, template: str, *, up: str, here: str, **values: object) -> str:
        count = sum(len(task.results) for task in self.site.tasks)
        return self.environment.get_template(template).render(
            site=self.site,
            up=up,
            here=here,
            count=f"{count:,}",
            cell=cell,
            bar=bar,
            whisker=whisker,
            row_link=partial(row_link, up=up),
            task_link=partial(task_link, up=up),
            **values,
        )


def _environment() -> "Environment":
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("vlbench.report.site"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    known = (words.fixed, words.signed, words.short, words.plain, words.label, words.beginning)
    filters = {each.__name__: each for each in (*known, breakable, row_of)}
    environment.filters.update(filters, grouped="{:,}".format)
    return environment


def _protocol(one: Result) -> list[tuple[str, str | Sequence[str]]]:
    head: list[tuple[str, str | Sequence[str]]] = [
        ("Name", one.protocol),
        ("Digest", one.protocol_digest),
        ("Data", f"{source_text(one.source)} {one.source_revision}".strip()),
    ]
    told = {name: value for name, value in one.protocol_statement.items() if name not in ("kind", "primary")}
    return [*head, *words.statement_lines(told)]


def _levels(task: TaskView) -> Lines:
    """What a model that guesses gets by the primary metric, and the best one that answers all alike."""
    labels: dict[Level, str] = {"chance": "By chance", "constant": "Best constant answer"}
    found = ((label, level_of(task.results, level)) for level, label in labels.items())
    return [(label, f"{value:.4f}") for label, value in found if value is not None]


def _row_facts(row: SiteRow) -> Lines:
    methods = {each.method for results in row.results.values() for each in results if each.method}
    shown = [name for name in (*ROW_FACTS, SPEED) if row.cells[name]]
    facts = [(words.label(name), words.plain(row.cells[name])) for name in shown]
    return [*(("Method", each) for each in sorted(methods)), *facts]


def _hardest(row: SiteRow) -> Iterator[tuple[str, str, list[Part]]]:
    """The lowest classes or tags on every task, for a row that is one model."""
    for task, results in row.results.items():
        if len(results) > 1:
            continue
        metric = next((each for each in results[0].metrics if len(each.parts) > HARDEST), None)
        if metric is not None:
            known = [(part.value, i, part) for i, part in enumerate(metric.parts) if part.value is not None]
            yield task, metric.metric, [part for *_, part in sorted(known)[:HARDEST]]


def _seeds(row: SiteRow) -> Iterator[tuple[str, str, Score]]:
    for task, results in row.results.items():
        for result in results:
            if result.replicate_of:
                yield task, result.model, own_score(result, result.primary)


def _runs(row: SiteRow) -> Lines:
    """What the runs of a row share: adapter, weights, precision, software, and digests of weight files."""
    results = [result for each in row.results.values() for result in each]
    weights = dict(sorted((name, digest) for each in results for name, digest in each.weights.items()))
    settings = ("precision", "preprocess", "device_name")
    software = dict(sorted((name, version) for each in results for name, version in each.software.items()))
    lines = [
        ("Adapter", ", ".join(sorted({each.adapter for each in results}))),
        *((f"SHA-256 of {name}", digest) for name, digest in weights.items()),
        *(
            (
                words.label(name),
                ", ".join(sorted({str(each.settings[name]) for each in results if name in each.settings})),
            )
            for name in settings
        ),
        ("Software", ", ".join(f"{name} {version}" for name, version in software.items())),
    ]
    return [(label, text) for label, text in lines if text]
