"""Regions of painting and photos: which are matched, how they blend, and what they change."""

import pytest
import torch

from sinct.data.content import Content, prepare, prepared
from sinct.data.pair import PairSampler, PairSettings, Shown
from sinct.data.pair_content import Prepared, prepare_pair
from sinct.data.regions import ELSEWHERE, RegionMaps, blended, matched_regions, region_weights
from sinct.errors import InputError
from sinct.pictures.cuts import cut_of


def noise(height: int, width: int, *, seed: int) -> torch.Tensor:
    return torch.rand(3, height, width, generator=torch.Generator().manual_seed(seed)) * 2 - 1


HALVES = torch.cat([torch.zeros(40, 60), torch.ones(40, 60)]).long()


def left_and_right(height: int, width: int) -> torch.Tensor:
    labels = torch.zeros(height, width, dtype=torch.long)
    labels[:, width // 2 :] = 1
    return labels


def maps(height: int = 80, width: int = 60) -> RegionMaps:
    """Above and below in the painting; left and right in the photo."""
    return matched_regions(HALVES, [left_and_right(height, width)], ["#000000", "#ffffff"])[0]


def test_regions_that_both_have_are_numbered_from_1():
    found = maps()
    assert found.total == 2
    assert found.painting[0, 0] == 1
    assert found.painting[-1, 0] == 2
    assert found.photos[0][0, 0] == 1
    assert found.photos[0][0, -1] == 2


def test_what_has_no_counterpart_learns_from_everything_and_is_named():
    painting, photo = HALVES.clone(), torch.zeros(50, 50).long()
    found, remarks = matched_regions(painting, [photo], ["#000000", "#ffffff"])
    assert found.painting[-1, 0] == ELSEWHERE
    assert found.total == 1
    assert [str(remark) for remark in remarks] == [
        "#ffffff covers 50% of the painting's map and nothing of the photos'; it learns from all of the photos"
    ]


def test_a_region_may_be_in_any_photo():
    skies = torch.ones(20, 20).long()
    found, remarks = matched_regions(HALVES, [torch.zeros(50, 50).long(), skies], ["#000000", "#ffffff"])
    assert found.total == 2
    assert not remarks


def test_maps_without_a_colour_in_common_are_refused():
    with pytest.raises(InputError, match=r"have no colour in common .* same flat colour"):
        matched_regions(torch.zeros(9, 9).long(), [torch.ones(9, 9).long()], ["#000000", "#ffffff"])


def test_weights_add_up_to_1_and_are_those_of_the_whole_in_each_cut():
    labels = (torch.arange(35).view(5, 7) % 3).to(torch.uint8)
    soft = torch.stack([labels, (labels + 1) % 3, (40 * labels).to(torch.uint8)])
    for each in (labels, soft):
        whole = dict(region_weights(each, slice(0, 50), slice(0, 90), 50, 90))
        torch.testing.assert_close(sum(whole.values()), torch.ones(1, 50, 90))
        for number, weight in region_weights(each, slice(13, 31), slice(40, 77), 50, 90):
            assert torch.equal(weight, whole[number][:, 13:31, 40:77])


def test_a_cut_within_one_region_is_not_weighted():
    made = torch.rand(3, 4, 4)
    labels = torch.ones(8, 8, dtype=torch.uint8)
    cut = slice(0, 4), slice(0, 4), 8, 8
    assert blended(labels, *cut, lambda number: made) is made
    assert blended(torch.stack([labels, 0 * labels, 0 * labels]), *cut, lambda number: made) is made


def test_a_map_of_the_pictures_size_blends_nothing():
    made = {0: torch.zeros(1, 4, 4), 1: torch.ones(1, 4, 4)}
    labels = left_and_right(4, 4).to(torch.uint8)
    found = blended(labels, slice(0, 4), slice(0, 4), 4, 4, made.__getitem__)
    assert torch.equal(found[0], labels.float())


@pytest.fixture
def pair() -> tuple[torch.Tensor, torch.Tensor]:
    """A grey painting, dark above and light below; a photo, red on the left and blue on the right."""
    painting = 0.1 * noise(80, 60, seed=1)
    painting[:, :40] -= 0.4
    painting[:, 40:] += 0.4
    photo = 0.1 * noise(80, 60, seed=2)
    photo[0, :, :30] += 0.6
    photo[2, :, 30:] += 0.6
    return painting, photo


def test_each_region_gets_the_colours_of_its_own(pair):
    painting, photo = pair
    content = Content(smoothing=0.1)
    found = (
        prepare_pair([painting], [photo], content, in_photos_colours=True, repaint=True, maps=maps())
        .paintings[0]
        .seen
    )
    redness = found[0] - found[2]
    assert redness[:36].mean() > 0.3
    assert redness[44:].mean() < -0.3


def test_colours_follow_the_photos_map(pair):
    painting, photo = pair
    found = (
        prepare_pair(
            [painting],
            [photo.flip(2)],
            Content(smoothing=0.1),
            in_photos_colours=True,
            repaint=True,
            maps=maps(),
        )
        .paintings[0]
        .seen
    )
    assert (found[0] - found[2])[:36].mean() < -0.3  # what is above gets what is on the left, now blue


def with_texture(painting: torch.Tensor, photo: torch.Tensor) -> Prepared:
    return prepare_pair(
        [painting],
        [photo],
        Content(smoothing=0.1),
        in_photos_colours=True,
        repaint=True,
        texture=True,
        maps=maps(),
    )


def test_training_and_use_prepare_alike_with_texture(pair):
    painting, photo = pair
    found = with_texture(painting, photo)
    in_use = prepare(painting, found.content)
    torch.testing.assert_close(in_use, found.paintings[0].seen, rtol=0, atol=1e-4)
    cut = prepared(cut_of(painting), 80, 60, found.content)(slice(20, 61), slice(7, 44))
    torch.testing.assert_close(cut, in_use[:, 20:61, 7:44], rtol=0, atol=1e-4)


def test_regions_survive_a_file(pair):
    painting, photo = pair
    content = with_texture(painting, photo).content
    again = Content.from_parts(content.numbers(), content.tensors())
    assert torch.equal(prepare(painting, again), prepare(painting, content))


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"regions.labels": torch.full((2, 2), 3, dtype=torch.uint8)}, "has 3 of them, not 2"),
        ({"regions.labels": torch.zeros(2, 2)}, "have no map"),
    ],
)
def test_files_with_other_regions_are_refused(pair, change, fault):
    painting, photo = pair
    content = prepare_pair(
        [painting], [photo], Content(smoothing=0.1), in_photos_colours=True, repaint=True, maps=maps()
    ).content
    with pytest.raises(ValueError, match=fault):
        Content.from_parts(content.numbers(), {**content.tensors(), **change})


