from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from sinct.errors import CheckpointError, InputError, OutputError
from sinct.inference.checkpoint import load, part, prefixed, save
from sinct.version import __version__

FACTS = {"config": {"width": 4, "betas": [0.0, 0.99]}, "step": 7}


def tensors() -> dict[str, Tensor]:
    """Every dtype in use: weights, scalar steps of the optimisers, state of a random generator."""
    generator = torch.Generator().manual_seed(0)
    return {
        "average.weight": torch.randn(3, 2, 3, 3, generator=generator),
        "moments.step": torch.tensor(41.0),
        "random": generator.get_state(),
        "mask": torch.tensor([True, False]),
        "half": torch.randn(5, generator=generator).bfloat16(),
        "count": torch.tensor(2**40),
        "double": torch.randn(2, generator=generator, dtype=torch.float64),
        "empty": torch.zeros(0, 3),
    }


@pytest.fixture
def stored(tmp_path: Path) -> Path:
    path = tmp_path / "model.safetensors"
    save(path, "model", tensors(), FACTS)
    return path


def names(folder: Path) -> list[str]:
    return [entry.name for entry in folder.iterdir()]


def test_tensors_come_back_bit_for_bit(stored: Path) -> None:
    loaded, original = load(stored).tensors, tensors()
    assert loaded.keys() == original.keys()
    for name, tensor in original.items():
        assert loaded[name].dtype == tensor.dtype
        assert loaded[name].shape == tensor.shape
        assert torch.equal(loaded[name], tensor)


def test_description_comes_back_with_what_the_format_adds(stored: Path) -> None:
    description = load(stored).description
    assert len(description.pop("sha256")) == 64
    assert description == {**FACTS, "format": 1, "kind": "model", "version": __version__}


def test_views_in_any_layout_come_back(tmp_path: Path) -> None:
    image = torch.randn(2, 3, 4, 5).contiguous(memory_format=torch.channels_last).requires_grad_()
    save(tmp_path / "x", "model", {"image": image, "part": torch.arange(6.0).view(2, 3).T}, {})
    loaded = load(tmp_path / "x").tensors
    assert torch.equal(loaded["image"], image)
    assert torch.equal(loaded["part"], torch.arange(6.0).view(2, 3).T)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_number_that_is_not_finite_does_not_replace_a_good_file(stored: Path, value: float) -> None:
    before = stored.read_bytes()
    with pytest.raises(CheckpointError, match=r"^a\.b is not finite: .* was not written and keeps its older"):
        save(stored, "model", {"a.b": torch.tensor([0, value])}, {})
    assert stored.read_bytes() == before
    assert names(stored.parent) == [stored.name]


def test_description_that_json_cannot_hold_leaves_the_old_file_alone(stored: Path) -> None:
    before = stored.read_bytes()
    with pytest.raises(TypeError, match="not JSON serializable"):
        save(stored, "model", tensors(), {"path": stored})
    assert stored.read_bytes() == before
    assert names(stored.parent) == [stored.name]


def test_missing_folder_is_an_output_error(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"cannot write .*: No such file or directory"):
        save(tmp_path / "missing" / "x", "model", tensors(), {})


def test_missing_file_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"there is no checkpoint .*none\.safetensors; give a run directory"):
        load(tmp_path / "none.safetensors")


@pytest.mark.parametrize("kept", [0, 4, 100, -1])
def test_truncated_file_is_damaged(stored: Path, kept: int) -> None:
    stored.write_bytes(stored.read_bytes()[:kept])
    with pytest.raises(CheckpointError, match=r"is damaged \(.+\); train again or restore a copy"):
        load(stored)


def flip(path: Path, position: int) -> None:
    content = bytearray(path.read_bytes())
    content[position] ^= 1
    path.write_bytes(content)


def test_flipped_bit_in_a_tensor_is_damage(stored: Path) -> None:
    flip(stored, -1)
    with pytest.raises(CheckpointError, match=r"is damaged \(checksum differs\)"):
        load(stored)


def test_flipped_bit_in_the_description_is_damage(stored: Path) -> None:
    flip(stored, stored.read_bytes().index(b'step\\": 7') + 8)
    with pytest.raises(CheckpointError, match="is damaged"):
        load(stored)


@pytest.mark.parametrize("metadata", [None, {"sinct": "[1]"}, {"sinct": "{}"}, {"format": "pt"}])
def test_foreign_file_is_refused(tmp_path: Path, metadata: dict[str, str] | None) -> None:
    save_file(tensors(), tmp_path / "foreign", metadata=metadata)
    with pytest.raises(CheckpointError, match="foreign is not a sinct checkpoint; give a run directory"):
        load(tmp_path / "foreign")


def test_future_format_is_refused(tmp_path: Path) -> None:
    save(tmp_path / "x", "model", tensors(), {"format": 2, "version": "9.0"})
    with pytest.raises(
        CheckpointError, match=r"x has checkpoint format 2, .* reads format 1; use sinct 9\.0"
    ):
        load(tmp_path / "x")


def test_part_takes_back_what_prefixed_put_in_front() -> None:
    one, other = {"a.b": torch.zeros(1)}, {"a.b": torch.ones(1)}
    together = {**prefixed("x", one), **prefixed("xy", other)}
    assert list(together) == ["x.a.b", "xy.a.b"]
    assert part(together, "x") == one
    assert part(together, "z") == {}
