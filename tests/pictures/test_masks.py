"""Masks: exact at a picture's size, smooth at another, the same in rows as at once; grey or refused."""

import gc

import numpy as np
import pytest
import torch
from PIL import Image

import sinct
from sinct.pictures import masks
from sinct.pictures.masks import WHITE, open_mask
from sinct.pictures.picture import write_picture
from tests.support.profiles import made

EVERYWHERE = slice(None), slice(None)


@pytest.fixture
def make(tmp_path):
    """Write samples as a picture file."""

    def write(samples, name="mask.png", **save):
        path = tmp_path / name
        Image.fromarray(samples).save(path, **save)
        return path

    return write


def noise(height=60, width=50, channels=None, bits=8):
    shape = (height, width) if channels is None else (height, width, channels)
    return np.random.default_rng(0).integers(0, 2**bits, shape, dtype=f"uint{bits}")


def weights(path, height, width, **options):
    return open_mask(path, height, width, **options).weights(*EVERYWHERE).numpy()


def test_a_mask_of_the_pictures_size_is_exact(make):
    samples = noise()
    assert np.array_equal(weights(make(samples), 60, 50), (samples / np.float32(255)).astype(np.float32))


def test_a_mask_of_16_bits_keeps_them(make):
    samples = noise(bits=16)
    assert np.array_equal(weights(make(samples), 60, 50), (samples / np.float32(65535)).astype(np.float32))


def test_a_place_in_a_mask_is_what_lies_there(make):
    mask = open_mask(make(noise()), 60, 50)
    whole = mask.weights(*EVERYWHERE)
    assert torch.equal(mask.weights(slice(7, 20), slice(3, 44)), whole[7:20, 3:44])


@pytest.mark.parametrize("mode", ["RGB", "1", "P", "RGBA", "LA"])
def test_black_and_white_are_exact_in_every_mode(tmp_path, mode):
    bars = Image.fromarray(np.repeat(np.array([[0, 255]], np.uint8), 30, axis=1).repeat(60, axis=0))
    bars.convert(mode).save(tmp_path / "mask.png")
    found = weights(tmp_path / "mask.png", 60, 60)
    assert (found[:, :30] == 0).all()
    assert (found[:, 30:] == 1).all()


def test_a_colour_profile_is_ignored(make):
    samples = noise(channels=1).repeat(3, axis=2)
    plain = weights(make(samples), 60, 50)
    assert np.array_equal(weights(make(samples, "p3.png", icc_profile=made("Display P3")), 60, 50), plain)


def test_what_is_transparent_counts_as_black(make):
    samples = np.stack([np.full((60, 50), 255, np.uint8), noise()], axis=2)
    assert np.abs(weights(make(samples), 60, 50) - samples[..., 1] / 255).max() < 1e-4
    clear = np.zeros((60, 50, 4), np.uint8)
    clear[..., :3] = 255
    assert open_mask(make(clear), 60, 50).black


@pytest.mark.parametrize("size", [(60, 50), (20, 11), (333, 271), (60, 200), (1, 1)])
@pytest.mark.parametrize("value", [0, 255])
def test_black_and_white_everywhere_stay_so_at_any_size(make, size, value):
    found = open_mask(make(np.full((60, 50), value, np.uint8)), *size)
    assert (np.asarray(found.values[EVERYWHERE]) == WHITE * (value > 0)).all()
    assert found.black == (value == 0)


def test_a_larger_mask_is_averaged(make):
    samples = noise(240, 200)
    found = weights(make(samples), 24, 20)
    blocks = samples.reshape(24, 10, 20, 10).mean(axis=(1, 3)) / 255
    assert np.corrcoef(found.ravel(), blocks.ravel())[0, 1] > 0.8
    assert abs(found.mean() - samples.mean() / 255) < 0.01


def test_a_smaller_mask_is_enlarged_in_its_place_and_without_steps(make):
    disc = np.zeros((40, 40), np.uint8)
    down, across = np.mgrid[:40, :40]
    disc[(down - 19.5) ** 2 + (across - 19.5) ** 2 < 14**2] = 255
    found = weights(make(disc), 400, 400)
    down, across = np.mgrid[:400, :400]
    radius = np.hypot(down - 199.5, across - 199.5)
    assert (found[radius < 112] == 1).all()
    assert (found[radius > 168] == 0).all()
    # Steps of a mask's pixel would be as far from the circle as that is wide.
    edge = np.array([np.abs(found[199:, column] - 0.5).argmin() for column in range(120, 280)])
    circle = np.sqrt(140**2 - (np.arange(120, 280) - 199.5) ** 2)
    assert np.abs(edge - circle).max() < 7
    assert np.abs(np.diff(found, axis=0)).max() < 0.1


