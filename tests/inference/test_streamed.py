"""Pictures that are read and written in rows: the same result as in memory, in bounded memory, interruptible."""

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import sinct
from sinct.data.grain import BLOCK, grain_at
from sinct.inference import streamed
from sinct.inference.model import Model
from sinct.inference.scratch import Scratch
from sinct.inference.streamed import fingerprint
from sinct.inference.window_sizes import plan_sides
from sinct.pictures import opening, rows_to_file
from sinct.pictures.opening import memory_budget, must_stream
from sinct.pictures.picture import read_picture, read_provenance, write_picture
from sinct.pictures.rows import open_source, overlapping, read_shrunk
from sinct.pictures.windows import Sides
from tests.support.streaming import make_model, run_stream

pyvips = pytest.importorskip("pyvips")


@pytest.fixture
def model(tiny) -> Model:
    return make_model(tiny.replace(grain=0.05))


@pytest.fixture
def noisy(tmp_path):
    """Write noise, which hides no difference between two ways to compute a pixel."""

    def make(name="in.png", width=300, height=260, channels=3, bits=8, **save) -> Path:
        random = np.random.default_rng(0)
        samples = random.integers(0, 2**bits, (height, width, channels), dtype=f"uint{bits}")
        path = tmp_path / name
        if bits == 16:
            pixels = torch.from_numpy(samples.astype(np.float32)).permute(2, 0, 1) / 32767.5 - 1
            write_picture(path, pixels, bits=16, **save)
        else:
            Image.fromarray(samples).save(path, **save)
        return path

    return make


def samples(path) -> np.ndarray:
    with Image.open(path) as picture:
        return np.asarray(picture).astype(int)


@pytest.fixture
def small_windows(monkeypatch):
    """Plan windows far smaller than a test picture, which memory alone would never ask for."""
    monkeypatch.setattr(streamed, "plan_sides", lambda *_, **__: Sides(172, 188))


# The same picture -------------------------------------------------------------------------------------------


@settings(max_examples=12, deadline=None, derandomize=True)
@given(
    height=st.integers(1, 300),
    width=st.integers(1, 300),
    sides=st.tuples(st.integers(150, 260), st.integers(150, 260)),
    width_of_network=st.integers(2, 6),
    compact=st.booleans(),
)
def test_streamed_equals_whole(tmp_path_factory, height, width, sides, width_of_network, compact):
    folder = tmp_path_factory.mktemp("pictures")
    config = sinct.Config(width=width_of_network, smoothing=0.2, detail=0.5, grain=0.05)
    model = make_model(config, compact)
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
    assert (difference > 0).mean() <= max(1e-5, 1 / difference.size)


def test_windows_of_a_prepared_picture_agree_to_rounding(model):
    picture = torch.rand(3, 300, 333) * 2 - 1
    whole = model.generate(model.prepare(picture))
    from sinct.inference.whole import assemble, plan

    spans = plan(model.generator, 300, 333, Sides(180, 164))
    cut = model.prepared(lambda rows, columns: picture[:, rows, columns], 300, 333)
    windowed = assemble(model.windows(cut, 300, 333, *spans), 300, 333)
    torch.testing.assert_close(windowed, whole, rtol=0, atol=1e-5)


def test_no_seam_at_windows_borders(model, noisy, tmp_path, small_windows):
    """Steps across borders of kept parts are as large as elsewhere."""
    run_stream(model, noisy(width=520, height=500), tmp_path / "out.png")
    picture = samples(tmp_path / "out.png")
    step = np.abs(np.diff(picture, axis=0)).mean(axis=(1, 2))
    kept = 172 - 2 * model.generator.halo
    at_borders = step[[border - 1 for border in range(kept, 499, kept)]]
    assert at_borders.mean() < 1.5 * step.mean()


@settings(max_examples=20, deadline=None, derandomize=True)
@given(st.integers(0, 600), st.integers(1, 300), st.integers(0, 600), st.integers(1, 300))
def test_grain_of_a_rectangle_is_that_of_the_picture(top, height, left, width):
    whole = grain_at(slice(0, 900), slice(0, 900), 0.1, seed=3)
    part = grain_at(slice(top, top + height), slice(left, left + width), 0.1, seed=3)
    assert part.equal(whole[:, top : top + height, left : left + width])


