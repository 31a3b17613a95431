"""`fit coop`: the same seed gives the same context to the bit, interrupted or not, and accuracy rises."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from vlbench.cards.build import open_task, open_training
from vlbench.cards.catalogue import read_catalogue
from vlbench.cards.data_request import DataRequest
from vlbench.core.contracts import Checkpoint, Origin
from vlbench.core.errors import DataError
from vlbench.core.task import Task
from vlbench.engine.executors.pool import Pool
from vlbench.engine.settings import RunSettings
from vlbench.fitting import coop as coop_module
from vlbench.fitting.context_card import write_card
from vlbench.fitting.coop import Few, Fitted, Frozen, fit, labels_of
from vlbench.fitting.coop_learner import Learner
from vlbench.fitting.coop_recipe import CoopRecipe
from vlbench.fitting.few_shot import sample
from vlbench.models.clip.checkpoint import local_dir
from vlbench.models.coop.context import read_facts, read_vectors

COLOURS = {"red": (220, 30, 30), "green": (30, 200, 60), "blue": (40, 60, 220)}
RECIPE = CoopRecipe(epochs=6, shots=4, n_ctx=4, rate=0.2, batch_size=8)
SETTINGS = RunSettings(workers=0, batch_size=4)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("train")
    random = np.random.default_rng(0)
    for name, colour in COLOURS.items():
        (folder / name).mkdir()
        for number in range(6):
            pixels = np.clip(np.array(colour) + random.normal(0, 20, (40, 48, 3)), 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{number}.png")
    return folder


@pytest.fixture(scope="module")
def training(folder: Path) -> Task:
    return open_training(f"classification:{folder}", read_catalogue(), request=DataRequest()).task


@pytest.fixture
def checkpoint(coop_folder: Path, tmp_path: Path) -> Checkpoint:
    return local_dir(Origin("tiny", cache=tmp_path / "cache"), reference=str(coop_folder))


def few_of(training: Task, recipe: CoopRecipe) -> Few:
    labels = labels_of(training)
    chosen = sample(labels.tolist(), recipe.shots, recipe.seed)
    return Few(training.problem.images, tuple(chosen), labels[chosen])


def fitted(checkpoint: Checkpoint, training: Task, cache: Path, recipe: CoopRecipe = RECIPE) -> Fitted:
    frozen = Frozen.of(checkpoint, Pool(SETTINGS), name="tiny")
    return fit(frozen, training, few_of(training, recipe), recipe, cache)


def test_the_same_seed_gives_the_same_context_bit_for_bit(
    checkpoint: Checkpoint, training: Task, tmp_path: Path
) -> None:
    first = fitted(checkpoint, training, tmp_path / "a")
    assert torch.equal(first.context, fitted(checkpoint, training, tmp_path / "b").context)
    other = CoopRecipe(epochs=6, shots=4, n_ctx=4, rate=0.2, batch_size=8, seed=2)
    assert not torch.equal(first.context, fitted(checkpoint, training, tmp_path / "a", other).context)


def test_an_interrupted_fit_goes_on_and_ends_at_the_same_context(
    checkpoint: Checkpoint, training: Task, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = fitted(checkpoint, training, tmp_path / "a")
    write = coop_module._write_state
    epochs = []

    def stop_after_three(path: Path, learner: object, number: int, losses: tuple[float, float]) -> None:
        write(path, learner, number, losses)  # type: ignore[arg-type]
        epochs.append(number)
        if number == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(coop_module, "_write_state", stop_after_three)
    with pytest.raises(KeyboardInterrupt):
        fitted(checkpoint, training, tmp_path / "b")
    resumed = fitted(checkpoint, training, tmp_path / "b")
    assert epochs == [1, 2, 3, 4, 5, 6]
    assert torch.equal(resumed.context, whole.context)
    assert (resumed.loss, resumed.accuracy) == (whole.loss, whole.accuracy)
    # views of the epoch that was cut off went as well
    assert [path.name for path in (tmp_path / "b" / "fit").glob("*/*")] == ["state.safetensors"]


def test_learning_lowers_the_loss_on_frozen_features(
    checkpoint: Checkpoint, training: Task, tmp_path: Path
) -> None:
    short, long = (
        CoopRecipe(epochs=epochs, shots=4, n_ctx=4, rate=0.2, batch_size=32, features="frozen")
        for epochs in (1, 40)
    )
    before, after = (fitted(checkpoint, training, tmp_path / "c", recipe) for recipe in (short, long))
    assert after.loss < 0.7 * before.loss
    assert after.accuracy > before.accuracy


def test_frozen_features_encode_each_image_once_for_all_epochs(
    checkpoint: Checkpoint, training: Task, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoded = []
    original = coop_module.encode_images

    def counting(*given: Any) -> None:
        original(*given)
        encoded.append(given[-1].encoded)

    monkeypatch.setattr(coop_module, "encode_images", counting)
    recipe = CoopRecipe(epochs=5, shots=4, n_ctx=4, features="frozen")
    fitted(checkpoint, training, tmp_path / "d", recipe)
    assert encoded == [12]
    encoded.clear()
    fitted(checkpoint, training, tmp_path / "d", CoopRecipe(epochs=3, shots=4, n_ctx=4))
    assert encoded == [12, 12, 12]


def test_views_are_deleted_once_an_epoch_is_learned(
    checkpoint: Checkpoint, training: Task, tmp_path: Path
) -> None:
    fitted(checkpoint, training, tmp_path / "e")
    assert [path.name for path in (tmp_path / "e" / "fit").glob("*/*")] == ["state.safetensors"]


def test_a_damaged_state_is_learned_anew(
    checkpoint: Checkpoint, training: Task, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = fitted(checkpoint, training, tmp_path / "s")
    (path,) = (tmp_path / "s" / "fit").glob("*/state.safetensors")
    data = bytearray(path.read_bytes())
    data[-5] ^= 64
    path.write_bytes(data)
    begun: list[int] = []
    original = Learner.epoch

    def counting(self: Learner, number: int, *rest: object) -> object:
        begun.append(number)
        return original(self, number, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(Learner, "epoch", counting)
    again = fitted(checkpoint, training, tmp_path / "s")
    assert begun[0] == 0
    assert torch.equal(again.context, whole.context)


def test_a_written_context_holds_its_facts(checkpoint: Checkpoint, training: Task, tmp_path: Path) -> None:
    recipe = CoopRecipe(epochs=2, shots=2, n_ctx=4, class_specific=True)
    found = fitted(checkpoint, training, tmp_path / "f", recipe)
    card = write_card(
        found,
        recipe,
        "coop-tiny-colours-2shot",
        tmp_path / "out",
        task="colours",
        base_weights=None,
        seen={},
    )
    assert card.name == "coop-tiny-colours-2shot-seed1"
    facts = read_facts(card.context)
    assert [text.name for text in facts.classes] == sorted(COLOURS)
    assert facts.trained["shots"] == 2
    assert facts.class_specific
    assert torch.equal(read_vectors(card.context), found.context)
    assert found.context.shape == (3, 4, 64)
    entry = read_catalogue((tmp_path / "out",)).models[card.name]
    assert entry.kind == "coop"


def test_no_tensor_but_the_context_is_in_the_file(
    checkpoint: Checkpoint, training: Task, tmp_path: Path
) -> None:
    recipe = CoopRecipe(epochs=1, shots=1, n_ctx=4)
    card = write_card(
        fitted(checkpoint, training, tmp_path, recipe),
        recipe,
        "row",
        tmp_path,
        task="t",
        base_weights=None,
        seen={},
    )
    assert len(load_file(card.context)) == 1


def test_a_task_without_one_class_an_image_is_refused() -> None:
    tags = open_task("shapes-tags", read_catalogue(), request=DataRequest(limit=10)).task
    with pytest.raises(DataError, match="do not have one class each"):
        labels_of(tags)
