"""STROTSS: style transfer by relaxed optimal transport and self-similarity.

Kolkin, Salavon and Shakhnarovich 2019 (arXiv:1904.12785). The picture is optimised from coarse to fine. Its
features shall be those of the photo as a distribution, and as similar to each other as those of the painting
are. Here "code" is what the authors published (github.com/nkolkin13/STROTSS), where it says more than the
paper or something else.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from sinct.comparison.methods import Job, Method, Result
from sinct.errors import ConfigError
from sinct.networks.vgg import VGG

LAYERS = (
    "relu1_1",
    "relu1_2",
    "relu2_1",
    "relu2_2",
    "relu3_1",
    "relu3_2",
    "relu3_3",
    "relu4_3",
    "relu5_3",
)
"""Of a hypercolumn, after the colour: the code's. Section 2.1 leaves out convolutions 9, 10, 12 and 13, which
would be relu4_1 and relu5_1 in the last two places."""

COARSEST = 64
"""Least long side of the first scale, in pixels."""

POSITIONS = 1024
"""Of the picture and the painting that an iteration compares, about (section 2.5)."""

STYLE_POSITIONS = 5000
"""Of the photo, at most; the code draws a thousand five times."""

RENEWAL = 10
"""Iterations after which new positions are drawn from the photo; the code keeps them for the whole scale."""

LEVELS = 5
"""Bands of the Laplacian pyramid, besides what remains."""

LEARNING_RATE = 0.002
LAST_LEARNING_RATE = 0.001

LOSSES_IN_PIXELS = 2**16
"""Pixels on which VGG-16 takes about as long as an iteration's losses, which do not depend on the scale."""


class Style(NamedTuple):
    """A distribution of features and its moments.

    Attributes:
        features: (m, d).
        mean: (d,).
        covariance: (d, d).
    """

    features: Tensor
    mean: Tensor
    covariance: Tensor


def cosine_distance(x: Tensor, y: Tensor) -> Tensor:
    """1 - x·y / (|x| |y|) for every pair of rows.

    Args:
        x: (n, d).
        y: (m, d).

    Returns:
        (n, m) in [0, 2]; 1 where either vector is zero.

    Section 2.2.
    """
    return 1 - F.normalize(x, dim=1) @ F.normalize(y, dim=1).T


def relaxed_emd(cost: Tensor) -> Tensor:
    """Relaxed earth mover's distance, max(1/n Σ_i min_j C_ij, 1/m Σ_j min_i C_ij).

    Args:
        cost: (n, m) of moving each of n features to each of m, all n and all m of equal mass.

    Returns:
        Scalar in the cost's unit; a lower bound of the earth mover's distance of eqs. 2-4.

    Section 2.2. Each part drops one of the two constraints, so that every mass goes where it is cheapest.
    """
    return torch.maximum(cost.min(dim=1).values.mean(), cost.min(dim=0).values.mean())


def style_distance(features: Tensor, style: Tensor) -> Tensor:
    """ℓ_r: relaxed earth mover's distance of two sets of features under the cosine distance.

    Args:
        features: (n, d).
        style: (m, d).

    Returns:
        Scalar in [0, 2]. It does not see the features' magnitudes, which `moment_distance` does.

    Section 2.2.
    """
    return relaxed_emd(cosine_distance(features, style))


def palette_distance(colours: Tensor, style: Tensor) -> Tensor:
    """ℓ_p: relaxed earth mover's distance of two sets of colours under the Euclidean distance.

    Args:
        colours: (n, 3) in [0, 1].
        style: (m, 3) in [0, 1].

    Returns:
        Scalar in [0, √3].

    Section 2.2, which takes colours to a decorrelated space first. The code's matrix for that is orthonormal
    and so leaves every distance as it is: it is left out. The code also divides the distance by √3 and adds
    the cosine distance.
    """
    return relaxed_emd(torch.cdist(colours, style, compute_mode="donot_use_mm_for_euclid_dist"))


def moments(features: Tensor) -> tuple[Tensor, Tensor]:
    """Mean (d,) and covariance (d, d) of (n, d) features, the latter divided by n."""
    mean = features.mean(dim=0)
    centred = features - mean
    return mean, centred.T @ centred / len(features)


