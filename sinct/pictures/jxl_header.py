"""Reads what a JPEG XL file says of its picture, without decoding it (ISO/IEC 18181-1 and -2).

imagecodecs gives pixels and nothing else; size, colours, orientation and metadata are read here.
"""

import struct
from collections.abc import Callable
from typing import NamedTuple

import imagecodecs

from sinct.errors import InputError
from sinct.pictures.boxes import boxes
from sinct.pictures.colour_tags import CURVES, D65, SRGB, Profile, profile_of_curve, profile_of_gamma

CODESTREAM = b"\xff\x0a"
CONTAINER = b"\0\0\0\x0cJXL \r\n\x87\n"

LARGEST_BOX = 32_000_000
"""Bytes of compressed metadata, unpacked, above which they count as damaged."""

ALPHA, BLACK = 0, 4
"""Kinds of extra channels that change how the others are shown."""

RGB, GREY = 0, 1

WHITES = {1: D65, 10: (1 / 3, 1 / 3), 11: (0.314, 0.351)}
"""White points by their code: D65, E and that of cinemas."""

PRIMARIES = {
    1: SRGB,
    9: (0.708, 0.292, 0.170, 0.797, 0.131, 0.046),
    11: (0.680, 0.320, 0.265, 0.690, 0.150, 0.060),
}
"""Primaries by their code: sRGB, BT.2100 and P3."""

CUSTOM = 2
LINEAR = 8

Choice = int | tuple[int, int]
"""A number, or (offset, bits) for a number that follows."""


class JxlHeader(NamedTuple):
    """What the header says.

    Attributes:
        size: width and height of the upright picture, in pixels.
        bits: bits per sample.
        floating: whether samples are floating point.
        grey: whether there is one channel of colour.
        extra: kinds of the extra channels, in their order.
        multiplied: whether colours are multiplied by alpha.
        animated: whether there may be several pictures.
        profile: what describes the colours of the decoded samples, or None for sRGB.
        remarks: what a user should know about the colours.
        coloured: where the entry of the colours begins and ends, in bits behind the mark; (0, 0) if there is none.
    """

    size: tuple[int, int]
    bits: int
    floating: bool
    grey: bool
    extra: tuple[int, ...]
    multiplied: bool
    animated: bool
    profile: Profile | None
    remarks: list[str]
    coloured: tuple[int, int] = (0, 0)


class _Bits:
    """Reads numbers from a stream of bits, the lowest of each byte first."""

    def __init__(self, data: bytes) -> None:
        self._left = int.from_bytes(data, "little")
        self._count = 8 * len(data)
        self.place = 0

    def take(self, count: int) -> int:
        if self.place + count > self._count:
            raise InputError("is damaged or cut off (in its header); copy the whole file again")
        value = self._left & ((1 << count) - 1)
        self._left >>= count
        self.place += count
        return value

    def flag(self) -> bool:
        return bool(self.take(1))

    def choose(self, *choices: Choice) -> int:
        choice = choices[self.take(2)]
        return choice if isinstance(choice, int) else choice[0] + self.take(choice[1])

    def code(self) -> int:
        return self.choose(0, 1, (2, 4), (18, 6))


def is_jxl(start: bytes) -> bool:
    """Whether a file that starts like this is a JPEG XL, bare or in its container."""
    return start.startswith((CODESTREAM, CONTAINER))


def codestream(data: bytes) -> bytes:
    """The beginning of the codestream, which a container may hold in parts."""
    if data.startswith(CODESTREAM):
        return data
    return b"".join([*boxes(data, b"jxlc"), *(part[4:] for part in boxes(data, b"jxlp"))])


def metadata_box(data: bytes, kind: bytes) -> bytes | None:
    """The first box of a kind in a container, also where it is compressed; None if there is none."""
    if not data.startswith(CONTAINER):
        return None
    for box in boxes(data, kind):
        return box
    for box in boxes(data, b"brob"):
        if box[:4] == kind:
            return bytes(imagecodecs.brotli_decode(box[4:], out=LARGEST_BOX))
    return None


def exif_block(data: bytes) -> bytes | None:
    """The EXIF block of a JPEG XL file, which starts with "Exif"; None if it has none."""
    box = metadata_box(data, b"Exif")
    if box is None:
        return None
    return b"Exif\0\0" + box[4 + struct.unpack(">I", box[:4])[0] :]


