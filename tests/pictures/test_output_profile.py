"""A picture can be written in the profile that its source has."""

import struct
from pathlib import Path

import numpy as np
import pytest
import torch

from sinct.errors import ConfigError, OutputError
from sinct.pictures.colour import SRGB_PROFILE, Array, lab_of
from sinct.pictures.colour_tags import Cicp, adobe_rgb, profile_of_cicp, profile_of_gamma
from sinct.pictures.decoding import decode, read_header
from sinct.pictures.limits import MAX_PIXELS
from sinct.pictures.output_profile import MOST_BYTES, check_choice, kept_profile
from sinct.pictures.picture import read_picture, write_picture
from tests.support.picture_files import EVERY_FORMAT, noise
from tests.support.profiles import D65, SPACES, SRGB, in_space, made, of_curves, of_tables

GREY = b"....test\2\x40\0\0mntrGRAYXYZ ".ljust(128, b"\0")

USABLE = {
    **{name: made(name) for name in SPACES if name != "eciRGB"},
    "tables": of_tables("Display P3"),
    "sRGB of another maker": of_curves(D65, SRGB, 2.2),
    "Adobe RGB of cameras": adobe_rgb(),
    "Display P3 by code points": profile_of_cicp(Cicp(12, 13, 0, True), 8, []),
    "a gamma in a PNG": profile_of_gamma(0.6, None, []),
}
"""Profiles that hold all of sRGB."""


def patched(profile: bytes, offset: int, value: bytes) -> bytes:
    return profile[:offset] + value + profile[offset + len(value) :]


def smooth() -> torch.Tensor:
    """Colours of all lightnesses in a picture that JPEG keeps, (3, 48, 64)."""
    across = torch.linspace(-0.9, 0.9, 64).expand(48, 64)
    down = torch.linspace(-0.8, 0.8, 48)[:, None].expand(48, 64)
    return torch.stack([across, down, -(across + down) / 2])


def lab(path: Path) -> Array:
    colours = np.moveaxis(read_picture(path).pixels.numpy() / 2 + 0.5, 0, 2)
    return lab_of(np.ascontiguousarray(colours), SRGB_PROFILE)


WITH_PROFILES = [form for form in EVERY_FORMAT if form[0] != ".jxl"]


@pytest.mark.parametrize("name", SPACES)
def test_colours_are_converted_in_floating_point_and_rounded_once(name: str, tmp_path: Path) -> None:
    """Against closed forms. Rounded numbers in a profile cost less than a step of 16 bits in the mean, 8 bits 64."""
    pixels = noise(40, 50)
    write_picture(tmp_path / "out.png", pixels, bits=16, profile=made(name))
    stored = decode((tmp_path / "out.png").read_bytes(), MAX_PIXELS).samples
    expected = 65535 * in_space(np.moveaxis(pixels.numpy() / 2 + 0.5, 0, 2).astype(np.float64), name)
    difference = np.abs(stored - expected)
    assert difference.mean() < 1
    assert difference.max() < 80  # in the darkest colours, where curves are steep


@pytest.mark.parametrize(("suffix", "bits"), WITH_PROFILES)
@pytest.mark.parametrize("name", USABLE)
def test_picture_in_a_kept_profile_reads_as_the_one_in_srgb(
    name: str, suffix: str, bits: int, tmp_path: Path
) -> None:
    """Differences in CIELAB: half a step of 8 bits in the darks is one; tables of 33 colours a side are off by 1.5."""
    profile = kept_profile("rgb", USABLE[name]).icc
    assert profile == USABLE[name]
    write_picture(tmp_path / f"kept{suffix}", smooth(), bits=bits, profile=profile)
    write_picture(tmp_path / f"srgb{suffix}", smooth(), bits=bits)
    change = np.linalg.norm(lab(tmp_path / f"kept{suffix}") - lab(tmp_path / f"srgb{suffix}"), axis=2)
    rounding = {8: (2.0, 0.8), 16: (0.03, 0.004)}[bits]
    tables = (1.7, 0.2) if name == "tables" else (0.0, 0.0)
    lossy = {".jpg": (2.5, 0.6), ".avif": (6.0, 1.2)}.get(suffix, (0.0, 0.0))
    largest, mean = np.sum([rounding, tables, lossy], axis=0)
    assert change.max() < largest
    assert change.mean() < mean


@pytest.mark.parametrize(("suffix", "bits"), WITH_PROFILES)
def test_profile_is_embedded_byte_for_byte(suffix: str, bits: int, tmp_path: Path) -> None:
    for name, profile in USABLE.items():
        path = tmp_path / f"{name}{suffix}"
        write_picture(path, smooth(), bits=bits, profile=profile)
        assert read_header(path).profile == profile


def test_a_profile_is_refused_where_it_cannot_be_kept(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"out\.jxl cannot hold another profile than sRGB.*\.png or \.tif"):
        write_picture(tmp_path / "out.jxl", smooth(), profile=made("Display P3"))


def test_alpha_is_not_converted(tmp_path: Path) -> None:
    alpha = torch.linspace(0, 1, 48 * 64).reshape(1, 48, 64)
    write_picture(tmp_path / "kept.png", smooth(), alpha=alpha, bits=16, profile=made("ProPhoto RGB"))
    written = read_picture(tmp_path / "kept.png").alpha
    assert written is not None
    torch.testing.assert_close(written, alpha, rtol=0, atol=0.6 / 65535)