def test_blocks_of_grain_differ():
    grain = grain_at(slice(0, 2 * BLOCK), slice(0, 2 * BLOCK), 0.1, seed=3)
    first = grain[:, :BLOCK, :BLOCK]
    assert not first.equal(grain[:, BLOCK:, :BLOCK])
    assert not first.equal(grain[:, :BLOCK, BLOCK:])
    assert not first.equal(grain_at(slice(0, BLOCK), slice(0, BLOCK), 0.1, seed=4))


def test_overlapping_bands_read_each_row_once():
    rows = np.arange(40)[:, None, None]
    asked = []

    def read(start, stop):
        asked.append((start, stop))
        return rows[start:stop]

    bands = [(0, 12), (6, 20), (14, 40)]
    for (start, stop), (top, held) in zip(bands, overlapping(read, bands), strict=True):
        assert (top, held.tolist()) == (start, rows[start:stop].tolist())
    assert asked == [(0, 12), (12, 20), (20, 40)]


# Files ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".tif", ".png", ".jpg"])
def test_facts_survive_in_every_format(model, noisy, tmp_path, suffix, small_windows):
    exif = Image.Exif()
    exif[315] = "Monet"
    source = noisy("in.jpg", exif=exif, dpi=(300, 300), quality=95)
    output = tmp_path / f"out{suffix}"
    done = run_stream(model, source, output)
    assert done.finished
    assert done.rows == 260
    written = read_picture(output)
    assert written.pixels.shape == (3, 260, 300)
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


def test_tiff_is_a_tiled_pyramid(model, noisy, tmp_path, small_windows):
    run_stream(model, noisy(width=700, height=600), tmp_path / "out.tif")
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


def test_deep_zoom_has_tiles_of_every_level(model, noisy, tmp_path, small_windows):
    output = tmp_path / "out.dzi"
    run_stream(model, noisy(), output)
    assert 'Width="300"' in output.read_text()
    levels = sorted(
        int(folder.name) for folder in (tmp_path / "out_files").iterdir() if folder.name.isdigit()
    )
    assert levels == list(range(levels[-1] + 1))
    assert samples(tmp_path / "out_files" / str(levels[-1]) / "0_0.jpg").shape == (255, 255, 3)
    run_stream(model, noisy(), output, overwrite=True)
    assert not list(tmp_path.glob(".*"))


def test_picture_on_its_side_is_turned(model, noisy, tmp_path, small_windows):
    exif = Image.Exif()
    exif[0x0112] = 6
    source = noisy("in.png", exif=exif)
    run_stream(model, source, tmp_path / "out.png")
    assert samples(tmp_path / "out.png").shape == (300, 260, 3)
    write_picture(tmp_path / "whole.png", model.translate(read_picture(source).pixels))
    assert np.abs(samples(tmp_path / "out.png") - samples(tmp_path / "whole.png")).max() <= 1


@pytest.mark.parametrize("mode", ["L", "CMYK", "P", "1", "LA"])
def test_colours_are_those_of_the_reader_in_memory(mode, make_picture, tmp_path):
    suffix = ".tif" if mode == "CMYK" else ".png"
    with Image.open(make_picture()) as picture:
        picture.convert("L" if mode == "LA" else mode).convert(mode).save(tmp_path / f"in{suffix}")
    source = open_source(tmp_path / f"in{suffix}")
    rows = source.rows()
    pixels = source.pixels(np.concatenate([rows(0, 20), rows(20, 45)]))
    torch.testing.assert_close(pixels, read_picture(tmp_path / f"in{suffix}").pixels, rtol=0, atol=0.005)


def test_profile_is_converted(make_picture, tmp_path):
    from imagecodecs import cms_profile

    path = make_picture(icc_profile=cms_profile("adobergb"))
    source = open_source(path)
    torch.testing.assert_close(source.pixels(source.rows()(0, 45)), read_picture(path).pixels)


def test_shrunk_picture_has_at_most_so_many_pixels(noisy):
    source = open_source(noisy())
    shrunk = read_shrunk(source, 20_000)
    assert shrunk.shape[0] == 3
    assert 18_000 < shrunk.shape[1] * shrunk.shape[2] <= 20_400
    assert read_shrunk(source, 10**6).shape == (3, 260, 300)


