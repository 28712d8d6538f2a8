"""All pictures of a comparison side by side, to view at a glance or to send."""

import math
from collections.abc import Sequence

from PIL import Image, ImageDraw

from sinct.report.pictures import Panel, label_font
from sinct.report.wording import label

_CELL = 720  # width of a picture in pixels, so that four columns stay below 3000
_COLUMNS = 4
_GAP = 16
_LABEL = 40
_INSET = 0.25  # share of the width, about as in the figures of Park et al. 2020 (arXiv:2007.15651)
_PAPER, _INK = "#ffffff", "#111111"


def contact_sheet(painting: Panel, photo: Panel, results: Sequence[Panel]) -> Image.Image:
    """Lay out the painting, the photo and every result, labelled, with the photo in each result's top left corner.

    Args:
        painting: sets the shape of the cells; pictures of another shape are fitted in.
        photo: the reference photo.
        results: results in the order of the sheet.

    Returns:
        RGB picture, at most 2960 px wide.
    """
    shown = [painting, photo, *results]
    columns = min(_COLUMNS, math.ceil(math.sqrt(len(shown))))
    rows = -(-len(shown) // columns)
    width = min(_CELL, painting.picture.width)
    height = max(1, round(width * painting.picture.height / painting.picture.width))
    sheet = Image.new(
        "RGB",
        (columns * (width + _GAP) + _GAP, rows * (height + _LABEL + _GAP) + _GAP),
        _PAPER,
    )
    draw = ImageDraw.Draw(sheet)
    for index, panel in enumerate(shown):
        row, column = divmod(index, columns)
        left, top = _GAP + column * (width + _GAP), _GAP + row * (height + _LABEL + _GAP)
        name = label(panel.name, panel.result)
        draw.text((left, top), _shorten(name, width), fill=_INK, font=label_font(min(26, width // 12)))
        fitted = _fit(panel.picture, width, height)
        sheet.paste(fitted, (left, top + _LABEL))
        if panel.result is not None:
            inset = _fit(photo.picture, round(width * _INSET), round(height * _INSET))
            sheet.paste(Image.new("RGB", (inset.width + 3, inset.height + 3), _PAPER), (left, top + _LABEL))
            sheet.paste(inset, (left, top + _LABEL))
    return sheet


def _fit(picture: Image.Image, width: int, height: int) -> Image.Image:
    scale = min(width / picture.width, height / picture.height)
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    return picture.resize(size, Image.Resampling.LANCZOS)


def _shorten(text: str, width: int) -> str:
    """Shorten a text so that it fits a width in pixels."""
    font = label_font(min(26, width // 12))
    text = " ".join(text.split())
    if font.getlength(text) <= width:
        return text
    while text and font.getlength(text + "…") > width:
        text = text[:-1]
    return text + "…"
