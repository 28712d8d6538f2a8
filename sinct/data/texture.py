"""A photo's own fine detail instead of strokes: each place gets that of the most similar surface (ours)."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from kornia.contrib import KMeans
from kornia.filters import box_blur
from torch import Tensor

from sinct.data.crops import native_windows
from sinct.data.palette import Places, each_with
from sinct.networks.seeding import seeded
from sinct.pictures.transparency import bounds
from sinct.runtime.device import with_cpu_fallback

KINDS = 8
"""Kinds of surface that a photo is divided into by colour and roughness, each with a texture of its own."""

ROUGH = 0.15
"""How much a standard deviation of roughness counts beside colour, as a distance on [-1, 1]: pebbles and a hill in the
distance may have the same colour."""

SAMPLES = 2**12
"""Pixels that kinds are found from."""

PATCHES = 16
"""Patches of each kind."""

STEP = 32
"""Pixels from one patch to the next where they are laid; they are twice as wide and overlap by half."""

SIDE = 2 * STEP
"""Side of a patch, in pixels."""

AROUND = 9
"""Side in pixels of the windows whose mean colour decides which texture is laid."""

NEIGHBOURHOOD = 33
"""Side in pixels of the windows in which a picture must show some detail of its own where texture is laid."""

MORE = 3.0
"""How much more contrast than the picture's own in such a window texture may have."""

TEXTURE_REACH = NEIGHBOURHOOD // 2
"""How far around a pixel its texture depends on the picture, in pixels."""

BAND = 256
"""Rows that are laid at a time, since the patches of all need memory."""

SHARPNESS = 2
"""Power of the patches' weights where they overlap: two patches seen at once look like neither."""

APART = 8
"""Pixels from one place where a patch may be cut to the next."""

LOOKED_AT = 512
"""Side in pixels of the windows in which patches are looked for in larger photos."""

PURE = 0.6
"""Share of its kind that a patch needs, relative to the purest patch of that kind."""

EVEN = 0.3
"""Share of the places of a kind that are taken into account, those whose contrast is most even: what is laid again and
again must not show a window or a twig."""

NORMAL, HEAVY = 3.0, 6.0
"""Kurtosis of texture as such, and from which on what a kind shows is things, which are not laid at all."""

LOOSE, STRICT = 0.7, 0.9
"""Coherence up to which texture may run in one direction, as waves and beds of rock do, and from which on it is lines,
carved or ruled: patches of them would meet at random, and are not laid at all. Noise has 0.24."""

SOFTEST = 0.01
"""Smallest distance on [-1, 1] over which two kinds blend, so that rounding never decides between them."""

UNIT = 127
"""Patches are kept as whole numbers of this part of 1."""


class Texture(NamedTuple):
    """What a photo shows beyond its smooth parts, by kind of surface.

    Attributes:
        kinds: (K, 4), colour in [-1, 1] and roughness in units of `ROUGH`.
        patches: (K, N, 3, `SIDE`, `SIDE`), int8, in units of 1 / `UNIT` on [-1, 1].
    """

    kinds: Tensor
    patches: Tensor


class _Place(NamedTuple):
    """Where a patch may be cut."""

    picture: int
    top: int
    left: int


def find_texture(
    smooth: Sequence[Tensor], rough: Sequence[Tensor], detail: Sequence[Tensor], where: Places = None
) -> Texture:
    """Cut patches of detail out of photos, for each of their main kinds of surface.

    Of the places that mostly show one kind, those are taken whose contrast is even and most ordinary: laid again and
    again, a sail on the sea would be seen at once.

    Args:
        smooth: one or more photos as a generator should keep them, (3, H, W) in [-1, 1].
        rough: their roughness, (1, H, W) each, in standard deviations.
        detail: what a generator sees of each beyond that, (3, H, W) each.
        where: (H, W) bool for each, the part that patches are cut from; None for all.
    """
    pictures = [
        _at_least(window, SIDE)
        for each, map_, (fine, part) in zip(smooth, rough, each_with(detail, where), strict=True)
        for window in _windows(torch.cat([each, map_, fine]), part)
    ]
    looks = [_looks(picture[:3], picture[3:4]) for picture in pictures]
    details = [picture[4:7] for picture in pictures]
    inside = None if where is None else [picture[7] for picture in pictures]
    directions = [_directions(detail) for detail in details]
    kinds = _main_kinds(looks, inside)
    weights = [_weights(look, kinds) for look in looks]
    if inside is not None:
        weights = [weight * part for weight, part in zip(weights, inside, strict=True)]
    patches = []
    for kind in range(len(kinds)):
        of_kind = [each[kind] for each in weights]
        found = [
            _patch(details[place.picture], of_kind[place.picture], place)
            for place in _places(details, directions, of_kind)
        ]
        found += [patch.flip(2) for patch in found]  # where a small photo has too few of them
        stacked = torch.stack([found[number % len(found)] for number in range(PATCHES)])
        patches.append(_evenness(stacked) * _looseness(stacked) * stacked)
    return Texture(kinds, (torch.stack(patches) * UNIT).round().clamp(-UNIT, UNIT).to(torch.int8))


