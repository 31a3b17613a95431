"""A training loop with evaluations in it: every few steps, logged, and bit-equal to one without."""

from types import SimpleNamespace

import pytest
import torch
from torch import nn
from torchvision.transforms.functional import pil_to_tensor

import vlbench
from vlbench.core.errors import VlbenchError


class Trained(nn.Module):
    """Six numbers of an image and of a text, with what draws and what changes by being called."""

    def __init__(self):
        super().__init__()
        self.image = nn.Sequential(nn.BatchNorm1d(3), nn.Linear(3, 6), nn.Dropout(0.5))
        self.text = nn.Embedding(128, 6)

    def encode_image(self, pixels):
        return self.image(pixels.mean(dim=(2, 3)))

    def encode_text(self, sentences):
        return torch.stack(
            [self.text(torch.tensor([ord(x) % 128 for x in each])).mean(0) for each in sentences]
        )


def pixels_of(image):
    return pil_to_tensor(image.convert("RGB").resize((4, 4))).float() / 255


def trained(on_step):
    torch.manual_seed(0)
    model = Trained().train()
    score = on_step(model)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.05)
    for step in range(1, 7):
        pixels = torch.rand(8, 3, 4, 4)
        loss = -(model.encode_image(pixels) * model.encode_text(["one", "two"] * 4)).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        score(step)
    return model.state_dict()


@pytest.fixture
def asked(tmp_path):
    return {"limit": 12, "cache": tmp_path / "cache", "workers": 0, "preprocess": pixels_of}


def test_training_is_bit_equal_with_evaluations_and_scores_change_with_the_weights(asked):
    rows, logged = [], []

    def on_step(model):
        score = vlbench.callback(
            model,
            "digits",
            every=2,
            name="mine",
            log=lambda numbers, step: logged.append((step, numbers)),
            **asked,
        )
        return lambda step: rows.extend(score(step))

    with_them, without = trained(on_step), trained(lambda _: lambda _: None)
    assert all(torch.equal(with_them[name], without[name]) for name in without)
    assert [row.model for row in rows] == ["mine@2", "mine@4", "mine@6"]
    assert [step for step, _ in logged] == [2, 4, 6]
    assert [numbers["digits/acc1"] for _, numbers in logged] == [row.score for row in rows]
    assert len({row.metric("nll").value for row in rows}) == 3


def test_a_writer_of_tensorboard_and_a_trackers_run_take_the_numbers(asked, monkeypatch):
    model, written, told = Trained(), [], []
    writer = SimpleNamespace(add_scalar=lambda name, value, step: written.append((name, step)))
    mlflow = SimpleNamespace(log_metrics=lambda numbers, step: told.extend((name, step) for name in numbers))
    monkeypatch.setitem(__import__("sys").modules, "mlflow", mlflow)
    for log in (writer, "mlflow"):
        vlbench.callback(model, "shapes-retrieval", every=1, log=log, **asked)(3)
    assert ("shapes-retrieval/image_retrieval_recall@1", 3) in written
    assert ("shapes-retrieval/image_retrieval_recall_at_1", 3) in told


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"every": 0}, "every is 0"),
        ({"every": "epoch"}, "every is 'epoch'; give a whole number"),
        ({"log": "disk"}, "log is 'disk'"),
        ({"tasks": "digts"}, "no task named 'digts'"),
        ({"limits": 3}, "no option named 'limits'"),
        ({"model": "tiny-clip"}, "str is no model that can be scored"),
        ({"preprocess": None}, "pass preprocess="),
    ],
)
def test_what_no_callback_can_do_is_refused_before_the_training(given, told, asked):
    with pytest.raises(VlbenchError, match=told):
        vlbench.callback(**{"model": Trained(), "tasks": "digits", "every": 1, **asked, **given})
