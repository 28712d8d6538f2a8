"""Decides in which colour profile a picture is written: in sRGB, or in the one that its source has.

Networks see and make sRGB, so colours of the source outside it are lost either way. Its own profile holds the same
colours as other numbers, for programs and archives that expect it.
"""

import struct
from typing import NamedTuple

import imagecodecs
import numpy as np

from sinct.errors import ConfigError
from sinct.pictures.colour import SRGB_PROFILE, Array, from_srgb, is_rgb, lab_of, transform
from sinct.pictures.colour_tags import Hdr, Profile

CHOICES = ("srgb", "keep")
"""What a caller may ask for."""

LARGEST_ERROR = 3.0
"""Largest error, in CIELAB, of colours that go into a usable profile and come back. Profiles of curves and a matrix
are off by up to 0.1; tables of 17 colours a side by 2.9, of 9 by 5.6; curves that cannot be inverted by 11 and more."""

LARGEST_LOSS = 5.0
"""Distance in CIELAB from which colours of sRGB that a profile does not hold are worth a remark."""

MEAN_LOSS = 5.0
"""Largest mean distance in CIELAB from colours of sRGB to those that a profile holds. It is 0.9 in eciRGB, 1.7 in
ColorMatch RGB, 6 and more for screens of few colours."""

COARSE = 1.45
"""Steps of 8 bits this much larger than sRGB's, in the mean, call for 16 bits. They are 1.3 times as large in Display
P3, Adobe RGB and eciRGB, 1.6 or 1.7 with the primaries of BT.2020, 1.8 in linear sRGB, 1.9 in ProPhoto RGB."""

MOST_BYTES = 16_000_000
"""Size of the largest profile that is kept; a JPEG holds little more."""


class Kept(NamedTuple):
    """The profile for an output.

    Attributes:
        icc: ICC profile for RGB.
        coarse: whether 8 bits are too few for it.
        remark: what the user should know about it, or None.
    """

    icc: bytes = SRGB_PROFILE
    coarse: bool = False
    remark: str | None = None


def check_choice(profile: str) -> None:
    """Refuse a choice that there is not.

    Raises:
        ConfigError: it is not in `CHOICES`.
    """
    if profile not in CHOICES:
        raise ConfigError(f"`profile` must be {' or '.join(map(repr, CHOICES))}, got {profile!r}")


def kept_profile(space: str, profile: Profile | None) -> Kept:
    """The profile in which a translation keeps its source's, or sRGB where that cannot hold it.

    A profile is used only if greys, and the colours that both it and sRGB hold, survive the way into it and back.

    Args:
        space: colour space of the source's samples, see `sinct.pictures.colour.to_srgb`.
        profile: the source's profile; None, which is read as sRGB, stays that.
    """
    if space not in ("rgb", "gray"):
        name = "Lab" if space == "lab" else space.upper()
        return _not_kept(f"the picture is in {name}, its translation in RGB")
    if profile is None:
        return Kept()
    if isinstance(profile, Hdr):
        return _not_kept("there is none for HDR")
    profile = profile[: int.from_bytes(profile[:4], "big")]  # some files pad theirs
    if profile == SRGB_PROFILE:
        return Kept()
    if profile[16:20] == b"GRAY" and space == "gray":
        return _not_kept("a grey one cannot hold colours")
    if not _sound(profile):
        return _not_kept("it is damaged or not for RGB")
    try:
        if not _changes(_shared(profile), profile).max() <= LARGEST_ERROR:  # it may not be a number
            return _not_kept("greys, or other colours that it holds, do not come back from it as they were")
        losses = _changes(_grid(), profile)
        if not losses.mean() <= MEAN_LOSS:
            return _not_kept("it holds too few of the colours of sRGB")
        coarse = _step(profile) > COARSE * _step(SRGB_PROFILE)
    except imagecodecs.CmsError:
        return _not_kept("it is damaged or only for reading")
    remark = None
    if losses.max() > LARGEST_LOSS:
        remark = (
            "the picture's own colour profile does not hold all colours of sRGB; those outside it become the nearest "
            f"that it has, up to {losses.max():.0f} away in CIELAB"
        )
    return Kept(profile, coarse, remark)


def _not_kept(reason: str) -> Kept:
    return Kept(remark=f"written in sRGB, not in the picture's own colour profile: {reason}")


def _sound(profile: bytes) -> bool:
    """Whether readers of pictures accept an RGB profile: libpng, for one, leaves out one that breaks these rules."""
    if not 132 <= len(profile) <= MOST_BYTES or not is_rgb(profile):
        return False
    size, version = struct.unpack_from(">I4xB", profile)
    intent, count = struct.unpack_from(">I", profile, 64)[0], struct.unpack_from(">I", profile, 128)[0]
    if size != len(profile) or (version > 3 and size % 4) or intent > 3 or 132 + 12 * count > size:
        return False
    kinds = profile[12:16], profile[20:24], profile[36:40]
    if kinds[0] not in (b"scnr", b"mntr", b"prtr", b"spac") or kinds[1] not in (b"XYZ ", b"Lab "):
        return False
    tags = (struct.unpack_from(">II", profile, 132 + 12 * number + 4) for number in range(count))
    return kinds[2] == b"acsp" and all(start + length <= size for start, length in tags)


def _grid() -> Array:
    """Colours all over RGB, (1, 729, 3) in [0, 1]."""
    steps = np.linspace(0, 1, 9, dtype=np.float32)
    return np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(1, -1, 3)


def _shared(profile: bytes) -> Array:
    """Greys, and colours within both a profile and sRGB, in sRGB; (1, N, 3) in [0, 1]."""
    shown = transform(_grid(), profile, SRGB_PROFILE)
    both = shown[((shown > 0) & (shown < 1)).all(axis=2)]
    greys = np.linspace(0, 1, 256, dtype=np.float32)[:, None].repeat(3, axis=1)
    return np.concatenate([greys, both])[None]


def _changes(colours: Array, profile: bytes) -> Array:
    """The distances in CIELAB between sRGB colours (1, N, 3) and what a profile makes of them."""
    stored = np.rint(from_srgb(colours, profile).clip(0, 1) * 65535)
    found = stored / np.float32(65535)
    with np.errstate(all="ignore"):  # damaged profiles give numbers without bounds
        distances: Array = np.linalg.norm(lab_of(found, profile) - lab_of(colours, SRGB_PROFILE), axis=2)
    return distances


def _step(profile: bytes) -> float:
    """The mean distance in CIELAB that one step of 255 makes to colours of sRGB in a profile."""
    near = from_srgb(_grid(), profile).clip(0, 1 - 1 / 255)
    here = lab_of(near, profile)
    steps = np.eye(3, dtype=np.float32) / 255
    return float(np.mean([np.linalg.norm(lab_of(near + step, profile) - here, axis=2) for step in steps]))
