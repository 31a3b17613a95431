import subprocess
import sys

import pytest

import vlbench


def test_every_public_name_is_found_and_the_root_imports_none_of_them():
    for name in vlbench.__all__:
        assert getattr(vlbench, name) is not None
    assert vlbench._HOME_OF.keys() == set(vlbench.__all__)
    assert vlbench.__version__
    with pytest.raises(AttributeError, match="no attribute 'evaluat'"):
        _ = vlbench.evaluat
    code = "import sys, vlbench; print(*(name for name in sys.modules if name.startswith('vlbench.')))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
