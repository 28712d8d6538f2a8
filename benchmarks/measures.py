"""Measures for translations whose truth is known, and the columns of the benchmark's tables."""

import math
from dataclasses import replace

import torch
import torch.nn.functional as F
from kornia.color import rgb_to_lab
from kornia.filters import gaussian_blur2d
from torch import Tensor

from sinct import ConfigError
from sinct.measures import MEASURES, Measure
from sinct.measures.structure import gradient_similarity
from sinct.measures.warnings import luminance

BLUR = 4.0
"""Standard deviation in pixels of the blur before `truth_distance`."""

HIGH_PASS = 8.0
"""Standard deviation in pixels of the blur that `remaining_strokes` subtracts: about the radius of a coarse brush."""

PATCH = 32
"""Side in pixels of the patches that `remaining_strokes` uses."""

PAIR_MEASURES = (
    "familiarity",
    "sliced_wasserstein_texture",
    "colour",
    "foreign_colours",
    "missing_colours",
    "restless",
    "directed",
    "broken_colour",
    "outlines",
    "gradient",
    "luminance_order",
    "checkerboard",
    "seams",
    "light_rims",
)
"""Measures in `sinct.measures` that need neither a truth nor a pretrained network."""

CRISPNESS = Measure(
    "crispness",
    "Crispness (share of the photo's)",
    "style",
    True,
    "Energy of the luminance's differences between neighbouring pixels, output by photo; 1 is as crisp as the photo.",
    "What the finest detail is: above 1, the output is noisier or has more edges, which is no gain. Depends on how "
    "much of each thing the two scenes show.",
)
"""How soft the output is at 1:1."""

TRUTH_MEASURES = (
    Measure(
        "truth_edges",
        "Edges of the truth",
        "truth",
        True,
        "Edges as above, but compared with the truth's instead of the painting's.",
        "Detail smaller than a 128th of the picture.",
    ),
    Measure(
        "truth_distance",
        "Distance to the truth (ΔE)",
        "truth",
        False,
        f"Mean distance between output and truth in CIELAB (1976), both blurred by {BLUR:g} px.",
        "Texture. The photo's colours may differ from the truth's, so 0 cannot be expected.",
    ),
    Measure(
        "truth_ratio",
        "Distance to the truth (painting's = 1)",
        "truth",
        False,
        "The same distance as a share of the painting's own; above 1, the painting was nearer to the truth.",
        "As above.",
    ),
    Measure(
        "strokes",
        "Strokes left",
        "truth",
        False,
        f"Regression of the output on painting and truth, for detail finer than about {6 * HIGH_PASS:.0f} px, in "
        f"CIELAB and in patches of {PATCH} px, weighted by the energy of the strokes; 1 for the painting, 0 for "
        "the truth.",
        "The output's own strokes, strokes that have moved, and strokes broader than the filter. More contrast "
        "raises the value for the same strokes; strokes turned from light to dark count below 0.",
    ),
)
"""Measures that need the truth."""

TEXTURE_DEFINITION = (
    "Sliced Wasserstein distance W1 between the distributions of 7x7 patches of output and photo, with each channel's "
    "mean subtracted from each patch; mean over a pyramid of four levels, in grey levels out of 255."
)

COLUMNS = (
    *(
        replace(measure, definition=TEXTURE_DEFINITION)  # its own refers to a measure without a column here
        if measure.name == "sliced_wasserstein_texture"
        else measure
        for measure in MEASURES
        if measure.name in PAIR_MEASURES and measure.group == "style"
    ),
    CRISPNESS,
    *(measure for measure in MEASURES if measure.name in PAIR_MEASURES and measure.group != "style"),
    *TRUTH_MEASURES,
)
"""Measures in the order of the tables' columns."""


@torch.no_grad()
def crispness(output: Tensor, photo: Tensor) -> float:
    """Energy of the finest detail, compared with the photo's.

    Args:
        output: (3, H, W) in [-1, 1], sRGB.
        photo: (3, H', W') in [-1, 1], sRGB.

    Returns:
        Mean squared difference of neighbouring pixels' luminance, rightwards and downwards, output by photo: 1
        for the photo, less for anything softer, infinite where the photo alone is flat.
    """
    made, wanted = (float(_fine_energy(picture)) for picture in (output, photo))
    return made / wanted if wanted else (math.inf if made else 1.0)


def _fine_energy(picture: Tensor) -> Tensor:
    grey = luminance(picture.double())
    return grey.diff(dim=0).square().mean() + grey.diff(dim=1).square().mean()


