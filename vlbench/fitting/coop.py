"""`fit coop`: learns a context on a few images per class, epoch by epoch, from a frozen model's features."""

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from tqdm import tqdm

from vlbench.core.code_digest import digest_of_code
from vlbench.core.contracts import Checkpoint, Dataset, Identity, Placement
from vlbench.core.dataset import subset
from vlbench.core.digest import digest_of
from vlbench.core.errors import DataError
from vlbench.core.image import image_digests, keep_keys, known_keys, list_images
from vlbench.core.task import Task
from vlbench.engine.chunk import Reduction
from vlbench.engine.executors.local import LocalExecutor
from vlbench.engine.executors.pool import Pool
from vlbench.engine.executors.spread import executor_of
from vlbench.engine.feature_store import FeatureSpace
from vlbench.engine.image_pass import Done, Sink
from vlbench.engine.passes import Executor, encode_images
from vlbench.engine.plan import space_of
from vlbench.engine.settings import RunSettings
from vlbench.fitting.coop_learner import Learner, first_context, prompts_of
from vlbench.fitting.coop_recipe import CoopRecipe
from vlbench.fitting.fit_state import STATE_FILE, read_state, write_state
from vlbench.fitting.views import views
from vlbench.models.coop.context import ContextFacts, backbone_digest
from vlbench.models.coop.loading import context_tower
from vlbench.models.shared.dual_encoder import DualEncoder, unit
from vlbench.models.shared.text_tower import TextTower


@dataclass(frozen=True, slots=True)
class Few:
    """The images to learn from: positions in the training split, and their classes."""

    source: Dataset
    indices: Sequence[int]
    labels: NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Fitted:
    """A learned context [n, d] or [classes, n, d], its facts, and loss and accuracy of the last epoch."""

    context: Tensor
    facts: ContextFacts
    loss: float
    accuracy: float


@dataclass(frozen=True, slots=True, eq=False)
class Frozen:
    """A loaded model to learn contexts on. `name` opens it again; `executor` encodes its images.

    `backbone` is the digest of its text tower.
    """

    model: DualEncoder
    executor: Executor
    tower: TextTower
    identity: Identity
    name: str
    backbone: str

    @classmethod
    def of(cls, checkpoint: Checkpoint, pool: Pool, *, name: str) -> "Frozen":
        """Load a model for all contexts that are learned on it; workers of the pool load it too, if asked.

        Raises:
            Unsupported: the model has no text tower for a context.
        """
        settings = pool.settings
        model = checkpoint.load(Placement(settings.device, settings.precision))
        tower = context_tower(model, name)
        assert isinstance(model, DualEncoder)
        executor = executor_of(LocalExecutor(lambda: model, settings), checkpoint, pool)
        return cls(model, executor, tower, checkpoint.identify(), name, backbone_digest(tower.model))


def labels_of(training: Task) -> NDArray[np.int64]:
    """The class [n] of every image in a training split.

    Raises:
        DataError: an image has no class, or several.
    """
    relevant = training.problem.relevant
    count = len(training.problem.images)
    if not np.array_equal(relevant.candidates, np.arange(count)):
        raise DataError(f"{training.name}: its images do not have one class each; name a classification")
    return relevant.queries