def read_jxl_header(data: bytes) -> JxlHeader:
    """Read the header of a JPEG XL file.

    Args:
        data: the file, or enough of its beginning.

    Raises:
        InputError: the header is damaged. The caller must put the file's name before the message.
    """
    stream = codestream(data)[:65536]
    if not stream.startswith(CODESTREAM):
        raise InputError("is damaged or cut off (no codestream); copy the whole file again")
    bits = _Bits(stream[2:])
    width, height = _size(bits)
    remarks: list[str] = []
    if bits.flag():  # all is as usual
        return JxlHeader((width, height), 8, False, False, (), False, False, None, remarks)
    orientation, animated, more = 1, False, bits.flag()
    if more:
        orientation = 1 + bits.take(3)
        if bits.flag():
            _size(bits)  # the size at which it is meant to be shown
        if bits.flag():
            _preview(bits)
        animated = bits.flag()
        if animated:
            _animation(bits)
    depth, floating = _depth(bits)
    bits.flag()  # whether 16-bit buffers are enough
    channels = [_extra_channel(bits) for _ in range(bits.choose(0, 1, (2, 4), (1, 12)))]
    lossy = bits.flag()
    place = bits.place
    grey, profile = _colours(bits, lossy, remarks)
    return JxlHeader(
        size=(height, width) if orientation >= 5 else (width, height),
        bits=depth,
        floating=floating,
        grey=grey,
        extra=tuple(kind for kind, _ in channels),
        multiplied=any(multiplied for _, multiplied in channels),
        animated=animated,
        profile=profile,
        remarks=remarks,
        coloured=(place, bits.place),
    )


def _size(bits: _Bits) -> tuple[int, int]:
    """Width and height."""
    small = bits.flag()

    def side() -> int:
        return 8 * (1 + bits.take(5)) if small else bits.choose((1, 9), (1, 13), (1, 18), (1, 30))

    return _sides(bits, side)


def _sides(bits: _Bits, side: Callable[[], int]) -> tuple[int, int]:
    height = side()
    ratio = bits.take(3)
    if ratio == 0:
        return side(), height
    across, down = ((1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))[ratio - 1]
    return height * across // down, height


def _preview(bits: _Bits) -> None:
    eighths = bits.flag()

    def side() -> int:
        return (
            bits.choose(16, 32, (1, 5), (33, 9))
            if eighths
            else bits.choose((1, 6), (65, 8), (321, 10), (1345, 12))
        )

    _sides(bits, side)


def _animation(bits: _Bits) -> None:
    bits.choose(100, 1000, (1, 10), (1, 30))
    bits.choose(1, 1001, (1, 8), (1, 10))
    bits.choose(0, (0, 3), (0, 16), (0, 32))
    bits.flag()


def _depth(bits: _Bits) -> tuple[int, bool]:
    """Bits per sample, and whether they are floating point."""
    if not bits.flag():
        return bits.choose(8, 10, 12, (1, 6)), False
    depth = bits.choose(32, 16, 24, (1, 6))
    bits.take(4)
    return depth, True


def _extra_channel(bits: _Bits) -> tuple[int, bool]:
    """The kind of an extra channel, and whether colours are multiplied by it."""
    if bits.flag():
        return ALPHA, False
    kind = bits.code()
    _depth(bits)
    bits.choose(0, 3, 4, (1, 3))
    bits.take(8 * bits.choose(0, (0, 4), (16, 5), (48, 10)))
    multiplied = kind == ALPHA and bits.flag()
    if kind == 2:  # a spot colour: red, green, blue and how solid it is
        bits.take(4 * 16)
    elif kind == 5:  # a colour of a sensor's mosaic
        bits.choose(1, (0, 2), (3, 4), (19, 8))
    return kind, multiplied


def _colours(bits: _Bits, lossy: bool, remarks: list[str]) -> tuple[bool, Profile | None]:
    """Whether the picture is grey, and what describes its decoded colours."""
    if bits.flag():
        return False, None
    profiled, space = bits.flag(), bits.code()
    if space not in (RGB, GREY):
        raise InputError("has a colour space that is neither RGB nor grey; save it as RGB")
    if profiled:
        if not lossy:
            remarks.append("its ICC profile is not read, so it is taken as sRGB")
            return space == GREY, None
        remarks.append(
            "its ICC profile is replaced by linear light, whose steps are coarse in the shadows of 8 bits"
        )
        return space == GREY, profile_of_curve(D65, SRGB, LINEAR, remarks)  # what libjxl then decodes to
    code = bits.code()
    white = _point(bits) if code == CUSTOM else WHITES.get(code)
    primaries: tuple[float, ...] | None = SRGB
    if space == RGB:
        code = bits.code()
        primaries = sum((_point(bits) for _ in range(3)), ()) if code == CUSTOM else PRIMARIES.get(code)
    gamma = bits.take(24) / 1e7 if bits.flag() else None
    transfer = bits.code() if gamma is None else 0
    bits.code()  # rendering intent
    if white is None or primaries is None or (gamma is None and transfer not in CURVES):
        remarks.append("its colour space is not known, so it is taken as sRGB")
        return space == GREY, None
    if gamma is not None:
        return space == GREY, profile_of_gamma(gamma, (*white, *primaries), remarks)
    return space == GREY, profile_of_curve(white, primaries, transfer, remarks)


def _point(bits: _Bits) -> tuple[float, float]:
    """A point of the CIE diagram, x and y."""
    x, y = (bits.choose((0, 19), (524288, 19), (1048576, 20), (2097152, 21)) for _ in range(2))
    return tuple((number >> 1 ^ -(number & 1)) / 1e6 for number in (x, y))  # type: ignore[return-value]
