import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

import sinct
from sinct.data.content import Content, seen
from sinct.training import best
from sinct.training.best import PIXELS, Looks, make_judge, make_score, windows


def blobs(seed: int, height: int = 60, width: int = 80) -> Tensor:
    coarse = torch.rand(1, 3, 6, 8, generator=torch.Generator().manual_seed(seed)) * 2 - 1
    return F.interpolate(coarse, (height, width), mode="bicubic")[0].clamp(-1, 1)


def noisy(picture: Tensor) -> Tensor:
    return (picture + 0.2 * torch.randn(picture.shape, generator=torch.Generator().manual_seed(9))).clamp(
        -1, 1
    )


def test_score_of_the_painting_is_one():
    painting = [blobs(0)]
    assert make_score(painting, [noisy(blobs(1))])(painting) == pytest.approx(1, abs=0.01)


def test_score_prefers_the_photos_statistics_on_the_paintings_shapes():
    painting = blobs(0)
    photo = blobs(1) * 0.5 - 0.3
    score = make_score([painting], [photo])
    assert score([painting * 0.5 - 0.3]) < min(score([painting]), score([photo])) - 0.2


def test_score_takes_the_nearest_of_several_photos():
    painting, near = blobs(0), noisy(blobs(1))
    both = make_score([painting], [near, blobs(2) * 0.1 + 0.8])
    assert both([near]) <= make_score([painting], [near])([near]) + 1e-6


def test_score_sees_a_colour_that_the_photo_has_not():
    painting = blobs(0)
    photo = noisy(blobs(1)) * torch.tensor([0.6, 0.6, 0.2])[:, None, None]  # nothing is blue
    score = make_score([painting], [photo])
    plain = painting * torch.tensor([0.6, 0.6, 0.2])[:, None, None]
    found = []
    for strength in (0.0, 0.3, 0.6):
        tinted = plain.clone()
        tinted[2, 40:, 50:] += strength
        found.append(score([tinted]))
    assert found == sorted(set(found))


def test_a_painting_in_the_photos_colours_does_not_let_casts_decide():
    photo = blobs(1, 200, 160)
    score = make_score([photo.flip(2)], [photo])  # every colour is the photo's, so its own casts are 0
    small = photo.flip(2) + 0.02
    casts = best._distances(best._statistics([small]), best._statistics([photo]))[2]
    others = score([photo.flip(2)])
    assert casts > 0.2
    assert score([small]) - others < 3


def test_windows_are_judged_together():
    """A score is about all windows, in whatever order statistics are made, and edges only count in their own place."""
    left, right = blobs(0), blobs(3)
    score = make_score([left, right], [noisy(blobs(1))])
    assert score([left, right]) == pytest.approx(1, abs=0.01)
    assert score([right, left]) == pytest.approx(1 + 1, abs=0.3)  # no edge is where it was


def test_a_flat_window_does_not_hide_the_edges_of_another():
    flat = torch.full((3, 60, 80), 0.2)
    score = make_score([flat, blobs(0)], [noisy(blobs(1))])
    assert score([flat + 0.001 * noisy(flat), blobs(0)]) == pytest.approx(1, abs=0.05)


def test_edges_of_windows_are_compared_at_the_scale_of_the_whole_picture():
    window = torch.zeros(3, 240, 300)
    assert best._edge_sizes(window, 1.0) == [32, 64, 128]
    assert best._edge_sizes(window, 0.25) == [8, 16, 32]
    assert best._edge_sizes(window, 0.01) == [8]
    assert best._edge_sizes(torch.zeros(3, 30, 300), 0.25) == [40]  # its shorter side must keep some pixels


# Windows


def covered(height: int, width: int, count: int = 1) -> torch.Tensor:
    seen = torch.zeros(height, width)
    for number in range(count):
        for rows, columns in windows(height, width, number, count):
            seen[rows, columns] += 1
    return seen


@pytest.mark.parametrize(("height", "width"), [(966, 1200), (1200, 966), (4000, 6000), (700, 3000)])
def test_windows_reach_all_borders_and_have_the_pixels_of_the_budget(height, width):
    seen = covered(height, width)
    assert all(border.any() for border in (seen[0], seen[-1], seen[:, 0], seen[:, -1]))
    sizes = [
        (rows.stop - rows.start) * (columns.stop - columns.start)
        for rows, columns in windows(height, width, 0, 1)
    ]
    assert sum(sizes) == pytest.approx(PIXELS, rel=0.02)  # sides are whole pixels


def test_most_heights_of_a_picture_are_seen():
    assert float((covered(966, 1200) > 0).any(dim=1).float().mean()) > 0.9