def fit(frozen: Frozen, training: Task, few: Few, recipe: CoopRecipe, cache: Path) -> Fitted:
    """Learn a context. An interrupted one continues after its last complete epoch.

    Raises:
        DataError: an image does not decode.
    """
    model, tower, identity = frozen.model, frozen.tower, frozen.identity
    settings = frozen.executor.settings
    folder = cache / "fit" / _key(identity, training, few, recipe, settings, cache)
    names = [text.name for text in training.problem.texts]
    start, epoch, losses = _read_state(folder / STATE_FILE)
    context = start.get("context", first_context(tower, recipe, len(names)))
    learner = Learner.start(
        prompts_of(
            tower,
            names,
            recipe,
            n_ctx=context.shape[-2],
            scale=model.info.unit.scale,
            batch_size=settings.first_text_batch_size,
        ),
        recipe,
        context.to(settings.device),
        start.get("momentum"),
    )
    epochs = range(epoch, recipe.epochs)
    features = _image_features(frozen, few, recipe, cache, folder, epochs)
    labels = torch.from_numpy(few.labels).to(settings.device)
    progress = tqdm(epochs, initial=epoch, total=recipe.epochs, unit="epoch", desc="fit", disable=None)
    for number, seen in zip(progress, features, strict=False):
        shutil.rmtree(folder / f"epoch-{number - 1}", ignore_errors=True)  # a kill may have left it
        losses = learner.epoch(number, seen, labels)
        progress.set_postfix(loss=f"{losses[0]:.3f}", accuracy=f"{losses[1]:.3f}")
        _write_state(folder / STATE_FILE, learner, number + 1, losses)
    shutil.rmtree(folder / f"epoch-{recipe.epochs - 1}", ignore_errors=True)
    trained = {
        **recipe.as_facts(),
        "task": training.name,
        "images": len(few.indices),
        "training_loss": round(losses[0], 6),
        "training_accuracy": round(losses[1], 6),
        "precision": settings.precision,
        "data_revision": few.source.revision,
    }
    facts = ContextFacts(
        base=frozen.name,
        backbone=frozen.backbone,
        position=recipe.position,
        classes=tuple(training.problem.texts),
        class_specific=recipe.class_specific,
        trained=trained,
        learned_from=image_digests(subset(few.source, few.indices), cache),
    )
    return Fitted(learner.context.detach().float().cpu(), facts, *losses)


def _image_features(
    frozen: Frozen,
    few: Few,
    recipe: CoopRecipe,
    cache: Path,
    folder: Path,
    epochs: range,
) -> Iterator[Tensor]:
    """Unit image features [n, d] for each of some epochs: of new views, or the same in every epoch."""
    settings = frozen.executor.settings
    if recipe.features == "frozen":
        space = cache / "features" / space_of(frozen.identity.image, settings, settings.image_device)
        found = _encoded(frozen, subset(few.source, few.indices), space, cache)
        yield from repeat(found, len(epochs))
        return
    for epoch in epochs:
        seen = views(few.source, few.indices, frozen.model.info.image_size, seed=recipe.seed, epoch=epoch)
        yield _encoded(frozen, seen, folder / f"epoch-{epoch}", cache)


def _encoded(frozen: Frozen, source: Dataset, folder: Path, cache: Path) -> Tensor:
    """Unit features [n, d] of images; a folder stores them."""
    images = list_images(source)
    keys, done = known_keys(images, cache), Done()
    with FeatureSpace(folder, frozen.model.info.name) as space:
        encode_images(frozen.executor, source, keys, [Sink(Reduction("features"), space)], done)
        if keys is None:
            keep_keys(images, done.keys, cache)
        found = torch.from_numpy(space.gather(keys or done.keys))
    return unit(found.to(frozen.executor.settings.device))


def _key(
    identity: Identity, training: Task, few: Few, recipe: CoopRecipe, settings: RunSettings, cache: Path
) -> str:
    """A key of everything that determines the context, so that only the same context is continued."""
    return digest_of(
        {
            "model": identity.whole,
            "names": [text.name for text in training.problem.texts],
            "images": image_digests(subset(few.source, few.indices), cache),
            "labels": few.labels.tolist(),
            "recipe": recipe.as_facts(),
            "place": [settings.precision, settings.device.partition(":")[0], settings.first_batch_size],
            "code": digest_of_code(__name__),
        }
    )


def _read_state(path: Path) -> tuple[dict[str, Tensor], int, tuple[float, float]]:
    """Context and momentum after some epochs, the number of epochs, and the last one's loss and accuracy."""
    state, numbers = read_state(path)
    epochs, loss, accuracy = numbers or (0, float("nan"), float("nan"))
    return state, int(epochs), (loss, accuracy)


def _write_state(path: Path, learner: Learner, epochs: int, losses: tuple[float, float]) -> None:
    state = {"context": learner.context.detach().cpu()}
    if learner.momentum is not None:
        state["momentum"] = learner.momentum.cpu()
    write_state(path, state, (epochs, *losses))
