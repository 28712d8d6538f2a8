"""Reads PNG chunk by chunk: what is said of the picture before, and also behind, its data.

Pillow decodes the whole picture before it looks behind the data, and refuses long texts and large profiles; libpng
does neither. So libpng decodes the pixels, and Pillow reads the short texts.
"""

import io
import struct
import zlib
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

import imagecodecs
from PIL import Image

from sinct.errors import InputError
from sinct.pictures.colour import Array
from sinct.pictures.colour_tags import Cicp, Profile, profile_of_cicp, profile_of_gamma
from sinct.pictures.limits import CHUNKS, LARGEST_PROFILE, LONGEST_TEXT, TEXTS, check_plausible
from sinct.pictures.stored import Stored, check_size, make_stored

SIGNATURE = b"\x89PNG\r\n\x1a\n"

CRITICAL = (b"IHDR", b"PLTE", b"IDAT", b"IEND")
"""The chunks that a decoder must know; it may skip others, whose names begin with a small letter."""

FRAMES = (b"fcTL", b"fdAT")


class Chunk(NamedTuple):
    """A chunk of a PNG; `data` is empty for those of pixels."""

    kind: bytes
    data: bytes
    start: int
    stop: int


class PngHeader(NamedTuple):
    """What the chunks say besides the pixels.

    Attributes:
        size: width and height as stored, in pixels.
        image: Pillow's view of the texts, the EXIF data and the resolution; it holds no pixels.
        profile: what describes the colours, from whichever chunk, or None for sRGB.
        several: whether it is animated.
        keyed: whether one colour stands for transparency.
        remarks: what a user should know about the file.
    """

    size: tuple[int, int]
    image: Image.Image
    profile: Profile | None
    several: bool
    keyed: bool
    remarks: list[str]


def is_png(start: bytes) -> bool:
    """Whether a file that starts like this is a PNG with a complete header."""
    return start.startswith(SIGNATURE) and start[12:16] in (b"IHDR", b"CgBI") and len(start) >= 33


def read_png_header(file: BinaryIO) -> PngHeader:
    """Read all that a PNG says of its picture, without decoding it.

    Raises:
        InputError: it has chunks that only some programs read. The caller must put the file's name before it.
    """
    chunks = list(_chunks(file))
    if len([chunk for chunk in chunks if chunk.kind not in (b"IDAT", *FRAMES)]) > CHUNKS:
        raise InputError(f"has more than {CHUNKS:,} chunks besides its pixels; export it again")
    first = {chunk.kind: chunk.data for chunk in reversed(chunks)}
    if b"CgBI" in first:
        raise InputError("is a PNG for iPhones (CgBI), which is none elsewhere; export it as a plain PNG")
    if unknown := [kind for kind in first if kind[:1].isupper() and kind not in CRITICAL]:
        raise InputError(f"is no plain PNG (it has {ascii(unknown[0])[1:]}); export it again")
    width, height, bits, kind = struct.unpack(">IIBB", first[b"IHDR"][:10])
    # Described again without its pixels, with what stood behind them in front.
    told = [chunk for chunk in chunks if chunk.kind not in (*CRITICAL[1:], *FRAMES, b"iCCP", b"acTL")]
    head = b"".join(_packed(chunk.kind, chunk.data) for chunk in _short(told))
    image = Image.open(
        io.BytesIO(SIGNATURE + head + _packed(b"IDAT", b"") + _packed(b"IEND", b"")), formats=("PNG",)
    )
    remarks: list[str] = []
    return PngHeader(
        size=(width, height),
        image=image,
        profile=_profile(first, bits, remarks),
        several=int.from_bytes(first.get(b"acTL", b"")[:4], "big") > 1,
        keyed=b"tRNS" in first and kind != 3,
        remarks=remarks,
    )


