import pytest

from vlbench.datasets.readers import hub_answer


@pytest.fixture(autouse=True)
def hub_can_be_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """The hub is replaced here, so that its name need not resolve."""
    monkeypatch.setattr(hub_answer, "has_network", lambda: True)
