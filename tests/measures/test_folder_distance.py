import weakref
from collections.abc import Iterator

import pytest
import torch
from torch import Tensor

from sinct.errors import ConfigError
from sinct.measures.folder_distance import (
    distribution_gap,
    folder_distance,
    set_distribution,
)
from sinct.pictures.resampling import antialiased


def scenes(
    count: int, *, first: int = 0, side: int = 64, grain: float = 0.05, tint: float = 0.0
) -> list[Tensor]:
    """Pictures of soft blobs, with grain, and a tint of red and blue."""
    found = []
    for seed in range(first, first + count):
        generator = torch.Generator().manual_seed(seed)
        blobs = antialiased(torch.rand(1, 3, 12, 12, generator=generator), (side, side), mode="bicubic")[0]
        noise = torch.randn(3, side, side, generator=generator) * grain
        colour = torch.tensor([tint, 0, -tint])[:, None, None]
        found.append(((blobs * 1.2 - 0.6) + noise + colour).clamp(-1, 1))
    return found


def test_distance_of_a_set_with_itself_is_0() -> None:
    assert folder_distance(scenes(8), scenes(8)) == 0


def test_distance_does_not_depend_on_which_set_is_first() -> None:
    a, b = scenes(8), scenes(12, first=100, tint=0.2)
    assert folder_distance(a, b) == pytest.approx(folder_distance(b, a), rel=1e-6)


@pytest.mark.parametrize("change", [{"grain": 0.15}, {"grain": 0.0}, {"tint": 0.25}], ids=str)
def test_two_halves_of_one_set_are_nearer_than_another_set(change: dict[str, float]) -> None:
    halves = folder_distance(scenes(24), scenes(24, first=24))
    other = folder_distance(scenes(24, **change), scenes(24, first=24))
    assert 0 < halves < 0.5 * other


def test_distance_of_a_shift_in_lightness_is_that_shift() -> None:
    """Plain greys of L* 50 and 60: there is no texture, and W1 is 10 ΔE on average over the directions."""
    greys = [torch.full((3, 32, 32), 2 * value - 1) for value in (0.46633, 0.56813)]
    assert folder_distance([greys[0]], [greys[1]]) == pytest.approx(10, rel=0.15)


@pytest.mark.parametrize("change", [{"grain": 0.15}, {"tint": 0.25}], ids=str)
def test_distance_grows_with_the_share_of_pictures_that_are_replaced(change: dict[str, float]) -> None:
    ours, others, target = scenes(24), scenes(24, **change), set_distribution(scenes(24, first=24))
    mixed = [set_distribution(others[:count] + ours[count:]) for count in (0, 8, 16, 24)]
    found = [distribution_gap(mix, target) for mix in mixed]
    assert found == sorted(found)
    assert found[-1] > 2 * found[0]


def test_coarse_texture_counts() -> None:
    """Grain twice as coarse has the same colours, and other patches."""
    coarse = [torch.rand(3, 32, 32, generator=torch.Generator().manual_seed(k)) * 2 - 1 for k in range(16)]
    fine = [torch.rand(3, 64, 64, generator=torch.Generator().manual_seed(50 + k)) * 2 - 1 for k in range(16)]
    doubled = [picture.repeat_interleave(2, dim=1).repeat_interleave(2, dim=2) for picture in coarse]
    again = [
        torch.rand(3, 64, 64, generator=torch.Generator().manual_seed(90 + k)) * 2 - 1 for k in range(16)
    ]
    assert folder_distance(doubled, fine) > 5 * folder_distance(again, fine)


def test_distance_is_the_same_every_time_and_whatever_the_global_seed() -> None:
    a, b = scenes(6), scenes(5, first=50)
    torch.manual_seed(1)
    first = folder_distance(a, b, seed=3)
    torch.manual_seed(2)
    assert folder_distance(a, b, seed=3) == first
    assert folder_distance(a, b, seed=4) != first


def test_pictures_may_have_different_sizes() -> None:
    mixed = scenes(6, side=48) + scenes(6, first=6, side=80)
    assert folder_distance(mixed, scenes(12, first=50)) < 10


def test_pictures_too_small_for_the_last_scale_are_compared_at_the_others() -> None:
    small = set_distribution(scenes(3, side=30))
    assert len(small.textures) == 2
    assert distribution_gap(small, set_distribution(scenes(3, first=9))) > 0


def test_half_made_once_gives_the_same_distance() -> None:
    target = set_distribution(scenes(5, first=50))
    found = distribution_gap(set_distribution(scenes(4)), target)
    assert found == folder_distance(scenes(4), scenes(5, first=50))


def test_pictures_that_are_read_meanwhile_give_the_same_and_are_not_kept() -> None:
    alive: list[weakref.ref[torch.Tensor]] = []
    most = 0

    def read() -> Iterator[torch.Tensor]:
        nonlocal most
        for picture in scenes(6):
            picture = picture.clone()
            alive.append(weakref.ref(picture))
            most = max(most, sum(each() is not None for each in alive))
            yield picture

    target = set_distribution(scenes(5, first=50))
    found = distribution_gap(set_distribution(read(), count=6), target)
    assert found == folder_distance(scenes(6), scenes(5, first=50))
    assert most <= 2


def test_empty_set_is_refused() -> None:
    with pytest.raises(ConfigError, match="a set without pictures has no distribution"):
        folder_distance([], scenes(2))


def test_picture_whose_half_is_smaller_than_a_patch_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"20x13 px is too small to measure; .* 14 px per side"):
        folder_distance([torch.zeros(3, 13, 20)], scenes(2))


def test_smallest_picture_has_one_band() -> None:
    assert len(set_distribution([torch.zeros(3, 14, 14)]).textures) == 1