# Interruptions and errors -------------------------------------------------------------------------------------


def test_stopped_and_resumed_is_the_same_file(model, noisy, tmp_path, small_windows):
    source = noisy()
    run_stream(model, source, tmp_path / "straight.tif")
    stopped = run_stream(model, source, tmp_path / "out.tif", should_stop=lambda: True)
    assert not stopped.finished
    assert 0 < stopped.rows < 260
    assert not (tmp_path / "out.tif").exists()
    assert run_stream(model, source, tmp_path / "out.tif", resume=True).finished
    assert (tmp_path / "out.tif").read_bytes() == (tmp_path / "straight.tif").read_bytes()


def test_resumed_with_other_windows_is_the_same_to_rounding(model, noisy, tmp_path, monkeypatch):
    source = noisy()
    monkeypatch.setattr(streamed, "plan_sides", lambda *_, **__: Sides(172, 188))
    run_stream(model, source, tmp_path / "straight.png")
    run_stream(model, source, tmp_path / "out.png", should_stop=lambda: True)
    monkeypatch.setattr(streamed, "plan_sides", lambda *_, **__: Sides(220, 300))
    run_stream(model, source, tmp_path / "out.png", resume=True)
    assert np.abs(samples(tmp_path / "out.png") - samples(tmp_path / "straight.png")).max() <= 1


def test_unfinished_translation_is_not_thrown_away_unasked(model, noisy, tmp_path, small_windows):
    source = noisy()
    run_stream(model, source, tmp_path / "out.png", should_stop=lambda: True)
    with pytest.raises(sinct.OutputError, match=r"unfinished translation lies in .*`resume=True`"):
        run_stream(model, source, tmp_path / "out.png")
    assert run_stream(model, source, tmp_path / "out.png", overwrite=True).finished


def test_rows_of_another_model_are_not_continued(model, tiny, noisy, tmp_path, small_windows):
    source = noisy()
    run_stream(model, source, tmp_path / "out.png", should_stop=lambda: True)
    other = make_model(tiny.replace(grain=0.05), seed=1)
    assert fingerprint(other) != fingerprint(model)
    with pytest.raises(sinct.OutputError, match="of another picture, model or setting"):
        run_stream(other, source, tmp_path / "out.png", resume=True)


def test_damaged_state_is_told(model, noisy, tmp_path, small_windows):
    source = noisy()
    run_stream(model, source, tmp_path / "out.png", should_stop=lambda: True)
    (tmp_path / ".out.png.sinct" / "state.json").write_text("{")
    with pytest.raises(sinct.OutputError, match=r"sinct is damaged; give `overwrite=True`"):
        run_stream(model, source, tmp_path / "out.png", resume=True)


KILLED = """
import os, sys, time
import torch
sys.path.insert(0, {tests!r})
from tests.support.streaming import make_model, run_stream
from sinct import Config
from sinct.inference import streamed
from sinct.pictures.windows import Sides
torch.set_num_threads(1)
streamed.plan_sides = lambda *_, **__: Sides(150, 188)
model = make_model(Config(width=4, smoothing=0.2, detail=0.5, grain=0.05))
run_stream(model, {source!r}, {output!r}, resume=True, should_stop=lambda: time.sleep(0.15))
"""


@pytest.mark.slow
def test_killed_at_any_moment_and_resumed_is_the_same_file(noisy, tmp_path, monkeypatch):
    source, output = noisy(width=200, height=300), tmp_path / "out.tif"
    monkeypatch.setattr(streamed, "plan_sides", lambda *_, **__: Sides(150, 188))
    model = make_model(sinct.Config(width=4, smoothing=0.2, detail=0.5, grain=0.05))
    run_stream(model, source, tmp_path / "straight.tif")
    code = KILLED.format(tests=str(Path(__file__).parents[2]), source=str(source), output=str(output))
    state = tmp_path / ".out.tif.sinct" / "state.json"
    for kill in range(3):
        process = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE)
        before = json.loads(state.read_text())["rows"] if state.exists() else 0
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and process.poll() is None:
            if state.exists() and json.loads(state.read_text())["rows"] > before:
                break
            time.sleep(0.005)
        time.sleep(0.05 * kill)
        assert process.poll() is None, process.stderr.read()
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        process.stderr.close()
        assert not output.exists()
    run_stream(model, source, output, resume=True)
    assert output.read_bytes() == (tmp_path / "straight.tif").read_bytes()


