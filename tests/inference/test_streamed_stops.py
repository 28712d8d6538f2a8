"""A translation in rows that is stopped, or fails, loses nothing."""

from pathlib import Path

import numpy as np
import pytest

import sinct
from sinct.inference import streamed
from sinct.inference.scratch import Raster, Scratch
from sinct.inference.streamed import fingerprint
from sinct.pictures.picture import read_picture
from sinct.pictures.windows import Sides
from tests.support.platforms import needs_links
from tests.support.streaming import make_model, run_stream, samples

pytest.importorskip("pyvips")


def test_stopped_and_resumed_is_the_same_file(model, noisy, tmp_path, small_windows):
    source = noisy()
    run_stream(model, source, tmp_path / "straight.tif")
    stopped = run_stream(model, source, tmp_path / "out.tif", should_stop=lambda: True)
    assert not stopped.finished
    assert 0 < stopped.rows < 190
    assert not (tmp_path / "out.tif").exists()
    assert run_stream(model, source, tmp_path / "out.tif", resume=True).finished
    assert (tmp_path / "out.tif").read_bytes() == (tmp_path / "straight.tif").read_bytes()


def test_resumed_with_other_windows_is_the_same_to_rounding(model, noisy, tmp_path, monkeypatch):
    source = noisy(width=220, height=240)
    monkeypatch.setattr(streamed, "plan_sides", lambda *_, **__: Sides(172, 188))
    run_stream(model, source, tmp_path / "straight.png")
    run_stream(model, source, tmp_path / "out.png", should_stop=lambda: True)
    monkeypatch.setattr(streamed, "plan_sides", lambda *_, **__: Sides(220, 300))
    run_stream(model, source, tmp_path / "out.png", resume=True)
    assert np.abs(samples(tmp_path / "out.png") - samples(tmp_path / "straight.png")).max() <= 1


def test_unfinished_translation_is_not_thrown_away_unasked(model, noisy, tmp_path, small_windows):
    source = noisy()
    run_stream(model, source, tmp_path / "out.png", should_stop=lambda: True)
    with pytest.raises(sinct.OutputError, match=r"holds an unfinished translation; .*`resume=True`"):
        run_stream(model, source, tmp_path / "out.png")
    assert run_stream(model, source, tmp_path / "out.png", overwrite=True).finished


def test_two_translations_to_one_output_are_one_line(model, noisy, tmp_path, small_windows):
    source, output = noisy(), tmp_path / "out.png"

    def second(done, total):
        run_stream(model, source, output, overwrite=True)

    with pytest.raises(sinct.OutputError, match=r"another sinct .* is working in .*wait until it has ended"):
        run_stream(model, source, output, overwrite=True, on_pixels=second)
    assert run_stream(model, source, output, overwrite=True).finished
    assert not (tmp_path / ".out.png.sinct").exists()


def test_rows_of_another_model_are_not_continued(model, tiny, noisy, tmp_path, small_windows):
    source = noisy()
    run_stream(model, source, tmp_path / "out.png", should_stop=lambda: True)
    other = make_model(tiny.replace(grain=0.05), seed=1)
    assert fingerprint(other) != fingerprint(model)
    with pytest.raises(sinct.OutputError, match="belongs to another picture, model or setting"):
        run_stream(other, source, tmp_path / "out.png", resume=True)


def test_damaged_state_is_told(model, noisy, tmp_path, small_windows):
    source = noisy()
    run_stream(model, source, tmp_path / "out.png", should_stop=lambda: True)
    (tmp_path / ".out.png.sinct" / "state.json").write_text("{")
    with pytest.raises(sinct.OutputError, match=r"sinct is damaged; give `overwrite=True`"):
        run_stream(model, source, tmp_path / "out.png", resume=True)


@needs_links
def test_link_as_output_stays_a_link(model, noisy, tmp_path, small_windows):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "real.png").write_bytes(b"older")
    (tmp_path / "out.png").symlink_to(tmp_path / "elsewhere" / "real.png")
    run_stream(model, noisy(), tmp_path / "out.png", overwrite=True)
    assert (tmp_path / "out.png").is_symlink()
    assert read_picture(tmp_path / "elsewhere" / "real.png").pixels.shape == (3, 190, 210)


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
            sinct.OutputError, match="No space left on device; choose another place or free some space"
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
    assert read_picture(output).pixels.shape == (3, 190, 210)


def test_cut_off_picture_is_one_line(model, noisy, tmp_path, small_windows):
    source = noisy("in.png")
    source.write_bytes(source.read_bytes()[:-40_000])
    with pytest.raises(sinct.InputError, match=r"in\.png is damaged or cut off .*copy it again"):
        run_stream(model, source, tmp_path / "out.png")
    assert not (tmp_path / "out.png").exists()


@pytest.mark.parametrize("suffix", ["webp", "jxl", "avif"])
def test_suffix_that_cannot_be_written_in_rows_is_refused(model, noisy, tmp_path, suffix):
    with pytest.raises(sinct.OutputError, match=rf"out\.{suffix} cannot be written in rows.*\.tif"):
        run_stream(model, noisy(), tmp_path / f"out.{suffix}")


def test_state_goes_before_the_rows_that_it_describes(tmp_path, monkeypatch):
    """Killed in between, a translation without a state begins again; a state without rows would be damaged."""
    scratch = Scratch(tmp_path / "out.tif", {}, Raster(4, 4, 3, 8))
    scratch.begin(0, Sides(4, 4))
    gone = []
    monkeypatch.setattr(Path, "iterdir", lambda folder: iter([scratch.file, scratch.state]))
    monkeypatch.setattr(Path, "unlink", lambda path, missing_ok=False: gone.append(path.name))
    scratch.remove()
    assert gone[0] == "state.json"


def test_tiles_that_a_kill_left_while_they_were_replaced_are_removed(noisy, model, small_windows, tmp_path):
    for name in ("out_files", ".out_files.old", ".out.dzi.tiles"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "left").touch()
    run_stream(model, noisy(), tmp_path / "out.dzi", resume=True)
    assert {path.name for path in tmp_path.iterdir()} == {"in.png", "out.dzi", "out_files"}
    assert not (tmp_path / "out_files" / "left").exists()
