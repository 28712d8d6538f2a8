import math
import re

import pytest
import torch
from torch import Tensor

from sinct.measures.warnings import (
    clipped_share,
    cure,
    discriminator_warnings,
    luminance,
    luminance_order,
    picture_flaws,
    picture_warnings,
    scale_warning,
)


def ramp(height: int = 96, width: int = 96) -> Tensor:
    """Dark to light from left to right, between -0.8 and 0.8."""
    return torch.linspace(-0.8, 0.8, width).expand(3, height, width).clone()


def noise() -> Tensor:
    return torch.rand(3, 96, 96, generator=torch.Generator().manual_seed(0)) * 2 - 1


def test_luminance_of_grey_is_that_grey() -> None:
    torch.testing.assert_close(luminance(torch.full((3, 2, 2), 0.3)), torch.full((2, 2), 0.3))


def test_luminance_weighs_green_most_and_blue_least() -> None:
    red, green, blue = (luminance(torch.eye(3)[i].view(3, 1, 1)).item() for i in range(3))
    assert green > red > blue > 0


def test_luminance_order_with_itself_is_1() -> None:
    assert luminance_order(noise(), noise()) == pytest.approx(1, abs=1e-5)  # a float32 sum of 48² products


def test_luminance_order_with_its_negative_is_minus_1() -> None:
    assert luminance_order(-noise(), noise()) == pytest.approx(-1, abs=1e-5)  # as above


def test_luminance_order_sees_ranks_only() -> None:
    assert luminance_order(ramp() ** 3, ramp()) == pytest.approx(1, abs=1e-3)  # averaging before the cube


def test_luminance_order_of_a_flat_picture_is_0() -> None:
    assert luminance_order(torch.full((3, 96, 96), 0.2), ramp()) == 0


def test_luminance_order_compares_pictures_of_different_size() -> None:
    assert luminance_order(ramp(50, 70), ramp(31, 200)) > 0.95  # equal columns tie, in any order


def test_clipped_share_counts_pixels_with_all_channels_white() -> None:
    picture = torch.zeros(3, 4, 4)
    picture[:, 0] = 1  # 4 of 16
    picture[0, 1] = 1  # red only
    assert clipped_share(picture) == 0.25


@pytest.mark.parametrize(("level", "share"), [(250, 0), (251, 1)])
def test_clipped_is_above_250_of_255(level: int, share: float) -> None:
    assert clipped_share(torch.full((3, 2, 2), level / 127.5 - 1)) == share


def half_white() -> Tensor:
    picture = ramp()
    picture[:, :, 48:] = 1
    return picture


@pytest.mark.parametrize(
    ("output", "code", "warning"),
    [
        (-ramp(), "inverted", r"light and dark are inverted compared with the painting \(luminance order -"),
        (
            torch.zeros(3, 96, 96),
            "flat",
            r"the output has collapsed to one tone \(contrast 0\.000, painting 0\.4",
        ),
        (0.05 * -ramp(), "flat", "the output has collapsed to one tone"),  # and not also inverted
        (half_white(), "blown", "50% of the picture is blown out to white"),
    ],
    ids=["inverted", "flat", "faint", "blown"],
)
def test_picture_warns(output: Tensor, code: str, warning: str) -> None:
    (line,) = picture_warnings(output, ramp())
    assert re.match(f"{warning}.*try another `seed`", line)
    (flaw,) = picture_flaws(output, ramp())
    assert line.startswith(flaw)
    assert "seed" not in flaw
    assert line.code == code


@pytest.mark.parametrize("output", [ramp(), 0.3 * ramp() + 0.2], ids=["same", "paler"])
def test_sound_picture_gets_no_warning(output: Tensor) -> None:
    assert picture_warnings(output, ramp()) == []


def test_white_that_the_painting_has_too_gets_no_warning() -> None:
    assert picture_warnings(half_white(), half_white()) == []


def test_discriminator_that_has_won_gets_a_warning() -> None:
    (line,) = discriminator_warnings(torch.full((50,), 0.01), 0.05)
    assert line.startswith("the discriminator has won (its loss is 0.010 over 50 steps)")


@pytest.mark.parametrize(("loss", "steps"), [(0.01, 49), (0.06, 50), (1.39, 500), (math.nan, 50)])
def test_discriminator_that_has_not_won_gets_no_warning(loss: float, steps: int) -> None:
    assert discriminator_warnings(torch.full((steps,), loss), 0.05) == []


@pytest.mark.parametrize("width", [266, 1537])
def test_width_far_from_training_gets_a_warning(width: int) -> None:
    (line,) = scale_warning(width, (400, 1024))
    assert line.startswith(f"the picture is {width} px wide, but the generator was trained at 400 to 1024 px")


@pytest.mark.parametrize("width", [267, 700, 1536])
def test_width_near_training_gets_no_warning(width: int) -> None:
    assert scale_warning(width, (400, 1024)) == []


def test_flaws_of_what_does_not_show_are_not_told() -> None:
    output = ramp()
    output[:, :, :48] = -0.8 - output[:, :, :48]
    shown = torch.zeros(96, 96)
    shown[:, 48:] = 1
    assert picture_warnings(output, ramp(), shown) == []
    assert [found.code for found in picture_warnings(output, ramp(), 1 - shown)] == ["inverted"]


@pytest.mark.parametrize(("value", "code"), [(0, "flat"), (1, "blown")])
def test_flaws_of_what_shows_are_told_though_the_rest_is_sound(value: int, code: str) -> None:
    shown = torch.zeros(96, 96)
    shown[10:40, 10:40] = 1
    output = torch.where(shown > 0, float(value), ramp())
    assert picture_warnings(output, ramp()) == []
    assert code in [found.code for found in picture_warnings(output, ramp(), shown)]


def test_of_almost_nothing_no_flaw_is_told() -> None:
    shown = torch.zeros(96, 96)
    shown[:10, :10] = 1
    assert picture_warnings(torch.zeros(3, 96, 96), ramp(), shown) == []
    assert picture_warnings(torch.zeros(3, 96, 96), ramp(), torch.zeros(96, 96)) == []


@pytest.mark.parametrize(
    ("steps", "planned", "warm", "told"),
    [
        (60, 250, True, "it has had 60 of 250 steps, so let it train to their end first"),
        (1, 1, True, "it has had 1 step, so train it longer first, with `steps=100` or more"),
        (250, 250, True, "try another `seed`"),
        (400, 400, False, "it has had 400 steps, so train it longer first, with `steps=1000` or more"),
        (40, None, True, "it has had 40 steps, so train it longer first, with `steps=100` or more"),
        (5000, None, False, "try another `seed`"),
    ],
)
def test_cure_depends_on_how_far_the_training_has_come(steps, planned, warm, told) -> None:
    assert cure(steps, planned, warm=warm) == told
    (line,) = picture_warnings(-ramp(), ramp(), what_to_do=cure(steps, planned, warm=warm))
    assert line.endswith(f"; {told}")
