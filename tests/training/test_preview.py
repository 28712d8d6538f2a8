"""Previews: pictures side by side, each below what it is."""

import numpy as np
import pytest
import torch
from PIL import Image

import sinct
from sinct.training import session
from sinct.training.preview import in_rows


def plain(height, width, value=-1.0):
    return torch.full((3, height, width), value)


@pytest.mark.parametrize(("height", "letters"), [(45, 14), (400, 16), (640, 26), (900, 26)])
def test_labels_grow_with_the_pictures_and_can_always_be_read(height, letters):
    preview = in_rows([[plain(height, 900)]], ["painting"])
    dark = (preview[0, : -min(height, 640)] < 0).nonzero()
    tall = int(dark[:, 0].max() - dark[:, 0].min() + 1)
    assert 0.85 * letters <= tall <= 1.1 * letters  # from the top of t to the bottom of p


def test_label_is_wholly_above_its_picture_however_narrow():
    label = "best result, of step 100,000"
    preview = in_rows([[plain(45, 20), plain(45, 30, 0.0)]], [label, "b"])
    strip = preview[0, :-45]
    assert (strip[:, :20] < 0).any()
    ends = (strip < 0).any(0).nonzero().flatten()
    second = int((preview[0, -1] == 0).nonzero().min())  # where the other picture begins
    assert (strip[:, second - 5 : second] == 1).all()
    assert ends[ends < second].max() > 150


def test_pictures_keep_their_pixels_below_labels():
    picture = torch.rand(3, 50, 300) * 2 - 1
    preview = in_rows([[picture, picture]], ["a", "b"])
    assert preview[:, -50:].equal(torch.cat([picture, picture], dim=2))


def test_row_with_fewer_pictures_is_filled_with_white():
    preview = in_rows([[plain(45, 300)] * 3, [plain(45, 300)] * 2], ["a", "b", "c"])
    assert (preview[:, -45:, 600:] == 1).all()
    assert (preview[:, -45:, :600] == -1).all()


def labels_of(monkeypatch, *pictures, **options):
    told = []
    monkeypatch.setattr(session.RunDirectory, "write_preview", lambda self, rows, labels: told.append(labels))
    sinct.train(*pictures, device="cpu", **options)
    return told


def test_labels_name_the_pictures_and_the_step(make_picture, tiny, tmp_path, monkeypatch):
    pair = make_picture("a.png"), make_picture("b.png", seed=1)
    config = tiny.replace(steps=3, patience=0)
    told = labels_of(monkeypatch, *pair, config=config, run_dir=tmp_path / "run")
    assert told[0] == ["painting", "result at step 1", "photo"]
    assert told[-1] == ["painting", "result at step 3", "photo"]
    told = labels_of(
        monkeypatch, *pair, config=config.replace(remove_strokes=True), run_dir=tmp_path / "other"
    )
    assert told[-1] == ["painting", "without strokes", "result at step 3", "photo"]


def test_label_says_that_the_picture_is_of_the_best_step(make_picture, tiny, tmp_path, monkeypatch):
    scores = iter([1.0, *[2.0] * 100])
    monkeypatch.setattr("sinct.training.best.make_score", lambda *_, **__: lambda views: next(scores))
    pair = make_picture("a.png"), make_picture("b.png", seed=1)
    config = tiny.replace(steps=8, patience=1.0)
    told = labels_of(monkeypatch, *pair, config=config, run_dir=tmp_path / "run")
    assert told[-1][1] == "best result, of step 6"  # the first look is after three quarters


def test_written_preview_has_the_labels(make_picture, tiny, tmp_path):
    pair = make_picture("a.png"), make_picture("b.png", seed=1)
    sinct.train(*pair, config=tiny.replace(steps=1), run_dir=tmp_path / "run", device="cpu")
    strip = np.asarray(Image.open(tmp_path / "run" / "preview.png"))[:-45]
    assert strip.shape[0] == 21
    assert (strip < 100).any()
