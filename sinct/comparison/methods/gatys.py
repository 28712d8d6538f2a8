"""Gatys et al.: optimises pixels until their features fit the painting's content and the photo's style.

Gatys, Ecker & Bethge 2016 (CVPR; arXiv:1508.06576), at full resolution from coarse to fine as in Gatys et
al. 2017 (arXiv:1611.07865).
"""

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sinct.comparison.methods import Job, Method, Result, Work
from sinct.errors import ConfigError, InputError, TrainingError
from sinct.networks.vgg import VGG
from sinct.pictures.resampling import resize

CONTENT_LAYER = "relu4_2"
STYLE_LAYERS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")
"""The paper's conv4_2 and conv1_1 to conv5_1, which Caffe rectifies in place."""

ITERATIONS, FINE_ITERATIONS = 500, 200
"""Evaluations at the first and at each later scale, as in the authors' code."""

SMALLEST = 16
"""Shortest side, in pixels, that the four poolings before conv5_1 allow."""


def gram_matrix(features: Tensor) -> Tensor:
    """Mean products of feature maps, G_ij = 1/M Σ_k F_ik F_jk.

    Args:
        features: (B, N, H, W), N maps with M = H W positions.

    Returns:
        (B, N, N), in the squared unit of the features.

    Gatys et al. 2016, eq. 3, which sums over the positions. The mean makes pictures of different sizes
    comparable, and eq. 4 divides by M² anyway.
    """
    maps = features.flatten(2)
    return maps @ maps.mT / maps.shape[2]


def content_loss(features: Tensor, target: Tensor) -> Tensor:
    """Half the mean squared difference of features, 1/(2 N M) Σ_ij (F_ij - P_ij)².

    Args:
        features: (B, N, H, W), of the picture being optimised.
        target: (B, N, H, W), of the painting.

    Returns:
        Scalar, in the squared unit of the features.

    Gatys et al. 2016, eq. 1, which sums; the mean keeps the balance with the style at every size. The
    authors' PytorchNeuralStyleTransfer takes the mean as well.
    """
    return F.mse_loss(features, target) / 2


def style_loss(features: Sequence[Tensor], targets: Sequence[Tensor]) -> Tensor:
    """Squared differences of Gram matrices, Σ_l w_l/(4 N_l²) Σ_ij (G_ij - A_ij)² with w_l = 1/L.

    Args:
        features: L layers (B, N_l, H_l, W_l) of the picture being optimised.
        targets: L Gram matrices (B, N_l, N_l) of the photo.

    Returns:
        Scalar, in the fourth power of the features' unit.

    Gatys et al. 2016, eqs. 4-5; exact where both pictures have the same number of positions.
    """
    layers = [F.mse_loss(gram_matrix(f), target) / 4 for f, target in zip(features, targets, strict=True)]
    return torch.stack(layers).mean()


def normalise(vgg: VGG, pictures: Sequence[Tensor]) -> None:
    """Scale weights and biases so that each rectified layer has a mean activation of 1 on these pictures.

    With m_l the mean of layer l over channels, positions and pictures, w_l becomes w_l m_(l-1) / m_l and
    b_l becomes b_l / m_l. This divides the features by m_l and changes nothing else, because rectification
    and pooling commute with scaling.

    Args:
        vgg: changed in place, up to the last of `STYLE_LAYERS`.
        pictures: (1, 3, H, W) each, in [-1, 1]; all count the same.

    Gatys et al. 2016, section 2, scale filter by filter over ImageNet. Scaling by layer does not blow up a
    filter that these few pictures hardly excite.
    """
    names = [name for name in vgg.layers if name.startswith("relu")]
    names = names[: names.index(STYLE_LAYERS[-1]) + 1]
    with torch.no_grad():
        means = torch.tensor([[f.mean() for f in vgg(picture, names)] for picture in pictures]).mean(dim=0)
        before = 1.0
        for name, mean in zip(names, means.tolist(), strict=True):
            convolution = vgg.layers[name.replace("relu", "conv")]
            assert isinstance(convolution, nn.Conv2d)
            assert convolution.bias is not None
            mean = mean or 1.0  # a layer without any activation stays as it is
            convolution.weight *= before / mean
            convolution.bias /= mean
            before = mean


class Fit(NamedTuple):
    """What a minimisation found.

    Attributes:
        x: the point with the lowest loss.
        loss: its loss.
        first: the loss at the start.
        evaluations: how often loss and gradient were computed.
        finite: False if a loss that is not finite ended the search, rather than convergence or the budget.
        spent: whether the budget ended it.
    """

    x: Tensor
    loss: float
    first: float
    evaluations: int
    finite: bool
    spent: bool = False


def minimise(objective: Callable[[Tensor], Tensor], start: Tensor, evaluations: Iterator[int]) -> Fit:
    """Minimise a function by L-BFGS with a strong Wolfe line search.

    Args:
        objective: takes a tensor shaped like `start` and returns a scalar.
        start: float, of any shape.
        evaluations: the search continues as long as this yields.

    Raises:
        TrainingError: the objective is not finite at the start.

    The first trial moves the elements by 0.01 on average; L-BFGS finds its own scale from there on.
    """
    unit = 0.01 * start.numel()  # torch's first step has an L1 norm of 1
    z = (start / unit).requires_grad_()
    best = Fit(start, math.inf, math.inf, 0, True)

    def evaluate() -> Tensor:
        nonlocal best
        if next(evaluations, None) is None:
            best = best._replace(spent=True)
            raise _Over
        z.grad = None
        x = z * unit
        loss = objective(x)
        value = loss.item()
        best = best._replace(evaluations=best.evaluations + 1)
        if not math.isfinite(value):
            best = best._replace(finite=False)
            raise _Over
        loss.backward()  # type: ignore[no-untyped-call]
        if best.evaluations == 1:
            best = best._replace(first=value)
        if value < best.loss:
            best = best._replace(x=x.detach(), loss=value)
        return loss.detach()

    search = torch.optim.LBFGS(
        [z],
        max_iter=_ENDLESS,
        tolerance_grad=0,
        tolerance_change=0,
        history_size=10,
        line_search_fn="strong_wolfe",
    )
    with suppress(_Over):
        search.step(evaluate)  # type: ignore[no-untyped-call]
    if not math.isfinite(best.loss):
        raise TrainingError(
            "the loss at the start is not finite, so the network's weights are damaged; fetch them again"
        )
    return best


