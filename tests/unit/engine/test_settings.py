"""Which devices a run is on: this process's, and its workers'."""

import pytest

from vlbench.core.errors import Unsupported
from vlbench.engine import settings
from vlbench.engine.settings import resolve_devices
from vlbench.options import Options

pytestmark = pytest.mark.any_kernel


@pytest.fixture
def cards(monkeypatch):
    """Makes a machine of so many cards, all of which work."""
    import torch

    def made(count: int) -> None:
        monkeypatch.setattr(settings, "DRIVERS", ("/",) if count else ())
        monkeypatch.setattr(torch.cuda, "device_count", lambda: count)
        monkeypatch.setattr(torch.cuda, "is_available", lambda: count > 0)
        monkeypatch.setattr(settings, "_checked", lambda device: device)

    return made


@pytest.mark.parametrize(
    ("count", "asked", "executor", "address", "here", "workers"),
    [
        (0, "auto", None, None, "cpu", ()),
        (0, "all", None, None, "cpu", ()),
        (1, "all", None, None, "cuda:0", ()),
        (2, "all", None, None, "cuda:0", ("cuda:0", "cuda:1")),
        (2, "cuda:1", None, None, "cuda:1", ()),
        (2, "cuda:1,0,0", None, None, "cuda:1", ("cuda:1", "cuda:0", "cuda:0")),
        (0, "cpu:1", None, None, "cpu", ()),
        (0, "cpu:3", None, None, "cpu", ("cpu",) * 3),
        (1, "auto", "ray", None, "cuda", ("cuda",)),
        (0, "all", "ray", None, "cpu", ("cpu",)),
        (0, "all", None, "head:6379", "cpu", ("all",)),
        (1, "cuda:0,1", None, "head:6379", "cuda", ("cuda:0", "cuda:1")),
        (1, "cpu:2", None, "head:6379", "cpu", ("cpu", "cpu")),
    ],
)
def test_devices_are_those_of_workers_where_there_are_several(
    count, asked, executor, address, here, workers, cards
):
    cards(count)
    assert resolve_devices(asked, None, executor, address) == (here, workers)


@pytest.mark.parametrize(
    ("asked", "executor", "address", "told"),
    [
        ("cpu:0", None, None, "'cpu:0' is no number of workers on the CPU"),
        (f"cpu:{'9' * 5000}", None, None, "is no number of workers on the CPU"),
        ("cuda:0,x", None, None, "'cuda:0,x' is no list of devices"),
        ("cpu:2", "local", None, "--executor local runs on one device of this machine, not on cpu:2"),
        ("cpu", "local", "head:6379", "--executor local runs on one device of this machine"),
    ],
)
def test_what_no_run_could_be_on_is_refused(asked, executor, address, told, cards):
    cards(1)
    with pytest.raises(Unsupported, match=told):
        resolve_devices(asked, None, executor, address)


def test_without_the_extra_workers_are_refused_by_its_name(monkeypatch):
    monkeypatch.setattr(settings, "find_spec", lambda _: None)
    with pytest.raises(
        Unsupported, match=r"^workers on cpu:2 need an extra: pip install 'vlbench\[ray\]'; or"
    ):
        resolve_devices("cpu:2", None, None, None)


def test_all_on_no_card_says_that_it_is_the_cpu(cards):
    cards(0)
    assert Options(device="all").settings.said == ("no GPU is here, so --device all is the CPU",)
    assert Options(device="auto").settings.said == ()


def test_what_runs_here_alone_takes_no_workers():
    with pytest.raises(Unsupported, match="fit react runs on one device, not on cpu:2"):
        Options(device="cpu:2").alone("fit react")
    with pytest.raises(Unsupported, match="fit react runs in this process; leave --executor"):
        Options(device="cpu", executor="ray").alone("fit react")
    assert Options(device="cpu", executor="local").alone("fit react").device == "cpu"


@pytest.mark.parametrize("device", ["ipu", "gpu"])
def test_torchs_word_against_a_device_is_one_sentence(device):
    with pytest.raises(Unsupported) as told:
        resolve_devices(device, None, None, None)
    assert str(told.value).startswith(f"device '{device}' cannot be used (")
    assert "mkldnn" not in str(told.value)  # of the twenty kinds that torch names
    assert str(told.value).endswith("); pass --device cpu, cuda or auto")
    assert len(str(told.value)) < 200