@torch.no_grad()
def against_truth(output: Tensor, painting: Tensor, truth: Tensor) -> dict[str, float]:
    """All `TRUTH_MEASURES` for one output, by name; each picture is (3, H, W) in [-1, 1], sRGB.

    The ratio is infinite where the painting is the truth itself.
    """
    distance, own = truth_distance(output, truth), truth_distance(painting, truth)
    return {
        "truth_edges": gradient_similarity(output, truth),
        "truth_distance": distance,
        "truth_ratio": distance / own if own else math.inf,
        "strokes": remaining_strokes(output, painting, truth),
    }


def truth_distance(output: Tensor, truth: Tensor, *, sigma: float = BLUR) -> float:
    """Colour distance to the truth, pixel by pixel, without texture.

    Args:
        output: (3, H, W) in [-1, 1], sRGB.
        truth: (3, H, W) in [-1, 1], sRGB.
        sigma: standard deviation of the Gaussian blur of both, in pixels.

    Returns:
        Mean ΔE (CIE 1976) over the pixels; 0 for the truth itself.

    Raises:
        ConfigError: the pictures are smaller than the blur's kernel.
    """
    # Blurring is linear, so the difference of the blurred pictures is the blurred difference.
    return float(_blurred(lab(output) - lab(truth), sigma).norm(dim=0).mean())


def remaining_strokes(output: Tensor, painting: Tensor, truth: Tensor) -> float:
    """How much of the painting's strokes remains in a translation.

    In each patch and channel of CIELAB, the output's fine detail O is fitted by least squares from that of the
    painting, P, and of the truth, T: O ≈ a P + b T. The result is the mean of a, weighted by the energy of what P
    has and T lacks. T is a regressor of its own and not subtracted, because a painting lacks some of the truth's
    detail: in a regression of O - T on P - T a mere blur, which lacks it too, would count as strokes.

    By Frisch and Waugh 1933, a = ⟨O, S⟩ / ⟨S, S⟩, where S is what remains of P after its projection onto T, and
    the weighted mean is the ratio of the sums.

    Args:
        output: (3, H, W) in [-1, 1], sRGB.
        painting: (3, H, W) in [-1, 1], sRGB.
        truth: (3, H, W) in [-1, 1], sRGB.

    Returns:
        1 for the painting itself, 0 for the truth, and about 0 for any picture without these strokes, such as
        another photo or a blur much wider than the strokes; also 0 if the painting has none. It is an amplitude:
        0.5 is a quarter of the energy. It exceeds 1 if contrast grew and is below 0 if light strokes became dark.

    Raises:
        ConfigError: the pictures are smaller than the blur's kernel.

    Blind to strokes that the generator invents, to strokes moved by more than a fraction of their width, to
    whatever in them resembles the truth's detail, and to strokes much broader than the high-pass. A margin too
    narrow for a patch does not count.
    """
    detail = [_patches(_high_pass(lab(picture))) for picture in (output, painting, truth)]
    made, painted, true = detail  # [channel and patch, pixel]
    share = (painted * true).sum(dim=1) / true.square().sum(dim=1).clamp_min(1e-12)
    strokes = painted - share[:, None] * true
    return float((made * strokes).sum() / strokes.square().sum().clamp_min(1e-12))


def lab(picture: Tensor) -> Tensor:
    """(3, H, W) sRGB in [-1, 1] -> (3, H, W) CIELAB in ΔE, float64."""
    converted: Tensor = rgb_to_lab((picture.double().clamp(-1, 1) + 1) / 2)
    return converted


def _high_pass(picture: Tensor) -> Tensor:
    return picture - _blurred(picture, HIGH_PASS)


def _blurred(picture: Tensor, sigma: float) -> Tensor:
    kernel = 2 * round(3 * sigma) + 1
    height, width = picture.shape[-2:]
    if min(height, width) <= kernel // 2:
        raise ConfigError(
            f"pictures of {width}x{height} px are too small to compare with a truth; give at least "
            f"{kernel // 2 + 1} px a side"
        )
    blurred: Tensor = gaussian_blur2d(picture[None], (kernel, kernel), (sigma, sigma))[0]
    return blurred


def _patches(picture: Tensor) -> Tensor:
    """(C, H, W) -> (C N, PATCH²): patches without overlap; a picture smaller than a patch is one patch."""
    patch = min(PATCH, *picture.shape[-2:])
    columns = F.unfold(picture[:, None], patch, stride=patch)  # [channel, pixel, patch]
    return columns.transpose(1, 2).flatten(0, 1)
