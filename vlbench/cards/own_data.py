"""Data without a card: `KIND:FOLDER` makes a task of a kind from the contents of a folder."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from vlbench.cards.catalogue import Catalogue, Reference
from vlbench.cards.data_request import DataRequest
from vlbench.cards.own_texts import texts_in_place
from vlbench.cards.texts import read_templates, read_vocabularies
from vlbench.core.contracts import Dataset, Text
from vlbench.core.dataset import as_dataset
from vlbench.core.digest import digest_of
from vlbench.core.errors import DataError
from vlbench.core.outside_name import no_text
from vlbench.core.registry import SOURCES
from vlbench.core.task import TaskRequest

OWN = "own"


def own_request(reference: Reference, catalogue: Catalogue, request: DataRequest) -> TaskRequest:
    """The request of a folder without a card to a task kind. Names and templates come from the folder.

    Raises:
        CardError: the user's file of names is wrong.
        DataError: there is no such folder, no known layout in it, or descriptions are missing or wrong.
    """
    folder = Path(reference.rest).expanduser()
    place = request.place()
    here = folder.resolve() if folder.is_dir() else folder
    if wrong := no_text(str(here)):
        raise DataError(wrong)
    source = as_dataset(SOURCES.get(OWN)(place, path=str(here)))
    label = here.resolve().name or "data"
    # folders of one name (test, val) must not overwrite each other's results
    name = f"{reference.scheme}:{label}@{digest_of(source.revision)[:6]}"
    return request_of(source, name, reference.scheme, catalogue, request)


def request_of(
    source: Dataset, name: str, kind: str, catalogue: Catalogue, request: DataRequest
) -> TaskRequest:
    """The request of data without a card to a task kind. Names and templates come from the data.

    Raises:
        CardError: the user's file of names is wrong.
        DataError: descriptions are missing or wrong.
    """
    offered = named_by_ids(source.offers.names, read_vocabularies(catalogue.task_folders))
    names = offered
    remarks: tuple[str, ...] = ()
    if request.classnames is not None or request.descriptions is not None:
        names, remarks = texts_in_place(
            offered,
            lambda: offered or source.offers.names,
            source,
            request,
            descriptions=request.descriptions,
            task=name,
            kind=kind,
        )
    templates = source.offers.templates or None
    if request.templates is not None:
        templates = read_templates(request.templates)
    elif templates is None:
        templates = own_templates(kind, catalogue)
    return TaskRequest(
        name=name,
        protocol=OWN,
        source=source,
        templates=templates,
        names=names,
        allow_subset=request.allow_subset,
        remarks=remarks,
    )


def own_templates(kind: str, catalogue: Catalogue) -> tuple[str, ...] | None:
    """The packaged templates of a kind for data that bring none; None where there are no such."""
    packaged = (folder / "templates" / f"{OWN}-{kind}.txt" for folder in catalogue.task_folders)
    return next((read_templates(path) for path in packaged if path.is_file()), None)


def named_by_ids(
    offered: tuple[Text, ...], vocabularies: Mapping[str, Mapping[str, str]]
) -> tuple[Text, ...] | None:
    """Replace offered names by those of a vocabulary that knows all of their ids (wnid folders).

    None if no vocabulary does; the offered names are then kept, and so are names that a user gave with an id.

    >>> offered = (Text("n02085620"), Text("n02123045"))
    >>> named_by_ids(offered, {"wnid": {"n02085620": "Chihuahua", "n02123045": "tabby cat"}})[1]
    Text(name='tabby cat', prompts=(), descriptions=(), ids={'wnid': 'n02123045'})
    """
    for vocabulary, names in vocabularies.items():
        known = [
            next((id_ for id_ in (text.name, *text.ids.values()) if id_ in names and _names(text, id_)), None)
            for text in offered
        ]
        named = tuple(
            replace(text, name=names[id_], ids={**text.ids, vocabulary: id_})
            for text, id_ in zip(offered, known, strict=True)
            if id_ is not None
        )
        if named and len(named) == len(offered):
            return named
    return None


def _names(text: Text, id_: str) -> bool:
    """Whether a text has no name besides its id."""
    return text.name in (id_, id_.replace("_", " "))