KILLED_WRITING = """
import os, signal, sys
import torch
sys.path.insert(0, {tests!r})
from tests.support.streaming import make_model, run_stream
from sinct import Config
from sinct.inference import streamed
from sinct.pictures import rows_to_file
from sinct.pictures.windows import Sides
torch.set_num_threads(1)
streamed.plan_sides = lambda *_, **__: Sides(150, 188)
def killed(path, tags):  # the picture is written, its tags are not
    os.kill(os.getpid(), signal.SIGKILL)
rows_to_file.add_tags = killed
model = make_model(Config(width=4, smoothing=0.2, detail=0.5, grain=0.05))
run_stream(model, {source!r}, {output!r}, resume=True)
"""


@pytest.mark.slow
def test_killed_while_the_file_is_written_and_resumed_is_the_same_file(noisy, tmp_path, monkeypatch):
    exif = Image.Exif()
    exif[315] = "Monet"
    source, output = noisy(width=200, height=300, exif=exif), tmp_path / "out" / "out.tif"
    monkeypatch.setattr(streamed, "plan_sides", lambda *_, **__: Sides(150, 188))
    model = make_model(sinct.Config(width=4, smoothing=0.2, detail=0.5, grain=0.05))
    run_stream(model, source, tmp_path / "straight.tif")
    code = KILLED_WRITING.format(tests=str(Path(__file__).parents[2]), source=str(source), output=str(output))
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == -signal.SIGKILL
    assert not output.exists()
    assert list((tmp_path / "out" / ".out.tif.sinct").glob("*.part"))
    seen = []
    run_stream(model, source, output, resume=True, on_pixels=lambda done, total: seen.append(done))
    assert seen == []  # every row was kept
    assert output.read_bytes() == (tmp_path / "straight.tif").read_bytes()
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["out.tif"]


def test_link_as_output_stays_a_link(model, noisy, tmp_path, small_windows):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "real.png").write_bytes(b"older")
    (tmp_path / "out.png").symlink_to(tmp_path / "elsewhere" / "real.png")
    run_stream(model, noisy(), tmp_path / "out.png", overwrite=True)
    assert (tmp_path / "out.png").is_symlink()
    assert read_picture(tmp_path / "elsewhere" / "real.png").pixels.shape == (3, 260, 300)


def test_full_disk_leaves_the_older_output_and_the_finished_rows(
    model, noisy, tmp_path, monkeypatch, small_windows
):
    source, output = noisy(), tmp_path / "out.tif"
    output.write_bytes(b"older")

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Scratch, "save", full)
        with pytest.raises(
            sinct.OutputError, match="No space left on device; choose another place or make room"
        ):
            run_stream(model, source, output, overwrite=True)
    with monkeypatch.context() as patch:
        patch.setattr(streamed, "encode", lambda *_, **__: full())
        with pytest.raises(OSError, match="No space"):
            run_stream(model, source, output, overwrite=True)
    assert output.read_bytes() == b"older"
    seen = []
    run_stream(model, source, output, resume=True, on_pixels=lambda done, total: seen.append(done))
    assert seen == []  # all rows were kept
    assert read_picture(output).pixels.shape == (3, 260, 300)


def test_cut_off_picture_is_one_line(model, noisy, tmp_path, small_windows):
    source = noisy("in.png")
    source.write_bytes(source.read_bytes()[:-40_000])
    with pytest.raises(sinct.InputError, match=r"in\.png is damaged or cut off .*copy it again"):
        run_stream(model, source, tmp_path / "out.png")
    assert not (tmp_path / "out.png").exists()


