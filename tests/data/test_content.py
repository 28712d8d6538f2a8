import torch

from sinct.data.content import Content, prepare, prepared, separate


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