class _Over(Exception):
    """Leaves the optimiser from within, where the end of the budget is noticed."""


_ENDLESS = 1 << 30


def scale_factors(long: int, short: int, coarsest: int) -> list[float]:
    """Scale factors by halving a picture's size, from the coarsest to 1.

    Args:
        long: longer side of the picture, in pixels.
        short: shortest side of all pictures that are scaled by these factors; it stays at `SMALLEST` px or more.
        coarsest: the longer side at the first scale comes as near to this as it can, by ratio.
    """
    halvings = min(round(math.log2(long / coarsest)), math.floor(math.log2(short / SMALLEST)))
    return [2.0**-i for i in range(max(halvings, 0), -1, -1)]


def run(
    painting: Tensor,
    photo: Tensor,
    job: Job,
    *,
    content_weight: float = 1.0,
    style_weight: float = 1000.0,
    range_weight: float = 100.0,
    coarsest: int = 512,
    iterations: int = ITERATIONS,
    fine_iterations: int = FINE_ITERATIONS,
) -> Result:
    """Optimise the painting's pixels at a small size, then at doubled sizes up to the painting's own.

    Args:
        painting: (3, H, W) in [-1, 1]: the content, and the start of the first scale.
        photo: (3, H', W') in [-1, 1]: the style; reduced by the same factor as the painting at each scale.
        job: budget, device, weights, and the seed for random weights.
        content_weight: factor of `content_loss`.
        style_weight: factor of `style_loss`; the paper's ratios of content to style are around 1e-3.
        range_weight: factor of the mean square by which pixels leave [-1, 1].
        coarsest: approximate longer side of the first scale, in pixels.
        iterations: evaluations of loss and gradient at the first scale.
        fine_iterations: the same at each later one.

    Raises:
        ConfigError: a setting is out of range.
        InputError: a picture has a side below 16 px.
        WeightsError: the weights of VGG-19 are missing or damaged.
        TrainingError: the loss is not finite from the start.
        Interrupted: the job was stopped.
    """
    if min(iterations, fine_iterations) < 1 or coarsest < SMALLEST:
        raise ConfigError(
            f"iterations {iterations}, fine_iterations {fine_iterations} and coarsest {coarsest} must be at least "
            f"1, 1 and {SMALLEST}; raise them"
        )
    short = min(*painting.shape[1:], *photo.shape[1:])
    if short < SMALLEST:
        raise InputError(
            f"a picture has a side of {short} px, and Gatys et al. needs {SMALLEST} px; give a larger one"
        )
    factors = scale_factors(max(painting.shape[1:]), short, coarsest)
    most = [iterations] + [fine_iterations] * (len(factors) - 1)
    work = [count * factor**2 for count, factor in zip(most, factors, strict=True)]

    vgg = VGG(19, job.weights.load("vgg19"), seed=job.seed, average_pooling=True).to(job.device)
    pixels = painting
    scales: list[dict[str, Any]] = []
    done: list[Work] = []
    for factor, count, share in zip(factors, most, work, strict=True):
        content, style = (
            resize(picture, *(round(side * factor) for side in picture.shape[1:]))[None].to(job.device)
            for picture in (painting, photo)
        )
        if not scales:
            normalise(vgg, (content, style))
        with torch.no_grad():
            (target,) = vgg(content, [CONTENT_LAYER])
            grams = [gram_matrix(f) for f in vgg(style, STYLE_LAYERS)]

        def objective(x: Tensor, target: Tensor = target, grams: Sequence[Tensor] = grams) -> Tensor:
            shown = x.clamp(-1, 1)  # so that the result is what was minimised
            *features, content = vgg(shown, (*STYLE_LAYERS, CONTENT_LAYER))
            return (
                content_weight * content_loss(content, target)
                + style_weight * style_loss(features, grams)
                + range_weight
                * F.mse_loss(x, shown)  # draws pixels back, which get no other gradient outside
            )

        height, width = content.shape[2:]
        start = resize(pixels, height, width)[None].to(job.device)
        fit = minimise(objective, start, job.budget.stage(share / sum(work), count))
        pixels = fit.x[0].clamp(-1, 1).cpu()
        needed = FINE_ITERATIONS if done else ITERATIONS
        done.append(Work(fit.evaluations, needed if fit.spent else fit.evaluations))
        scales.append(
            {
                "width": width,
                "height": height,
                "iterations": fit.evaluations,
                "loss_at_start": fit.first,
                "loss": fit.loss,
                "finite": fit.finite,
            }
        )
    facts = {"scales": scales, "iterations": sum(scale["iterations"] for scale in scales)}
    return Result(pixels, facts, work=tuple(done))


METHOD = Method(
    title="Gatys et al.",
    source="Gatys, Ecker & Bethge 2016, CVPR, arXiv:1508.06576; Gatys et al. 2017, arXiv:1611.07865",
    run=run,
    weights=("vgg19",),
    need=f"{ITERATIONS} evaluations of the loss at the first scale and {FINE_ITERATIONS} at each later one, as in the "
    "authors' code",
    seeded=False,
)
