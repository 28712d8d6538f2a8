"""Models that lay a photo's texture over paintings: kept in files, exact in windows, told apart from others."""

from dataclasses import replace

import numpy as np
import pytest
import torch

import sinct
from sinct.data.pair_content import prepare_pair
from sinct.inference import streamed
from sinct.inference.streamed import fingerprint
from sinct.inference.whole import translate_whole
from sinct.pictures.picture import read_picture
from sinct.pictures.windows import Sides
from tests.support.streaming import make_model, run_stream, samples


def textured(tiny, painting, photo):
    """A random model whose content was found from a painting and a photo, files both."""
    model = make_model(tiny.replace(grain=0.02))
    prepared = prepare_pair(
        [read_picture(painting).pixels],
        [read_picture(photo).pixels],
        model.content,
        in_photos_colours=True,
        repaint=False,
        texture=True,
    )
    return replace(model, content=prepared.content)


@pytest.fixture
def pictures(make_picture, noisy):
    return make_picture(width=190, height=170), noisy(name="photo.tif", width=150, height=140)


@pytest.fixture
def model(tiny, pictures):
    return textured(tiny, *pictures)


def test_a_model_file_gives_the_same_picture(model, pictures, tmp_path):
    model.save(tmp_path / "model.safetensors")
    loaded = sinct.load_model(tmp_path / "model.safetensors", "cpu")
    painting = read_picture(pictures[0]).pixels
    assert loaded.translate(painting).equal(model.translate(painting))
    assert loaded.content.texture is not None


def test_windows_do_not_show(model):
    picture = torch.rand(3, 400, 420, generator=torch.Generator().manual_seed(0)) * 2 - 1
    prepared = model.prepared(lambda rows, columns: picture[:, rows, columns], 400, 420)
    whole, parts = (
        translate_whole(model.generator, prepared, 400, 420, window=window) for window in (1024, 240)
    )
    torch.testing.assert_close(parts, whole, rtol=0, atol=1e-3)


def test_from_file_to_file_is_as_in_memory(model, pictures, tmp_path, monkeypatch):
    pytest.importorskip("pyvips")
    monkeypatch.setattr(streamed, "plan_sides", lambda *_, **__: Sides(172, 188))
    run_stream(model, pictures[0], tmp_path / "out.png")
    translated = model.translate(read_picture(pictures[0]).pixels)
    expected = ((translated + 1) * 127.5).round().permute(1, 2, 0).numpy()
    assert np.abs(samples(tmp_path / "out.png") - expected).max() <= 1


def test_models_of_two_photos_are_told_apart_though_the_networks_are_equal(model, tiny, pictures, noisy):
    other = textured(tiny, pictures[0], noisy(name="other.tif", width=150, height=150))
    assert fingerprint(other) != fingerprint(model)
    assert fingerprint(replace(model)) == fingerprint(model)


def test_a_run_that_trained_with_texture_is_continued_and_applied(tiny, pictures, tmp_path):
    config = tiny.replace(recolour=True, repaint=True, texture=True, calm=True, grain=0.02)
    done = sinct.train(*map(str, pictures), config=config, run_dir=tmp_path / "run", device="cpu")
    (tmp_path / "run" / "model.safetensors").unlink()
    loaded = sinct.load_model(tmp_path / "run", "cpu")  # the checkpoint
    painting = read_picture(pictures[0]).pixels
    assert loaded.translate(painting).equal(done.model.translate(painting))


def test_a_width_of_strokes_that_stay_is_refused(tiny):
    for change in ({"stroke": 5.0}, {"faithful": 0.2}):
        with pytest.raises(sinct.ConfigError, match="set remove_strokes to true"):
            tiny.replace(**change)
    assert tiny.replace(stroke=5.0, remove_strokes=True).stroke == 5.0


def test_texture_without_the_photos_colours_is_refused(tiny):
    with pytest.raises(sinct.ConfigError, match="texture needs recolour"):
        tiny.replace(texture=True)
