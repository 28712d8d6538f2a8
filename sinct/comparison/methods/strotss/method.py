"""The optimisation, scale by scale."""

from collections.abc import Iterable, Sequence

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from sinct.comparison.methods import Job, Method, Result, Work
from sinct.comparison.methods.strotss.features import columns_at, random_positions, regular_positions
from sinct.comparison.methods.strotss.losses import Style, moments, objective
from sinct.comparison.methods.strotss.pyramid import collapse, pyramid, reduced, resize, scales, split
from sinct.errors import ConfigError
from sinct.networks.vgg import VGG

POSITIONS = 1024
"""About how many positions of the picture and the painting an iteration compares (section 2.5)."""

STYLE_POSITIONS = 5000
"""Most positions taken from the photo; the code draws a thousand five times."""

RENEWAL = 10
"""Iterations after which new positions are drawn in the photo; the code keeps them for the whole scale."""

ITERATIONS = 200
"""Iterations at each scale (section 2.5); the code takes 250."""

LEARNING_RATE = 0.002

LAST_LEARNING_RATE = 0.001

LOSSES_IN_PIXELS = 2**16
"""Number of pixels for which VGG-16 takes about as long as an iteration's losses, whose cost is the same at
every scale."""


def _region_masks(
    regions: tuple[Tensor, Tensor] | None, painting: Tensor, photo: Tensor
) -> list[tuple[Tensor, Tensor]]:
    """Masks (H, W) of each region in the painting and the photo, at the sizes of these pictures.

    A region that the photo lacks is compared with the whole photo.
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
        painting: (1, 3, H, W) in [0, 1].
        photo: (1, 3, H', W') in [0, 1].
        masks: for each region (H, W) and (H', W'), neither empty.
        vgg: VGG-16.
        content_weight: α.
        learning_rate: for pixel values in [0, 1].
        iterations: yields the number of each iteration, from 0.
        generator: draws the positions, on the CPU.

    Returns:
        The picture and the number of iterations.

    Section 2.4 raises the cost between regions to infinity. Like the code, we instead compare moments, colours
    and similarities region by region as well. Every region counts the same.
    """
    variables = [level.requires_grad_() for level in pyramid(start)]
    optimiser = torch.optim.RMSprop(variables, lr=learning_rate)
    done = 0
    for index in iterations:
        turn = index % RENEWAL
        if turn == 0:
            with torch.no_grad():  # for several iterations at once, since VGG on the painting is slow
                grids = [
                    regular_positions(mask, POSITIONS, generator) for _ in range(RENEWAL) for mask, _ in masks
                ]
                contents = columns_at(vgg, painting, grids)
                samples = [random_positions(mask, STYLE_POSITIONS, generator) for _, mask in masks]
                styles = [Style(each, *moments(each)) for each in columns_at(vgg, photo, samples)]
        now = slice(turn * len(masks), (turn + 1) * len(masks))
        features = columns_at(vgg, collapse(variables), grids[now])
        losses = [
            objective(*each, content_weight) for each in zip(features, contents[now], styles, strict=True)
        ]
        optimiser.zero_grad()
        torch.autograd.backward(torch.stack(losses).mean())
        optimiser.step()
        done = index + 1
    return collapse(variables).detach(), done


def run(
    painting: Tensor, photo: Tensor, job: Job, *, content_weight: float = 16.0, iterations: int = ITERATIONS
) -> Result:
    """Give a painting the look of a photo.

    Args:
        painting: (3, H, W) in [-1, 1].
        photo: (3, H', W') in [-1, 1].
        job: if it has regions, each is compared only with its counterpart.
        content_weight: α at the coarsest scale; halved at each finer one, as in section 2.5.
        iterations: most iterations at each scale.

    Returns:
        The picture, clipped to [-1, 1]; its facts are each scale's size and number of iterations.

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
    # The square root gives coarse scales, where much changes at little cost, more iterations than fine ones.
    costs = [(height * width + LOSSES_IN_PIXELS) ** 0.5 for height, width in sizes]
    picture = full_painting
    facts = []
    for index, (height, width) in enumerate(sizes):
        last = index == len(sizes) - 1
        content = resize(full_painting, (height, width), antialias=True)
        style = reduced(full_photo, max(height, width))
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
    work = tuple(Work(scale["iterations"], ITERATIONS) for scale in facts)
    return Result((picture[0] * 2 - 1).clamp(-1, 1).cpu(), {"scales": facts}, work=work)


METHOD = Method(
    title="STROTSS",
    source="Kolkin, Salavon and Shakhnarovich 2019, Style Transfer by Relaxed Optimal Transport and "
    "Self-Similarity, arXiv:1904.12785",
    run=run,
    weights=("vgg16",),
    need=f"{ITERATIONS} iterations at each scale, as in the paper's section 2.5",
)