def moment_distance(features: Tensor, mean: Tensor, covariance: Tensor) -> Tensor:
    """ℓ_m: 1/d ‖μ_A - μ_B‖₁ + 1/d² ‖Σ_A - Σ_B‖₁.

    Args:
        features: (n, d), A.
        mean: (d,) of B.
        covariance: (d, d) of B, see `moments`.

    Returns:
        Scalar, 0 or more.

    Section 2.2.
    """
    own_mean, own_covariance = moments(features)
    return (own_mean - mean).abs().mean() + (own_covariance - covariance).abs().mean()


def self_similarity_distance(features: Tensor, content: Tensor) -> Tensor:
    """ℓ_C: 1/n Σ_ij |D_ij / Σ_i D_ij - D'_ij / Σ_i D'_ij|, with cosine distances D within each set.

    Args:
        features: (n, d), rows belonging to the same positions as those of `content`.
        content: (n, d').

    Returns:
        Scalar in [0, 2].

    Section 2.3, which divides by n²; the code, and so we, by n, without which the term would count for
    nothing. A column's sum is taken as 1e-5 at least, so that n equal features have a loss.
    """

    def normalised(x: Tensor) -> Tensor:
        distance = cosine_distance(x, x)
        return distance / distance.sum(dim=0).clamp_min(1e-5)

    return (normalised(features) - normalised(content)).abs().sum() / len(features)


def objective(features: Tensor, content: Tensor, style: Style, content_weight: float) -> Tensor:
    """(α ℓ_C + ℓ_m + ℓ_r + ℓ_p / α) / (2 + α + 1/α).

    Args:
        features: (n, d) hypercolumns of the picture, with the colour in the first three columns.
        content: (n, d) those of the painting at the same positions.
        style: those of the photo.
        content_weight: α, positive.

    Returns:
        Scalar.

    Eq. 1. The code has 1 / max(α, 1) for 1/α, and leaves it out below the line.
    """
    alpha = content_weight
    return (
        alpha * self_similarity_distance(features, content)
        + moment_distance(features, style.mean, style.covariance)
        + style_distance(features, style.features)
        + palette_distance(features[:, :3], style.features[:, :3]) / alpha
    ) / (2 + alpha + 1 / alpha)


def hypercolumns(vgg: VGG, picture: Tensor, positions: Tensor) -> Tensor:
    """Colour and features of all `LAYERS` at some pixels.

    Args:
        vgg: VGG-16.
        picture: (1, 3, H, W) in [0, 1]; less than 16 pixels are repeated at the edge, for VGG to see.
        positions: (n, 2), row and column of each pixel.

    Returns:
        (n, 2179), interpolated bilinearly where the layer is coarser than the picture.

    Section 2.1. A layer after k poolings has its pixel (0, 0) in the middle of 2^k × 2^k pixels, as by
    bilinear enlargement; the code has it in the first of them, and does not interpolate the photo's.
    """
    height, width = picture.shape[2:]
    padded = F.pad(picture, (0, max(0, 16 - width), 0, max(0, 16 - height)), mode="replicate")
    centres = positions.flip(1).to(picture) + 0.5  # x before y, as grid_sample has it
    columns = [picture[0, :, positions[:, 0], positions[:, 1]].T]
    for name, layer in zip(LAYERS, vgg(padded * 2 - 1, LAYERS), strict=True):
        stride = 2 ** (int(name[4]) - 1)
        size = centres.new_tensor([layer.shape[3], layer.shape[2]])
        grid = (2 * centres / (stride * size) - 1)[None, None]
        sampled = F.grid_sample(layer, grid, mode="bilinear", padding_mode="border", align_corners=False)
        columns.append(sampled[0, :, 0].T)
    return torch.cat(columns, dim=1)


def regular_positions(mask: Tensor, count: int, generator: Generator) -> Tensor:
    """Pixels on a square grid with a random offset.

    Args:
        mask: (H, W) of those that may be taken.
        count: wanted, about; all of them where there are no more.
        generator: of the offset, on the CPU.

    Returns:
        (n, 2), row and column.

    Section 2.5. Where the grid misses the mask, as it may a line of pixels, random ones are taken.
    """
    spacing = max(1.0, (int(mask.sum()) / count) ** 0.5)
    offset = torch.rand(2, generator=generator, dtype=torch.float64) * spacing
    rows, columns = (
        torch.arange(float(start), max(float(start), size), spacing, dtype=torch.float64).long()
        for start, size in zip(offset, mask.shape, strict=True)
    )
    grid = torch.cartesian_prod(rows, columns).to(mask.device)
    chosen = grid[mask[grid[:, 0], grid[:, 1]]]
    return chosen if len(chosen) else random_positions(mask, count, generator)