def test_missing_library_is_asked_for_by_name(noisy, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyvips", None)
    with pytest.raises(sinct.InputError, match=r"needs pyvips.*pip install 'sinct\[large\]'"):
        open_source(noisy())


def test_suffix_that_cannot_be_written_in_rows_is_refused(model, noisy, tmp_path):
    with pytest.raises(sinct.OutputError, match=r"out\.webp cannot be written in rows.*\.tif"):
        run_stream(model, noisy(), tmp_path / "out.webp")


# Memory -----------------------------------------------------------------------------------------------------


def test_smaller_budget_gives_smaller_windows(model):
    large, small = (
        plan_sides(model, 20_000, 30_000, budget, bytes_per_pixel=3) for budget in (2 * 10**9, 8 * 10**8)
    )
    assert small.rows * small.columns < large.rows * large.columns


def test_budget_that_is_too_small_says_how_much_it_takes(model):
    with pytest.raises(sinct.OutOfMemoryError, match=r"0\.01 GB are too little .*give `max_memory="):
        plan_sides(model, 20_000, 30_000, 10**7, bytes_per_pixel=3)


def test_default_budget_is_at_most_half_of_what_is_free(monkeypatch):
    from sinct.runtime.device import Memory

    monkeypatch.setattr(opening, "memory", lambda device: Memory(10**9, 2 * 10**9))
    assert memory_budget(None) == 5 * 10**8
    assert memory_budget(123) == 123


def test_pictures_above_the_budget_and_deep_zoom_are_streamed(monkeypatch):
    assert must_stream((30_000, 30_000), Path("a.tif"), None)
    assert must_stream((10_000, 10_000), Path("a.tif"), 10**9)
    assert must_stream((10, 10), Path("a.dzi"), None)
    assert not must_stream((1000, 1000), Path("a.tif"), None)
    assert must_stream((12_000, 12_000), Path("a.tif"), None)
    assert not must_stream((12_000, 12_000), Path("a.webp"), None)
    monkeypatch.setitem(sys.modules, "pyvips", None)
    assert not must_stream((12_000, 12_000), Path("a.tif"), None)
    assert must_stream((12_000, 12_000), Path("a.tif"), 10**9)


PEAK = """
import sys
import torch
sys.path.insert(0, {tests!r})
from tests.support.streaming import make_model, run_stream
from sinct import Config
torch.set_num_threads(1)
model = make_model(Config(width=2, detail=1.0))
run_stream(model, {source!r}, {output!r}, budget={budget})
status = open("/proc/self/status").read()  # getrusage would begin with what the parent held
print(status.split("VmHWM:")[1].split()[0])
"""


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs Linux's /proc")
def test_peak_memory_stays_in_the_budget_and_does_not_grow_with_the_picture(tmp_path):
    peaks = []
    for height in (4000, 12000):
        source = tmp_path / f"{height}.tif"
        pyvips.Image.black(2000, height, bands=3).copy(interpretation="srgb").tiffsave(str(source))
        code = textwrap.dedent(PEAK).format(
            tests=str(Path(__file__).parents[2]), source=str(source), output=str(tmp_path / f"{height}-out.tif"),
            budget=700_000_000,
        )  # fmt: skip
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        peaks.append(int(done.stdout.split()[-1]) * 1024)
    assert max(peaks) < 700_000_000 + 200_000_000  # the test itself imports much beside sinct
    assert peaks[1] - peaks[0] < 120_000_000


# Through the library and the command line -----------------------------------------------------------------------


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
    assert done.size == (300, 260)
    assert seen[-1] == (300 * 260, 300 * 260)
    assert np.abs(samples(tmp_path / "rows.png") - samples(tmp_path / "whole.png")).max() <= 1
    assert read_provenance(tmp_path / "rows.png")["seed"] == "0"


def test_translate_streams_what_does_not_fit(tiny, noisy, make_picture, tmp_path, small_windows, monkeypatch):
    from sinct import api

    monkeypatch.setattr(api, "TRAINING_PIXELS", 10_000)
    photo = make_picture("photo.png", 64, 50, seed=1)
    done = sinct.translate(noisy(), photo, tmp_path / "out.dzi", config=tiny, max_memory=10**9)
    assert done.finished
    assert 'Height="260"' in (tmp_path / "out.dzi").read_text()
    assert done.training.model.widths[1] < 120  # trained on the shrunken painting


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
