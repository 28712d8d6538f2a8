"""Batches of two folders."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter

import numpy as np
import psutil
import pytest
import torch
from PIL import Image

from sinct import ConfigError, InputError
from sinct.data.decoders import LostDecoder
from sinct.data.folder_sampler import FolderSampler, whole_step
from sinct.data.scaled import FolderSettings, cropped, read_scaled, read_test_image, to_signed

SMALL = FolderSettings(load_size=24, crop_size=16, decoders=0)
CPU = torch.device("cpu")


@pytest.fixture
def paths(make_picture):
    """Five pictures and three."""
    made = [make_picture(f"{n}.png", 40 + n, 30, seed=n) for n in range(8)]
    return made[:5], made[5:]


def sampler(paths, settings=SMALL, seed=3):
    return FolderSampler(*paths, settings, seed=seed, device=CPU)


def batches(paths, settings, steps, seed=3):
    with sampler(paths, settings, seed) as made:
        return [torch.cat(made.batch(step)) for step in steps]


def same(some, others):
    return all(a.equal(b) for a, b in zip(some, others, strict=True))


def flat(folder, name, level, size=(20, 20)):
    Image.new("RGB", size, (level, level, level)).save(folder / name)
    return folder / name


# What a step sees ---------------------------------------------------------------------------------------


def test_batch_is_of_crops_in_range(paths):
    source, target = sampler(paths, SMALL.replace(batch_size=2)).batch(0)
    assert source.shape == target.shape == (2, 3, 16, 16)
    assert source.dtype == torch.float32
    assert -1 <= float(source.min()) < float(source.max()) <= 1
    assert source.is_contiguous(memory_format=torch.channels_last)


def test_same_seed_gives_the_same_batches_and_another_others(paths):
    first = batches(paths, SMALL, range(6))
    assert same(first, batches(paths, SMALL, range(6)))
    assert not same(first, batches(paths, SMALL, range(6), seed=4))


def test_batches_do_not_depend_on_where_one_begins(paths):
    settings = SMALL.replace(batch_size=2)
    assert same(batches(paths, settings, range(9))[5:], batches(paths, settings, range(5, 9)))
    assert same(batches(paths, settings, [7, 2]), batches(paths, settings, range(8))[7::-5])


@pytest.mark.parametrize("cache_bytes", [0, 24 * 24 * 3 * 2 + 5, 10**9])
def test_cache_stays_within_its_bound_and_changes_nothing(paths, cache_bytes):
    with sampler(paths, SMALL.replace(cache_bytes=cache_bytes)) as made:
        seen = [torch.cat(made.batch(step)) for step in range(20)]
        assert made._pictures.cached_bytes == min(8, cache_bytes // (24 * 24 * 3)) * 24 * 24 * 3
    assert same(seen, batches(paths, SMALL, range(20)))


def test_cached_pictures_are_read_once(paths):
    with sampler(paths) as made:
        seen = [torch.cat(made.batch(step)) for step in range(40)]
        for path in (*paths[0], *paths[1]):
            path.unlink()
        assert same(seen, [torch.cat(made.batch(step)) for step in range(40)])


@pytest.mark.parametrize("counts", [(5, 3), (3, 5)])
@pytest.mark.parametrize("batch_size", [1, 2])
def test_epoch_visits_each_source_equally_often(tmp_path, counts, batch_size):
    files = [
        [flat(tmp_path, f"{side}{n}.png", 40 * n) for n in range(count)]
        for side, count in zip("ab", counts, strict=True)
    ]
    made = sampler(files, SMALL.replace(batch_size=batch_size))
    assert made.steps_per_epoch == -(-5 // batch_size)
    levels = torch.cat([made.batch(step).source[:, 0, 0, 0] for step in range(10 // batch_size)])
    for epoch in levels.split(5):
        visits = Counter(round((level + 1) * 127.5) // 40 for level in epoch.tolist())
        assert len(visits) == counts[0]
        assert max(visits.values()) - min(visits.values()) <= 1
    assert levels[:5].tolist() != levels[5:].tolist()


def test_targets_are_drawn_from_all(tmp_path):
    files = [flat(tmp_path, "a.png", 0)], [flat(tmp_path, f"{n}.png", 40 * n) for n in range(5)]
    made = sampler(files)
    drawn = Counter(
        round(float((made.batch(step).target[0, 0, 0, 0] + 1) * 127.5)) // 40 for step in range(500)
    )
    assert len(drawn) == 5
    assert min(drawn.values()) > 60  # 100 are expected, with a standard deviation of 9


def test_crops_cover_all_places_and_half_are_mirrored(tmp_path):
    ramp = np.zeros((24, 24, 3), np.uint8)
    ramp[..., 0], ramp[..., 1] = np.arange(24) * 10, np.arange(24)[:, None] * 10
    Image.fromarray(ramp).save(tmp_path / "ramp.png")
    made = sampler([[tmp_path / "ramp.png"]] * 2)
    crops = [((made.batch(step).source[0] + 1) * 12.75).round() for step in range(600)]
    flipped = [float(crop[0, 0, 0]) > float(crop[0, 0, -1]) for crop in crops]
    assert 240 < sum(flipped) < 360  # 300 are expected, with a standard deviation of 12
    assert {int(crop[0].min()) for crop in crops} == set(range(9))
    assert {int(crop[1].min()) for crop in crops} == set(range(9))
    unflipped = sampler([[tmp_path / "ramp.png"]] * 2, SMALL.replace(flips=False))
    assert all(unflipped.batch(step).source[0, 0].diff(dim=1).min() > 0 for step in range(20))


# Whole pictures -----------------------------------------------------------------------------------------


def late_batches(paths, settings, steps, length=8):
    with FolderSampler(*paths, settings, seed=3, device=CPU, steps=length) as made:
        return [torch.cat(made.batch(step)) for step in steps]


@pytest.mark.parametrize("batch_size", [1, 2])
def test_pictures_are_whole_from_a_share_of_the_steps_on(paths, batch_size):
    crops = SMALL.replace(batch_size=batch_size)
    whole = crops.replace(load_size=SMALL.crop_size)
    found = late_batches(paths, crops.replace(whole_from=0.75), range(8))
    assert same(found[:6], batches(paths, crops, range(6)))
    assert same(found[6:], batches(paths, whole, range(6, 8)))


def test_a_whole_picture_is_what_tests_see(paths):
    (found,) = late_batches(([paths[0][0]], paths[1]), SMALL.replace(whole_from=0.0, flips=False), [5])
    assert found[0].equal(read_test_image(paths[0][0], SMALL))


def test_whole_pictures_do_not_depend_on_where_one_begins(paths):
    settings = SMALL.replace(whole_from=0.5)
    found = late_batches(paths, settings, range(8))
    assert same(found[5:], late_batches(paths, settings, range(5, 8)))
    assert same([found[step] for step in (6, 1, 4, 3)], late_batches(paths, settings, (6, 1, 4, 3)))


def test_whole_streets_keep_their_shape(make_picture):
    streets = [make_picture(f"{n}.png", 48, 40) for n in range(2)]
    settings = SMALL.replace(resizing="width", crop_size=16, whole_from=0.0, flips=False)
    (found,) = late_batches((streets[:1], streets[1:]), settings, [0])
    seen = found[0], read_test_image(streets[0], settings.replace(load_size=16))
    assert seen[0].equal(seen[1])  # 16 px wide, and no lower than a crop


@pytest.mark.parametrize(
    ("whole_from", "steps", "first"),
    [
        (0.5, 8, 4),
        (0.5, 7, 4),
        (0.75, 200 * 1334, 150 * 1334),
        (0.7, 10, 7),
        (0.0, 8, 0),
        (1.0, 8, None),
        (0.5, None, None),
    ],
)
def test_first_whole_step(whole_from, steps, first):
    assert whole_step(SMALL.replace(whole_from=whole_from), steps) == first


def test_what_is_not_scaled_has_no_whole_step():
    assert whole_step(SMALL.replace(whole_from=0.5, resizing="none"), 8) is None


@pytest.mark.parametrize("decoders", [0, pytest.param(2, marks=pytest.mark.slow)])
def test_nothing_scaled_before_is_kept_for_whole_pictures(paths, decoders):
    settings = SMALL.replace(whole_from=0.5, decoders=decoders)
    with FolderSampler(*paths, settings, seed=3, device=CPU, steps=8) as made:
        found = [torch.cat(made.batch(step)) for step in range(8)]
        assert made._pictures.cached_bytes % (16 * 16 * 3) == 0
        assert made._pictures.cached_bytes <= 8 * 16 * 16 * 3
    assert same(found, late_batches(paths, settings.replace(decoders=0, cache_bytes=0), range(8)))


# Scaling ------------------------------------------------------------------------------------------------


def test_square_crop_is_that_of_pillow(paths):
    path = paths[0][2]
    with Image.open(path) as image:
        by_hand = np.asarray(image.resize((24, 24), Image.Resampling.BICUBIC))[4:20, 7:23][:, ::-1]
    crop = cropped(read_scaled(path, SMALL), 16, 4.5 / 9, 7.5 / 9, True)
    expected = np.moveaxis(by_hand / 127.5 - 1, 2, 0).astype(np.float32)
    torch.testing.assert_close(crop, torch.from_numpy(expected), rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    ("resizing", "size", "scaled", "tested"),
    [
        ("square", (40, 30), (24, 24), (16, 16)),
        ("square", (5, 4), (24, 24), (16, 16)),
        ("width", (48, 40), (24, 20), (24, 20)),
        ("width", (12, 11), (24, 22), (24, 22)),
        ("width", (48, 20), (24, 16), (24, 16)),
        ("width", (24, 50), (24, 50), (24, 50)),
        ("none", (40, 30), (40, 30), (40, 30)),
    ],
)
def test_sizes_are_as_published(make_picture, resizing, size, scaled, tested):
    path, settings = make_picture("one.png", *size), SMALL.replace(resizing=resizing)
    height, width, _ = read_scaled(path, settings).shape
    assert (width, height) == scaled
    assert tuple(read_test_image(path, settings).shape) == (3, *tested[::-1])


@pytest.mark.parametrize(
    ("mode", "colour", "suffix", "expected"),
    [
        ("RGBA", (255, 0, 0, 0), "png", (255, 255, 255)),
        ("RGBA", (255, 0, 0, 102), "png", (255, 153, 153)),
        ("L", 77, "png", (77, 77, 77)),
        ("I;16", 77 * 257 + 100, "png", (77, 77, 77)),
        ("CMYK", (0, 255, 255, 0), "tif", (255, 0, 0)),
    ],
)
def test_every_kind_becomes_8_bits_of_rgb_over_white(tmp_path, mode, colour, suffix, expected):
    Image.new(mode, (20, 20), colour).save(tmp_path / f"one.{suffix}")
    pixels = read_scaled(tmp_path / f"one.{suffix}", SMALL)
    assert pixels.dtype == np.uint8
    assert tuple(pixels[3, 3].tolist()) == expected


def test_signed_values_span_the_range():
    assert to_signed(np.array([[[0, 255, 51]]], np.uint8)).flatten().tolist() == pytest.approx([-1, 1, -0.6])


# Bad files ----------------------------------------------------------------------------------------------


def test_bad_files_are_named_and_left_out(paths, tmp_path):
    bad = tmp_path / "bad.png"
    bad.write_text("no picture")
    missing = tmp_path / "missing.jpg"
    with sampler(([bad, *paths[0], missing], paths[1])) as made:
        assert [remark.code for remark in made.remarks] == ["picture_left_out"] * 2
        assert "bad.png is not a picture" in made.remarks[0]
        assert "missing.jpg does not exist" in made.remarks[1]
        assert same([torch.cat(made.batch(step)) for step in range(6)], batches(paths, SMALL, range(6)))


def test_folder_without_a_good_file_is_refused(paths, tmp_path):
    (tmp_path / "bad.png").write_text("no picture")
    with pytest.raises(InputError, match=r"no target picture can be used: .*bad\.png is not a picture"):
        sampler((paths[0], [tmp_path / "bad.png"]))


def test_picture_smaller_than_a_crop_is_left_out_where_nothing_is_scaled(paths, make_picture):
    small = make_picture("small.png", 40, 15)
    made = sampler(([small, *paths[0]], paths[1]), SMALL.replace(resizing="none"))
    assert "small.png has 40x15 px, less than a crop of 16 px" in made.remarks[0]
    assert made.source_count == 5


def cut_off(path):
    path.write_bytes(path.read_bytes()[:-60])


@pytest.mark.filterwarnings("ignore:.*the next picture is used instead")
def test_file_that_cannot_be_decoded_is_replaced_by_the_next_one(paths):
    cut_off(paths[0][4])
    with sampler(paths) as made:
        assert made.source_count == 5
        seen = [torch.cat(made.batch(step)) for step in range(10)]
        assert [remark.code for remark in made.remarks] == ["picture_replaced"]
        assert "4.png" in made.remarks[0]
    assert same(seen[7:], batches(paths, SMALL, range(7, 10)))
    paths[0][4].write_bytes(paths[0][0].read_bytes())
    assert same(seen, batches(paths, SMALL, range(10)))


@pytest.mark.filterwarnings("ignore:.*the next picture is used instead")
def test_folder_that_cannot_be_decoded_at_all_is_an_error(paths):
    for path in paths[1]:
        cut_off(path)
    with sampler(paths) as made:
        for _ in range(2):
            with pytest.raises(InputError, match=r"\.png"):
                made.batch(0)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"resizing": "fit"}, "resizing must be one of square, width, none"),
        ({"load_size": 200}, "crop_size 256 exceeds load_size 200"),
        ({"batch_size": 0}, "batch_size must be above 0"),
        ({"decoders": -1}, "decoders must be 0 or more"),
        ({"whole_from": 1.5}, r"whole_from must lie in \[0, 1\]"),
    ],
)
def test_settings_that_cannot_work_are_refused(values, message):
    with pytest.raises(ConfigError, match=message):
        FolderSettings(**values)


# A survey of a domain -----------------------------------------------------------------------------------


def test_a_survey_has_a_crop_of_each_picture(tmp_path):
    folder = tmp_path / "grey"
    folder.mkdir()
    levels = [0, 51, 102, 153, 204, 255]
    grey = [flat(folder, f"{level:03}.png", level) for level in levels]
    with sampler((grey[:2], grey)) as made:
        crops = list(made.crops("target", 99))
    assert [crop.shape for crop in crops] == [(3, 16, 16)] * 6
    assert [round(float(crop.mean() + 1) * 127.5) for crop in crops] == levels


def test_a_survey_of_some_pictures_is_spread_over_their_folder(tmp_path):
    folder = tmp_path / "grey"
    folder.mkdir()
    grey = [flat(folder, f"{level:03}.png", level) for level in range(0, 90, 10)]
    with sampler((grey, grey[:1])) as made:
        assert [round(float(crop.mean() + 1) * 127.5) for crop in made.crops("source", 3)] == [10, 40, 70]


def test_a_survey_depends_on_the_seed_and_changes_no_batch(paths):
    plain = batches(paths, SMALL, range(4))
    with sampler(paths, SMALL, 3) as made:
        first = list(made.crops("source", 99))
        assert same(plain, [torch.cat(made.batch(step)) for step in range(4)])
        assert same(first, list(made.crops("source", 99)))
    with sampler(paths, SMALL, 4) as other:
        assert not same(first, list(other.crops("source", 99)))


def test_a_survey_sees_crops_where_batches_have_come_to_whole_pictures(paths):
    settings = SMALL.replace(whole_from=0.5)
    with FolderSampler(*paths, settings, seed=0, device=CPU, steps=2) as made:
        first = list(made.crops("source", 99))
        made.batch(1)
        assert same(first, list(made.crops("source", 99)))


@pytest.mark.filterwarnings("ignore:.*the next picture is used instead")
def test_a_survey_leaves_out_what_cannot_be_decoded(paths):
    with sampler(paths) as made:
        whole = list(made.crops("source", 99))
    cut_off(paths[0][4])
    with sampler(paths) as made:
        found = list(made.crops("source", 99))
        assert [remark.code for remark in made.remarks] == ["picture_replaced"]
    assert same(found, whole[:4])
    assert len(whole) == 5


@pytest.mark.slow
def test_processes_change_nothing_of_a_survey(paths):
    with sampler(paths, SMALL.replace(decoders=2)) as some, sampler(paths) as none:
        assert same(some.crops("target", 99), none.crops("target", 99))


# Processes ----------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("decoders", [1, 3])
@pytest.mark.filterwarnings("ignore:.*the next picture is used instead")
def test_processes_change_nothing(paths, decoders):
    cut_off(paths[0][4])
    for cache_bytes in (0, 10**9):
        settings = SMALL.replace(decoders=decoders, batch_size=2, cache_bytes=cache_bytes)
        steps = [0, 1, 2, 3, 8, 9, 2]
        assert same(batches(paths, settings, steps), batches(paths, settings.replace(decoders=0), steps))


def test_process_that_cannot_be_started_is_one_line(paths, monkeypatch):
    monkeypatch.setattr(sys, "executable", "/no/python")
    with (
        sampler(paths, SMALL.replace(decoders=1)) as made,
        pytest.raises(LostDecoder, match="no process can be started to read pictures"),
    ):
        made.batch(0)


@pytest.mark.slow
def test_killed_process_is_one_line_that_names_the_file(paths):
    with sampler(paths, SMALL.replace(decoders=1, cache_bytes=0)) as made:
        made.batch(0)
        os.kill(made._pictures._decoders[0].pid, signal.SIGKILL)
        with pytest.raises(LostDecoder, match=r"\d\.png could not be read: its process was killed") as caught:
            [made.batch(step) for step in range(1, 9)]
    assert "\n" not in str(caught.value)


PROGRAM = """
import sys, time, torch
from pathlib import Path
from sinct.data.folder_sampler import FolderSampler, whole_step
from sinct.data.scaled import FolderSettings
files = [Path(sys.argv[1])]
settings = FolderSettings(decoders=2, cache_bytes=0)
made = FolderSampler(files, files, settings, seed=0, device=torch.device("cpu"))
made.batch(0)
print(*(decoder.pid for decoder in made._pictures._decoders), flush=True)
if sys.argv[2] == "wait":
    time.sleep(100)
"""


@pytest.mark.slow
@pytest.mark.parametrize("ending", ["wait", "exit"])
def test_processes_end_with_their_parent(paths, ending):
    command = [sys.executable, "-c", PROGRAM, str(paths[0][0]), ending]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pids = [int(pid) for pid in parent.stdout.readline().split()]
        if ending == "wait":
            assert all(map(psutil.pid_exists, pids))
            parent.kill()
        parent.wait(100)
    deadline = time.monotonic() + 60
    while any(map(running, pids)) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert pids
    assert not any(map(running, pids))


def running(pid):
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
