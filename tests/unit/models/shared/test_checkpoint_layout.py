"""Containers and prefixes of training code: the state dict is read and said, or what is there is named."""

from pathlib import Path

import pytest
import torch
from torch import Tensor

from vlbench.core.errors import WeightsError
from vlbench.models.shared.checkpoint_layout import unwrapped
from vlbench.models.shared.weights import Weights, within

PATH = Path("w.pt")
STATE = {"visual.proj": torch.ones(2, 2), "logit_scale": torch.tensor(1.0)}
OPTIMIZER = {"state": {0: {"exp_avg": torch.ones(2)}}, "param_groups": [{"lr": 0.1}]}


def prefixed(prefix: str, state: dict[str, Tensor] = STATE) -> dict[str, Tensor]:
    return {prefix + key: value for key, value in state.items()}


def same(state: dict[str, Tensor]) -> bool:
    return state.keys() == STATE.keys() and all(torch.equal(state[key], STATE[key]) for key in STATE)


@pytest.mark.parametrize("holder", ["state_dict", "model", "model_state_dict", "module", "weights"])
def test_a_container_of_training_code_is_read_and_said(holder: str) -> None:
    found = unwrapped(PATH, {"epoch": 3, holder: STATE, "optimizer": OPTIMIZER, "scaler": {"scale": 1.0}})
    assert same(found.state)
    assert found.changes == (f"read from '{holder}'", "not read, beside it: epoch, optimizer, scaler")


def test_a_container_in_a_container_is_read() -> None:
    found = unwrapped(PATH, {"state_dict": {"model": STATE, "epoch": 3}})
    assert same(found.state)
    assert found.changes == ("read from 'state_dict/model'",)


@pytest.mark.parametrize(
    ("prefix", "said"),
    [
        ("module.", ["prefix 'module.' taken off 2 keys"]),
        ("model.", ["prefix 'model.' taken off 2 keys"]),
        ("_orig_mod.", ["'_orig_mod.' taken out of 2 keys"]),
        ("module._orig_mod.", ["'_orig_mod.' taken out of 2 keys", "prefix 'module.' taken off 2 keys"]),
        ("_orig_mod.module.", ["'_orig_mod.' taken out of 2 keys", "prefix 'module.' taken off 2 keys"]),
        (
            "model._orig_mod.module.",
            ["prefix 'model.' taken off 2 keys", "prefix 'module.' taken off 2 keys"],
        ),
        ("_fsdp_wrapped_module.", ["'_fsdp_wrapped_module.' taken out of 2 keys"]),
    ],
)
def test_prefixes_of_training_code_are_taken_off_in_any_order(prefix: str, said: list[str]) -> None:
    found = unwrapped(PATH, prefixed(prefix))
    assert same(found.state)
    assert set(said) <= set(found.changes)


def test_a_part_that_was_compiled_alone_is_read() -> None:
    state = {"visual._orig_mod.proj": STATE["visual.proj"], "logit_scale": STATE["logit_scale"]}
    assert same(unwrapped(PATH, state).state)


def test_what_needs_no_change_is_said_to_have_none() -> None:
    assert unwrapped(PATH, STATE).changes == ()
    assert within(unwrapped(PATH, STATE), ["logit_scale"]).changes == ()


@pytest.mark.parametrize("average", ["model_ema", "ema", "ema_state_dict", "swa_model"])
def test_of_raw_and_averaged_weights_the_raw_are_read_and_the_others_named(average: str) -> None:
    found = unwrapped(PATH, {"model": STATE, average: prefixed("module.")})
    assert same(found.state)
    assert found.changes == ("read from 'model'", f"not read, beside it: {average}")


def test_averaged_weights_alone_are_read_and_said() -> None:
    found = unwrapped(PATH, {"state_dict_ema": STATE, "epoch": 1})
    assert found.changes == ("read from 'state_dict_ema'", "not read, beside it: epoch")


def test_an_averaged_copy_under_a_prefix_is_left_out_and_counted() -> None:
    weights = Weights(PATH, {**prefixed("net."), **prefixed("ema_net.")})
    found = within(weights, ["logit_scale"])
    assert same(found.state)
    assert found.changes == (
        "2 tensors of an averaged copy not read: ema_net.",
        "prefix 'net.' taken off 2 keys",
    )


@pytest.mark.parametrize(
    "content",
    [
        {"student": STATE, "teacher": STATE},
        {"model": STATE, "state_dict": STATE},
    ],
)
def test_several_state_dicts_are_named_and_none_is_guessed(content: dict[str, object]) -> None:
    with pytest.raises(WeightsError, match=rf"several state dicts: {', '.join(content)}; save the one"):
        unwrapped(PATH, content)


def test_several_models_under_prefixes_are_named_and_none_is_guessed() -> None:
    weights = unwrapped(
        PATH, {"state_dict": prefixed("module.", {**prefixed("teacher."), **prefixed("student.")})}
    )
    with pytest.raises(WeightsError, match=r"several models: student\., teacher\.; save the one to score"):
        within(weights, ["logit_scale"])


@pytest.mark.parametrize(
    ("beside", "named"),
    [({"adapter": {"down": torch.ones(2, 2)}}, "adapter"), ({"gate": torch.ones(2)}, "gate")],
)
def test_learned_tensors_beside_the_state_dict_are_refused_by_name(
    beside: dict[str, object], named: str
) -> None:
    with pytest.raises(WeightsError, match=f"learned tensors beside 'model' would be left out: {named}"):
        unwrapped(PATH, {"model": STATE, **beside})


@pytest.mark.parametrize(
    "beside",
    [
        {"torch_rng_state": torch.zeros(9, dtype=torch.uint8)},
        {"best": torch.tensor(0.5)},
        {"rng": {"cpu": torch.ones(3)}},
        {"teacher": prefixed("module.")},
    ],
)
def test_what_is_no_part_of_the_model_is_named_and_left(beside: dict[str, object]) -> None:
    found = unwrapped(PATH, {"model": STATE, **beside})
    assert found.changes == ("read from 'model'", f"not read, beside it: {next(iter(beside))}")


def test_any_prefix_is_found_by_a_tensor_that_the_model_has_and_the_rest_keeps_its_names() -> None:
    weights = Weights(PATH, {**prefixed("loss.clip."), "loss.head": torch.ones(1)})
    found = within(weights, ["logit_scale"])
    assert found.state.keys() == {*STATE, "loss.head"}


def test_two_tensors_that_would_have_one_name_are_refused() -> None:
    state = {"logit_scale": torch.ones(1), "_orig_mod.logit_scale": torch.ones(1)}
    with pytest.raises(WeightsError, match=r"twice, with and without a prefix: _orig_mod\.logit_scale"):
        unwrapped(PATH, state)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([1, 2], "holds list, no state dict"),
        ({"epoch": 1}, "no state dict: epoch are no tensors"),
        ({"model": {"a": 3}, "epoch": 1}, "model: no state dict: a are no tensors"),
        ({"a": torch.ones(1), "lr": 0.1}, "no state dict: lr are no tensors"),
    ],
)
def test_what_holds_no_state_dict_is_told(content: object, message: str) -> None:
    with pytest.raises(WeightsError, match=message):
        unwrapped(PATH, content)
