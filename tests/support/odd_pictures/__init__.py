"""Odd picture files, each made by code, with the pixels that a correct reader gives.

Most stand for a fault that somebody reported to a picture library in public.
"""

from tests.support.odd_pictures import heif, jpeg, jxl, others, png, psd, raw, tiff
from tests.support.odd_pictures.case import Case

CASES: dict[str, Case] = {
    case.name: case for part in (png, jpeg, tiff, others, jxl, heif, psd, raw) for case in part.CASES
}
