import os
import sys
from pathlib import Path
from typing import cast

import pytest

from vlbench.cards.build import open_task
from vlbench.cards.catalogue import read_catalogue
from vlbench.cards.data_request import DataRequest
from vlbench.cards.own_data import named_by_ids
from vlbench.core.contracts import Text
from vlbench.core.errors import DataError
from vlbench.core.task import TaskRequest

WNIDS = {"wnid": {"n01": "crane", "n02": "crane", "n03": "tench"}}


def asked(name: str, **request: object) -> TaskRequest:
    built = open_task(name, read_catalogue(), request=DataRequest(**request)).task  # type: ignore[arg-type]
    return cast("tuple[TaskRequest, float]", built)[0]


@pytest.mark.usefixtures("plug_ins", "cards")
def test_a_folder_is_a_task_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "photos" / "cat").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "photos")
    for reference in (f"question:{tmp_path}/photos/", "question:."):
        request = asked(reference, limit=2, allow_subset=True)
        assert request.name.startswith("question:photos@")
        assert (request.protocol, request.partial) == ("own", "limit 2")
        assert (request.names, request.templates, request.metrics) == (None, None, ())
        assert request.allow_subset


@pytest.mark.skipif(sys.platform != "linux", reason="names that are not UTF-8 need a Linux disk")
@pytest.mark.usefixtures("plug_ins", "cards")
def test_a_folder_whose_name_is_no_text_is_refused(tmp_path: Path) -> None:
    root = tmp_path / os.fsdecode(b"caf\xe9")
    (root / "cat").mkdir(parents=True)
    with pytest.raises(DataError, match=r"the name b'.*caf.xe9' is not UTF-8; rename it"):
        asked(f"question:{root}")


@pytest.mark.usefixtures("plug_ins")
def test_folders_named_by_wnid_get_the_vocabularys_names(cards: Path, tmp_path: Path) -> None:
    (cards / "tasks" / "vocabularies").mkdir()
    (cards / "tasks" / "vocabularies" / "wnid.tsv").write_text("id\tname\nn01\tcrane\nn02\tcrane\n")
    for wnid in ("n01", "n02"):
        (tmp_path / "photos" / wnid).mkdir(parents=True)
    assert asked(f"question:{tmp_path}/photos").names == (
        Text("crane", ids={"folder": "n01", "wnid": "n01"}),
        Text("crane", ids={"folder": "n02", "wnid": "n02"}),
    )


def test_one_unknown_id_leaves_the_offered_names() -> None:
    assert named_by_ids((Text("n01"), Text("n03")), WNIDS) is not None
    assert named_by_ids((Text("n01"), Text("n04")), WNIDS) is None
    assert named_by_ids((), WNIDS) is None


def test_a_name_that_the_user_gave_beside_an_id_is_kept() -> None:
    given = (Text("my fish", ids={"label": "n03"}), Text("my bird", ids={"label": "n01"}))
    assert named_by_ids(given, WNIDS) is None
