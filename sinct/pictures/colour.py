"""Colour profiles: samples of any profile to sRGB, and the sRGB profile that outputs carry."""

import struct
from typing import Any

import imagecodecs
import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


def _srgb_profile() -> bytes:
    """LittleCMS's sRGB profile, with its creation date fixed so that outputs are reproducible."""
    profile = imagecodecs.cms_profile("srgb")
    return profile[:24] + struct.pack(">6H", 2000, 1, 1, 0, 0, 0) + profile[36:]


SRGB_PROFILE = _srgb_profile()


def to_srgb(samples: Array, space: str, profile: bytes | None, remarks: list[str]) -> Array:
    """Turn samples into sRGB by their profile or, without a usable one, by what is usual.

    Args:
        samples: (H, W, C), uint8 or uint16.
        space: of the samples: "gray", "rgb", "cmyk" or "lab".
        profile: ICC profile of the samples, if they have one.
        remarks: gets one more if the profile is of no use.

    Returns:
        (H, W, 3): float32 in about [0, 1], below or above where sRGB cannot show the colour; or, where
        nothing had to be computed, of the samples' type and range.
    """
    if profile is not None and profile != SRGB_PROFILE:
        try:
            return _convert(samples, space, profile)
        except imagecodecs.CmsError:
            remarks.append(f"its colour profile is damaged or not for {space}, and ignored")
    if space == "lab":
        return _convert(samples, space, imagecodecs.cms_profile("lab4"))
    if space == "cmyk":
        ink = samples.astype(np.float32)
        ink /= np.iinfo(samples.dtype).max
        return (1 - ink[..., :3]) * (1 - ink[..., 3:])
    return np.broadcast_to(samples, (*samples.shape[:2], 3))


def _convert(samples: Array, space: str, profile: bytes) -> Array:
    """Relative colorimetric, black point compensated.

    Colours that sRGB can show stay as they are, and white stays white, where a perceptual table would move
    every colour to make room for the few that do not fit. In floating point, because between integers
    LittleCMS interpolates in a coarse table, which is off by up to 19 of 255.
    """
    if space == "gray" and profile[16:20] == b"RGB ":  # as some programs save grey pictures
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
