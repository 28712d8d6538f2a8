"""What is read of a file at most, since files from strangers may be made to exhaust memory or time."""

from sinct.errors import InputError

MAX_PIXELS = 178_956_970
"""Most pixels that are decoded at once unless a caller allows more; also Pillow's limit."""

SMALL = 4_000_000
"""Pixels that any file may hold, however small it is."""

PIXELS_PER_BYTE = 10_000
"""Most pixels for each byte of a file that holds more than `SMALL`.

Deflate reaches 8256, for a PNG of 1 bit and one colour; WebP and AVIF know no bound.
"""

START = 16_000_000
"""Bytes at the beginning of a file that are searched for what it says of its picture."""

CHUNKS = 10_000
"""Most chunks of a PNG besides those of pixels."""

LONGEST_TEXT = 1_000_000
"""Bytes of a text in a PNG, unpacked, above which it is skipped; Pillow refuses files with longer ones."""

TEXTS = 16_000_000
"""Bytes of all texts in a PNG, unpacked, above which further ones are skipped."""

LARGEST_PROFILE = 32_000_000
"""Bytes of a profile, unpacked, above which it counts as damaged."""

LARGEST_PACKET = 1_000_000
"""Bytes of XMP, which says how sinct made a picture; of larger packets nothing is read."""

SEGMENTS = 256_000_000
"""Most bytes of one row of strips or tiles of a TIFF, unpacked, for reading in rows."""


def check_plausible(width: int, height: int, file_size: int) -> None:
    """Refuse small files that unpack to huge pictures, which no camera, scanner or painter makes.

    Raises:
        InputError: there are too many pixels for the bytes. The caller must put the file's name before the message.
    """
    if width * height > max(SMALL, PIXELS_PER_BYTE * file_size):
        raise InputError(
            f"claims {width}x{height} px in only {file_size:,} bytes, so it is damaged or made to exhaust memory; "
            "save the picture again, or copy the whole file"
        )
