"""Measures of a translation against its painting and its photo.

Each is a pure function in one of the modules beside this file; `MEASURES` says what a reader must know of it,
and `Evaluator` computes all of them for one pair of pictures.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sinct.measures.evaluator import Evaluator

__all__ = ["MEASURES", "Evaluator", "Measure", "measured"]


@dataclass(frozen=True)
class Measure:
    """What a reader must know of a measure.

    Attributes:
        name: its key.
        title: heading of its column, with the unit in brackets.
        group: style, against the photo; structure, against the painting; artefacts, of the computation.
        higher_is_better: direction.
        definition: what it computes.
        blind: what it cannot see.
    """

    name: str
    title: str
    group: str
    higher_is_better: bool
    definition: str
    blind: str


MEASURES = (
    Measure(
        "familiarity",
        "Unfamiliar texture",
        "style",
        False,
        "Contrast at four scales and directions in each patch of 32 px, in decibels; mean distance from patches "
        "of the output to the nearest of the photo and back, scaled so that 0 is the photo's own patches among "
        "themselves and 1 the painting. Below 0 it repeats places of the photo. Ours.",
        "Which colours there are, what stands where, and anything larger than a patch; a texture turned on its "
        "side counts as a new one. Contrasts below 1 ΔE do not count.",
    ),
    Measure(
        "sliced_wasserstein",
        "Patches (grey levels)",
        "style",
        False,
        "Sliced Wasserstein distance W1 between the distributions of 7x7 patches of output and photo, mean over "
        "a pyramid of four levels; in grey levels of 255. Karras et al. 2018, Elnekave and Weiss 2022.",
        "Mostly sees colour and brightness; strokes and smears hardly change it. Depends on how much of each "
        "thing the two scenes show.",
    ),
    Measure(
        "sliced_wasserstein_texture",
        "Patches, no means (grey levels)",
        "style",
        False,
        "The same with the mean of each channel subtracted from each patch, so that contrast and texture count "
        "and colour does not.",
        "Contrast outweighs form: strokes of the photo's contrast pass. Depends on how much of each thing the "
        "two scenes show.",
    ),
    Measure(
        "colour",
        "Colour (ΔE)",
        "style",
        False,
        "Sliced Wasserstein distance W1 between the distributions of the pixels of output and photo in CIELAB; "
        "a shift of all colours by 1 ΔE measures about 1. Rabin et al. 2011.",
        "Which thing has which colour, and all texture. Depends on how much of each thing the two scenes show.",
    ),
    Measure(
        "sifid",
        "SIFID",
        "style",
        False,
        "Fréchet distance between the features of output and photo, position by position, at the convolution "
        "before Inception's second pooling. Shaham et al. 2019, with the weights of FID instead of "
        "torchvision's: compare with no published values.",
        "Order of the features in space beyond about 30 px; takes their distribution for Gaussian.",
    ),
    Measure(
        "patch_kid",
        "Patch KID",
        "style",
        False,
        "Unbiased squared maximum mean discrepancy with a cubic kernel between Inception's pooled features of "
        "up to 32 crops of 128 px of output and photo. Bińkowski et al. 2018, on crops instead of pictures.",
        "So few crops, all of one picture, make it noisy: it may fall below 0. Sees what is shown as well as how.",
    ),
    Measure(
        "artfid",
        "ArtFID with SIFID",
        "style",
        False,
        "(1 + LPIPS to the painting) (1 + SIFID to the photo). Wright and Ommer 2022 take the FID between sets "
        "of pictures with a network trained on art; one pair has no such sets.",
        "A product: it cannot tell less style from less structure. Blind where its two factors are.",
    ),
    Measure(
        "gradient",
        "Edges",
        "structure",
        True,
        "Similarity of edges in CIELAB to the painting's in place, direction and strength, at 32, 64 and 128 px "
        "on the longer side; 1 is the same, 0 unrelated. Ours.",
        "Whether light and dark or two colours are swapped, and all detail below a 128th of the picture, strokes "
        "among it. A good translation, too, makes edges stronger and weaker, which lowers it.",
    ),
    Measure(
        "ssim",
        "SSIM, no brightness",
        "structure",
        True,
        "Contrast and structure terms of SSIM on luminance, pictures reduced to about 256 px on the shorter "
        "side. Wang et al. 2004 without their term for brightness.",
        "Colours. A change of contrast lowers it even where it is wanted.",
    ),
    Measure(
        "luminance_order",
        "Luminance order",
        "structure",
        True,
        "Rank correlation of the luminance of output and painting, both averaged to 48x48; -1 means that light "
        "and dark are swapped.",
        "All detail; a photo whose sea is darker than its rock lowers it rightly.",
    ),
    Measure(
        "lpips",
        "LPIPS",
        "structure",
        False,
        "Learned distance of the features of VGG-16 between output and painting, pictures reduced to 512 px on "
        "the shorter side. Zhang et al. 2018, version 0.1.",
        "Counts the wanted changes, lost strokes and new colours, as losses.",
    ),
    Measure(
        "dists",
        "DISTS",
        "structure",
        False,
        "Learned distance of the features of VGG-16 between output and painting, means for texture and "
        "covariances for structure, pictures reduced to 256 px on the shorter side. Ding et al. 2020.",
        "Counts new colours as losses; does not see fine strokes.",
    ),
    Measure(
        "checkerboard",
        "Checkerboard (dB)",
        "artefacts",
        False,
        "Highest peak of the spectrum at the frequencies of grids of 2 and 4 px, above the frequencies around it "
        "and above the photo's own peak there. Ours.",
        "Grids of other widths, and a grid in a small part of the picture only.",
    ),
    Measure(
        "seams",
        "Seams (grey levels)",
        "artefacts",
        False,
        "Largest step of luminance between two neighbouring pixel rows or columns that holds over 128 px, beyond "
        "a slope, chance and what the painting has there. Ours.",
        "Seams that run askew, are blended over several pixels or lie on an edge of the painting. A border or "
        "frame counts as a seam.",
    ),
)
"""All measures, in the order of the table."""


def measured(pictures: Iterable[Mapping[str, float]]) -> tuple[Measure, ...]:
    """The measures that one picture or more has a value of, in the order of the table."""
    names = {name for values in pictures for name in values}
    return tuple(measure for measure in MEASURES if measure.name in names)


def __getattr__(name: str) -> object:
    """Import the evaluator when it is asked for: names are listed for --help, which must not wait for torch."""
    if name == "Evaluator":
        from sinct.measures.evaluator import Evaluator

        return Evaluator
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
