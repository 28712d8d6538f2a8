"""The header of a JPEG XL, bit by bit."""

import imagecodecs
import numpy as np
import pytest

from sinct.errors import InputError
from sinct.pictures.decoding import decode
from sinct.pictures.jxl_header import read_jxl_header
from tests.support.odd_pictures.common import A, S
from tests.support.odd_pictures.jxl import code, encoded, number, packed, relabelled

ICC = "0" + "1" + code(0)


@pytest.mark.parametrize(
    "size", [(1, 1), (8, 8), (256, 512), (300, 7), (513, 513), (16, 9), (700, 9000), (9000, 600)]
)
def test_size_is_read(size: tuple[int, int]) -> None:
    width, height = size
    pixels = np.zeros((height, width), np.uint8)
    assert read_jxl_header(encoded(pixels)).size == size


@pytest.mark.parametrize(
    ("lossy", "remark", "profiled"),
    [
        (False, "its ICC profile is not read, so it is taken as sRGB", False),
        (True, "its ICC profile is replaced", True),
    ],
)
def test_icc_profile_is_not_passed_over_in_silence(lossy: bool, remark: str, profiled: bool) -> None:
    header = read_jxl_header(relabelled(S, entry=ICC, lossy=lossy))
    assert [found.startswith(remark) for found in header.remarks] == [True]
    assert (header.profile is not None) == profiled


def test_unknown_primaries_are_remarked() -> None:
    entry = "0" + "0" + code(0) + code(1) + code(7) + "0" + code(13) + code(1)
    assert read_jxl_header(relabelled(A, entry=entry)).remarks == [
        "its colour space is not known, so it is taken as sRGB"
    ]


def test_xyb_as_a_colour_space_is_refused() -> None:
    with pytest.raises(InputError, match="has a colour space that is neither RGB nor grey; save it as RGB"):
        read_jxl_header(relabelled(A, entry="0" + "0" + code(2)))


@pytest.mark.parametrize(("kind", "message"), [(4, "is a JPEG XL in CMYK"), (1, "with further channels")])
def test_extra_channel_that_is_not_alpha_is_refused(kind: int, message: str) -> None:
    depth, plain = "0" + "00", "00"
    channel = "0" + code(kind) + depth + plain + plain
    head = (
        "1"
        + number(1, 5)
        + number(4, 3)
        + "0"
        + "0"
        + depth
        + "1"
        + number(1, 2)
        + channel
        + "0"
        + "1"
        + "00"
        + "1"
    )
    with pytest.raises(InputError, match=message):
        decode(b"\xff\x0a" + packed(head) + bytes(64), 10**6)


def test_more_than_16_bits_are_refused() -> None:
    data = bytes(imagecodecs.jpegxl_encode(A, lossless=True))
    depth = "0" + "11" + number(23, 6)
    head = "1" + number(1, 5) + number(4, 3) + "0" + "0" + depth + "1" + "00" + "0" + "1" + "00" + "1"
    with pytest.raises(InputError, match="has 24-bit samples; save it with 8 or 16 bits"):
        decode(b"\xff\x0a" + packed(head) + data[5:], 10**6)
