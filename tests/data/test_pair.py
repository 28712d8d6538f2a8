import dataclasses

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from sinct.data.content import Content, prepare, seen
from sinct.data.pair import PairSampler, PairSettings
from sinct.errors import ConfigError

CPU = torch.device("cpu")
SMALL = PairSettings(crops=2, crop_size=32, min_width=32, max_width=48, native_share=0.5)


def picture(seed: int, height: int = 45, width: int = 60) -> Tensor:
    coarse = torch.rand(1, 3, 4, 4, generator=torch.Generator().manual_seed(seed)) * 2 - 1
    return F.interpolate(coarse, (height, width), mode="bilinear")[0]


def blobs(seed: int, height: int = 60, width: int = 80) -> Tensor:
    coarse = torch.rand(1, 3, 6, 8, generator=torch.Generator().manual_seed(seed)) * 2 - 1
    return F.interpolate(coarse, (height, width), mode="bicubic")[0].clamp(-1, 1)


def noisy(picture: Tensor) -> Tensor:
    noise = torch.randn(picture.shape, generator=torch.Generator().manual_seed(9))
    return (picture + 0.2 * noise).clamp(-1, 1)


def sampler(paintings: list[Tensor], photos: list[Tensor], **changes) -> PairSampler:
    settings = dataclasses.replace(SMALL, **changes)
    content = Content(settings.smoothing, settings.detail, settings.grain)
    random = torch.Generator().manual_seed(0)
    return PairSampler(paintings, photos, settings, content, device=CPU, random=random, device_random=random)


def test_content_is_the_painting_itself_without_smoothing():
    painting, content, _, _ = sampler([picture(0)], [picture(1)]).sample()[:4]
    assert content.equal(painting)


def test_content_is_cut_at_the_same_places_as_the_painting():
    painting, content, _, _ = sampler([picture(0)], [picture(1)], smoothing=0.01).sample()[:4]
    assert not content.equal(painting)
    assert (content - painting).abs().max() < 0.1  # a weight of 0.01 moves no pixel far


@pytest.mark.parametrize("detail", [0.0, 0.3, 1.0])
def test_training_sees_a_painting_as_translation_prepares_it(detail):
    made = sampler([noisy(picture(0))], [picture(1)], smoothing=0.3, detail=detail)
    assert made.paintings[0][:3].equal(prepare(noisy(picture(0)), made.content))


def test_all_photos_are_seen():
    made = sampler([picture(0)], [torch.ones(3, 45, 60), -torch.ones(3, 45, 60)])
    means = {round(float(made.sample().photo.mean())) for _ in range(20)}
    assert means == {-1, 1}


def test_panorama_too_narrow_for_a_crop_is_refused():
    with pytest.raises(ConfigError, match="crop size 32 px does not fit a picture of 40x1 px"):
        sampler([picture(0, 1, 40)], [picture(1)])


def test_widths_include_the_paintings_own_only_when_seen():
    # 60x45: a crop of 32 px needs a scaled height of 32, so a width of 43
    assert sampler([picture(0)], [picture(1)]).widths == (43, 60)
    assert sampler([picture(0)], [picture(1)], native_share=0.0).widths == (43, 48)


def test_zooms_of_their_own_span_a_third_of_the_picture_to_all_of_it():
    made = sampler([picture(0, 120, 180)], [picture(1)], free_zoom=True, native_share=0.0)
    assert made.widths == (60, 180)
    painting, content, photo, painted = made.sample()[:4]
    assert painting.shape == (2, 3, 32, 32)
    assert content.equal(painting)
    assert painted.equal(photo)


def test_panorama_that_no_zoom_of_all_crops_would_fit_can_be_zoomed_crop_by_crop():
    made = sampler([picture(0, 10, 400)], [picture(1)], free_zoom=True, native_share=0.0)
    assert made.sample().painting.shape == (2, 3, 32, 32)


def test_grain_is_laid_over_what_the_generator_gets_and_nothing_else():
    flat = torch.zeros(3, 45, 60)
    batch = sampler([flat], [flat], grain=0.1).sample()
    assert float(batch.painting.std()) > 0.05
    assert float(batch.painted.std()) > 0.05
    assert not batch.content.any()
    assert not batch.photo.any()


def test_repainted_photo_has_the_paintings_palette_and_the_share_of_detail_asked_for():
    painting, photo = blobs(0) * 0.3 + 0.5, noisy(blobs(1) * 0.5 - 0.4)

    def repainted(detail: float) -> Tensor:
        made = sampler([painting], [photo], repaint=True, native_share=1.0, smoothing=0.2, detail=detail)
        _, _, kept, painted = made.sample()[:4]
        assert abs(float(painted.mean() - painting.mean())) < 0.25  # the photo's own is 0.9 away
        assert float(kept.mean()) < 0
        return (painted[..., 1:] - painted[..., :-1]).square().mean()

    assert repainted(1.0) > 5 * repainted(0.0)


def test_a_painting_is_seen_in_use_as_its_preparation_says():
    paintings = [picture(0), picture(2)]
    made = sampler(paintings, [picture(1)], smoothing=0.1, detail=0.5, grain=0.05)
    for number, painting in enumerate(paintings):
        found, expected = made.seen(number), seen(painting, made.content)
        assert found.bare.equal(expected.bare)
        torch.testing.assert_close(found.prepared, expected.prepared, rtol=0, atol=1e-5)
