"""What a user's program has set for torch, Pillow and random generators changes no number, and stays."""

import random
from io import BytesIO

import numpy as np
import pytest
import torch
from PIL import Image, ImageFile

import vlbench
from vlbench.api.surroundings import undisturbed
from vlbench.core.errors import DataError


def nll(cache):
    (result,) = vlbench.evaluate("tiny-clip", "digits", limit=16, device="cpu", workers=0, cache=cache)
    return result.metric("nll").value


@pytest.mark.slow
def test_what_is_set_for_all_of_torch_reaches_neither_numbers_nor_the_store(tmp_path):
    plain = nll(tmp_path / "plain")
    before = torch.get_float32_matmul_precision()
    try:
        torch.set_default_dtype(torch.float64)
        torch.set_float32_matmul_precision("medium")
        with torch.autocast("cpu", torch.bfloat16), torch.device("meta"):
            assert nll(tmp_path / "other") == plain
            assert torch.is_autocast_enabled("cpu")
            assert torch.get_default_device().type == "meta"
        assert (torch.get_default_dtype(), torch.get_float32_matmul_precision()) == (torch.float64, "medium")
    finally:
        torch.set_default_dtype(torch.float32)
        torch.set_float32_matmul_precision(before)
    assert nll(tmp_path / "other") == plain


def test_a_loaded_model_answers_alike_under_autocast():
    model, squares = vlbench.load_model("tiny-clip", device="cpu"), [Image.new("RGB", (64, 64), "red")]
    plain = model.score(squares, ["a red square"])
    with torch.autocast("cpu", torch.bfloat16):
        assert model.score(squares, ["a red square"]) == plain


@pytest.mark.slow
def test_what_is_fitted_under_autocast_is_what_is_fitted_without(tmp_path):
    def fitted(name):
        given = {"device": "cpu", "cache": tmp_path / name, "out": tmp_path / name, "recipe": {"epochs": 1}}
        list(vlbench.fit_coop("tiny-clip", "shapes", shots=[1], **given))
        (file,) = (tmp_path / name).glob("*.safetensors")
        return file.read_bytes()

    plain = fitted("plain")
    with torch.autocast("cpu", torch.bfloat16):
        assert fitted("other") == plain


def test_switches_of_single_operations_are_off_meanwhile():
    switch = torch.backends.cuda.matmul
    if not hasattr(switch, "fp32_precision"):
        pytest.skip("this torch has one switch for all")
    before = switch.fp32_precision
    switch.fp32_precision = "tf32"  # from now on torch refuses to tell whether TF32 is allowed
    try:
        with undisturbed():
            assert not torch.backends.cuda.matmul.allow_tf32
        assert switch.fp32_precision == "tf32"
    finally:
        switch.fp32_precision = before


def test_random_generators_go_on_as_if_nothing_was_scored(tmp_path):
    def drawn():
        return random.random(), np.random.rand(), torch.rand(1).item()  # noqa: NPY002

    def seeded():
        random.seed(3)
        np.random.seed(3)  # noqa: NPY002
        torch.manual_seed(3)

    seeded()
    expected = drawn()
    seeded()
    nll(tmp_path)
    assert drawn() == expected


def test_a_truncated_image_is_refused_where_a_program_lets_pillow_fill_it(tmp_path, monkeypatch):
    file = BytesIO()
    Image.effect_noise((64, 64), 99).save(file, "JPEG")
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    pairs = [(file.getvalue()[:900], "a"), (file.getvalue(), "b")]
    with pytest.raises(DataError, match="item 0 does not decode"):
        vlbench.evaluate("tiny-clip", pairs, device="cpu", workers=0, cache=tmp_path)
    assert ImageFile.LOAD_TRUNCATED_IMAGES