def test_a_small_picture_is_one_window():
    assert windows(400, 600, 0, 1) == [(slice(0, 400), slice(0, 600))]
    assert windows(1, 1, 0, 1) == [(slice(0, 1), slice(0, 1))]


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 9])
def test_a_series_shares_the_pixels_and_is_judged_from_top_to_bottom(count):
    seen = covered(2000, 3000, count)
    assert seen.sum() == pytest.approx(PIXELS, rel=0.02)
    assert seen[0].any()
    assert seen[-1].any()


class Standstill:
    """A training at a given progress that only remembers scores."""

    content, device = Content(), torch.device("cpu")

    def __init__(self):
        self.best, self.progress, self.kept = None, 0.0, []

    def keep(self, score):
        self.kept.append(score)

    def seen(self, number, painting):
        return seen(painting, self.content)


def look(paintings, photo, translate):
    training = Standstill()
    looks = Looks(training, paintings, [photo])
    training.progress = 1.0
    looks.take(translate)
    return training.kept[0]


def test_the_sky_is_judged():
    def grey(picture):
        return picture.mean(dim=0, keepdim=True).expand(3, -1, -1)

    painting, photo = blobs(0, 600, 800), grey(noisy(blobs(1, 300, 400)))
    (rows, columns), *_ = windows(600, 800, 0, 1)
    top = painting[:, rows, columns]
    assert rows.start == 0

    def with_a_violet_sky(view):
        return grey(view) + (torch.tensor([0.3, -0.3, 0.3])[:, None, None] if view.equal(top) else 0)

    assert look([painting], photo, with_a_violet_sky) > look([painting], photo, grey) + 0.05


def test_looking_again_gives_the_same_score():
    paintings = [blobs(seed, 600, 800) for seed in range(3)]
    photo = noisy(blobs(5, 300, 400))
    found = [look(paintings, photo, lambda view: 0.7 * view) for _ in range(2)]
    assert found[0] == found[1]


@pytest.mark.parametrize("size", [(60, 80), (600, 800)])
def test_a_whole_translation_has_the_score_of_its_windows(size):
    painting, photo = blobs(0, *size), noisy(blobs(5, 300, 400))
    assert make_judge(painting, [photo])(0.7 * painting) == look([painting], photo, lambda view: 0.7 * view)


# The choice


def scores(monkeypatch, values):
    """Let the looks find these scores, one after another."""
    found = iter(values)
    monkeypatch.setattr(best, "make_score", lambda *pictures, share: lambda views: next(found))


def train(make_picture, tmp_path, config, **options):
    painting, photo = (
        make_picture(name, width=80, height=60, seed=seed)
        for name, seed in (("painting.png", 1), ("photo.png", 2))
    )
    return sinct.train(painting, photo, tmp_path / "run", config=config, **options)


def test_best_state_is_kept(make_picture, tmp_path, tiny, monkeypatch):
    scores(monkeypatch, [3.0, 1.0, 2.0, 2.0, 2.0, 2.0])
    config = tiny.replace(steps=20, patience=1.0)
    done = train(make_picture, tmp_path, config)
    assert (done.steps, done.kept) == (20, 16)  # looks at steps 15, 16, ... 20
    scores(monkeypatch, [3.0, 1.0])
    shorter = sinct.train(
        tmp_path / "painting.png",
        tmp_path / "photo.png",
        tmp_path / "stopped",
        config=config,
        should_stop=iter([False] * 16 + [True]).__next__,
    )
    weights = [
        torch.cat([p.flatten() for p in m.generator.parameters()]) for m in (done.model, shorter.model)
    ]
    assert weights[0].equal(weights[1])


def test_training_ends_where_the_picture_stands_still(make_picture, tmp_path, tiny, monkeypatch):
    scores(monkeypatch, [1.0, *[2.0] * 20])
    done = train(make_picture, tmp_path, tiny.replace(steps=40, patience=0.1))
    assert done.finished
    assert done.kept == 30
    assert done.steps == 35  # the first step beyond 30 + 0.1 * 40


def test_resumed_run_remembers_its_best_state(make_picture, tmp_path, tiny, monkeypatch):
    config = tiny.replace(steps=20, patience=1.0)
    scores(monkeypatch, [1.0, 2.0, 2.0])
    asked = iter([False] * 17 + [True])
    first = train(make_picture, tmp_path, config, should_stop=lambda: next(asked))
    assert (first.steps, first.kept) == (17, 15)
    scores(monkeypatch, [2.0] * 9)
    done = train(make_picture, tmp_path, None, resume=True)
    assert (done.steps, done.kept) == (20, 15)
    before, after = (list(m.model.generator.parameters()) for m in (first, done))
    assert all(a.equal(b) for a, b in zip(before, after, strict=True))


def test_without_patience_the_last_state_is_taken_and_nothing_is_measured(
    make_picture, tmp_path, tiny, monkeypatch
):
    scores(monkeypatch, [])
    done = train(make_picture, tmp_path, tiny)
    assert done.kept == done.steps == tiny.steps
