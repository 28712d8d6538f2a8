"""Colour profiles: converts samples with any profile to sRGB and back, and provides the sRGB profile."""

from typing import Any

import imagecodecs
import numpy as np
import numpy.typing as npt

from sinct.pictures.colour_tags import Hdr, Profile, dateless

Array = npt.NDArray[Any]


SRGB_PROFILE = dateless(imagecodecs.cms_profile("srgb"))


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


def from_srgb(colours: Array, profile: bytes) -> Array:
    """Convert sRGB to another RGB profile, as `to_srgb` does the other way.

    Args:
        colours: (H, W, 3) float32 in [0, 1].
        profile: ICC profile that converts in both directions, see `sinct.pictures.output_profile`.

    Returns:
        (H, W, 3) float32, in [0, 1] for all colours that the profile can hold.

    Raises:
        imagecodecs.CmsError: the profile is damaged, not for RGB, or only for reading.
    """
    return transform(colours, SRGB_PROFILE, profile)


def lab_of(colours: Array, profile: bytes) -> Array:
    """CIELAB under D50 of RGB colours in a profile; (H, W, 3) float32 in [0, 1] -> L* to 100, a* and b*.

    Raises:
        imagecodecs.CmsError: the profile is damaged or not for RGB.
    """
    return transform(colours, profile, imagecodecs.cms_profile("lab4"), becomes="lab")


def _convert(samples: Array, space: str, profile: bytes) -> Array:
    """Convert samples to sRGB by an ICC profile."""
    if space == "gray" and is_rgb(profile):  # some programs save grey pictures with an RGB profile
        samples, space = samples.repeat(3, axis=2), "rgb"
    return transform(samples[..., 0] if space == "gray" else samples, profile, SRGB_PROFILE, space)


def is_rgb(profile: bytes) -> bool:
    """Whether an ICC profile is for RGB, by its header."""
    return profile[16:20] == b"RGB "


def transform(samples: Array, profile: bytes, into: bytes, space: str = "rgb", becomes: str = "rgb") -> Array:
    """Convert with relative colorimetric intent and black point compensation.

    Colours that both profiles can hold stay as they are, and white stays white; a perceptual table would shift every
    colour to make room for the few that do not fit. The output is floating point, because for integers LittleCMS
    interpolates in a coarse table, which is off by up to 19 of 255.

    Args:
        samples: (H, W, C), or (H, W) for grey: integers, or float32 in [0, 1].
        profile: ICC profile of the samples.
        into: ICC profile of the result.
        space: colour space of the samples, see `to_srgb`.
        becomes: colour space of the result.

    Returns:
        (H, W, 3) float32.

    Raises:
        imagecodecs.CmsError: a profile is damaged or not for its space.
    """
    return imagecodecs.cms_transform(
        samples,
        profile,
        into,
        colorspace=space,
        outcolorspace=becomes,
        outdtype=np.float32,
        intent=imagecodecs.CMS.INTENT.RELATIVE_COLORIMETRIC,
        flags=imagecodecs.CMS.FLAGS.BLACKPOINTCOMPENSATION,
    )