def _windows(maps: Tensor, where: Tensor | None) -> list[Tensor]:
    """Windows of a photo's maps in which patches are looked for; with `where`, a last row, 0 or 1, tells it."""
    if where is None:
        return native_windows(maps, LOOKED_AT)
    rows, columns = bounds(where.cpu().numpy())
    part = torch.cat([maps, where[None].to(maps)])[:, rows, columns]
    return [window for window in native_windows(part, LOOKED_AT) if window[-1].any()] or [part]


def lay_texture(
    texture: Texture,
    smooth: Tensor,
    rough: Tensor,
    top: int,
    left: int,
    seed: int,
    *,
    own: Tensor | None = None,
) -> Tensor:
    """Lay texture over a picture, or over a window of it, as its colours and its roughness ask for.

    For each kind of surface, random patches are laid on a grid and blended so that their contrast stays the same; at
    each pixel, the textures of all kinds are mixed by how near it is to these, again with the same contrast.

    Args:
        texture: what to lay.
        smooth: (3, H, W) in [-1, 1], with `TEXTURE_REACH` pixels around what will be used.
        rough: its roughness, (1, H, W), in standard deviations.
        top, left: position of its first pixel in the whole picture. Each pixel gets the same whichever window it
            is in.
        seed: draws the patches.
        own: detail that the picture shows already, (3, H, W), or None for none. The more there is, the less texture
            is laid: both together have the texture's contrast.

    Returns:
        (3, H, W), to be added to `smooth`.

    After Heitz & Neyret 2018, "High-performance by-example noise using a histogram-preserving blending operator",
    with a square grid and without the histogram.
    """
    kinds, patches = texture.kinds.to(smooth), texture.patches.to(smooth) / UNIT
    power = patches.square().mean(dim=(1, 2, 3, 4))
    patches *= _blending(patches)
    result, (height, width) = torch.zeros_like(smooth), smooth.shape[1:]
    for start in range(0, height, BAND):
        stop = min(height, start + BAND)
        first, last = max(0, start - TEXTURE_REACH), min(height, stop + TEXTURE_REACH)
        looks = _looks(smooth[:, first:last], rough[:, first:last])[:, start - first : stop - first]
        weights = _weights(looks, kinds)
        amplitude = weights / weights.square().sum(dim=0).sqrt_()
        if own is not None:
            rows = slice(start - first, stop - first)
            amplitude *= _gain(own[:, first:last], torch.tensordot(power, weights, dims=1), rows)
        for kind, weight in enumerate(amplitude):
            laid = _laid(patches[kind], stop - start, width, top + start, left, (seed, kind))
            result[:, start:stop].addcmul_(laid, weight)
    return result


def _gain(own: Tensor, wanted: Tensor, rows: slice) -> Tensor:
    """How much of the texture is laid where a picture has detail of its own.

    Args:
        own: that detail, (3, H, W), with some rows more above and below.
        wanted: mean square of the texture, (h, W).
        rows: which rows of the former are meant, h of them.

    Returns:
        (h, W) in [0, 1].
    """
    power = own.square().mean(dim=0, keepdim=True)
    shown, around = (_around(power, side)[0, rows] for side in (AROUND, NEIGHBOURHOOD))
    most = torch.minimum(wanted, MORE**2 * around)
    return ((most - shown) / wanted.clamp_min(1e-8)).clamp_(min=0).sqrt_()


