"""Context files: what is written is read, equal input gives equal bytes, all else is refused in a line."""

import json
import subprocess
import sys
from dataclasses import replace

import open_clip
import pytest
import torch
from safetensors.torch import save_file

from vlbench.core.contracts import Text
from vlbench.core.errors import WeightsError
from vlbench.models.coop.context import (
    ContextFacts,
    backbone_digest,
    read_facts,
    read_vectors,
    write_context,
)

CLASSES = (Text("missile", ids={"wnid": "n03773504"}), Text("missile", ids={"wnid": "n04008634"}), Text("x"))
FACTS = ContextFacts(
    base="clip-b16",
    backbone="a" * 64,
    position="middle",
    classes=CLASSES,
    class_specific=True,
    trained={"task": "imagenet", "shots": 16, "rate": 0.002, "ctx_init": "a phöto of a"},
)
VECTORS = torch.arange(3 * 4 * 8.0).reshape(3, 4, 8)
STATED = {
    "base": "clip-b16",
    "backbone": "",
    "position": "end",
    "classes": [],
    "class_specific": False,
    "trained": {},
}


def write_by_hand(path, tensors, **changes):
    save_file(tensors, path, {"vlbench_coop": json.dumps({**STATED, **changes})})
    return path


def test_what_is_written_is_read_and_equal_input_gives_equal_bytes(tmp_path):
    path, again = tmp_path / "new" / "c.safetensors", tmp_path / "again.safetensors"
    write_context(path, VECTORS, FACTS)
    write_context(again, VECTORS.clone(), replace(FACTS))
    assert path.read_bytes() == again.read_bytes()
    assert read_facts(path) == FACTS
    assert torch.equal(read_vectors(path), VECTORS)


def test_half_precision_is_read_and_written_in_float32(tmp_path):
    path = write_by_hand(tmp_path / "c.safetensors", {"ctx": torch.full((2, 4), 0.1, dtype=torch.float16)})
    assert read_vectors(path).dtype == torch.float32
    write_context(path, torch.full((2, 4), 0.1, dtype=torch.float16), ContextFacts("b", "", "end"))
    assert torch.equal(read_vectors(path), torch.full((2, 4), 0.1, dtype=torch.float16).float())


def test_facts_are_read_without_torch(tmp_path):
    write_context(tmp_path / "c.safetensors", VECTORS, FACTS)
    code = (
        "import sys\nfrom pathlib import Path\nfrom vlbench.models.coop.context import read_facts\n"
        "heavy = {'torch', 'open_clip'} & set(sys.modules)\n"
        "print(read_facts(Path(sys.argv[1])).base, sorted(heavy))"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "c.safetensors")]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "clip-b16 []\n"


@pytest.mark.parametrize(
    ("tensors", "changes", "said"),
    [
        ({}, {}, "lacks the tensor ctx"),
        ({"ctx": (2, 4), "token_prefix": (3, 1, 4)}, {}, "unexpected tensors token_prefix"),
        ({"ctx": (4,)}, {}, r"shape \(4,\), but its header says \[tokens, width\]"),
        ({"ctx": (3, 2, 4)}, {}, r"shape \(3, 2, 4\), but its header says \[tokens, width\]"),
        ({"ctx": (2, 4)}, {"class_specific": True}, "class-specific, "),
        ({"ctx": (3, 2, 4)}, {"class_specific": True}, "names 0 classes"),
        ({"ctx": (0, 4)}, {}, "which is empty"),
        ({"ctx": (2, 4)}, {"position": "back"}, "'back' is none of end, middle, front"),
        ({"ctx": (2, 4)}, {"position": ["end"]}, "none of end, middle, front"),
        ({"ctx": (2, 4)}, {"classes": [{"name": "dog"}]}, "'ids' is missing"),
        ({"ctx": (2, 4)}, {"classes": "dog"}, "no facts of a context"),
        ({"ctx": (2, 4)}, {"class_specific": 1}, "neither true nor false"),
        ({"ctx": (2, 4)}, {"base": None}, "base and backbone are no strings"),
        ({"ctx": (2, 4)}, {"trained": []}, "no facts of a context"),
    ],
)
def test_a_file_that_is_no_context_file_is_refused(tensors, changes, said, tmp_path):
    path = write_by_hand(
        tmp_path / "c.safetensors", {key: torch.ones(*shape) for key, shape in tensors.items()}, **changes
    )
    with pytest.raises(WeightsError, match=said) as refused:
        read_facts(path)
    assert str(refused.value).startswith(f"{path}: ")
    assert "\n" not in str(refused.value)


