"""Cards of matchings, asked as a whole and in part."""

import numpy as np

from vlbench.cards.build import open_task
from vlbench.cards.catalogue import read_catalogue
from vlbench.cards.data_request import DataRequest


def test_a_limit_of_items_takes_them_with_all_of_their_images() -> None:
    request = DataRequest(limit=30)
    task = open_task("shapes-matching", read_catalogue(), request=request).task
    items = task.problem.groups["item"].labels
    assert (len(set(items)), len(items), task.partial) == (30, 60, "limit 30")
    images = len(task.problem.images)
    assert 30 < images < 60
    assert np.unique(task.problem.asked.pairs.candidates).tolist() == list(range(images))
    whole = open_task("shapes-matching", read_catalogue(), request=DataRequest()).task.problem
    texts = dict(zip(range(len(whole.queries)), whole.texts, strict=True))
    for place, text in zip(items[::2], task.problem.texts[::2], strict=True):
        assert text == texts[2 * int(place)]
