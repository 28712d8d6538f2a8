"""Borders of region maps: drawn scenes whose true regions are known."""

import pytest
import torch
import torch.nn.functional as F

from sinct.data.region_borders import refined, refined_for
from sinct.data.regions import share_of

HEIGHT, WIDTH = 384, 512


def true_regions() -> torch.Tensor:
    """A sky, a hill below it and a round cliff before both, (H, W) uint8."""
    y, x = torch.meshgrid(torch.arange(float(HEIGHT)), torch.arange(float(WIDTH)), indexing="ij")
    labels = (y > 150 + 30 * torch.sin(x / 50)).to(torch.uint8)
    labels[(x - 350) ** 2 + (y - 220) ** 2 < 85**2] = 2
    return labels


def painted(labels: torch.Tensor, colours: torch.Tensor) -> torch.Tensor:
    """Regions in these colours, (N, 3) in [-1, 1], with noise as coarse as strokes."""
    noise = torch.randn(1, 3, HEIGHT // 3, WIDTH // 3, generator=torch.Generator().manual_seed(1))
    strokes = F.interpolate(noise, (HEIGHT, WIDTH), mode="bicubic")[0]
    return (colours[labels.long()].permute(2, 0, 1) + 0.1 * strokes).clamp(-1, 1)


COLOURS = torch.tensor([[0.5, 0.6, 0.8], [-0.4, -0.2, -0.5], [0.1, 0.0, -0.1]])


def by_hand(labels: torch.Tensor, miss: float) -> torch.Tensor:
    """The same map, whose borders miss by about so many pixels, now here, now there."""
    drawn = torch.randn(1, 2, 8, 10, generator=torch.Generator().manual_seed(2)) * miss
    down, across = F.interpolate(drawn, (HEIGHT, WIDTH), mode="bicubic", align_corners=True)[0]
    y, x = torch.meshgrid(torch.arange(HEIGHT), torch.arange(WIDTH), indexing="ij")
    return labels[
        (y + down).round().long().clamp(0, HEIGHT - 1), (x + across).round().long().clamp(0, WIDTH - 1)
    ]


def wrong(labels: torch.Tensor, truth: torch.Tensor) -> float:
    """Share of the picture that a map gives to a wrong region, in percent."""
    right = sum(share_of(labels, number)[truth == number].sum() for number in range(3))
    return 100 * (1 - float(right) / truth.numel())


@pytest.mark.parametrize(("miss", "share"), [(3, 0.5), (5, 0.5)])
def test_a_coarse_map_comes_nearer_to_the_truth(miss, share):
    truth = true_regions()
    drawn = by_hand(truth, miss)
    before, after = wrong(drawn, truth), wrong(refined(drawn, painted(truth, COLOURS)), truth)
    assert before > 0.9
    assert after < share * before


def test_an_exact_map_stays_as_it_is():
    truth = true_regions()
    assert wrong(refined(truth, painted(truth, COLOURS)), truth) < 0.02


def test_borders_follow_edges_of_hue_alone_only_where_they_were_drawn():
    """Luminance cannot move a border that only colour shows, but does not blur it either."""
    truth = true_regions()
    alike = torch.tensor([[0.4, 0.0, -0.4], [-0.4, 0.0, 0.4], [0.0, -0.4, 0.4]])
    assert wrong(refined(truth, painted(truth, alike)), truth) < 0.02


def test_a_border_through_even_ground_is_soft():
    labels = torch.zeros(HEIGHT, WIDTH, dtype=torch.uint8)
    labels[:, WIDTH // 2 :] = 1
    share = share_of(refined(labels, torch.zeros(3, HEIGHT, WIDTH)), 1)[100]
    assert share[WIDTH // 2 - 8] == 0
    assert share[WIDTH // 2 + 8] == 1
    assert share.diff().abs().max() < 0.25


def test_a_large_picture_is_seen_at_the_size_of_its_map():
    truth = true_regions()
    picture = painted(truth, COLOURS)
    twice = picture.repeat_interleave(2, dim=1).repeat_interleave(2, dim=2)
    assert torch.equal(refined_for(truth, twice), refined(truth, picture))


def test_a_map_in_one_colour_and_a_tiny_one_stay():
    for labels in (torch.ones(40, 40, dtype=torch.uint8), torch.arange(25, dtype=torch.uint8).view(5, 5)):
        picture = torch.rand(3, *labels.shape) * 2 - 1
        assert torch.equal(refined(labels, picture)[0], labels)
        assert not refined(labels, picture)[2].any()
