import pytest
import torch
from torch import Tensor

from sinct.comparison import methods
from sinct.comparison.methods import Job
from sinct.comparison.methods.colour_transfer import transfer_colours
from sinct.runtime.budget import Budget
from sinct.weights.store import Weights


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) * 2 - 1


def job(tmp_path) -> Job:
    return Job(Budget(), torch.device("cpu"), 0, tmp_path, Weights())


def test_colours_come_to_the_photos_mean_and_covariance() -> None:
    painting, photo = 0.3 * noise(3, 20, 31) - 0.4, noise(3, 25, 24, seed=1) ** 3
    photo[1] += 0.5 * photo[0]
    moved = transfer_colours(painting, photo, iterations=20, seed=0).flatten(1)
    torch.testing.assert_close(moved.mean(dim=1), photo.flatten(1).mean(dim=1), rtol=0, atol=0.01)
    torch.testing.assert_close(moved.cov(), photo.flatten(1).cov(), rtol=0, atol=0.01)


def test_colours_of_a_permuted_photo_come_back_as_they_were() -> None:
    """Its distribution is already the photo's, so every step leaves it."""
    photo = noise(3, 12, 10)
    permuted = photo.flip(2)
    torch.testing.assert_close(transfer_colours(permuted, photo, iterations=5, seed=0), permuted)


@pytest.mark.parametrize("name", ["painting", "photo", "colour_transfer"])
def test_controls_are_marked(name: str) -> None:
    assert methods.find(name).control


def test_painting_and_photo_come_as_they_are(tmp_path) -> None:
    painting, photo = noise(3, 7, 9).float(), noise(3, 8, 5, seed=1).float()
    assert methods.find("painting").run(painting, photo, job(tmp_path)).pixels is painting
    assert methods.find("photo").run(painting, photo, job(tmp_path)).pixels is photo


def test_colour_transfer_is_of_the_paintings_size_and_range(tmp_path) -> None:
    made = methods.find("colour_transfer").run(noise(3, 7, 9).float(), noise(3, 8, 5).float(), job(tmp_path))
    assert made.pixels.shape == (3, 7, 9)
    assert made.pixels.dtype == torch.float32
    assert made.pixels.abs().max() <= 1
