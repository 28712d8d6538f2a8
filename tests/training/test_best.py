import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

import sinct
from sinct.training import best
from sinct.training.best import make_score, middle


def blobs(seed: int, height: int = 60, width: int = 80) -> Tensor:
    coarse = torch.rand(1, 3, 6, 8, generator=torch.Generator().manual_seed(seed)) * 2 - 1
    return F.interpolate(coarse, (height, width), mode="bicubic")[0].clamp(-1, 1)


def noisy(picture: Tensor) -> Tensor:
    return (picture + 0.2 * torch.randn(picture.shape, generator=torch.Generator().manual_seed(9))).clamp(
        -1, 1
    )


def test_score_of_the_painting_is_one():
    painting = blobs(0)
    assert make_score(painting, [noisy(blobs(1))])(painting) == pytest.approx(1, abs=0.01)


def test_score_prefers_the_photos_statistics_on_the_paintings_shapes():
    painting = blobs(0)
    photo = blobs(1) * 0.5 - 0.3
    score = make_score(painting, [photo])
    assert score(painting * 0.5 - 0.3) < min(score(painting), score(photo)) - 0.2


def test_score_takes_the_nearest_of_several_photos():
    painting, near = blobs(0), noisy(blobs(1))
    assert (
        make_score(painting, [near, blobs(2) * 0.1 + 0.8])(near) <= make_score(painting, [near])(near) + 1e-6
    )


def test_middle_is_the_middle():
    picture = torch.arange(100.0).view(1, 10, 10)
    assert middle(picture, 16).flatten().tolist() == picture[:, 3:7, 3:7].flatten().tolist()
    assert middle(picture, 1000).equal(picture)


def scores(monkeypatch, values):
    """Let the looks find these scores, one after another."""
    found = iter(values)
    monkeypatch.setattr(best, "make_score", lambda painting, photos: lambda picture: next(found))


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