@pytest.mark.parametrize("size", [(60, 50), (24, 33), (181, 77), (600, 500)])
@pytest.mark.parametrize("name", ["mask.png", "mask.tif", "mask.jpg"])
def test_rows_and_the_disk_give_what_memory_gives(make, tmp_path, monkeypatch, size, name):
    pytest.importorskip("pyvips")
    path = make(noise(), name)
    wanted = weights(path, *size)
    monkeypatch.setattr(masks, "ROWS_ABOVE", 0)
    monkeypatch.setattr(masks, "ROWS", 7)
    assert np.abs(weights(path, *size, beside=tmp_path / "new" / "out.png") - wanted).max() < 2 / WHITE


def test_the_disk_is_left_as_it_was(make, tmp_path):
    path = make(noise())
    mask = open_mask(path, 60, 50, tmp_path / "out.png")
    assert mask.weights(*EVERYWHERE).shape == (60, 50)
    del mask
    gc.collect()  # an open file would be a warning
    assert list(tmp_path.iterdir()) == [path]


def test_a_mask_in_jpeg_is_grey_enough(make):
    samples = noise(channels=1).repeat(3, axis=2)
    assert (
        np.abs(weights(make(samples, "mask.jpg", quality=90), 60, 50) - samples[..., 0] / 255).mean() < 0.05
    )


@pytest.mark.parametrize("beside", [False, True])
def test_a_mask_with_colours_is_refused(make, tmp_path, beside):
    path = make(noise(channels=3))
    with pytest.raises(sinct.InputError, match=r"mask\.png has colours, but only grey .*; save it in grey"):
        open_mask(path, 60, 50, tmp_path / "out.png" if beside else None)


def test_a_mask_in_cmyk_is_refused(tmp_path):
    Image.new("CMYK", (50, 60)).save(tmp_path / "mask.tif")
    with pytest.raises(sinct.InputError, match=r"mask\.tif has samples in CMYK, but only grey"):
        open_mask(tmp_path / "mask.tif", 60, 50)


@pytest.mark.parametrize(
    ("data", "wanted"), [(None, "does not exist"), (b"", "is empty"), (b"no picture", "is not a picture")]
)
def test_a_mask_that_cannot_be_read_says_so(tmp_path, data, wanted):
    path = tmp_path / "mask.png"
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(sinct.InputError, match=rf"^the mask .*mask\.png {wanted}"):
        open_mask(path, 60, 50)


def test_a_mask_cut_off_is_refused_in_rows_too(make, monkeypatch):
    pytest.importorskip("pyvips")
    path = make(noise(600, 500))
    path.write_bytes(path.read_bytes()[:100_000])
    for above in (10**9, 0):
        monkeypatch.setattr(masks, "ROWS_ABOVE", above)
        with pytest.raises(sinct.InputError, match=r"^the mask .*mask\.png is damaged or cut off"):
            open_mask(path, 600, 500)


@pytest.mark.parametrize(
    ("size", "wanted"),
    [
        ((60, 50), []),
        ((121, 100), []),
        ((60, 60), ["50x60 px and the picture 60x60 px, which is another shape, so it is stretched"]),
        ((300, 250), ["so its edges are soft over about 10 px"]),
        ((60, 500), ["another shape", "soft over about 20 px"]),
    ],
)
def test_a_mask_of_another_shape_or_much_smaller_gets_a_remark(make, size, wanted):
    remarks = open_mask(make(np.full((60, 50), 255, np.uint8)), *size).remarks
    assert len(remarks) == len(wanted)
    assert all(text in remark for text, remark in zip(wanted, remarks, strict=True))
    assert {remark.code for remark in remarks} <= {"mask"}


def test_a_mask_that_is_black_everywhere_gets_a_remark(make):
    (remark,) = open_mask(make(np.zeros((60, 50), np.uint8)), 60, 50).remarks
    assert "black or transparent everywhere, so nothing is translated" in remark


def test_a_mask_on_its_side_is_turned(make):
    exif = Image.Exif()
    exif[0x0112] = 6
    samples = noise()
    found = weights(make(samples, exif=exif), 50, 60)
    assert np.array_equal(found, (np.rot90(samples, -1) / np.float32(255)).astype(np.float32))


def test_the_hash_is_the_files(make):
    import hashlib

    path = make(noise())
    assert open_mask(path, 20, 20).sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_floating_point_masks_are_exact_at_both_ends(tmp_path):
    import tifffile

    samples = np.linspace(0, 1, 3000, dtype=np.float32).reshape(60, 50).round()
    tifffile.imwrite(tmp_path / "mask.tif", samples)
    assert np.array_equal(weights(tmp_path / "mask.tif", 60, 50), samples)


def test_16_bit_masks_that_sinct_writes_are_read_exactly(tmp_path):
    values = torch.rand(1, 60, 50).expand(3, -1, -1)
    write_picture(tmp_path / "mask.png", values * 2 - 1, bits=16)
    assert np.abs(weights(tmp_path / "mask.png", 60, 50) - values[0].numpy()).max() < 1 / WHITE
