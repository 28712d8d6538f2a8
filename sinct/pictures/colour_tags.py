"""Makes ICC profiles of the other ways in which files describe their colours: code points, gamma and primaries.

Code points are those of ITU-T H.273, which PNG (cICP) and AVIF (nclx) use.
"""

import struct
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import imagecodecs
import numpy as np
import numpy.typing as npt

Curve = Callable[[npt.NDArray[Any]], npt.NDArray[Any]]
"""Signal in [0, 1] -> light, 1 for white."""

D65 = (0.3127, 0.3290)
SRGB = (0.64, 0.33, 0.30, 0.60, 0.15, 0.06)

PRIMARIES: dict[int, tuple[tuple[float, float], tuple[float, ...]]] = {
    1: (D65, SRGB),
    2: (D65, SRGB),  # unspecified
    4: ((0.310, 0.316), (0.67, 0.33, 0.21, 0.71, 0.14, 0.08)),
    5: (D65, (0.64, 0.33, 0.29, 0.60, 0.15, 0.06)),
    6: (D65, (0.630, 0.340, 0.310, 0.595, 0.155, 0.070)),
    7: (D65, (0.630, 0.340, 0.310, 0.595, 0.155, 0.070)),
    8: ((0.310, 0.316), (0.681, 0.319, 0.243, 0.692, 0.145, 0.049)),
    9: (D65, (0.708, 0.292, 0.170, 0.797, 0.131, 0.046)),
    11: ((0.314, 0.351), (0.680, 0.320, 0.265, 0.690, 0.150, 0.060)),
    12: (D65, (0.680, 0.320, 0.265, 0.690, 0.150, 0.060)),
    22: (D65, (0.630, 0.340, 0.295, 0.605, 0.155, 0.077)),
}
"""Code -> white point and the primaries red, green and blue, as x and y."""

WHITE = 203
"""Light of white in HDR pictures, in cd/m2 (ITU-R BT.2408)."""

SAMPLES = 4096
"""Entries of a table for a curve."""


class Cicp(NamedTuple):
    """Code points of a picture's colours.

    Attributes:
        primaries: code of the primaries.
        transfer: code of the curve.
        matrix: code of the conversion to luma and chroma; 0 for RGB.
        full: whether samples use their whole range.
    """

    primaries: int
    transfer: int
    matrix: int
    full: bool


