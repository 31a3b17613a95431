import pytest
import tqdm

import vlbench
from vlbench.core.progress import at_work_on, progress_bar, without_bars


def test_a_bar_is_named_and_is_not_shown_where_nothing_is_to_do_or_all_is_quiet(capsys, monkeypatch) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    with at_work_on("tiny-clip on digits (3 of 12)"), progress_bar("images", 4, "img") as bar:
        bar.update(4)
    assert "tiny-clip on digits (3 of 12): images: 100%" in capsys.readouterr().err
    with progress_bar("texts", 0, "prompt"), without_bars(), progress_bar("images", 4, "img"):
        pass
    assert capsys.readouterr().err == ""


@pytest.mark.slow
def test_a_run_goes_on_at_what_is_stored_and_says_which_pair_it_is_at(tmp_path, monkeypatch) -> None:
    bars = []

    class Bar(tqdm.tqdm):
        def __init__(self, **options):
            bars.append((options["desc"], options.get("initial", 0), options["total"]))
            super().__init__(**options)

    monkeypatch.setattr("tqdm.tqdm", Bar)
    small = {"limit": 40, "device": "cpu", "workers": 0, "batch_size": 1, "cache": tmp_path}
    vlbench.evaluate("tiny-clip", "digits", share="1/2", **small)
    bars.clear()
    vlbench.evaluate("tiny-clip", ["shapes-tags", "digits"], **small)
    of_tags, of_digits = "tiny-clip on shapes-tags (1 of 2): ", "tiny-clip on digits (2 of 2): "
    assert sorted(bars) == sorted(
        [
            (f"{of_tags}texts", 0, 48),
            (f"{of_tags}images", 0, 40),
            (f"{of_digits}texts", 0, 30),
            (f"{of_digits}images", 24, 40),
        ]
    )
