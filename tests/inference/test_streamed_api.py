"""Pictures that do not fit are read and written in rows by the library's own functions."""

import numpy as np
import pytest

import sinct
from sinct.pictures import opening
from sinct.pictures.picture import read_provenance
from tests.support.streaming import make_model, samples

pytest.importorskip("pyvips")


def test_apply_streams_what_does_not_fit(tiny, noisy, tmp_path, small_windows):
    model = make_model(tiny)
    source = noisy()
    sinct.apply(model, source, tmp_path / "whole.png")
    budget = 700_000_001
    seen = []
    done = sinct.apply(
        model, source, tmp_path / "rows.png", max_memory=budget, on_pixels=lambda *pixels: seen.append(pixels)
    )
    assert done.finished
    assert done.size == (210, 190)
    assert seen[-1] == (210 * 190, 210 * 190)
    assert np.abs(samples(tmp_path / "rows.png") - samples(tmp_path / "whole.png")).max() <= 1
    assert read_provenance(tmp_path / "rows.png")["seed"] == "0"


def test_translate_streams_what_does_not_fit(tiny, noisy, make_picture, tmp_path, small_windows, monkeypatch):
    from sinct import api

    monkeypatch.setattr(api, "TRAINING_PIXELS", 10_000)
    photo = make_picture("photo.png", 64, 50, seed=1)
    done = sinct.translate(noisy(), photo, tmp_path / "out.dzi", config=tiny, max_memory=10**9)
    assert done.finished
    assert 'Height="190"' in (tmp_path / "out.dzi").read_text()
    assert done.training.model.widths[1] < 120  # trained on the shrunken painting


def test_generator_that_takes_no_windows_is_refused_before_training(tiny, noisy, make_picture, tmp_path):
    source, photo = noisy(), make_picture("photo.png", 64, 50, seed=1)
    with pytest.raises(sinct.OutOfMemoryError, match=r"210x190 px cannot be translated in rows .*'resnet'"):
        sinct.translate(source, photo, tmp_path / "out.dzi", config=tiny.replace(generator="resnet"))
    assert not (tmp_path / "out.sinct").exists()


def test_stopped_translation_is_continued(tiny, noisy, make_picture, tmp_path, small_windows):
    source, photo = noisy(), make_picture("photo.png", 64, 50, seed=1)
    output = tmp_path / "out.dzi"
    steps = iter(range(100))
    done = sinct.translate(source, photo, output, config=tiny, should_stop=lambda: next(steps) > 4)
    assert done.training.finished
    assert not done.finished
    assert not output.exists()
    assert sinct.translate(source, photo, output, resume=True).finished
    assert output.exists()


def test_file_that_only_pillow_reads_is_translated_in_memory(tiny, make_picture, tmp_path, monkeypatch):
    monkeypatch.setattr(opening, "FIXED", 10**12)  # nothing fits
    source = make_picture("in.bmp")
    model = make_model(tiny)
    monkeypatch.setattr(
        "sinct.pictures.opening.open_source", lambda path: (_ for _ in ()).throw(sinct.InputError("no"))
    )
    assert sinct.apply(model, source, tmp_path / "out.png").finished
    with pytest.raises(sinct.InputError, match="no"):
        sinct.apply(model, source, tmp_path / "rows.png", max_memory=10**9)


def test_memory_below_a_byte_is_refused(tiny, noisy, tmp_path):
    with pytest.raises(sinct.ConfigError, match="`max_memory` must be above 0 bytes, got 0"):
        sinct.apply(make_model(tiny), noisy(), tmp_path / "out.png", max_memory=0)
