"""Paintings prepared without their strokes: cut by cut as in whole, in use as in training."""

import json
from dataclasses import replace

import pytest
import torch

from sinct.data.content import Content, prepare, prepared, without_strokes
from sinct.data.pair_content import prepare_pair
from sinct.weights.stroke_remover import stroke_remover_version

HEIGHT, WIDTH = 203, 670
"""Wider than `reach` on both sides of a window, with one halving; multiples of no stride."""


@pytest.fixture(scope="module")
def painting() -> torch.Tensor:
    """Noise, which hides no difference, on two colours."""
    random = torch.Generator().manual_seed(0)
    picture = 0.3 * torch.randn(3, HEIGHT, WIDTH, generator=random)
    picture[0, :, : WIDTH // 2] += 0.4
    return picture.clamp(-1, 1)


@pytest.fixture(scope="module")
def photo() -> torch.Tensor:
    random = torch.Generator().manual_seed(1)
    base = torch.rand(3, 1, 1, generator=random) - 0.3
    return (base + 0.2 * torch.randn(3, 150, 160, generator=random)).clamp(-1, 1)


def found(painting, photo, *, stroke: float, texture: bool = True, **options):
    content = Content(smoothing=0.3, detail=0.75, grain=0.02, remover=stroke_remover_version(), stroke=stroke)
    return prepare_pair(
        [painting], [photo], content, in_photos_colours=True, repaint=True, texture=texture, **options
    )


@pytest.fixture(scope="module", params=[2.0, 6.0], ids=["as it is", "halved once"])
def pair(request, painting, photo):
    return found(painting, photo, stroke=request.param)


WINDOWS = [
    (slice(0, 90), slice(0, 77)),
    (slice(60, 141), slice(580, WIDTH)),
    (slice(101, HEIGHT), slice(333, 390)),
    (slice(0, HEIGHT), slice(13, 14)),
    (slice(51, 52), slice(0, WIDTH)),
    (slice(HEIGHT - 1, HEIGHT), slice(WIDTH - 1, WIDTH)),
]


@pytest.mark.parametrize("window", WINDOWS)
def test_cuts_are_those_of_the_whole(pair, painting, window):
    cut = prepared(lambda rows, columns: painting[:, rows, columns], HEIGHT, WIDTH, pair.content)
    whole = prepare(painting, pair.content)
    torch.testing.assert_close(cut(*window), whole[:, *window], rtol=0, atol=1e-3)


def test_cuts_read_no_more_than_they_say():
    """The memory of a translation is planned by `reach`."""
    content = Content(remover=stroke_remover_version(), detail=0.5, smoothing=0.2)
    read = []

    def source(rows, columns):
        read.append((rows, columns))
        return torch.zeros(3, rows.stop - rows.start, columns.stop - columns.start)

    prepared(source, 10_000, 10_000, content, source)(slice(1000, 1001), slice(2003, 2090))
    reach = content.reach
    assert read == 2 * [(slice(1000 - reach, 1001 + reach), slice(2003 - reach, 2090 + reach))]


def test_in_use_a_painting_is_prepared_as_in_training(pair, painting):
    content = replace(pair.content, grain=0.0)
    torch.testing.assert_close(prepare(painting, content), pair.paintings[0].seen, rtol=0, atol=1e-4)


def test_content_is_put_together_again_from_numbers_and_tensors(pair, painting):
    again = Content.from_parts(json.loads(json.dumps(pair.content.numbers())), pair.content.tensors())
    assert prepare(painting, again).equal(prepare(painting, pair.content))


def test_halvings_and_width_are_found_in_training_and_kept(painting, photo):
    part = painting[:, :40, :50]
    content = found(part, photo, stroke=6.0, texture=False, faithful=1.0).content
    assert (content.stroke, content.halvings) == (1.5, 0)
    content = found(part, photo, stroke=6.0, texture=False, faithful=0.0).content
    assert (content.stroke, content.halvings) == (24.0, 3)


def test_without_colours_and_texture_strokes_are_taken_out_as_well(painting):
    content = Content(remover=stroke_remover_version())
    assert prepare(painting, content).equal(without_strokes(painting, content))


def test_own_detail_is_seen_under_the_texture(pair, painting):
    """Where strokes were taken out, what is left is the painting's own, and `detail` of it is seen."""
    part, content = painting[:, :40, :50], replace(pair.content, grain=0.0)
    assert not prepare(part, replace(content, detail=0.0)).allclose(prepare(part, content), atol=1e-3)


@pytest.mark.parametrize("size", [(1, 1), (2, 90), (33, 20)])
def test_a_small_picture_can_be_prepared(pair, size):
    assert prepare(torch.zeros(3, *size), pair.content).isfinite().all()
