"""The source `hub`: a data set on the Hugging Face hub, of any layout, identified by its commit."""

from typing import Literal

from vlbench.core.contracts import Dataset, Place
from vlbench.core.errors import CardError
from vlbench.datasets.readers.dataset_copy import HubSplit, dataset_copy
from vlbench.datasets.readers.hub_snapshot import (
    DEFAULT_BRANCH,
    snapshot,
    wanted_parquet,
    wanted_tars,
)
from vlbench.datasets.readers.item_fields import ItemFields
from vlbench.datasets.readers.parquet import open_rows
from vlbench.datasets.readers.parquet_columns import ColumnChoice, ColumnUse, WhichCaptions
from vlbench.datasets.readers.webdataset import open_shards


def hub(
    place: Place,
    /,
    *,
    repo: str,
    revision: str | None = None,
    split: str = "test",
    config: str | None = None,
    layout: Literal["parquet", "webdataset", "datasets"] = "parquet",
    columns: dict[ColumnUse, str | list[str]] | None = None,
    where: dict[str, str | int] | None = None,
    captions: WhichCaptions = "all",
    items: ItemFields | None = None,
) -> Dataset:
    """A split of a data set on the hub. It is downloaded unless the hub's cache has all of it.

    Only the files of the split are downloaded, and a result records the commit. HF_HUB_OFFLINE is respected,
    and a revision that is in the cache needs no network: without a revision, it is the commit of the default
    branch when the cache first got it. With the layout `datasets`, that library downloads all splits of the
    config, and a parquet copy of the split is kept in vlbench's cache; only a full commit is then found
    without asking the hub.

    Args:
        place: its cache keeps indices of tars, and copies for the layout `datasets`.
        repo: ORGANISATION/NAME.
        revision: a commit (at least 7 digits), tag or branch; by default the default branch.
            `refs/convert/parquet` is the hub's own parquet copy.
        split: the split, as in the names of files or folders.
        config: the folder of a subset; by default files are in the root, `data` or `default`. For the layout
            `datasets`, the name of a config.
        layout: `parquet`; `webdataset` for tars as the `clip-benchmark/wds_*` repositories have them;
            `datasets` for everything else that `datasets.load_dataset` opens without code: image folders,
            zips, CSV or JSON with images, Arrow.
        columns: as for the source `parquet`.
        where: as for the source `parquet`.
        captions: as for the source `parquet`.
        items: as for the source `parquet`.

    Raises:
        SourceMissing: it is not in the cache and could not be downloaded.
        DataError: there is no such split or config, or files are damaged.
        CardError: an option belongs to another layout.
    """
    at = "" if revision is None else f"@{revision}"
    name = f"hub:{repo}{at}/{f'{config}/' if config else ''}{split}"
    if layout == "webdataset":
        if captions != "all" or any(each is not None for each in (config, columns, where, items)):
            raise CardError(
                f"source {name}: config, columns, where, captions and items are for the other layouts; "
                "remove them"
            )
        tars = snapshot(wanted_tars(repo, revision, split))
        return open_shards(tars.files, name=name, revision=tars.commit, beside=[tars.root], cache=place.cache)
    if layout == "datasets":
        rows = dataset_copy(HubSplit(repo, revision or DEFAULT_BRANCH, config, split), place.cache)
    else:
        rows = snapshot(wanted_parquet(repo, revision, split, config))
    choice = ColumnChoice(named=columns or {}, where=where or {}, captions=captions, items=items)
    return open_rows(rows.files, choice, name=name, revision=rows.commit, beside=rows.root)
