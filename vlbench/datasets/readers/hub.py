"""The source `hub`: a data set of the Hugging Face hub, whatever its layout, known by its commit."""

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
    """A split of a data set on the hub, fetched now unless the hub's cache has all of it.

    Only the split's files are fetched. What a result records is the commit. HF_HUB_OFFLINE is obeyed,
    and nothing is asked of the network for a revision that lies in the cache: one that is left out is
    the commit that the default branch had when the cache first got it. With the layout `datasets`, that
    library fetches all splits of the config, a parquet copy of the split is kept in vlbench's cache,
    and only a full commit is found there without asking the hub.

    Args:
        place: its cache keeps the index of tars, and copies of the layout `datasets`.
        repo: ORGANISATION/NAME.
        revision: a commit (7 digits of it or more), tag or branch, the default branch if none is named;
            `refs/convert/parquet` is the hub's own parquet copy.
        split: the split, as the names of files or folders tell it.
        config: the folder of a subset; its files lie in the root, `data` or `default` if none is named.
            For the layout `datasets` the name of a config, the default one if none is named.
        layout: `parquet`; `webdataset` for tars as the `clip-benchmark/wds_*` repositories have them;
            `datasets` for all else that `datasets.load_dataset` opens without code: image folders, zips,
            CSV or JSON with images, Arrow.
        columns: as of the source `parquet`.
        where: as of the source `parquet`.
        captions: as of the source `parquet`.
        items: as of the source `parquet`.

    Raises:
        SourceMissing: not in the cache, and it could not be fetched.
        DataError: no such split or config, or files that do not read.
        CardError: an option of the other layout.
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