def test_rows_are_converted_alike_whatever_the_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_picture(tmp_path / "at-once.png", smooth(), bits=16, profile=made("Display P3"))
    monkeypatch.setattr("sinct.pictures.picture.PIXELS_PER_CALL", 7 * 64)
    write_picture(tmp_path / "in-parts.png", smooth(), bits=16, profile=made("Display P3"))
    assert (tmp_path / "at-once.png").read_bytes() == (tmp_path / "in-parts.png").read_bytes()


@pytest.mark.parametrize("space", ["rgb", "gray"])
@pytest.mark.parametrize("profile", [None, SRGB_PROFILE])
def test_srgb_stays_srgb_without_a_word(space: str, profile: bytes | None) -> None:
    assert kept_profile(space, profile) == (SRGB_PROFILE, False, None)


def test_grey_picture_with_an_rgb_profile_keeps_it() -> None:
    assert kept_profile("gray", made("Adobe RGB")).icc == made("Adobe RGB")


def test_what_pads_a_profile_is_cut_off() -> None:
    assert kept_profile("rgb", made("Adobe RGB") + b"\0\0\0").icc == made("Adobe RGB")


@pytest.mark.parametrize(
    ("space", "profile", "reason"),
    [
        ("cmyk", None, "the picture is in CMYK, its translation in RGB"),
        ("cmyk", made("Adobe RGB"), "the picture is in CMYK, its translation in RGB"),
        ("lab", None, "the picture is in Lab, its translation in RGB"),
        ("gray", patched(GREY, 0, struct.pack(">I", len(GREY))), "a grey one cannot hold colours"),
        ("rgb", patched(GREY, 0, struct.pack(">I", len(GREY))), "it is damaged or not for RGB"),
        ("rgb", profile_of_cicp(Cicp(9, 16, 0, True), 16, []), "there is none for HDR"),
        ("rgb", b"", "it is damaged or not for RGB"),
        ("rgb", made("Adobe RGB")[:-40], "it is damaged or not for RGB"),
        ("rgb", patched(made("Adobe RGB"), 36, b"none"), "it is damaged or not for RGB"),
        ("rgb", patched(made("Adobe RGB"), 12, b"link"), "it is damaged or not for RGB"),
        ("rgb", patched(made("Adobe RGB"), 64, b"\0\0\0\4"), "it is damaged or not for RGB"),
        ("rgb", patched(made("Adobe RGB"), 128, b"\xff\xff\xff\xff"), "it is damaged or not for RGB"),
        ("rgb", patched(made("Adobe RGB"), 136, b"\xff\xff\xff\0"), "it is damaged or not for RGB"),
        ("rgb", patched(b"\0" * (MOST_BYTES + 4), 16, b"RGB "), "it is damaged or not for RGB"),
        ("rgb", of_tables("Display P3", backwards=False), "it is damaged or only for reading"),
        ("rgb", of_tables("Display P3", 9), "greys, or other colours that it holds, do not come back"),
        ("rgb", profile_of_gamma(10.0, None, []), "greys, or other colours that it holds, do not come back"),
        ("rgb", of_curves(D65, SRGB, 20_000.0), "greys, or other colours that it holds, do not come back"),
        ("rgb", of_curves(D65, (0.45, 0.33, 0.3, 0.45, 0.25, 0.2), 2.2), "it holds too few of the colours"),
    ],
    ids=range(19),
)
def test_profile_that_cannot_hold_the_result_is_not_kept(space: str, profile: bytes, reason: str) -> None:
    kept = kept_profile(space, profile)
    assert kept.icc == SRGB_PROFILE
    assert kept.remark is not None
    assert kept.remark.startswith(f"written in sRGB, not in the picture's own colour profile: {reason}")


def test_colours_outside_a_kept_profile_are_told_of() -> None:
    kept = kept_profile("rgb", made("eciRGB"))
    assert kept.icc == made("eciRGB")
    assert kept.remark is not None
    assert "does not hold all colours of sRGB" in kept.remark


@pytest.mark.parametrize("name", USABLE)
def test_profile_that_holds_all_of_srgb_is_kept_without_a_word(name: str) -> None:
    assert kept_profile("rgb", USABLE[name]).remark is None


@pytest.mark.parametrize(
    ("name", "coarse"),
    [
        ("Display P3", False),
        ("Adobe RGB", False),
        ("eciRGB", False),
        ("BT.2020", True),
        ("ProPhoto RGB", True),
        ("linear sRGB", True),
    ],
)
def test_profiles_whose_steps_are_large_take_16_bits(name: str, coarse: bool) -> None:
    assert kept_profile("rgb", made(name)).coarse == coarse


def test_profiles_that_are_made_have_no_date() -> None:
    dates = {profile[24:36] for profile in (adobe_rgb(), USABLE["Display P3 by code points"], SRGB_PROFILE)}
    assert dates == {struct.pack(">6H", 2000, 1, 1, 0, 0, 0)}


@pytest.mark.parametrize("profile", [b"none", of_tables("Display P3", 9, backwards=False)], ids=len)
def test_unusable_profile_is_refused_by_the_writer(profile: bytes, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot be written in this `profile`, which is damaged"):
        write_picture(tmp_path / "out.png", smooth(), profile=profile)
    assert not (tmp_path / "out.png").exists()


def test_unknown_choice_is_one_line() -> None:
    with pytest.raises(ConfigError, match=r"^`profile` must be 'srgb' or 'keep', got 'p3'$"):
        check_choice("p3")