def decode_png(data: bytes, max_pixels: int) -> Stored:
    """Decode a PNG with all its bits, its palette unpacked and its transparency as alpha.

    Raises:
        InputError: the file cannot be used. The caller must put the file's name before the message.
    """
    header = read_png_header(io.BytesIO(data))
    check_size(*header.size, max_pixels)
    check_plausible(*header.size, len(data))
    kept = (*CRITICAL, b"tRNS")
    bare = [data[chunk.start : chunk.stop] for chunk in _chunks(io.BytesIO(data)) if chunk.kind in kept]
    pixels: Array = imagecodecs.png_decode(SIGNATURE + b"".join(bare))
    pixels = pixels.reshape(*pixels.shape[:2], -1)
    space, colours = ("gray", 1) if pixels.shape[2] < 3 else ("rgb", 3)
    return make_stored(
        pixels[..., :colours],
        space,
        pixels[..., colours] if pixels.shape[2] > colours else None,
        profile=header.profile,
        read_exif=lambda: png_exif(header.image),
        dpi=header.image.info.get("dpi"),
        several=header.several,
        remarks=header.remarks,
    )


def png_exif(image: Image.Image) -> Image.Exif:
    """The EXIF data of a PNG; Pillow's own function for PNG would decode the pixels first."""
    return Image.Image.getexif(image)


def _chunks(file: BinaryIO) -> Iterator[Chunk]:
    """The chunks of a file, as far as it goes."""
    end = file.seek(0, 2)
    start = len(SIGNATURE)
    while start + 8 <= end:
        file.seek(start)
        length, kind = struct.unpack(">I4s", file.read(8))
        stop = start + 12 + length
        skipped = kind == b"IDAT" or kind in FRAMES
        yield Chunk(kind, b"" if skipped else file.read(min(length, LARGEST_PROFILE)), start, stop)
        if kind == b"IEND":
            return
        start = stop


def _packed(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I4s", len(data), kind) + data + struct.pack(">I", zlib.crc32(kind + data))


def _short(chunks: list[Chunk]) -> Iterator[Chunk]:
    """The chunks without texts that Pillow does not take: packed texts can be huge, and there can be many."""
    room = TEXTS
    for chunk in chunks:
        if chunk.kind in (b"tEXt", b"zTXt", b"iTXt"):
            length = _length(chunk) if room > 0 else None
            if length is None or length > room:
                continue
            room -= length
        yield chunk


def _length(chunk: Chunk) -> int | None:
    """Bytes of a chunk's text, unpacked; None if they are damaged or too many."""
    if len(chunk.data) > LONGEST_TEXT:
        return None
    start = chunk.data.find(b"\0") + 1
    if chunk.kind == b"iTXt" and chunk.data[start : start + 1] == b"\1":
        start = chunk.data.find(b"\0", chunk.data.find(b"\0", start + 2) + 1)
    elif chunk.kind != b"zTXt":
        return len(chunk.data)
    text = _unpacked(chunk.data[start + 1 :], LONGEST_TEXT)
    return None if text is None else len(text)


def _unpacked(data: bytes, most: int) -> bytes | None:
    """Unpack deflated data; None if they are damaged or longer than `most` bytes."""
    unpacker = zlib.decompressobj()
    try:
        unpacked = unpacker.decompress(data, most)
    except zlib.error:
        return None
    return unpacked if unpacker.eof else None


def _profile(chunks: dict[bytes, bytes], bits: int, remarks: list[str]) -> Profile | None:
    """The profile from the first chunk that the specification lets decide: cICP, iCCP, sRGB, gAMA and cHRM."""
    if len(chunks.get(b"cICP", b"")) == 4:
        primaries, transfer, matrix, full = chunks[b"cICP"]
        return profile_of_cicp(Cicp(primaries, transfer, matrix, bool(full)), bits, remarks)
    if b"iCCP" in chunks:
        profile = _unpacked(chunks[b"iCCP"][chunks[b"iCCP"].find(b"\0") + 2 :], LARGEST_PROFILE)
        if profile is not None:
            return profile
        remarks.append("its colour profile is damaged, so it is ignored")
    if b"sRGB" in chunks or not chunks.keys() & {b"gAMA", b"cHRM"}:
        return None
    gamma, corners = chunks.get(b"gAMA", b""), chunks.get(b"cHRM", b"")
    return profile_of_gamma(
        int.from_bytes(gamma, "big") / 1e5 if len(gamma) == 4 else None,
        [value / 1e5 for value in struct.unpack(">8I", corners)] if len(corners) == 32 else None,
        remarks,
    )
