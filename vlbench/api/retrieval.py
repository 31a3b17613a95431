"""Retrieves pairs of images and captions for a task's classes from a pool."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Unpack, get_args

from vlbench.api.request import one_model, one_task, refuse_method, resolve
from vlbench.api.surroundings import undisturbed
from vlbench.core.errors import VlbenchError
from vlbench.core.name_list import names_in
from vlbench.core.task_reading import reading_line, what_was_read
from vlbench.flag import whole
from vlbench.options import Keywords, Options

if TYPE_CHECKING:
    from vlbench.pairs.hits import Side
    from vlbench.pairs.pool import PairPool
    from vlbench.pairs.report import Report

SCHEME = "embeddings:"
"""How a pool of vectors is named: `embeddings:DIR`."""

By = Literal["both", "image", "text"]
"""What the prompts are compared with: the images of a pool, its captions, or both."""
Form = Literal["jsonl", "webdataset"]
"""How the pairs are written: images with a metadata.jsonl, or tars."""


@undisturbed()
def retrieve(
    model: str,
    task: str,
    pool: str,
    *,
    out: Path | str = "pairs",
    by: By = "both",
    k: int = 50,
    image_floor: float | None = None,
    text_floor: float | None = None,
    per_class: int | None = None,
    exclude: Sequence[str] = (),
    near: bool = True,
    form: Form = "jsonl",
    tell: Callable[[str], None] = lambda _: None,
    **options: Unpack[Keywords],
) -> "Report":
    """Take the pairs out of a pool that are nearest to a task's prompts, and write them to a new folder.

    Each prompt takes the `k` nearest images, the pairs with the `k` nearest captions, or both; a class has
    the union of what its prompts take. Pairs below a floor, a cosine, are left out; `per_class` are the most
    pairs of a class. A pool `embeddings:DIR` holds vectors that the model made before, in clip-retrieval's
    layout. Test images of the task, or of the tasks in `exclude`, are never taken, nor is an image
    a second time; with `near`, nor are near copies of them. The options are those of `evaluate`; names and
    templates that replace the task's are the task's alone.

    Raises:
        VlbenchError: a name, a file or an option is wrong, something lies in the folder, the data are not
            here, or the pool has no captions.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     options = {"cache": folder, "device": "cpu", "out": f"{folder}/pairs"}
    ...     report = retrieve("tiny-clip", "digits-half", "shapes-pool", near=False, limit=16, **options)
    >>> report.task, len(report.classes), report.like_tests
    ('digits-half', 10, ())
    """
    read = Options.of(options)
    refuse_method(read, "retrieve")
    excluded = names_in(exclude)
    if excluded is None or not isinstance(pool, str):
        raise VlbenchError("a pool and the tasks to exclude are asked for by name; give texts")
    for what, given, known in (("by", by, get_args(By)), ("form", form, get_args(Form))):
        if given not in known:
            raise VlbenchError(f"{what} is {given!r}; give {' or '.join(known)}")
    k = whole("k", k)
    per_class = None if per_class is None else whole("per_class", per_class)
    if k < 1 or (per_class is not None and per_class < 1):
        raise VlbenchError(f"{k} pairs a prompt and {per_class} a class leave none; give 1 or more")
    named = one_model(model, read, "retrieve")
    # a limit is on the pool: all test images are looked for in it
    asked = one_task(task, replace(read, weights=None, limit=None))
    plain = replace(read, weights=None, classnames=None, templates=None, descriptions=None)
    pooled = None if pool.startswith(SCHEME) else one_task(pool, plain)
    others = [named.task for named in resolve((), excluded, replace(plain, limit=None))[1]]
    for each in (asked, *([] if pooled is None else [pooled]), *others):
        tell(reading_line(each.name, what_was_read(each)))
    for line in read.settings.said:
        tell(line)
    from vlbench.pairs.likeness import Closeness  # and torch
    from vlbench.pairs.retrieval import Retrieval, Wanted, retrieve_pairs

    if pooled is None:
        vectors = _vectors(pool, model, read, tell, captions=by != "image")
    floors: dict[Side, float | None] = {"image": image_floor, "text": text_floor}
    wanted = Wanted(
        sides=("image", "text") if by == "both" else (by,),
        k=k,
        floors={side: floor for side, floor in floors.items() if floor is not None},
        per_class=per_class,
        close=Closeness() if near else None,
    )
    search = Retrieval(
        checkpoint=named.checkpoint,
        task=asked,
        source=vectors if pooled is None else pooled.problem.images,
        called=vectors.dataset.name if pooled is None else pooled.name,
        tested=(asked, *(each for each in others if each.name != asked.name)),
        wanted=wanted,
        settings=read.settings,
        cache=read.cache,
    )
    return retrieve_pairs(search, Path(out), form, tell)


def _vectors(
    pool: str, model: str, options: Options, tell: Callable[[str], None], *, captions: bool
) -> "PairPool":
    """The pool of a name `embeddings:DIR`."""
    from vlbench.pairs.embeddings import open_embeddings

    found = open_embeddings(
        Path(pool.removeprefix(SCHEME)).expanduser(), options.data_root, captions=captions
    )
    gone = "" if found.reads == "hits" else "; the images are not here, so none is written or digested"
    dataset = found.dataset
    tell(f"{dataset.name}: {len(dataset):,} pairs, encoded before, taken as {model}'s{gone}")
    return found
