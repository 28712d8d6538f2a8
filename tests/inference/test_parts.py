"""Parts of a picture: a division in Oklab that adds up, of which a translation can keep any."""

import pytest
import torch

from sinct.inference import parts
from sinct.inference.parts import PARTS, REACH, divided, from_oklab, to_oklab, with_parts_of

ROUNDING = 1e-4
"""On [-1, 1], 80 times less than a step of 255: cubes and cube roots of float32."""


def random(seed, height=90, width=100):
    return torch.rand(3, height, width, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def smooth(seed, height=90, width=100):
    """Muted colours without texture, whose mixtures lie within sRGB."""
    coarse = torch.rand(1, 3, 4, 4, generator=torch.Generator().manual_seed(seed)) * 0.4 - 0.2
    return torch.nn.functional.interpolate(coarse, (height, width), mode="bicubic")[0]


@pytest.mark.parametrize(
    ("colour", "lab"),
    [
        ((1, 1, 1), (1, 0, 0)),
        ((-1, -1, -1), (0, 0, 0)),
        ((1, -1, -1), (0.62796, 0.22486, 0.12585)),
        ((-1, 1, -1), (0.86644, -0.23389, 0.17950)),
        ((-1, -1, 1), (0.45201, -0.03246, -0.31153)),
    ],
)
def test_oklab_has_the_published_values(colour, lab):
    found = to_oklab(torch.tensor(colour, dtype=torch.float32).view(3, 1, 1)).flatten()
    torch.testing.assert_close(found, torch.tensor(lab, dtype=torch.float32), rtol=0, atol=2e-5)


def test_colours_come_back_from_oklab():
    assert (from_oklab(to_oklab(random(0))) - random(0)).abs().max() < ROUNDING


def test_the_parts_add_up_to_the_picture():
    forms, texture = divided(to_oklab(random(0)))
    assert (from_oklab(forms + texture) - random(0)).abs().max() < ROUNDING


def test_without_a_part_the_translation_comes_back_and_with_all_the_picture():
    picture, translation = random(0), random(1)
    assert with_parts_of(picture, translation, ()) is translation
    assert with_parts_of(picture, translation, PARTS) is picture


@pytest.mark.parametrize("part", PARTS)
def test_a_part_of_the_picture_itself_changes_nothing(part):
    assert (with_parts_of(random(0), random(0), [part]) - random(0)).abs().max() < ROUNDING


def test_colours_are_the_pictures_and_lightness_stays():
    picture, translation = smooth(0), smooth(1)
    found = to_oklab(with_parts_of(picture, translation, ["colours"]))
    wanted = divided(to_oklab(picture))[0][1:] + divided(to_oklab(translation))[1][1:]
    torch.testing.assert_close(found[0], to_oklab(translation)[0], rtol=0, atol=1e-4)
    torch.testing.assert_close(found[1:], wanted, rtol=0, atol=1e-4)


def test_light_is_the_pictures_and_colours_stay():
    picture, translation = smooth(0), smooth(1)
    found = to_oklab(with_parts_of(picture, translation, ["light"]))
    wanted = divided(to_oklab(picture))[0][0] + divided(to_oklab(translation))[1][0]
    torch.testing.assert_close(found[1:], to_oklab(translation)[1:], rtol=0, atol=1e-4)
    torch.testing.assert_close(found[0], wanted, rtol=0, atol=1e-4)


def test_texture_goes_with_texture_alone():
    strokes = smooth(0) + 0.1 * random(2)
    flat = torch.zeros(3, 90, 100)
    contrast = {
        part: float(to_oklab(with_parts_of(strokes, flat, [part]))[0].diff(dim=1).std()) for part in PARTS
    }
    assert contrast["texture"] > 5 * contrast["light"]
    assert contrast["colours"] < 1e-4


def test_an_edge_is_form_and_not_texture():
    step = torch.full((3, 90, 100), -0.8)
    step[:, :, 50:] = 0.8
    _, texture = divided(to_oklab(step))
    assert texture[0].abs().max() < 0.1 * to_oklab(step)[0].diff(dim=1).max()


@pytest.mark.parametrize("part", PARTS)
def test_every_mixture_lies_within_srgb(part):
    found = with_parts_of(random(0), random(1), [part])
    assert found.min() >= -1
    assert found.max() <= 1
    assert torch.isfinite(found).all()


def test_colours_outside_srgb_keep_lightness_and_hue_and_lose_as_little_chroma_as_they_must():
    vivid = torch.tensor([[0.6, 0.3, 0.3], [0.3, -0.2, 0.2], [0.9, 0.05, -0.2]]).T[:, None]
    found = from_oklab(vivid)
    lab = to_oklab(found)
    torch.testing.assert_close(lab[0], vivid[0], rtol=0, atol=1e-3)
    assert (torch.nn.functional.cosine_similarity(lab[1:], vivid[1:], dim=0) > 0.9999).all()
    assert (lab[1:].norm(dim=0) < 0.9 * vivid[1:].norm(dim=0)).all()
    at_border = torch.minimum(found.amin(dim=0) + 1, 1 - found.amax(dim=0))
    assert at_border.max() < 0.02


def test_lightness_beyond_black_and_white_is_cut_off():
    for value, wanted in ((-0.2, -1.0), (1.3, 1.0)):
        found = from_oklab(torch.tensor([value, 0.05, 0.05]).view(3, 1, 1))
        torch.testing.assert_close(found, torch.full((3, 1, 1), wanted), rtol=0, atol=1e-4)


@pytest.mark.parametrize("size", [(90, 100), (1, 1), (7, 150), (40, 33)])
def test_tiles_are_as_one_piece(monkeypatch, size):
    picture, translation = random(0, *size), random(1, *size)
    whole = with_parts_of(picture, translation, ["light"])
    monkeypatch.setattr(parts, "TILE", 20)
    assert (with_parts_of(picture, translation, ["light"]) - whole).abs().max() < ROUNDING


@pytest.mark.parametrize("changed", [0, 1], ids=["picture", "translation"])
def test_a_pixel_depends_on_no_pixel_beyond_the_reach(changed):
    inputs, other = [random(0), random(1)], random(2)
    before = with_parts_of(*inputs, ["texture"])
    inputs[changed] = inputs[changed].clone()
    inputs[changed][:, :30] = other[:, :30]
    difference = (with_parts_of(*inputs, ["texture"]) - before).abs().amax(dim=(0, 2))
    assert difference[30 : 30 + REACH].max() > 1e-3
    assert difference[30 + REACH :].max() < 1e-5
