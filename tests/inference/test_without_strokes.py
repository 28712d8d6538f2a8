"""Models that take strokes out first: applied, resumed, kept apart; older models as before."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

import sinct
from sinct.data.strokes import told_strokes
from sinct.inference import checkpoint, to_file
from sinct.inference.streamed import fingerprint
from sinct.inference.to_file import for_strokes
from sinct.inference.whole import translate_whole
from sinct.pictures.picture import read_picture, write_picture
from sinct.pictures.resampling import averaged
from sinct.pictures.rows import open_source
from sinct.pictures.windows import Sides
from sinct.training import session
from sinct.weights import stroke_remover
from tests.support.streaming import make_model, run_stream, samples

NEW = ("left", "remover", "stroke", "halvings", "share")
"""What is said of a model's content since strokes can be taken out."""


@pytest.fixture
def pictures(make_picture, noisy):
    return str(make_picture(width=150, height=120)), str(noisy(name="photo.tif", width=120, height=110))


@pytest.fixture
def removing(tiny):
    return tiny.replace(
        remove_strokes=True, recolour=True, repaint=True, texture=True, grain=0.02, detail=0.75, stroke=6.0
    )


def test_a_run_is_applied_bit_for_bit(removing, pictures, tmp_path):
    done = sinct.train(*pictures, config=removing, run_dir=tmp_path / "run", device="cpu")
    painting = read_picture(pictures[0]).pixels
    translated = done.model.translate(painting)
    assert sinct.load_model(tmp_path / "run", "cpu").translate(painting).equal(translated)
    (tmp_path / "run" / "model.safetensors").unlink()
    loaded = sinct.load_model(tmp_path / "run", "cpu")  # the checkpoint
    assert loaded.translate(painting).equal(translated)
    assert (loaded.content.stroke, loaded.content.halvings) == (6.0, 1)
    assert loaded.content.remover == stroke_remover.stroke_remover_version()


@pytest.mark.parametrize(("faithful", "texture"), [(0.5, True), (0.0, False)])
def test_a_run_is_resumed_bit_for_bit(faithful, texture, removing, pictures, tmp_path):
    config = removing.replace(stroke=0.0, faithful=faithful, texture=texture)
    undisturbed = sinct.translate(*pictures, tmp_path / "a.png", config=config, device="cpu")
    stops = iter([False, False, True])
    stopped = sinct.train(
        *pictures, config=config, run_dir=tmp_path / "b.sinct", device="cpu", should_stop=lambda: next(stops)
    )
    assert stopped.steps < undisturbed.training.steps
    resumed = sinct.translate(*pictures, tmp_path / "b.png", resume=True, device="cpu")
    assert (samples(tmp_path / "b.png") == samples(tmp_path / "a.png")).all()
    one, other = undisturbed.training.model, resumed.training.model
    assert one.content == other.content
    for name, tensor in one.generator.state_dict().items():
        assert other.generator.state_dict()[name].equal(tensor), name


def test_the_preview_shows_the_painting_without_strokes_as_well(removing, pictures, tmp_path, monkeypatch):
    shown = []
    monkeypatch.setattr(session.RunDirectory, "write_preview", lambda self, rows, labels: shown.append(rows))
    config = removing.replace(texture=False, steps=1)
    sinct.train(*pictures, config=config, run_dir=tmp_path / "with", device="cpu")
    painting, bare, _, _ = shown[-1][0]
    assert bare.shape == painting.shape
    assert not bare.equal(painting)
    sinct.train(
        *pictures,
        config=config.replace(remove_strokes=False, stroke=0.0),
        run_dir=tmp_path / "without",
        device="cpu",
    )
    assert len(shown[-1][0]) == 3


def test_a_run_of_another_stroke_remover_is_refused_in_one_line(removing, pictures, tmp_path, monkeypatch):
    config = removing.replace(texture=False, steps=1)
    sinct.train(*pictures, config=config, run_dir=tmp_path / "run", device="cpu")
    monkeypatch.setattr("sinct.data.content.stroke_remover_version", lambda: "0123456789abcdef")
    with pytest.raises(sinct.WeightsError, match="trained with another stroke remover"):
        sinct.apply(tmp_path / "run", pictures[0], tmp_path / "out.png", device="cpu")
    assert not (tmp_path / "out.png").exists()


@pytest.mark.parametrize("texture", [False, True])
def test_a_model_of_an_older_version_translates_as_before(texture, tiny, pictures, tmp_path):
    """Its content says nothing of strokes; 0.2 wrote everything else as today."""
    config = tiny.replace(recolour=True, repaint=True, texture=texture, grain=0.02, steps=1)
    done = sinct.train(*pictures, config=config, run_dir=tmp_path / "run", device="cpu")
    painting = read_picture(pictures[0]).pixels
    older(tmp_path / "run" / "model.safetensors", "model")
    older(tmp_path / "run" / "checkpoint.safetensors", "checkpoint")
    for name in ("model", "checkpoint"):
        loaded = sinct.load_model(tmp_path / "run" / f"{name}.safetensors", "cpu")
        assert loaded.translate(painting).equal(done.model.translate(painting))