def _laid(patches: Tensor, height: int, width: int, top: int, left: int, seed: tuple[int, int]) -> Tensor:
    """Cut a rectangle, (3, H, W), out of an endless plane of random patches, whose `_blending` has been applied."""
    rows = np.arange(top // STEP - 1, (top + height - 1) // STEP + 1)
    columns = np.arange(left // STEP - 1, (left + width - 1) // STEP + 1)
    drawn = torch.from_numpy(_hashed(rows[:, None], columns, *seed) % len(patches)).to(patches.device)
    overlapping = patches.flatten(1).T[None, :, drawn.flatten()]
    size = (len(rows) + 1) * STEP, (len(columns) + 1) * STEP
    plane = with_cpu_fallback(lambda columns: F.fold(columns, size, SIDE, stride=STEP), overlapping)[0]
    first, second = top - int(rows[0]) * STEP, left - int(columns[0]) * STEP
    return plane[:, first : first + height, second : second + width]


def _blending(like: Tensor) -> Tensor:
    """Weights of a patch, (`SIDE`, `SIDE`), whose squares add up to 1 where patches overlap."""
    tent = 1 - (torch.arange(SIDE).to(like) + 0.5 - STEP).abs() / STEP
    weights = (tent[:, None] * tent) ** SHARPNESS
    total = weights.square().view(2, STEP, 2, STEP).sum(dim=(0, 2)).sqrt()
    return weights / total.repeat(2, 2)


def _hashed(rows: np.ndarray, columns: np.ndarray, *seeds: int) -> np.ndarray:
    """Whole numbers from 0 that look random, one for each row and column; SplitMix64 (Steele et al. 2014)."""
    value = rows.astype(np.uint64) << np.uint64(32) ^ (columns.astype(np.uint64) & np.uint64(0xFFFFFFFF))
    for seed in (*seeds, 0):
        value = value + np.uint64((seed + 1) * 0x9E3779B97F4A7C15 % 2**64)
        value = (value ^ value >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)
        value = (value ^ value >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
        value = value ^ value >> np.uint64(31)
    return (value >> np.uint64(1)).astype(np.int64)


def _main_kinds(looks: Sequence[Tensor], inside: Sequence[Tensor] | None = None) -> Tensor:
    """The main kinds among looks, (4, H, W) each, as (K, 4) with K up to `KINDS`; only where `inside` is above 0."""
    flat = [look.flatten(1) for look in looks]
    if inside is not None:
        flat = [look[:, part.flatten() > 0] for look, part in zip(flat, inside, strict=True)]
    pixels = torch.cat(flat, dim=1).T
    chosen = torch.linspace(0, len(pixels) - 1, SAMPLES, dtype=torch.float64).long().to(pixels.device)
    pixels, device = pixels[chosen].cpu(), pixels.device
    first = pixels.mean(dim=0, keepdim=True)
    for _ in range(KINDS):  # each time the one that is farthest from all others
        first = torch.cat([first, pixels[torch.cdist(pixels, first).amin(dim=1).argmax()][None]])
    first = torch.unique(first[1:], dim=0)
    means = KMeans(len(first), first, tolerance=1e-6, max_iterations=30)
    with seeded(0):  # it draws points for empty clusters from the global generator
        means.fit(pixels)
    kinds: Tensor = torch.unique(means.cluster_centers, dim=0)
    return kinds.to(device)


def _looks(smooth: Tensor, rough: Tensor) -> Tensor:
    """Mean colours and roughness around each pixel, (4, H, W)."""
    return _around(torch.cat([smooth, ROUGH * rough]))


def _around(maps: Tensor, side: int = AROUND) -> Tensor:
    """Means in windows around each pixel of (C, H, W)."""
    border = "reflect" if min(maps.shape[1:]) > side // 2 else "replicate"
    blurred: Tensor = box_blur(maps[None], side, border_type=border, separable=True)
    return blurred[0]


def _weights(look: Tensor, kinds: Tensor) -> Tensor:
    """How much each kind counts at each pixel, (K, H, W) with sum 1; two kinds blend halfway between them."""
    apart = torch.cdist(kinds, kinds).fill_diagonal_(torch.inf).amin(dim=1)
    softness = max(SOFTEST, float(apart.median()) / 3) if len(kinds) > 1 else 1.0
    nearness = torch.tensordot(kinds, look, dims=1) - 0.5 * kinds.square().sum(dim=1)[:, None, None]
    weights = nearness.div_(softness**2)
    weights.sub_(weights.amax(dim=0)).exp_()  # softmax in place
    result: Tensor = weights.div_(weights.sum(dim=0))
    return result


def _places(
    details: Sequence[Tensor], directions: Sequence[tuple[Tensor, Tensor]], weights: Sequence[Tensor]
) -> list[_Place]:
    """The best places for patches of one kind, up to `PATCHES`, at least one."""
    places, pure, contrast, uneven, lines = [], [], [], [], []
    for number, (detail, ways, weight) in enumerate(zip(details, directions, weights, strict=True)):
        power = weight * detail.square().mean(dim=0)
        share, mean = (F.avg_pool2d(each[None], SIDE, APART)[0] for each in (weight, power))
        fourth = F.avg_pool2d(power[None].square(), SIDE, APART)[0]
        one_way, any_way = (F.avg_pool2d((weight * each)[None], SIDE, APART)[0] for each in ways)
        tops, lefts = (APART * torch.arange(length) for length in share.shape)
        places += [_Place(number, top, left) for top, left in torch.cartesian_prod(tops, lefts).tolist()]
        pure.append(share.flatten())
        contrast.append((mean / share.clamp_min(1e-6)).flatten())
        uneven.append((fourth / mean.square().clamp_min(1e-12)).flatten())
        lines.append((one_way / any_way.clamp_min(1e-12)).flatten())
    share, power, unevenness, coherence = (torch.cat(each) for each in (pure, contrast, uneven, lines))
    allowed = share >= PURE * share.max()
    if (loose := allowed & (coherence <= LOOSE)).any():
        allowed = loose
    allowed &= unevenness <= unevenness[allowed].quantile(EVEN)
    oddity = (power.add(1e-8) / power[allowed].median().add(1e-8)).log().abs().where(allowed, torch.inf)
    best = [places[index] for index in oddity.argsort()[: int(allowed.sum())].tolist()]
    taken: list[_Place] = []
    for place in best:
        if not any(_overlap(place, other) for other in taken):
            taken.append(place)
        if len(taken) == PATCHES:
            return taken
    taken += [place for place in best if place not in taken]  # rather overlapping patches than too few
    return taken[:PATCHES]


def _evenness(patches: Tensor) -> float:
    """1 for texture, whose contrast is spread as by a normal distribution; 0 for single things on an empty ground."""
    power = patches.square().mean(dim=1)
    kurtosis = float(power.square().mean() / power.mean().square().clamp_min(1e-12))
    return min(1.0, max(0.0, (HEAVY - kurtosis) / (HEAVY - NORMAL)))


def _looseness(patches: Tensor) -> float:
    """1 for texture without a direction, or with a loose one; 0 for lines."""
    one_way, any_way = zip(*map(_directions, patches), strict=True)
    coherence = float(torch.stack(one_way).sum() / torch.stack(any_way).sum().clamp_min(1e-12))
    return min(1.0, max(0.0, (STRICT - coherence) / (STRICT - LOOSE)))


def _directions(detail: Tensor) -> tuple[Tensor, Tensor]:
    """Energy of the gradients that run one way around each pixel of (3, H, W), and of all: their share is coherence.

    Bigün and Granlund 1987, "Optimal Orientation Detection of Linear Symmetry".

    Returns:
        (H, W) each.
    """
    light = F.avg_pool2d(F.pad(detail.mean(dim=0)[None, None], (1, 1, 1, 1), mode="replicate"), 3, 1)
    padded = F.pad(light, (1, 1, 1, 1), mode="replicate")[0]
    across, down = padded[:, 1:-1, 2:] - padded[:, 1:-1, :-2], padded[:, 2:, 1:-1] - padded[:, :-2, 1:-1]
    tensor = torch.cat([across.square() - down.square(), 2 * across * down, across.square() + down.square()])
    cosine, sine, energy = _around(tensor)
    return torch.hypot(cosine, sine), energy


def _overlap(one: _Place, other: _Place) -> bool:
    """Whether two patches show mostly the same."""
    apart = max(abs(one.top - other.top), abs(one.left - other.left))
    return one.picture == other.picture and apart < STEP // 2


def _patch(detail: Tensor, weight: Tensor, place: _Place) -> Tensor:
    """Cut a patch of one kind out of the detail: without a mean, and fading where the kind is another."""
    rows, columns = slice(place.top, place.top + SIDE), slice(place.left, place.left + SIDE)
    detail, weight = detail[:, rows, columns], weight[rows, columns]
    mean = (detail * weight).sum(dim=(1, 2), keepdim=True) / weight.sum().clamp_min(1e-6)
    return (detail - mean) * weight.sqrt()


def _at_least(picture: Tensor, side: int) -> Tensor:
    """Repeat the outermost pixels of (C, H, W) until both sides are long enough."""
    height, width = picture.shape[1:]
    return F.pad(picture[None], (0, max(0, side - width), 0, max(0, side - height)), mode="replicate")[0]
