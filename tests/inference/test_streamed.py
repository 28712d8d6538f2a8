"""Pictures that are read and written in rows: the same result as in memory, in every format."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import sinct
from sinct.inference import streamed
from sinct.networks.choice import GENERATORS
from sinct.pictures import rows_to_file
from sinct.pictures.picture import read_picture, read_provenance, write_picture
from sinct.pictures.windows import Sides
from tests.support.streaming import make_model, run_stream, samples

pyvips = pytest.importorskip("pyvips")


@settings(max_examples=12, deadline=None, derandomize=True)
@given(
    height=st.integers(1, 300),
    width=st.integers(1, 300),
    sides=st.tuples(st.integers(160, 260), st.integers(160, 260)),
    width_of_network=st.integers(2, 6),
    generator=st.sampled_from(sorted(name for name, network in GENERATORS.items() if not network.whole)),
    recoloured=st.booleans(),
)
def test_streamed_equals_whole(
    tmp_path_factory, height, width, sides, width_of_network, generator, recoloured
):
    folder = tmp_path_factory.mktemp("pictures")
    config = sinct.Config(width=width_of_network, smoothing=0.2, detail=0.5, grain=0.05)
    model = make_model(config, generator)
    if recoloured:
        content = replace(
            model.content, colours=tuple(np.linspace(-0.3, 0.3, 45).tolist()), spread=(-3.0, 0.5)
        )
        model = replace(model, content=content)
    samples_in = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    Image.fromarray(samples_in).save(folder / "in.png")
    pixels = read_picture(folder / "in.png").pixels
    whole = model.translate(pixels)
    write_picture(folder / "whole.png", whole)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(streamed, "plan_sides", lambda *_, **__: Sides(*sides))
        run_stream(model, folder / "in.png", folder / "out.png")
    difference = np.abs(samples(folder / "out.png") - samples(folder / "whole.png"))
    # A value on the edge between two levels may be rounded either way.
    assert difference.max() <= 1
    assert (difference > 0).mean() <= max(1e-5, 3 / difference.size)


def test_windows_of_a_prepared_picture_agree_to_rounding(model):
    picture = torch.rand(3, 200, 190) * 2 - 1
    whole = model.generate(model.prepare(picture))
    from sinct.inference.whole import assemble, plan

    spans = plan(model.generator, 200, 190, Sides(180, 164))
    cut = model.prepared(lambda rows, columns: picture[:, rows, columns], 200, 190)
    windowed = assemble(model.windows(cut, 200, 190, *spans), 200, 190)
    torch.testing.assert_close(windowed, whole, rtol=0, atol=1e-5)


def test_no_seam_at_windows_borders(model, noisy, tmp_path, small_windows):
    """Steps across borders of kept parts are as large as elsewhere."""
    run_stream(model, noisy(width=188, height=500), tmp_path / "out.png")
    picture = samples(tmp_path / "out.png")
    step = np.abs(np.diff(picture, axis=0)).mean(axis=(1, 2))
    kept = 172 - 2 * model.generator.halo
    at_borders = step[[border - 1 for border in range(kept, 499, kept)]]
    assert at_borders.mean() < 1.5 * step.mean()


@pytest.mark.parametrize("suffix", [".tif", ".png", ".jpg"])
def test_facts_survive_in_every_format(model, noisy, tmp_path, suffix, small_windows):
    exif = Image.Exif()
    exif[315] = "Monet"
    source = noisy("in.jpg", exif=exif, dpi=(300, 300), quality=95)
    output = tmp_path / f"out{suffix}"
    done = run_stream(model, source, output)
    assert done.finished
    assert done.rows == 190
    written = read_picture(output)
    assert written.pixels.shape == (3, 190, 210)
    assert written.dpi == pytest.approx((300, 300), rel=0.01)
    with Image.open(output) as image:
        assert image.info["icc_profile"]
        assert image.getexif()[315] == "Monet"
    assert read_provenance(output) == {"seed": "7"}
    assert not list(tmp_path.glob(".*"))


@pytest.mark.parametrize("suffix", [".tif", ".png"])
def test_sixteen_bits_survive(model, noisy, tmp_path, suffix, small_windows):
    source = noisy("in.tif", bits=16)
    run_stream(model, source, tmp_path / f"out{suffix}", bits=16)
    written = read_picture(tmp_path / f"out{suffix}")
    assert written.bits == 16
    expected = model.translate(read_picture(source).pixels)
    assert (written.pixels - expected).abs().max() < 2.5 / 65535 + 1e-5


@pytest.mark.parametrize("suffix", [".tif", ".png"])
def test_alpha_survives(model, noisy, tmp_path, suffix, small_windows):
    source = noisy(channels=4)
    run_stream(model, source, tmp_path / f"out{suffix}")
    assert (samples(tmp_path / f"out{suffix}")[..., 3] == samples(source)[..., 3]).all()


def test_tiff_is_a_tiled_pyramid(model, noisy, tmp_path):
    run_stream(model, noisy(width=400, height=300), tmp_path / "out.tif")
    image = pyvips.Image.new_from_file(str(tmp_path / "out.tif"))
    assert image.get("n-pages") > 1
    from tifffile import TiffFile

    with TiffFile(tmp_path / "out.tif") as tiff:
        assert tiff.pages.first.is_tiled


def test_large_tiff_is_big(model, noisy, tmp_path, small_windows, monkeypatch):
    monkeypatch.setattr(rows_to_file, "CLASSIC_TIFF", 1000)
    run_stream(model, noisy(), tmp_path / "out.tif")
    from tifffile import TiffFile

    with TiffFile(tmp_path / "out.tif") as tiff:
        assert tiff.is_bigtiff


def test_deep_zoom_has_tiles_of_every_level(model, noisy, tmp_path):
    output = tmp_path / "out.dzi"
    source = noisy(width=300, height=260)
    run_stream(model, source, output)
    assert 'Width="300"' in output.read_text()
    levels = sorted(
        int(folder.name) for folder in (tmp_path / "out_files").iterdir() if folder.name.isdigit()
    )
    assert levels == list(range(levels[-1] + 1))
    assert samples(tmp_path / "out_files" / str(levels[-1]) / "0_0.jpg").shape == (255, 255, 3)
    run_stream(model, source, output, overwrite=True)
    assert not list(tmp_path.glob(".*"))


def test_picture_on_its_side_is_turned(model, noisy, tmp_path, small_windows):
    exif = Image.Exif()
    exif[0x0112] = 6
    source = noisy("in.png", exif=exif)
    run_stream(model, source, tmp_path / "out.png")
    assert samples(tmp_path / "out.png").shape == (210, 190, 3)
    write_picture(tmp_path / "whole.png", model.translate(read_picture(source).pixels))
    assert np.abs(samples(tmp_path / "out.png") - samples(tmp_path / "whole.png")).max() <= 1