def test_crops_of_a_step_come_from_one_region_of_both(pair):
    painting, photo = pair
    painting = painting.clone()
    painting[0, :40], painting[0, 40:] = 1, -1
    sampler = PairSampler(
        [painting],
        [photo],
        PairSettings(crops=4, crop_size=8, min_width=60, max_width=60),
        Content(),
        device=torch.device("cpu"),
        random=torch.Generator().manual_seed(0),
        device_random=torch.Generator().manual_seed(0),
        shown=Shown(regions=maps()),
    )
    met = set()
    for _ in range(20):
        batch = sampler.sample()
        above = (batch.painting[:, 0].mean(dim=(1, 2)) > 0).tolist()
        red = (batch.photo[:, 0] > batch.photo[:, 2]).float().mean(dim=(1, 2)).gt(0.5).tolist()
        assert above == red
        assert len(set(above)) == 1
        met.add(above[0])
    assert met == {True, False}


def test_crops_say_how_far_they_show_their_region(pair):
    painting, photo = pair
    painting = painting.clone()
    painting[0, :40], painting[0, 40:] = 1, -1
    sampler = PairSampler(
        [painting],
        [photo],
        PairSettings(crops=8, crop_size=48, min_width=60, max_width=60),
        Content(),
        device=torch.device("cpu"),
        random=torch.Generator().manual_seed(0),
        device_random=torch.Generator().manual_seed(0),
        shown=Shown(regions=maps()),
    )
    for _ in range(20):
        batch = sampler.sample()
        above = batch.painting[:, :1].gt(0).float()
        assert 0 < above.mean() < 1  # crops are higher than a region
        assert batch.painting_own.equal(above) or batch.painting_own.equal(1 - above)
        assert batch.photo_own.shape == (8, 1, 48, 48)


def test_without_regions_nothing_is_said_of_them(pair):
    painting, photo = pair
    sampler = PairSampler(
        [painting], [photo], PairSettings(crops=2, crop_size=8, min_width=60, max_width=60), Content(),
        device=torch.device("cpu"), random=torch.Generator().manual_seed(0),
        device_random=torch.Generator().manual_seed(0),
    )  # fmt: skip
    batch = sampler.sample()
    assert batch.painting_own is None
    assert batch.photo_own is None
