"""How far a translation goes from the picture: exact at both ends, the same in rows as in one piece."""

import dataclasses

import numpy as np
import pytest
import torch

import sinct
from sinct.inference.mixing import Mix
from sinct.pictures.picture import read_picture, read_provenance
from tests.support.streaming import make_model, run_stream, samples


@pytest.fixture
def model(tiny):
    return make_model(tiny)


def test_0_gives_the_pictures_own_pixels_and_1_the_translations(model, noisy, tmp_path):
    source = noisy()
    sinct.apply(model, source, tmp_path / "full.png")
    for strength in (0.0, 1.0):
        sinct.apply(model, source, tmp_path / f"{strength}.png", strength=strength)
    assert np.array_equal(samples(tmp_path / "0.0.png"), samples(source))
    assert (tmp_path / "1.0.png").read_bytes() == (tmp_path / "full.png").read_bytes()


def test_16_bits_stay_as_they_are_at_0(model, noisy, tmp_path):
    source = noisy(bits=16)
    sinct.apply(model, source, tmp_path / "out.png", strength=0)
    assert torch.equal(read_picture(tmp_path / "out.png").pixels, read_picture(source).pixels)


def test_in_between_both_are_mixed(model, noisy, tmp_path):
    source = noisy()
    for strength in (0.25, 1.0):
        sinct.apply(model, source, tmp_path / f"{strength}.png", strength=strength)
    expected = 0.75 * samples(source) + 0.25 * samples(tmp_path / "1.0.png")
    assert np.abs(samples(tmp_path / "0.25.png") - expected).max() <= 1


@pytest.mark.parametrize("strength", [0.0, 0.3, 1.0])
def test_rows_are_as_one_piece(model, noisy, small_windows, tmp_path, strength):
    pytest.importorskip("pyvips")
    source = noisy()
    run_stream(dataclasses.replace(model, mix=Mix(strength)), source, tmp_path / "rows.png")
    sinct.apply(model, source, tmp_path / "whole.png", strength=strength)
    difference = np.abs(samples(tmp_path / "rows.png") - samples(tmp_path / "whole.png"))
    assert difference.max() <= (0 if strength == 0 else 1)


def test_an_unfinished_picture_of_another_strength_is_not_continued(model, noisy, small_windows, tmp_path):
    pytest.importorskip("pyvips")
    source, output = noisy(), tmp_path / "out.tif"
    half = dataclasses.replace(model, mix=Mix(0.5))
    run_stream(half, source, output, should_stop=lambda: True)
    with pytest.raises(sinct.OutputError):
        run_stream(model, source, output, resume=True)


def test_a_translation_with_a_strength_says_so(model, noisy, tmp_path):
    sinct.apply(model, noisy(), tmp_path / "out.png", strength=0.5)
    assert read_provenance(tmp_path / "out.png")["strength"] == "0.5"


@pytest.mark.parametrize("strength", [-0.1, 1.1, float("nan")])
def test_another_strength_is_refused_before_any_work(model, noisy, tmp_path, strength):
    with pytest.raises(sinct.ConfigError, match=r"strength must lie in \[0, 1\]"):
        sinct.apply(model, noisy(), tmp_path / "out.png", strength=strength)
