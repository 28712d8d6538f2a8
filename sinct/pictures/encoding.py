"""Encodes samples as a picture file, with its colour profile, resolution, EXIF and provenance."""

import io
import json
import struct
import zlib
from collections.abc import Callable, Mapping
from typing import NamedTuple
from xml.etree import ElementTree
from xml.sax.saxutils import quoteattr

import imagecodecs
import tifffile
from PIL import Image
from PIL.ExifTags import Base as Tag

from sinct.errors import OutputError
from sinct.pictures.colour import SRGB_PROFILE, Array
from sinct.pictures.exif import lasting_tags, without_orientation
from sinct.pictures.formats import KINDS
from sinct.pictures.jxl_encoding import jxl_file
from sinct.pictures.limits import LARGEST_PACKET
from sinct.pictures.tiff_tags import add_tags

PNG_KEY = "sinct:"
"""Prefix for the keys of provenance texts in a PNG."""

XMP_NAMESPACE = "urn:sinct:"


class Metadata(NamedTuple):
    """What is stored with the samples.

    Attributes:
        dpi: pixels per inch along the width and along the height, or None.
        exif: EXIF block that starts with "Exif", or None.
        provenance: names and values that say how the picture was made.
        profile: ICC profile of the samples.
    """

    dpi: tuple[float, float] | None
    exif: bytes | None
    provenance: Mapping[str, str]
    profile: bytes = SRGB_PROFILE


# PNG ---------------------------------------------------------------------------------------------------


def encode_png(samples: Array, metadata: Metadata) -> bytes:
    """Encode (H, W, 3 or 4) uint8 or uint16 as PNG."""
    png = bytes(imagecodecs.png_encode(samples))
    name = b"sRGB" if metadata.profile == SRGB_PROFILE else b"ICC profile"
    chunks = [_chunk(b"iCCP", name + b"\0\0" + zlib.compress(metadata.profile))]
    if metadata.dpi is not None:
        per_metre = (round(dpi / 0.0254) for dpi in metadata.dpi)
        chunks.append(_chunk(b"pHYs", struct.pack(">IIB", *per_metre, 1)))
    if metadata.exif is not None:
        chunks.append(_chunk(b"eXIf", metadata.exif.removeprefix(b"Exif\0\0")))
    for key, value in metadata.provenance.items():
        chunks.append(_chunk(b"iTXt", f"{PNG_KEY}{key}\0\0\0\0\0{value}".encode()))
    header = 33  # signature and IHDR, which must come first
    return png[:header] + b"".join(chunks) + png[header:]


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


# TIFF --------------------------------------------------------------------------------------------------


