"""Gatys et al. from picture to picture."""

import math
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from sinct.comparison.methods import Job, Result
from sinct.comparison.methods.gatys import (
    CONTENT_LAYER,
    METHOD,
    STYLE_LAYERS,
    content_loss,
    gram_matrix,
    normalise,
    run,
    style_loss,
)
from sinct.errors import ConfigError, InputError, Interrupted, WeightsError
from sinct.networks.vgg import VGG
from sinct.runtime.budget import Budget
from sinct.weights.store import Weights


def stripes(height: int, width: int, angle: float) -> Tensor:
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    wave = (0.5 * (math.cos(angle) * x + math.sin(angle) * y)).sin()
    return torch.stack([wave, 0.5 * wave, 0.2 - wave]).clamp(-1, 1)


PAINTING, PHOTO = stripes(48, 65, 0.3), stripes(40, 56, 1.3).mul(0.4).add(0.3)


def job(folder: Path, iterations: int | None = 4, seed: int = 0, **options) -> Job:
    return Job(
        Budget(iterations=iterations, **options), torch.device("cpu"), seed, folder, Weights(random=True)
    )


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> Result:
    torch.set_num_threads(1)
    return run(PAINTING, PHOTO, job(tmp_path_factory.mktemp("job"), 6), coarsest=32)


def test_result_has_the_paintings_size_and_the_range_of_pixels(result: Result) -> None:
    assert result.pixels.shape == PAINTING.shape
    assert result.pixels.dtype == torch.float32
    assert result.pixels.abs().max() <= 1


def test_facts_name_each_scale(result: Result) -> None:
    scales = [(scale["width"], scale["height"], scale["iterations"]) for scale in result.facts["scales"]]
    assert scales == [(32, 24, 6), (65, 48, 6)]
    assert result.facts["iterations"] == 12


def test_loss_falls_at_each_scale(result: Result) -> None:
    for scale in result.facts["scales"]:
        assert scale["finite"]
        assert scale["loss"] < 0.7 * scale["loss_at_start"]


def test_result_is_nearer_to_the_photos_style(result: Result) -> None:
    vgg = VGG(19, seed=1, average_pooling=True)  # another network than the one that was minimised
    normalise(vgg, (PAINTING[None], PHOTO[None]))
    grams = [gram_matrix(f) for f in vgg(PHOTO[None], STYLE_LAYERS)]
    before, after = (style_loss(vgg(x[None], STYLE_LAYERS), grams) for x in (PAINTING, result.pixels))
    assert after < 0.8 * before


def test_loss_is_that_of_the_clamped_picture(tmp_path: Path) -> None:
    painting, photo = PAINTING, PHOTO.mul(4)[:, :, :48].clamp(-1, 1)  # drives pixels out of their range
    result = run(painting, photo, job(tmp_path, 8), range_weight=0)
    vgg = VGG(19, seed=0, average_pooling=True)
    normalise(vgg, (painting[None], photo[None]))
    *features, content = vgg(result.pixels[None], (*STYLE_LAYERS, CONTENT_LAYER))
    (target,) = vgg(painting[None], [CONTENT_LAYER])
    grams = [gram_matrix(f) for f in vgg(photo[None], STYLE_LAYERS)]
    loss = content_loss(content, target) + 1000 * style_loss(features, grams)
    assert (result.pixels.abs() == 1).float().mean() > 0.05
    assert result.facts["scales"][0]["loss"] == pytest.approx(loss.item(), rel=1e-3)  # float32


@pytest.mark.slow
def test_pixels_outside_their_range_come_back(tmp_path: Path) -> None:
    """With no weight they get no gradient, and stay at the limit for good."""
    painting, photo = PAINTING, PHOTO.mul(4)[:, :, :48].clamp(-1, 1)
    stuck, back = (
        run(painting, photo, job(tmp_path, 25), range_weight=weight).pixels for weight in (0.0, 100.0)
    )
    at_limit = [(pixels.abs() == 1).float().mean().item() for pixels in (stuck, back)]
    assert at_limit[1] < at_limit[0]


def test_run_is_reproducible(result: Result, tmp_path: Path) -> None:
    again = run(PAINTING, PHOTO, job(tmp_path, 6), coarsest=32)
    torch.testing.assert_close(again.pixels, result.pixels, rtol=0, atol=0)


def test_painting_that_has_the_style_already_stays(tmp_path: Path) -> None:
    result = run(PAINTING, PAINTING, job(tmp_path), coarsest=64)
    torch.testing.assert_close(result.pixels, PAINTING, rtol=0, atol=1e-6)  # float32


def test_content_weight_holds_the_painting(tmp_path: Path) -> None:
    free = run(PAINTING, PHOTO, job(tmp_path), content_weight=0)
    held = run(PAINTING, PHOTO, job(tmp_path), content_weight=1e9)
    moved = [F.mse_loss(result.pixels, PAINTING).item() for result in (free, held)]
    assert moved[1] < 0.5 * moved[0]


def test_run_stops_when_asked(tmp_path: Path) -> None:
    answers = iter([False, False, True])
    with pytest.raises(Interrupted):
        run(PAINTING, PHOTO, job(tmp_path, should_stop=lambda: next(answers)))


def test_stages_share_the_budget_by_their_work(tmp_path: Path) -> None:
    shares: list[float] = []
    run(PAINTING, PHOTO, job(tmp_path, 2, report=shares.append), coarsest=32)
    coarse = 500 / (500 + 200 * 4)
    assert shares == pytest.approx([0, coarse / 2, coarse, coarse + (1 - coarse) / 2])


def test_missing_weights_are_named(tmp_path: Path) -> None:
    wanting = Job(Budget(iterations=1), torch.device("cpu"), 0, tmp_path, Weights(tmp_path))
    with pytest.raises(WeightsError, match="vgg19-dcbb9e9d"):
        run(PAINTING, PHOTO, wanting)


def test_tiny_picture_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"side of 15 px, and Gatys et al\. needs 16 px"):
        run(PAINTING, PHOTO[:, :15], job(tmp_path))


@pytest.mark.parametrize("setting", [{"iterations": 0}, {"fine_iterations": 0}, {"coarsest": 8}])
def test_setting_out_of_range_is_refused(tmp_path: Path, setting: dict[str, int]) -> None:
    with pytest.raises(ConfigError, match="must be at least 1, 1 and 16"):
        run(PAINTING, PHOTO, job(tmp_path), **setting)


def test_method_names_its_weights() -> None:
    assert METHOD.weights == ("vgg19",)
    assert set(METHOD.settings({})) >= {"content_weight", "style_weight", "iterations"}
