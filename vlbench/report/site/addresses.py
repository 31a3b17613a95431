"""The paths of pages in a site, and the links between them."""

from functools import lru_cache
from urllib.parse import quote

from vlbench.core.files import file_name


@lru_cache(maxsize=4096)
def task_page(task: str) -> str:
    """The path of a task's page in the site's folder."""
    return f"tasks/{file_name(task)}.html"


@lru_cache(maxsize=4096)
def row_page(row: str) -> str:
    """The path of the page of a leaderboard row in the site's folder."""
    return f"models/{file_name(row)}.html"


def row_data(row: str) -> str:
    """The path of a row's scores for the comparison page, in the site's folder."""
    return f"models/{file_name(row)}.js"


def task_table(task: str) -> str:
    """The path of a task's CSV in the site's folder."""
    return f"csv/{file_name(task)}.csv"


def comparison_with(row: str, up: str = "") -> str:
    """A link to the comparison page with one row chosen. A + in a query would mean a blank.

    >>> comparison_with("tiny-clip+bf16")
    'compare.html?a=tiny-clip%2Bbf16'
    """
    return f"{up}compare.html?a={quote(row, safe='')}"


@lru_cache(maxsize=4096)
def link(path: str, up: str = "") -> str:
    """A link from a page to a path. `up` leads to the site's folder: empty or `../`.

    >>> link("models/hf-hub%3AORG.html", "../")
    '../models/hf-hub%253AORG.html'
    """
    return up + quote(path, safe="/@+=,._-")


def row_link(row: str, up: str = "") -> str:
    """A link to the page of a leaderboard row."""
    return link(row_page(row), up)


def task_link(task: str, up: str = "") -> str:
    """A link to a task's page."""
    return link(task_page(task), up)
