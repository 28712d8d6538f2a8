import torch

from sinct.data.grain import grain


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_grain_has_its_deviation_at_every_pixel_alike():
    noise = grain(400, 10, 13, 0.1, seeded())
    assert noise.shape == (400, 3, 10, 13)
    variance = noise.var(dim=0)
    assert variance.min() > 0.01  # the finer noise alone has 0.01
    assert variance.max() < 0.026  # the finer and a sample of the coarser


def test_coarse_grain_agrees_between_neighbours_and_not_farther_away():
    noise = grain(500, 16, 16, 1.0, seeded())[:, 0]
    near = (noise[:, 8, 9] * noise[:, 8, 10]).mean()
    far = (noise[:, 8, 2] * noise[:, 8, 13]).mean()
    assert near > 0.25
    assert far.abs() < 0.25
