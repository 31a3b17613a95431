from dataclasses import replace

from vlbench.report.csv_text import read_csv
from vlbench.report.tables.costs import COSTS, COSTS_HEAD, speed_text
from vlbench.report.tables.leaderboard import leaderboards


def test_a_line_says_what_a_result_took_and_on_what(make_result):
    result = make_result(
        model="=small", settings={"device": "cuda:1", "device_name": "H200", "batch_size": 16}
    )
    head, line = read_csv(leaderboards([result])[COSTS])
    assert tuple(head) == COSTS_HEAD
    assert dict(zip(head, line, strict=True)) == {
        "model": "=small",
        "task": "shapes",
        "images_per_second": "100.0",
        "seconds": "3.500000",
        "encode_images_seconds": "2.000000",
        "encode_texts_seconds": "1.000000",
        "score_seconds": "0.100000",
        "images_encoded": "200",
        "texts_encoded": "4",
        "peak_memory_bytes": "1000000",
        "peak_device_bytes": "",
        "workers": "2",
        "device": "cuda:1",
        "device_name": "H200",
        "batch_size": "16",
        "text_batch_size": "",
    }


def test_speed_is_that_of_all_images_encoded_on_the_device_of_most(make_result):
    timing = make_result().timing  # 200 images in 2 s
    slow = make_result(
        timing=replace(timing, images_encoded=400, encode_images_seconds=10.0, images_per_second=40.0)
    )
    cuda = make_result(settings={"device": "cuda"}, timing=replace(timing, images_encoded=599))
    stored = make_result(timing=replace(timing, images_encoded=0, images_per_second=None))
    assert speed_text([make_result(), slow, cuda, stored]) == "50.0"
    assert speed_text([stored]) == ""