def older(path, kind):
    """Take out of a file what older versions did not write."""
    stored = checkpoint.load(path)
    content = {name: value for name, value in stored.description["content"].items() if name not in NEW}
    config = {
        name: value
        for name, value in stored.description["config"].items()
        if name not in ("remove_strokes", "stroke", "faithful")
    }
    changed = {**stored.description, "content": content, "config": config}
    checkpoint.save(path, kind, stored.tensors, {k: v for k, v in changed.items() if k != "sha256"})


def test_models_with_and_without_the_stroke_remover_are_told_apart(tiny):
    plain, removing = make_model(tiny), make_model(tiny.replace(remove_strokes=True))
    assert fingerprint(plain) != fingerprint(removing)
    halved = replace(removing, content=replace(removing.content, halvings=1))
    assert fingerprint(halved) != fingerprint(removing)


def test_windows_do_not_show(tiny):
    model = make_model(tiny.replace(remove_strokes=True, stroke=2.0))
    picture = torch.rand(3, 90, 700, generator=torch.Generator().manual_seed(0)) * 2 - 1
    whole = model.translate(picture)
    prepared = model.prepared(lambda rows, columns: picture[:, rows, columns], 90, 700)
    parts = translate_whole(model.generator, prepared, 90, 700, window=240)
    torch.testing.assert_close(parts, whole, rtol=0, atol=1e-3)


@pytest.mark.parametrize("halvings", [0, 1, 3])
def test_in_rows_strokes_are_taken_out_as_in_memory(halvings, tiny, noisy, tmp_path, monkeypatch):
    """Broad ones too, whose coarse part is found once for the whole picture."""
    pytest.importorskip("pyvips")
    monkeypatch.setattr("sinct.inference.streamed.plan_sides", lambda *_, **__: Sides(172, 180))
    model = make_model(tiny.replace(remove_strokes=True, smoothing=0.2, detail=0.5, grain=0.02))
    model = replace(model, content=replace(model.content, halvings=halvings))
    source = noisy(width=301, height=403)
    run_stream(model, source, tmp_path / "out.png")
    write_picture(tmp_path / "whole.png", model.translate(read_picture(source).pixels))
    difference = np.abs(samples(tmp_path / "out.png") - samples(tmp_path / "whole.png"))
    assert difference.max() <= 1
    assert not list(tmp_path.glob(".*"))  # nor what was kept on the disk meanwhile


def of_file(sha256, width):
    """A picture, as far as it must be known to be one that a model was trained on."""
    return SimpleNamespace(sha256=sha256, width=width)


def test_strokes_of_the_painting_are_as_much_broader_as_it_was_scaled_down_for_training(tiny):
    model = make_model(tiny.replace(remove_strokes=True, stroke=3.0))
    content = replace(model.content, halvings=1)
    model = replace(model, content=content, widths=(100, 400), facts={"painting_sha256": "a" * 64})
    broader = for_strokes(model, of_file("a" * 64, 1500)).content
    assert (broader.stroke, broader.halvings) == (pytest.approx(3 * 1500 / 400), 3)
    series = replace(model, facts={"painting_sha256": ["b" * 64, "a" * 64]})
    expected = replace(content, stroke=6.0, halvings=2)
    assert for_strokes(series, of_file("a" * 64, 800)).content == expected
    for other, width in (("c" * 64, 1500), ("a" * 64, 400), ("a" * 64, 300)):
        assert for_strokes(model, of_file(other, width)) is model


@pytest.mark.parametrize("reduced", [1, 2])
def test_strokes_of_another_picture_are_told_unless_their_width_was_given(reduced, tiny, noisy, monkeypatch):
    model = make_model(tiny.replace(remove_strokes=True))
    model = replace(model, content=replace(model.content, stroke=9.0, share=0.5), widths=(100, 400))
    path = noisy(width=240, height=200)
    pixels = read_picture(path).pixels
    if reduced > 1:
        monkeypatch.setattr(to_file, "LOOKED_AT", 120 * 100)
        pixels = averaged(pixels, (100, 120))
    stroke, halvings = told_strokes([pixels], 0.5)
    found = for_strokes(model, read_picture(path)).content
    assert (found.stroke, found.halvings) == (pytest.approx(reduced * stroke), halvings + reduced - 1)
    in_rows = for_strokes(model, open_source(path)).content
    assert (in_rows.stroke, in_rows.halvings) == (pytest.approx(found.stroke, rel=1e-4), found.halvings)


def test_a_stop_while_strokes_are_taken_out_is_gone_on_from(tiny, noisy, tmp_path, monkeypatch):
    pytest.importorskip("pyvips")
    monkeypatch.setattr("sinct.inference.streamed.plan_removal", lambda *_, **__: 128)
    model = make_model(tiny.replace(remove_strokes=True))
    source = noisy(width=301, height=403)
    stops = iter([False, True])
    stopped = run_stream(model, source, tmp_path / "out.png", should_stop=lambda: next(stops))
    assert (stopped.finished, stopped.rows) == (False, 0)
    assert not (tmp_path / "out.png").exists()
    assert run_stream(model, source, tmp_path / "out.png", resume=True).finished
    run_stream(model, source, tmp_path / "at once.png")
    assert (samples(tmp_path / "out.png") == samples(tmp_path / "at once.png")).all()