def test_a_safetensors_file_without_facts_is_refused(tmp_path):
    path = tmp_path / "c.safetensors"
    save_file({"ctx": torch.ones(2, 4)}, path)
    with pytest.raises(WeightsError, match="'vlbench_coop' is missing"):
        read_facts(path)
    save_file({"ctx": torch.ones(2, 4)}, path, {"format": "pt"})
    with pytest.raises(WeightsError, match="'vlbench_coop' is missing"):
        read_facts(path)


@pytest.mark.parametrize("content", [b"\x05", b"\xff" * 8, b"\x02" + b"\0" * 7 + b"[]", b"PK\0" * 30])
def test_a_damaged_header_is_refused(content, tmp_path):
    path = tmp_path / "c.safetensors"
    path.write_bytes(content)
    with pytest.raises(WeightsError, match="no readable safetensors file"):
        read_facts(path)


def test_a_torn_file_is_refused(tmp_path):
    path = tmp_path / "c.safetensors"
    write_context(path, VECTORS, FACTS)
    path.write_bytes(path.read_bytes()[:-3])
    with pytest.raises(WeightsError, match="no readable safetensors file"):
        read_vectors(path)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(WeightsError, match=r"no such file; .*vlbench import coop"):
        read_vectors(tmp_path / "c.safetensors")


def test_a_context_that_is_not_finite_is_neither_written_nor_read(tmp_path):
    broken = torch.tensor([[1.0, float("nan")]])
    with pytest.raises(WeightsError, match="NaN or infinity"):
        write_context(tmp_path / "c.safetensors", broken, ContextFacts("b", "", "end"))
    with pytest.raises(WeightsError, match="NaN or infinity"):
        read_vectors(write_by_hand(tmp_path / "d.safetensors", {"ctx": broken}))
    assert not (tmp_path / "c.safetensors").exists()


@pytest.mark.parametrize(
    ("vectors", "facts"),
    [
        (VECTORS, replace(FACTS, classes=CLASSES[:2])),
        (VECTORS[0], FACTS),
        (VECTORS, ContextFacts("b", "", "end")),
    ],
)
def test_facts_that_do_not_fit_are_not_written(vectors, facts, tmp_path):
    with pytest.raises(WeightsError, match="do not fit"):
        write_context(tmp_path / "c.safetensors", vectors, facts)
    assert list(tmp_path.iterdir()) == []


def test_the_digest_of_a_backbone_is_of_its_text_tower_alone():
    config = {
        "embed_dim": 8,
        "vision_cfg": {"image_size": 16, "layers": 1, "width": 16, "head_width": 8, "patch_size": 8},
        "text_cfg": {"context_length": 8, "vocab_size": 32, "width": 8, "heads": 2, "layers": 1},
    }
    torch.manual_seed(0)
    model, custom = open_clip.CLIP(**config), open_clip.CustomTextCLIP(**config)
    text = {key: tensor for key, tensor in model.state_dict().items() if key in custom.text.state_dict()}
    custom.text.load_state_dict(text)
    first = backbone_digest(model)
    assert len(first) == 64
    assert backbone_digest(custom) == first
    with torch.no_grad():
        model.visual.proj += 1
        model.logit_scale += 1
        assert backbone_digest(model) == first
        model.ln_final.bias[0] += 1e-6
        assert backbone_digest(model) != first