def random_positions(mask: Tensor, count: int, generator: Generator) -> Tensor:
    """Different pixels at random, `count` or all that there are.

    Args:
        mask: (H, W) of those that may be taken.
        count: wanted.
        generator: on the CPU.

    Returns:
        (n, 2), row and column.
    """
    candidates = mask.nonzero()
    chosen = torch.randperm(len(candidates), generator=generator)[:count]
    return candidates[chosen.to(mask.device)]


def resize(picture: Tensor, size: Sequence[int], *, antialias: bool = False) -> Tensor:
    """(1, C, H, W) to (1, C, *size) by bilinear interpolation, or a triangle filter against aliasing."""
    return F.interpolate(picture, tuple(size), mode="bilinear", align_corners=False, antialias=antialias)


def split(picture: Tensor) -> tuple[Tensor, Tensor]:
    """The finest band of a Laplacian pyramid and the picture of half the size that it lacks."""
    half = resize(picture, [max(1, side // 2) for side in picture.shape[2:]])
    return picture - resize(half, picture.shape[2:]), half


def pyramid(picture: Tensor) -> list[Tensor]:
    """Laplacian pyramid, finest first: `LEVELS` bands and the rest."""
    bands = []
    for _ in range(LEVELS):
        band, picture = split(picture)
        bands.append(band)
    return [*bands, picture]


def collapse(levels: Sequence[Tensor]) -> Tensor:
    """The picture of which these are the Laplacian pyramid."""
    *bands, picture = levels
    for band in reversed(bands):
        picture = band + resize(picture, band.shape[2:])
    return picture


def scales(height: int, width: int) -> list[tuple[int, int]]:
    """Heights and widths from coarse to fine, doubling up to the picture's own.

    The coarsest has a long side of 64 to 127 pixels. The code begins with 64 and doubles it; the two agree
    where the long side is 64 times a power of two. A picture below 64 pixels has only its own.
    """
    halvings = max(1, max(height, width) // COARSEST).bit_length() - 1
    return [(max(1, height >> k), max(1, width >> k)) for k in reversed(range(halvings + 1))]


def _reduced(photo: Tensor, longest: int) -> Tensor:
    """The photo with a long side of `longest`; unlike in the code never enlarged, as blur would be learnt."""
    factor = min(1.0, longest / max(photo.shape[2:]))
    return resize(photo, [max(1, round(side * factor)) for side in photo.shape[2:]], antialias=True)


def _region_masks(
    regions: tuple[Tensor, Tensor] | None, painting: Tensor, photo: Tensor
) -> list[tuple[Tensor, Tensor]]:
    """Masks (H, W) of each region in the painting and the photo, at the sizes of these pictures.

    A region that is not in the photo may look like all of it.
    """
    sizes = painting.shape[2:], photo.shape[2:]
    everything = [torch.ones(size, dtype=torch.bool, device=painting.device) for size in sizes]
    if regions is None:
        return [(everything[0], everything[1])]

    def of(label: int, which: int) -> Tensor:
        mask = (regions[which] == label).to(painting.device, torch.float32)
        return F.interpolate(mask[None, None], sizes[which], mode="nearest-exact")[0, 0].bool()

    masks = [(of(label, 0), of(label, 1)) for label in torch.unique(regions[0]).tolist()]
    return [(own, other if other.any() else everything[1]) for own, other in masks if own.any()]


def _columns(vgg: VGG, picture: Tensor, groups: Sequence[Tensor]) -> Sequence[Tensor]:
    """Hypercolumns at several groups of positions, by one pass through VGG."""
    return torch.split(hypercolumns(vgg, picture, torch.cat(list(groups))), [len(group) for group in groups])


def _optimise(
    start: Tensor,
    painting: Tensor,
    photo: Tensor,
    masks: Sequence[tuple[Tensor, Tensor]],
    vgg: VGG,
    *,
    content_weight: float,
    learning_rate: float,
    iterations: Iterable[int],
    generator: Generator,
) -> tuple[Tensor, int]:
    """Minimise the mean of all regions' objectives by RMSprop over a Laplacian pyramid.

    Args:
        start: (1, 3, H, W) in [0, 1].
        painting: of the same size and range.
        photo: (1, 3, H', W') in [0, 1].
        masks: of each region, (H, W) and (H', W'), neither empty.
        vgg: VGG-16.
        content_weight: α.
        learning_rate: per iteration, on [0, 1].
        iterations: numbers from 0.
        generator: of the positions, on the CPU.

    Returns:
        The picture, and how many iterations there were.

    Section 2.4 raises the cost between regions to infinity instead; like the code, we compare the moments,
    colours and similarities region by region as well. Every region counts the same.
    """
    variables = [level.requires_grad_() for level in pyramid(start)]
    optimiser = torch.optim.RMSprop(variables, lr=learning_rate)
    done = 0
    for index in iterations:
        turn = index % RENEWAL
        if turn == 0:
            with torch.no_grad():  # several iterations' positions at once, for VGG on the painting is slow
                grids = [
                    regular_positions(mask, POSITIONS, generator) for _ in range(RENEWAL) for mask, _ in masks
                ]
                contents = _columns(vgg, painting, grids)
                samples = [random_positions(mask, STYLE_POSITIONS, generator) for _, mask in masks]
                styles = [Style(each, *moments(each)) for each in _columns(vgg, photo, samples)]
        now = slice(turn * len(masks), (turn + 1) * len(masks))
        features = _columns(vgg, collapse(variables), grids[now])
        losses = [
            objective(*each, content_weight) for each in zip(features, contents[now], styles, strict=True)
        ]
        optimiser.zero_grad()
        torch.autograd.backward(torch.stack(losses).mean())
        optimiser.step()
        done = index + 1
    return collapse(variables).detach(), done


def run(
    painting: Tensor, photo: Tensor, job: Job, *, content_weight: float = 16.0, iterations: int = 200
) -> Result:
    """Give a painting the look of a photo.

    Args:
        painting: (3, H, W) in [-1, 1].
        photo: (3, H', W') in [-1, 1].
        job: regions are used: each is compared with its counterpart only.
        content_weight: α at the coarsest scale; halved at each finer one, as in section 2.5.
        iterations: per scale, at most.

    Returns:
        The picture, clipped to [-1, 1]; facts: each scale's size and iterations done.

    Raises:
        ConfigError: a setting is not positive.
    """
    if content_weight <= 0:
        raise ConfigError(f"content_weight {content_weight:g} must be positive; the paper's is 16")
    if iterations < 1:
        raise ConfigError(f"iterations {iterations} must be 1 or more; the paper's are 200")
    vgg = VGG(16, job.weights.load("vgg16"), seed=job.seed).to(job.device)
    generator = torch.Generator().manual_seed(job.seed)
    full_painting, full_photo = ((picture[None].to(job.device) + 1) / 2 for picture in (painting, photo))
    sizes = scales(*painting.shape[1:])
    # The root gives coarse scales, where much changes at little cost, more iterations than fine ones.
    costs = [(height * width + LOSSES_IN_PIXELS) ** 0.5 for height, width in sizes]
    picture = full_painting
    facts = []
    for index, (height, width) in enumerate(sizes):
        last = index == len(sizes) - 1
        content = resize(full_painting, (height, width), antialias=True)
        style = _reduced(full_photo, max(height, width))
        band, _ = split(content)
        if index == 0:
            picture = style.mean(dim=(2, 3), keepdim=True) + band
        else:  # the code leaves the last scale's details to the optimisation
            picture = resize(picture, (height, width)) + (0 if last else band)
        picture, done = _optimise(
            picture,
            content,
            style,
            _region_masks(job.regions, content, style),
            vgg,
            content_weight=content_weight / 2**index,
            learning_rate=LAST_LEARNING_RATE if last else LEARNING_RATE,
            iterations=job.budget.stage(costs[index] / sum(costs), iterations),
            generator=generator,
        )
        facts.append({"width": width, "height": height, "iterations": done})
    return Result((picture[0] * 2 - 1).clamp(-1, 1).cpu(), {"scales": facts})


METHOD = Method(
    title="STROTSS",
    source="Kolkin, Salavon and Shakhnarovich 2019, Style Transfer by Relaxed Optimal Transport and "
    "Self-Similarity, arXiv:1904.12785",
    run=run,
    weights=("vgg16",),
)