def encode_tiff(samples: Array, metadata: Metadata) -> bytes:
    """Encode (H, W, 3 or 4) uint8 or uint16 as TIFF in strips, with horizontal differences and Deflate."""
    file = io.BytesIO()
    packet = xmp(metadata.provenance) if metadata.provenance else None
    tifffile.imwrite(
        file,
        samples,
        photometric="rgb",
        extrasamples=["unassalpha"] * (samples.shape[2] - 3),  # alpha, not multiplied into the colours
        rowsperstrip=max(1, 2**20 // samples[0].nbytes),
        compression="zlib",
        predictor=True,
        byteorder="<",
        iccprofile=metadata.profile,
        resolution=metadata.dpi,
        resolutionunit="inch" if metadata.dpi else None,
        metadata=None,
        software=False,
        extratags=[(Tag.XMLPacket, "B", len(packet), packet, True)] if packet else [],
    )
    if metadata.exif is not None:
        block = Image.Exif()
        block.load(metadata.exif)
        add_tags(file, lasting_tags(block))
    return file.getvalue()


# JPEG, WebP and AVIF -----------------------------------------------------------------------------------


def encode_jpeg(samples: Array, metadata: Metadata) -> bytes:
    """Encode (H, W, 3) uint8 as JPEG at quality 95 without colour subsampling."""
    return _pillow(samples, metadata, "JPEG", quality=95, subsampling=0)


def encode_webp(samples: Array, metadata: Metadata) -> bytes:
    """Encode (H, W, 3 or 4) uint8 as WebP without loss, even colours that are fully transparent."""
    return _pillow(samples, metadata, "WEBP", lossless=True, exact=True)


def encode_avif(samples: Array, metadata: Metadata) -> bytes:
    """Encode (H, W, 3 or 4) uint8 as AVIF at quality 95 without colour subsampling, which is not without loss."""
    if metadata.exif is not None:
        metadata = metadata._replace(exif=without_orientation(metadata.exif))
    return _pillow(samples, metadata, "AVIF", quality=95, subsampling="4:4:4")


def _pillow(samples: Array, metadata: Metadata, kind: str, **options: object) -> bytes:
    if metadata.dpi is not None:
        options["dpi"] = metadata.dpi
    if metadata.exif is not None:
        options["exif"] = metadata.exif
    if metadata.provenance:
        options["xmp"] = xmp(metadata.provenance)
    file = io.BytesIO()
    Image.fromarray(samples).save(file, kind, icc_profile=metadata.profile, **options)
    return file.getvalue()


# JPEG XL -----------------------------------------------------------------------------------------------


def encode_jxl(samples: Array, metadata: Metadata) -> bytes:
    """Encode (H, W, 3 or 4) uint8 or uint16 as JPEG XL without loss; it cannot store a resolution."""
    packet = xmp(metadata.provenance) if metadata.provenance else None
    return jxl_file(samples, metadata.exif, packet)


# Deep Zoom ---------------------------------------------------------------------------------------------


def _no_encoder(samples: Array, metadata: Metadata) -> bytes:
    raise OutputError(
        "a .dzi consists of many files, which only sinct.apply and sinct.translate write; give another suffix"
    )


# Provenance --------------------------------------------------------------------------------------------


def xmp(provenance: Mapping[str, str]) -> bytes:
    """Provenance as an XMP packet with one property that holds JSON."""
    return (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/">'
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        f'<rdf:Description rdf:about="" xmlns:sinct="{XMP_NAMESPACE}" '
        f"sinct:provenance={quoteattr(json.dumps(dict(provenance)))}/>"
        "</rdf:RDF></x:xmpmeta>"
    ).encode()


def provenance_in(image: Image.Image) -> dict[str, str]:
    """Read back the provenance that `encode_png` or `xmp` wrote; {} if there is none."""
    packet = image.info.get("xmp") or image.info.get("XML:com.adobe.xmp") or b""
    if found := provenance_in_xmp(packet.encode() if isinstance(packet, str) else packet):
        return found
    texts = ((key, text) for key, text in image.info.items() if isinstance(key, str))
    return {key.removeprefix(PNG_KEY): str(text) for key, text in texts if key.startswith(PNG_KEY)}


def provenance_in_xmp(packet: bytes) -> dict[str, str]:
    """Read back the provenance that `xmp` wrote; {} if there is none."""
    if len(packet) > LARGEST_PACKET or XMP_NAMESPACE.encode() not in packet:
        return {}
    attribute = f"{{{XMP_NAMESPACE}}}provenance"
    elements = ElementTree.fromstring(packet, ElementTree.XMLParser(target=_WithoutTypes())).iter()
    [text] = [element.attrib[attribute] for element in elements if attribute in element.attrib]
    return {str(key): str(value) for key, value in dict(json.loads(text)).items()}


class _WithoutTypes(ElementTree.TreeBuilder):
    """Refuses document types, which define entities: a few lines of them expand to gigabytes."""

    def doctype(self, name: str, pubid: str | None, system: str | None) -> None:
        raise ValueError("XMP with a document type")


# Formats -----------------------------------------------------------------------------------------------


class Format(NamedTuple):
    """What a file format can hold.

    Attributes:
        encode: turns (H, W, C) samples and metadata into the bytes of a file.
        bits: possible numbers of bits per channel.
        max_side: longest possible side, in pixels.
        has_alpha: whether it can hold transparency.
        max_exif: size of the largest possible EXIF block, in bytes.
        only_srgb: why it is always written in sRGB; empty where it can have any profile.
    """

    encode: Callable[[Array, Metadata], bytes]
    bits: tuple[int, ...]
    max_side: int
    has_alpha: bool = True
    max_exif: int = 2**31
    only_srgb: str = ""


PNG = Format(encode_png, bits=(8, 16), max_side=1_000_000)  # libpng's own limit
TIFF = Format(encode_tiff, bits=(8, 16), max_side=2**31)
JPEG = Format(encode_jpeg, bits=(8,), max_side=65_500, has_alpha=False, max_exif=65_533)  # libjpeg's limits
WEBP = Format(encode_webp, bits=(8,), max_side=16_383)
JXL = Format(
    encode_jxl,
    bits=(8, 16),
    max_side=262_144,  # of its level 5, which every reader knows
    only_srgb="sinct writes JPEG XL in sRGB alone; a .png or .tif can have any",
)
AVIF = Format(encode_avif, bits=(8,), max_side=65_536)  # of AV1

DEEP_ZOOM = Format(
    _no_encoder,
    bits=(8,),
    max_side=2**31,
    has_alpha=False,
    only_srgb="viewers of Deep Zoom expect sRGB",
)

ENCODERS = {
    "PNG": PNG,
    "JPEG": JPEG,
    "TIFF": TIFF,
    "WebP": WEBP,
    "JPEG XL": JXL,
    "AVIF": AVIF,
    "Deep Zoom": DEEP_ZOOM,
}
"""Formats by their name in `sinct.pictures.formats`."""

FORMATS = {suffix: ENCODERS[kind.name] for kind in KINDS if kind.write for suffix in kind.suffixes}
"""Formats by file name suffix."""
