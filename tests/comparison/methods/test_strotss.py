"""STROTSS from picture to picture."""

from pathlib import Path

import pytest
import torch
from torch import Tensor

from sinct.comparison.methods import Job, Result
from sinct.comparison.methods.strotss import method
from sinct.comparison.methods.strotss.features import (
    hypercolumns,
)
from sinct.comparison.methods.strotss.losses import (
    Style,
    moments,
    objective,
)
from sinct.comparison.methods.strotss.method import run
from sinct.comparison.methods.strotss.pyramid import pyramid
from sinct.errors import ConfigError
from sinct.networks.vgg import VGG
from sinct.runtime.budget import Budget
from sinct.weights.store import Weights
from tests.support.strotss import noise, picture


@pytest.fixture(autouse=True)
def _few_positions_and_one_backbone(monkeypatch: pytest.MonkeyPatch, vgg: VGG) -> None:
    """A hundredth of the work: matrices of 2179 columns get few rows, and VGG is drawn but once."""
    monkeypatch.setattr(Weights, "load", lambda self, name: None)
    monkeypatch.setattr(method, "VGG", lambda depth, state, seed: vgg)
    monkeypatch.setattr(method, "POSITIONS", 64)
    monkeypatch.setattr(method, "STYLE_POSITIONS", 96)


def small_run(
    painting: Tensor, photo: Tensor, *, iterations: int = 1, seed: int = 0, regions=None, **settings
) -> Result:
    budget = Budget(iterations=iterations)
    return run(
        painting,
        photo,
        Job(budget, torch.device("cpu"), seed, Path(), Weights(random=True), regions),
        **settings,
    )


def test_run_visits_all_scales_and_keeps_the_paintings_size() -> None:
    result = small_run(picture(90, 131, 0), picture(48, 33, 1), iterations=2)
    assert result.pixels.shape == (3, 90, 131)
    assert result.pixels.dtype == torch.float32
    assert result.pixels.abs().max() <= 1
    assert result.facts == {
        "scales": [
            {"width": 65, "height": 45, "iterations": 2},
            {"width": 131, "height": 90, "iterations": 2},
        ]
    }


