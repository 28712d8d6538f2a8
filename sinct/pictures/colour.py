"""Colour profiles: converts samples with any profile to sRGB, and provides the sRGB profile for outputs."""

import struct
from typing import Any

import imagecodecs
import numpy as np
import numpy.typing as npt

from sinct.pictures.colour_tags import Hdr, Profile

Array = npt.NDArray[Any]


def _srgb_profile() -> bytes:
    """LittleCMS's sRGB profile, with its creation date fixed so that outputs are reproducible."""
    profile = imagecodecs.cms_profile("srgb")
    return profile[:24] + struct.pack(">6H", 2000, 1, 1, 0, 0, 0) + profile[36:]


SRGB_PROFILE = _srgb_profile()


def to_srgb(samples: Array, space: str, profile: Profile | None, remarks: list[str]) -> Array:
    """Convert samples to sRGB by their profile or, without a usable one, by the usual assumptions.

    Args:
        samples: (H, W, C), uint8 or uint16.
        space: colour space of the samples: "gray", "rgb", "cmyk" or "lab".
        profile: profile of the samples, if they have one.
        remarks: gets an entry if the profile cannot be used.

    Returns:
        (H, W, 3): float32 in about [0, 1], below or above for colours outside sRGB; or, if nothing had to be
        computed, samples in their original type and range.
    """
    if isinstance(profile, Hdr):
        return profile.to_srgb(samples)
    if profile is not None and profile != SRGB_PROFILE:
        try:
            return _convert(samples, space, profile)
        except imagecodecs.CmsError:
            remarks.append(f"its colour profile is damaged or not for {space}, so it is ignored")
    if space == "lab":
        return _convert(samples, space, imagecodecs.cms_profile("lab4"))
    if space == "cmyk":
        ink = samples.astype(np.float32)
        ink /= np.iinfo(samples.dtype).max
        return (1 - ink[..., :3]) * (1 - ink[..., 3:])
    return np.broadcast_to(samples, (*samples.shape[:2], 3))


def _convert(samples: Array, space: str, profile: bytes) -> Array:
    """Convert with relative colorimetric intent and black point compensation.

    Colours within sRGB stay as they are, and white stays white; a perceptual table would shift every colour to
    make room for the few that do not fit. The output is floating point, because for integers LittleCMS
    interpolates in a coarse table, which is off by up to 19 of 255.
    """
    if space == "gray" and profile[16:20] == b"RGB ":  # some programs save grey pictures with an RGB profile
        samples, space = samples.repeat(3, axis=2), "rgb"
    return imagecodecs.cms_transform(
        samples[..., 0] if space == "gray" else samples,
        profile,
        SRGB_PROFILE,
        colorspace=space,
        outcolorspace="rgb",
        outdtype=np.float32,
        intent=imagecodecs.CMS.INTENT.RELATIVE_COLORIMETRIC,
        flags=imagecodecs.CMS.FLAGS.BLACKPOINTCOMPENSATION,
    )
