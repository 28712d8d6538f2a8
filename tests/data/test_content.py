import json
from dataclasses import replace

import torch

from sinct.data.content import Content, prepare, prepared, separate
from sinct.data.pair_content import prepare_pair


def test_prepared_picture_is_the_same_for_the_same_seed():
    picture = torch.zeros(3, 9, 7)
    first, again, other = (prepare(picture, Content(grain=0.1, seed=seed)) for seed in (1, 1, 2))
    assert first.equal(again)
    assert not first.equal(other)


def test_without_grain_and_with_all_detail_a_picture_is_prepared_already():
    picture = torch.rand(3, 9, 7)
    assert prepare(picture, Content(smoothing=0.2, detail=1.0)).equal(picture)


def test_prepared_cuts_are_those_of_the_whole():
    picture = torch.rand(3, 200, 300) * 2 - 1
    content = Content(smoothing=0.3, detail=0.3, grain=0.1)
    whole = prepare(picture, content)
    cut = prepared(lambda rows, columns: picture[:, rows, columns], 200, 300, content)
    part = cut(slice(90, 171), slice(100, 290))
    torch.testing.assert_close(part, whole[:, 90:171, 100:290], rtol=0, atol=1e-5)


def test_detail_is_the_share_of_what_was_smoothed_away_that_is_seen():
    picture = torch.rand(3, 30, 40) * 2 - 1
    seen, kept = separate(picture, Content(smoothing=0.3, detail=0.25))
    torch.testing.assert_close(seen, kept + 0.25 * (picture - kept))
    assert not kept.equal(picture)


def test_cut_reaches_beyond_itself_only_where_strokes_are_reduced_or_seen():
    assert Content(smoothing=0.3, detail=0.3).reach > 0
    assert Content(smoothing=0.3, detail=1.0).reach == Content(smoothing=0.0, detail=0.3).reach == 0
    assert Content(smoothing=0.3, detail=0.3, colours=(0.0,)).reach > Content(smoothing=0.3, detail=0.3).reach


def pair() -> tuple[torch.Tensor, torch.Tensor]:
    """A painting and a photo, (3, H, W) each in [-1, 1]."""
    random = torch.Generator().manual_seed(0)
    painting = torch.rand(3, 210, 190, generator=random) * 2 - 1
    photo = torch.rand(3, 1, 1, generator=random) + 0.3 * torch.randn(3, 150, 160, generator=random)
    return painting, photo.clamp(-1, 1)


def textured(painting: torch.Tensor, photo: torch.Tensor):
    content = Content(smoothing=0.3, detail=0.5, grain=0.02)
    return prepare_pair([painting], [photo], content, in_photos_colours=True, repaint=True, texture=True)


def test_with_the_photos_texture_nothing_of_the_strokes_is_seen():
    painting, photo = pair()
    prepared_pair = textured(painting, photo)
    seen, kept = prepared_pair.paintings[0]
    strokes = painting - separate(painting, prepared_pair.content).kept
    laid = (seen - kept)[:, 20:-20, 20:-20]
    assert float(laid.std()) > 0.01
    assert (
        abs(float(torch.corrcoef(torch.stack([laid.flatten(), strokes[:, 20:-20, 20:-20].flatten()]))[0, 1]))
        < 0.1
    )


def test_in_use_a_painting_is_prepared_as_in_training():
    painting, photo = pair()
    found = textured(painting, photo)
    content = replace(found.content, grain=0.0)
    torch.testing.assert_close(prepare(painting, content), found.paintings[0].seen, rtol=0, atol=1e-4)


def test_textured_cuts_are_those_of_the_whole():
    painting, photo = pair()
    content = textured(painting, photo).content
    whole = prepare(painting, content)
    cut = prepared(lambda rows, columns: painting[:, rows, columns], 210, 190, content)
    part = cut(slice(130, 171), slice(120, 190))
    torch.testing.assert_close(part, whole[:, 130:171, 120:190], rtol=0, atol=1e-4)


def test_content_is_put_together_again_from_numbers_and_tensors():
    content = textured(*pair()).content
    again = Content.from_parts(json.loads(json.dumps(content.numbers())), content.tensors())
    assert prepare(pair()[0], again).equal(prepare(pair()[0], content))
