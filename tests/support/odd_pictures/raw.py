"""Odd raw files of cameras: a DNG of one even colour; none without rawpy."""

from importlib.util import find_spec

import numpy as np

from tests.support.odd_pictures.case import Case
from tests.support.odd_pictures.common import D65, SRGBP, rgb2xyz, srgb_enc, tif

CASES: list[Case] = []
CFA = 32803
LIGHT = np.array([0.2, 0.5, 0.35])
ROWS, COLUMNS = 32, 48


def case(*values, **named):
    if find_spec("rawpy"):
        CASES.append(Case(*values, **named))


def fractions(values):
    return [number for value in np.ravel(values) for number in (round(value * 10000), 10000)]


def dng(neutral=(1, 1, 1), orientation=1):
    """A sensor of the colours of sRGB, under even light in which `neutral` is grey."""
    y, x = np.mgrid[0:ROWS, 0:COLUMNS]
    sensor = np.rint(LIGHT * neutral * 65535)[np.array([[0, 1], [1, 2]])[y % 2, x % 2]].astype(np.uint16)
    matrix = np.linalg.inv(rgb2xyz(SRGBP, D65))
    tags = [
        (50706, "B", 4, (1, 4, 0, 0), True),
        (50707, "B", 4, (1, 1, 0, 0), True),
        (50708, "s", 0, "Camera", True),
        (33421, "H", 2, (2, 2), True),
        (33422, "B", 4, (0, 1, 1, 2), True),
        (50717, "I", 1, 65535, True),
        (50721, "2i", 9, fractions(matrix), True),
        (50728, "2I", 3, fractions(neutral), True),
        (50778, "H", 1, 21, True),
        (272, "s", 0, "Camera", True),
        (274, "H", 1, orientation, True),
    ]
    return tif(sensor, photometric=CFA, metadata=None, extratags=tags)


def even(height, width):
    return np.broadcast_to(srgb_enc(LIGHT), (height, width, 3))


case("dng-grey-balance", "a.dng", dng(), even(ROWS, COLUMNS), tolerance=1 / 255)
case("dng-camera-balance", "a.dng", dng(neutral=(0.5, 1, 0.8)), even(ROWS, COLUMNS), tolerance=1 / 255)
case("dng-turned", "a.dng", dng(orientation=6), even(COLUMNS, ROWS), tolerance=1 / 255)
case("dng-cut-off", "a.dng", dng()[:-900], None, refused=True)
case("raf-of-nothing", "a.raf", b"FUJIFILMCCD-RAW 0201" + b"\0" * 200, None, refused=True)
