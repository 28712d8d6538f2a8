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


def convert(samples: Array, space: str, profile: bytes) -> Array:
    """Convert samples to sRGB in floating point.

    Relative colorimetric with black point compensation: colours that both profiles can show stay as they
    are, and white stays white, where a perceptual table would move every colour to make room for the few
    that do not fit. Floating point keeps 16-bit precision; with integers LittleCMS goes through a coarse
    table.

    Args:
        samples: (H, W, C), uint8 or uint16.
        space: of the samples: "gray", "rgb", "cmyk" or "lab".
        profile: ICC profile of the samples.

    Returns:
        (H, W, 3) float32 in about [0, 1], below or above where sRGB cannot show the colour.

    Raises:
        imagecodecs.CmsError: the profile is damaged or of another space than the samples.
    """
    if space == "gray" and profile[16:20] == b"RGB ":
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


def assumed_srgb(samples: Array, space: str) -> Array:
    """Turn samples without a usable profile into sRGB.

    Args:
        samples: (H, W, C), uint8 or uint16.
        space: of the samples: "gray", "rgb", "cmyk" or "lab".

    Returns:
        (H, W, 3): of the samples' type and range for grey and RGB, float32 in about [0, 1] otherwise.
    """
    if space == "lab":
        return to_srgb(samples, space, imagecodecs.cms_profile("lab4"))
    if space == "cmyk":  # as if the inks were perfect: too vivid, but any choice of inks is a guess
        ink = samples.astype(np.float32)
        ink /= np.iinfo(samples.dtype).max
        return (1 - ink[..., :3]) * (1 - ink[..., 3:])
    return np.broadcast_to(samples, (*samples.shape[:2], 3))
