"""What of a picture its translation can keep: its colours, its light, its texture (ours).

A picture is divided in Oklab, whose lightness and colour are meant to be independent of each other to the eye. An
edge-preserving filter, the guided filter with the lightness as its own guide, leaves forms and their edges and takes
away what varies little within 33 px. The three parts of a picture add up to the picture:

- colours: a and b behind the filter, hue and chroma of the forms.
- light: L behind the filter, light and shade of the forms.
- texture: what the filter took away of all three, such as strokes, canvas, grain and fine edges.

Ottosson 2020, "A perceptual color space for image processing" (https://bottosson.github.io/posts/oklab); He et al.
2010, "Guided Image Filtering".
"""

from collections.abc import Collection, Iterator
from itertools import product

import torch
from kornia.color import linear_rgb_to_rgb, rgb_to_linear_rgb
from kornia.filters import guided_blur
from torch import Tensor

from sinct.pictures.windows import Span, spans

PARTS = ("colours", "light", "texture")
"""Names of the parts."""

RADIUS = 16
"""Radius of the filter's windows in pixels of the picture, whatever its size."""

EDGE = 0.1
"""Standard deviation of lightness, which goes from 0 to 1, above which windows hold an edge rather than texture."""

REACH = 2 * RADIUS
"""How far around a pixel its parts depend on the picture, in pixels: the filter averages twice."""

TILE = 512
"""Side in pixels of the tiles that are worked on at a time, without what is seen around them; limits memory."""

HALVINGS = 12
"""Halvings of a share of chroma until it is known; what is left makes no step of 255."""

TO_LMS = (
    (0.4122214708, 0.5363325363, 0.0514459929),
    (0.2119034982, 0.6806995451, 0.1073969566),
    (0.0883024619, 0.2817188376, 0.6299787005),
)
"""Linear sRGB to the cones' responses, as Ottosson gives it."""

TO_LAB = (
    (0.2104542553, 0.7936177850, -0.0040720468),
    (1.9779984951, -2.4285922050, 0.4505937099),
    (0.0259040371, 0.7827717662, -0.8086757660),
)
"""Cube roots of the cones' responses to L, a and b."""


@torch.no_grad()
def with_parts_of(picture: Tensor, translation: Tensor, keep: Collection[str]) -> Tensor:
    """A translation with some parts of the picture that it was made from.

    Colours outside sRGB, which parts of two pictures can make, keep their lightness and hue in Oklab and lose chroma,
    no more than needed; lightness below black or above white is cut off. Without a part, the translation comes back
    bit for bit; with all of them, the picture does.

    Args:
        picture: (3, H, W) in [-1, 1], sRGB.
        translation: (3, H, W) in [-1, 1], of the same place.
        keep: names in `PARTS`.

    Returns:
        (3, H, W) in [-1, 1], float32. A pixel depends on at most `REACH` pixels on each side.
    """
    if not keep:
        return translation
    if set(keep) == set(PARTS):
        return picture
    result = torch.empty_like(translation, dtype=torch.float32)
    for rows, columns in _tiles(*picture.shape[1:]):
        place = slice(None), slice(rows.start, rows.stop), slice(columns.start, columns.stop)
        mixed = _with_parts_of(picture[place].float(), translation[place].float(), keep)
        kept = slice(rows.keep_start, rows.keep_stop), slice(columns.keep_start, columns.keep_stop)
        result[:, kept[0], kept[1]] = mixed[:, rows.kept, columns.kept]
    return result


def _tiles(height: int, width: int) -> Iterator[tuple[Span, Span]]:
    """Rows and columns of tiles that cover a picture, each with what its parts depend on."""
    side = TILE + 2 * REACH
    return product(spans(height, side, REACH, 1), spans(width, side, REACH, 1))


def _with_parts_of(picture: Tensor, translation: Tensor, keep: Collection[str]) -> Tensor:
    """See `with_parts_of`; in one piece, with some of the parts."""
    forms, texture = divided(to_oklab(translation))
    forms_kept, texture_kept = divided(to_oklab(picture))
    if "light" in keep:
        forms[0] = forms_kept[0]
    if "colours" in keep:
        forms[1:] = forms_kept[1:]
    return from_oklab(forms + (texture_kept if "texture" in keep else texture))


def divided(lab: Tensor) -> tuple[Tensor, Tensor]:
    """Divide a picture in Oklab, (3, H, W), into its forms and its texture, which add up to it."""
    forms = guided_blur(
        lab[None, :1], lab[None], 2 * RADIUS + 1, EDGE**2, border_type="replicate", separable=True
    )[0]
    return forms, lab - forms


def to_oklab(picture: Tensor) -> Tensor:
    """(3, H, W) in [-1, 1], sRGB -> L in [0, 1], a and b in about [-0.4, 0.4]."""
    linear = rgb_to_linear_rgb((picture.clamp(-1, 1) + 1) / 2)
    cones = torch.tensordot(picture.new_tensor(TO_LMS), linear, dims=1)
    lab: Tensor = torch.tensordot(picture.new_tensor(TO_LAB), cones.pow(1 / 3), dims=1)
    return lab


def from_oklab(lab: Tensor) -> Tensor:
    """Undo `to_oklab`, (3, H, W); colours outside sRGB keep lightness and hue, and as much chroma as sRGB has."""
    lab = torch.cat([lab[:1].clamp(0, 1), lab[1:]])
    linear = _linear(lab)
    outside = ((linear < 0) | (linear > 1)).any(dim=0)
    linear[:, outside] = _linear(_with_less_chroma(lab[:, outside]))
    colours: Tensor = linear_rgb_to_rgb(linear.clamp(0, 1)) * 2 - 1
    return colours


def _linear(lab: Tensor) -> Tensor:
    """Oklab -> linear sRGB, (3, ...), below 0 and above 1 for colours outside it."""
    cones = torch.tensordot(torch.linalg.inv(lab.new_tensor(TO_LAB)), lab, dims=1)
    linear: Tensor = torch.tensordot(torch.linalg.inv(lab.new_tensor(TO_LMS)), cones**3, dims=1)
    return linear


def _with_less_chroma(lab: Tensor) -> Tensor:
    """Colours in Oklab, (3, N), with the largest share of their chroma that lies within sRGB, by bisection."""
    share = torch.zeros_like(lab[:1])
    for halving in range(1, HALVINGS + 1):
        tried = share + 0.5**halving
        linear = _linear(torch.cat([lab[:1], tried * lab[1:]]))
        within = ((linear >= 0) & (linear <= 1)).all(dim=0)
        share = torch.where(within, tried, share)
    return torch.cat([lab[:1], share * lab[1:]])