def test_schedule_halves_the_content_weight_and_ends_without_the_paintings_band(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    calls = []

    def stand_in(start: Tensor, painting: Tensor, photo: Tensor, masks, vgg: VGG, **settings):
        calls.append((start, painting, photo, settings))
        return torch.full_like(painting, 0.5), 0

    monkeypatch.setattr(method, "_optimise", stand_in)
    small_run(picture(180, 256, 0), picture(100, 150, 1), content_weight=8.0)
    assert [call[3]["content_weight"] for call in calls] == [8.0, 4.0, 2.0]
    assert [call[3]["learning_rate"] for call in calls] == [0.002, 0.002, 0.001]
    assert [max(call[2].shape) for call in calls] == [64, 128, 150]  # the photo is never enlarged
    bands = [pyramid(call[1])[0] for call in calls]
    colour = calls[0][2].mean(dim=(2, 3), keepdim=True)
    torch.testing.assert_close(calls[0][0], colour + bands[0])
    torch.testing.assert_close(calls[1][0], 0.5 + bands[1])
    torch.testing.assert_close(calls[2][0], torch.full_like(bands[2], 0.5))


def test_run_is_the_same_for_the_same_seed_whatever_the_global_one() -> None:
    painting, photo = picture(30, 41, 0), picture(33, 24, 1)
    torch.manual_seed(1)
    first = small_run(painting, photo).pixels
    torch.manual_seed(2)
    assert torch.equal(first, small_run(painting, photo).pixels)
    assert not torch.equal(first, small_run(painting, photo, seed=1).pixels)


def test_run_brings_the_colours_to_the_photo() -> None:
    painting, photo = (
        picture(32, 40, 0),
        0.2 * picture(32, 40, 1) + torch.tensor([0.7, 0.0, -0.7])[:, None, None],
    )
    made = small_run(painting, photo).pixels
    means = [x.mean(dim=(1, 2)) for x in (made, painting, photo)]
    assert (means[0] - means[2]).norm() < 0.3 * (means[1] - means[2]).norm()


def test_run_lowers_the_objective(vgg: VGG) -> None:
    painting, photo = picture(24, 24, 0), picture(24, 24, 1)
    everywhere = torch.ones(24, 24).nonzero()
    content, features = (hypercolumns(vgg, (x[None] + 1) / 2, everywhere) for x in (painting, photo))
    style = Style(features, *moments(features))
    values = [
        objective(
            hypercolumns(vgg, (small_run(painting, photo, iterations=n).pixels[None] + 1) / 2, everywhere),
            content,
            style,
            16.0,
        )
        for n in (1, 12)
    ]
    assert values[1] < values[0]


@pytest.mark.parametrize(("size", "other"), [((1, 1), (3, 2)), ((7, 40), (1, 9)), ((17, 16), (200, 3))])
def test_run_takes_any_size(size: tuple[int, int], other: tuple[int, int]) -> None:
    pixels = small_run(picture(*size, 0), picture(*other, 1)).pixels
    assert pixels.shape == (3, *size)
    assert torch.isfinite(pixels).all()


def test_run_takes_flat_pictures() -> None:
    pixels = small_run(torch.full((3, 20, 20), 0.2), torch.full((3, 20, 20), -1.0), iterations=2).pixels
    assert torch.isfinite(pixels).all()


def halves(height: int, width: int, labels: tuple[int, int]) -> Tensor:
    """Upper half one label, lower half the other."""
    return torch.tensor(labels)[(torch.arange(height) >= height // 2).long()][:, None].expand(height, width)


def test_run_keeps_regions_apart() -> None:
    """With the photo's halves swapped by labels, the upper half takes after the photo's lower one."""
    painting = picture(32, 40, 0)
    photo = torch.cat([torch.full((3, 15, 30), 0.8), torch.full((3, 15, 30), -0.8)], dim=1)
    photo = (photo + 0.1 * noise(3, 30, 30, dtype=torch.float32)).clamp(-1, 1)
    like, swapped = (
        small_run(
            painting, photo, iterations=3, regions=(halves(32, 40, (1, 2)), halves(30, 30, labels))
        ).pixels
        for labels in ((1, 2), (2, 1))
    )
    difference = [(x[:, :16].mean() - x[:, 16:].mean()).item() for x in (like, swapped)]
    assert difference[0] > difference[1]


def test_one_region_everywhere_is_no_guidance() -> None:
    painting, photo = picture(20, 24, 0), picture(18, 30, 1)
    regions = torch.full((20, 24), 3), torch.full((18, 30), 3)
    assert torch.equal(small_run(painting, photo, regions=regions).pixels, small_run(painting, photo).pixels)


def test_a_region_that_is_not_in_the_photo_may_look_like_all_of_it() -> None:
    painting, photo = picture(20, 24, 0), picture(18, 30, 1)
    regions = torch.full((20, 24), 3), torch.full((18, 30), 5)
    assert torch.equal(small_run(painting, photo, regions=regions).pixels, small_run(painting, photo).pixels)


def test_content_weight_must_be_positive() -> None:
    with pytest.raises(ConfigError, match="content_weight 0 must be positive; the paper's is 16"):
        small_run(picture(8, 8, 0), picture(8, 8, 1), content_weight=0.0)


def test_iterations_must_be_positive() -> None:
    with pytest.raises(ConfigError, match="iterations 0 must be 1 or more; the paper's are 200"):
        run(
            picture(8, 8, 0),
            picture(8, 8, 1),
            Job(Budget(), torch.device("cpu"), 0, Path(), Weights()),
            iterations=0,
        )


def test_method_states_its_settings_and_weights() -> None:
    assert method.METHOD.weights == ("vgg16",)
    assert method.METHOD.settings({}) == {"content_weight": 16.0, "iterations": 200}
