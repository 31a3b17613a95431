"""`fit react`: equal files for one seed, interrupted or not; what it refuses; what a run knows of it."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from vlbench.api.fit import fit_react
from vlbench.api.runs import evaluate
from vlbench.cards.build import open_model
from vlbench.cards.catalogue import read_catalogue
from vlbench.core.contracts import Placement
from vlbench.core.errors import DataError, Unsupported, VlbenchError
from vlbench.fitting import react
from vlbench.fitting.react_card import DIGESTS_FILE, LOG_FILE, WEIGHTS_FILE, ReactCard

CARDS = Path(__file__).parents[3] / "model_cards"
COLOURS = {"red": (220, 30, 30), "green": (30, 200, 60), "blue": (40, 60, 220)}
RECIPE: dict[str, Any] = {"epochs": 3, "batch_size": 4, "warm_up": 1, "rate": 1e-3}


def pictures(folder: Path, seed: int, *, captions: bool = True) -> Path:
    """Eight pictures of colours, each with two captions."""
    folder.mkdir()
    random = np.random.default_rng(seed)
    lines = []
    for number in range(8):
        name, colour = list(COLOURS.items())[number % 3]
        noise = random.normal(0, 20, (40, 48, 3))
        pixels = np.clip(np.array(colour) + noise, 0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.png")
        text = {"text": [f"a {name} square", f"{name} {number}"]} if captions else {"label": name}
        lines.append(json.dumps({"file_name": f"{number}.png", **text}))
    (folder / "metadata.jsonl").write_text("\n".join(lines))
    return folder


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    return pictures(tmp_path / "pairs", 0)


def fitted(pairs: Path, where: str, **given: Any) -> ReactCard:
    """A small fit of tiny-clip, with a cache and an output folder of its own."""
    place = pairs.parent / where
    base, recipe = given.pop("model", "tiny-clip"), {**RECIPE, **given.pop("recipe", {})}
    options = {"mode": "locked-text", "every": 2, "cache": place / "cache", "out": place / "out"}
    options |= {"device": "cpu", "workers": 0, **given}
    (card,) = fit_react(base, pairs, recipe=recipe, **options)
    return card


def files_of(card: ReactCard) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (card.card, *card.folder.iterdir())}


@pytest.mark.slow
def test_an_interrupted_fit_goes_on_and_ends_at_equal_files(
    pairs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = fitted(pairs, "a")
    step, done = react._step, []

    def stop_in_the_fourth(*given: Any) -> float:
        if len(done) == 3:
            raise KeyboardInterrupt
        done.append(step(*given))
        return done[-1]

    monkeypatch.setattr(react, "_step", stop_in_the_fourth)
    with pytest.raises(KeyboardInterrupt):
        fitted(pairs, "b")
    assert not (pairs.parent / "b" / "out").exists()
    monkeypatch.setattr(react, "_step", lambda *given: done.append(step(*given)) or done[-1])
    resumed = fitted(pairs, "b")
    assert len(done) == 3 + 4  # from the state after two steps on
    assert files_of(resumed) == files_of(whole)
    assert [each["step"] for each in json.loads((whole.folder / LOG_FILE).read_text())["course"]] == [2, 4, 6]


@pytest.mark.slow
def test_a_seed_decides_order_views_and_captions(pairs: Path) -> None:
    first, again = fitted(pairs, "a"), fitted(pairs, "b", workers=2)
    assert files_of(first) == files_of(again)
    other = fitted(pairs, "c", seeds=[2])
    assert files_of(other)[WEIGHTS_FILE] != files_of(first)[WEIGHTS_FILE]
    row = first.name.removesuffix("-seed1")
    assert other.name == f"{row}-seed2"
    replicates = {
        open_model(each.name, read_catalogue((each.card.parent,))).checkpoint.identify().replicate_of
        for each in (first, other)
    }
    assert replicates == {row}


def test_locked_text_tunes_the_image_tower_and_the_scale(pairs: Path) -> None:
    card = fitted(pairs, "a")
    before, after = (load_file(folder / WEIGHTS_FILE) for folder in (CARDS / "tiny-clip", card.folder))
    assert before.keys() == after.keys()
    moved = {name for name in before if not torch.equal(before[name], after[name])}
    still = {name for name in before if name.startswith("visual.")} - moved
    assert {name for name in moved if not name.startswith("visual.")} == {"logit_scale"}
    # the running statistics of batches stay
    assert all(name.endswith(("running_mean", "running_var", "num_batches_tracked")) for name in still)


@pytest.mark.slow
def test_gated_image_tunes_new_blocks_that_start_closed(pairs: Path) -> None:
    # tiny-react's own tower without its gates
    state = load_file(CARDS / "tiny-react" / WEIGHTS_FILE)
    plain = {name: each for name, each in state.items() if "gated_attn_block" not in name}
    folder = pairs.parent / "plain"
    folder.mkdir()
    save_file(plain, folder / WEIGHTS_FILE)
    for name in ("open_clip_config.json", "bpe_merges.txt.gz"):
        (folder / name).write_bytes((CARDS / "tiny-react" / name).read_bytes())
    options = {"model": f"local-dir:{folder}", "mode": "gated-image", "recipe": {"gated_layers": 2}}
    card = fitted(pairs, "a", **options)
    tuned = load_file(card.folder / WEIGHTS_FILE)
    assert tuned.keys() == state.keys()
    moved = {name for name in plain if not torch.equal(plain[name], tuned[name])}
    assert moved == {"logit_scale"}
    gates = [float(each.abs()) for name, each in tuned.items() if ".alpha_" in name]
    assert len(gates) == 4
    assert all(0 < gate < 0.01 for gate in gates)
    drawn = "visual.transformer.resblocks.3.gated_attn_block.mlp.c_fc.weight"
    other = load_file(fitted(pairs, "b", seeds=[2], **options).folder / WEIGHTS_FILE)
    assert (other[drawn] - tuned[drawn]).abs().max() > 0.1
    catalogue = read_catalogue((card.card.parent,))
    model = open_model(card.name, catalogue).checkpoint.load(Placement())
    assert model.info.parameters == sum(each.numel() for each in tuned.values())


def test_gates_of_the_base_learn_on(pairs: Path) -> None:
    told: list[str] = []
    card = fitted(pairs, "a", model="tiny-react", mode="gated-image", tell=told.append)
    assert "tiny-react: has gated blocks in its last 2 image layers, which learn on" in told
    before, after = (load_file(each / WEIGHTS_FILE) for each in (CARDS / "tiny-react", card.folder))
    moved = {name for name in before if not torch.equal(before[name], after[name])}
    assert moved == {name for name in before if "gated_attn_block" in name} | {"logit_scale"}


def test_a_model_without_a_place_for_gates_is_refused(pairs: Path) -> None:
    with pytest.raises(Unsupported, match=r"tiny-clip: gated_layers is 6, .* or --mode locked-text"):
        fitted(pairs, "a", mode="gated-image")
    with pytest.raises(Unsupported, match="fit react tunes models of open_clip, and this is one of coop"):
        fitted(pairs, "a", model="tiny-coop")


@pytest.mark.parametrize("name", ["a/b", "../a", "a:b", ".a"])
def test_a_name_that_no_card_can_have_is_refused(name: str, pairs: Path) -> None:
    with pytest.raises(VlbenchError, match="--name"):
        fitted(pairs, "a", name=name)


def test_images_without_captions_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"0\.png has no caption"):
        fitted(pictures(tmp_path / "labels", 0, captions=False), "a")
    with pytest.raises(DataError, match="name images with captions"):
        list(fit_react("tiny-clip", "shapes", mode="locked-text", cache=tmp_path))


@pytest.mark.slow
def test_a_model_knows_the_images_of_its_pairs_and_of_its_bases(pairs: Path) -> None:
    first = fitted(pairs, "a")
    more = pictures(pairs.parent / "more", 1)
    include = (first.card.parent,)
    second = fitted(more, "b", model=first.name, include_path=include)
    assert len(first.learned_from) == 8
    assert len(second.learned_from) == 16
    assert set(first.learned_from) < set(second.learned_from)
    assert (second.folder / DIGESTS_FILE).read_text().split() == list(second.learned_from)
    checkpoint = open_model(second.name, read_catalogue((second.card.parent,))).checkpoint
    assert checkpoint.identify().learned_from == second.learned_from
    (second.folder / DIGESTS_FILE).unlink()
    with pytest.raises(VlbenchError, match=r"learned_from\.txt: no such file"):
        checkpoint.identify()


@pytest.mark.slow
def test_a_course_has_the_scores_of_the_model_as_it_is(pairs: Path) -> None:
    test = f"retrieval:{pictures(pairs.parent / 'test', 1)}"
    card = fitted(pairs, "a", name="mine", validate=test, every=3, recipe={"epochs": 3, "rate": 1e-2})
    log = json.loads((card.folder / LOG_FILE).read_text())
    assert [each["step"] for each in log["course"]] == [3, 6]
    assert card.name == "mine-seed1"
    assert card.scored.startswith("image_retrieval_recall@1 of retrieval:test@")
    options = {"device": "cpu", "cache": pairs.parent / "cache"}
    (result,) = evaluate(card.name, test, include_path=[card.card.parent], **options)
    assert log["course"][-1]["score"] == card.score == result.score
    (of_base,) = evaluate("tiny-clip", test, **options)
    assert card.score != of_base.score


def test_a_task_that_shares_images_with_the_pairs_is_no_validation(pairs: Path) -> None:
    with pytest.raises(DataError, match="8 of its 8 images are among the pairs"):
        fitted(pairs, "a", validate=f"retrieval:{pairs}")
