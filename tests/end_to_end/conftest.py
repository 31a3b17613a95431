from pathlib import Path

import demo_site
import pytest


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the demo plug-in installed."""
    return demo_site.install(tmp_path_factory.mktemp("wheels"), tmp_path_factory.mktemp("site"))