def _srgb(signal: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return np.where(signal <= 0.04045, signal / 12.92, ((signal + 0.055) / 1.055) ** 2.4)


def _pq(signal: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """SMPTE ST 2084, relative to `WHITE`."""
    root = signal ** (32 / 2523)
    light = np.maximum(root - 0.8359375, 0) / (18.8515625 - 18.6875 * root)
    return light ** (16384 / 2610) * (10000 / WHITE)


def _hlg(signal: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """ITU-R BT.2100 on a display of 1000 cd/m2, with its system gamma taken for each channel."""
    scene = np.where(
        signal <= 0.5, signal**2 / 3, (np.exp((signal - 0.55991073) / 0.17883277) + 0.28466892) / 12
    )
    return scene**1.2 * (1000 / WHITE)


def _power(gamma: float) -> Curve:
    return lambda signal: signal**gamma


CURVES: dict[int, Curve] = {
    # Screens show the curves of video (1, 6, 14, 15) like sRGB, and so do browsers.
    **dict.fromkeys((1, 2, 6, 13, 14, 15), _srgb),
    4: _power(2.2),
    5: _power(2.8),
    8: _power(1.0),
    16: _pq,
    17: lambda signal: signal**2.6 * (52.37 / 48),
    18: _hlg,
}
"""Code -> curve."""

HDR = (16, 18)


class Hdr(NamedTuple):
    """Colours of an HDR picture, all of which have the white point of sRGB.

    Attributes:
        light: light of each of 65536 samples, 1 for white.
        matrix: (3, 3), from its light to that of sRGB's primaries.
    """

    light: npt.NDArray[np.float32]
    matrix: npt.NDArray[np.float32]

    def to_srgb(self, samples: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
        """Convert (H, W, 1 or 3) uint8 or uint16 to sRGB, (H, W, 3) in [0, 1], cut off at white."""
        steps = samples * np.uint16(257) if samples.dtype == np.uint8 else samples
        light = self.light[np.broadcast_to(steps, (*samples.shape[:2], 3))]
        linear = (light @ self.matrix.T).clip(0, 1)
        return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** np.float32(1 / 2.4) - 0.055)


def _to_xyz(white: Sequence[float], primaries: Sequence[float]) -> npt.NDArray[Any]:
    """The matrix from light of primaries to XYZ."""
    x, y = np.reshape(primaries, (3, 2)).T
    columns = np.stack([x / y, np.ones(3), (1 - x - y) / y])
    target = np.array([white[0] / white[1], 1, (1 - white[0] - white[1]) / white[1]])
    return columns * np.linalg.solve(columns, target)


Profile = bytes | Hdr
"""What says how colours are to be converted: an ICC profile, or light beyond white."""


def profile_of_cicp(codes: Cicp, bits: int, remarks: list[str]) -> Profile | None:
    """The profile for code points.

    Args:
        codes: the code points; the matrix concerns only samples that are not yet RGB.
        bits: bits per sample, which say where a limited range begins.
        remarks: gets an entry if the colours cannot be converted exactly.

    Returns:
        An ICC profile, or for HDR, whose light exceeds what these can tell, its curve and primaries; None for sRGB and
        for codes that are not known, which are taken as sRGB.
    """
    curve = CURVES.get(codes.transfer)
    if curve is None or codes.primaries not in PRIMARIES:
        remarks.append(
            f"its colour space (primaries {codes.primaries}, transfer {codes.transfer}) is not known, so it is "
            "taken as sRGB"
        )
        return None
    if codes.matrix != 0:
        remarks.append("it claims to hold luma and chroma, but is read as RGB")
    white, primaries = PRIMARIES[codes.primaries]
    return profile_of_curve(
        white, primaries, codes.transfer, remarks, limited_bits=None if codes.full else bits
    )


def profile_of_curve(
    white: Sequence[float],
    primaries: Sequence[float],
    transfer: int,
    remarks: list[str],
    *,
    limited_bits: int | None = None,
) -> Profile | None:
    """The profile for primaries and the code of a curve, one of `CURVES`; None for sRGB.

    Args:
        white: x and y of the white point.
        primaries: x and y of red, green and blue.
        transfer: code of the curve.
        remarks: gets an entry for HDR.
        limited_bits: bits per sample if samples use only the limited range of video.
    """
    curve = CURVES[transfer]
    usual = np.allclose((*white, *primaries), (*D65, *SRGB), atol=1e-6)
    if usual and curve is _srgb and limited_bits is None:
        return None
    signal = np.linspace(0, 1, SAMPLES if transfer not in HDR else 65536)
    if limited_bits is not None:
        step = 2.0 ** (limited_bits - 8) / (2.0**limited_bits - 1)
        signal = ((signal - 16 * step) / (219 * step)).clip(0, 1)
    if transfer in HDR:
        remarks.append(f"it is HDR: light above white ({WHITE} cd/m2) is cut off")
        matrix = np.linalg.inv(_to_xyz(D65, SRGB)) @ _to_xyz(white, primaries)
        return Hdr(curve(signal).astype(np.float32), matrix.astype(np.float32))
    return _profile(white, primaries, curve(signal))


def profile_of_gamma(
    gamma: float | None, corners: Sequence[float] | None, remarks: list[str]
) -> bytes | None:
    """The ICC profile for a gamma and chromaticities.

    Args:
        gamma: exponent of the encoding, 0.45455 for usual pictures; None for sRGB's curve.
        corners: x and y of white, red, green and blue; None for sRGB's.
        remarks: gets an entry if the numbers are impossible.

    Returns:
        The profile; None for sRGB, whose curve programs announce as 0.45455.
    """
    white, primaries = ((*corners[:2],), (*corners[2:],)) if corners is not None else (D65, SRGB)
    usual = np.allclose((*white, *primaries), (*D65, *SRGB), atol=2e-3)
    if usual and (gamma is None or abs(gamma - 1 / 2.2) < 0.005):
        return None
    try:
        if gamma is not None and not 0.1 <= gamma <= 10:
            raise ValueError
        signal = np.linspace(0, 1, SAMPLES)
        return _profile(white, primaries, _srgb(signal) if gamma is None else signal ** (1 / gamma))
    except (ValueError, imagecodecs.CmsError):
        remarks.append("its gamma or chromaticities are impossible, so it is taken as sRGB")
        return None


def adobe_rgb() -> bytes:
    """The profile that cameras mean by DCF option file R03."""
    return dateless(imagecodecs.cms_profile("adobergb"))


def dateless(profile: bytes) -> bytes:
    """An ICC profile with its creation date fixed, so that files that hold it are reproducible."""
    return bytes(profile[:24]) + struct.pack(">6H", 2000, 1, 1, 0, 0, 0) + bytes(profile[36:])


def _profile(white: Sequence[float], primaries: Sequence[float], light: npt.NDArray[Any]) -> bytes:
    red, green, blue = primaries[:2], primaries[2:4], primaries[4:]
    return dateless(
        imagecodecs.cms_profile(
            "rgb",
            whitepoint=[*white, 1.0],
            primaries=[*red, 1.0, *green, 1.0, *blue, 1.0],
            transferfunction=np.rint(light.clip(0, 1) * 65535).astype(np.uint16),
        )
    )
