"""Measures of a translation against its painting and its photo.

Each is a pure function in one of this package's modules. `MEASURES` describes them for readers, and `Evaluator`
computes all of them for one pair of pictures.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sinct.measures.evaluator import Evaluator

__all__ = ["MEASURES", "Evaluator", "Measure", "measured"]


@dataclass(frozen=True)
class Measure:
    """What a reader needs to know about a measure.

    Attributes:
        name: its key.
        title: heading of its column, with the unit in brackets.
        group: style, compared with the photo; structure, compared with the painting; artefacts of the computation.
        higher_is_better: whether higher values are better.
        definition: what it computes.
        blind: what it cannot see.
        column: its name in tables for programs, with the unit; empty for `name`.
        unit: its unit; empty where it has none.
    """

    name: str
    title: str
    group: str
    higher_is_better: bool
    definition: str
    blind: str
    column: str = ""
    unit: str = ""


MEASURES = (
    Measure(
        "familiarity",
        "Unfamiliar texture",
        "style",
        False,
        "Contrast at four scales and directions in each patch of 32 px, in decibels; mean distance from the "
        "output's patches to the nearest of the photo's and back, scaled so that 0 is the distance among the "
        "photo's own patches and 1 that of the painting. Below 0, the output repeats parts of the photo. Ours.",
        "Which colours there are, what is where, and anything larger than a patch; a texture turned on its "
        "side counts as a new one. Contrasts below 1 ΔE do not count.",
        column="unfamiliar_texture",
        unit="0: the photo's own, 1: the painting's",
    ),
    Measure(
        "sliced_wasserstein",
        "Patches (grey levels)",
        "style",
        False,
        "Sliced Wasserstein distance W1 between the distributions of 7x7 patches of output and photo, mean over "
        "a pyramid of four levels; in grey levels out of 255. Karras et al. 2018, Elnekave and Weiss 2022.",
        "Strokes and smears, which hardly change it; it sees mostly colour and brightness. Depends on how much of "
        "each thing the two scenes show.",
        column="patches_grey_levels",
        unit="grey levels of 255",
    ),
    Measure(
        "sliced_wasserstein_texture",
        "Patches, no means (grey levels)",
        "style",
        False,
        "The same with the mean of each channel subtracted from each patch, so that contrast and texture count "
        "but colour does not.",
        "Form, which contrast outweighs: strokes with the photo's contrast pass. Depends on how much of each thing "
        "the two scenes show.",
        column="patches_without_means_grey_levels",
        unit="grey levels of 255",
    ),
    Measure(
        "colour",
        "Colour (ΔE)",
        "style",
        False,
        "Sliced Wasserstein distance W1 between the distributions of the pixels of output and photo in CIELAB; "
        "a shift of all colours by 1 ΔE measures about 1. Rabin et al. 2011.",
        "What has which colour, and all texture. Depends on how much of each thing the two scenes show.",
        column="colour_delta_e",
        unit="ΔE",
    ),
    Measure(
        "foreign_colours",
        "Foreign colours (ΔE)",
        "style",
        False,
        "Distance in CIELAB from the colour of each cell of 8 px of the output to the nearest colour of the photo, "
        "root mean square: tinted shadows, a sky of another colour. 0 means that the photo has every colour. Ours.",
        "What has which colour and how much of it there is; detail finer than a cell; differences below 2 ΔE. What "
        "only the painting shows counts as foreign if its colour is.",
        column="foreign_colours_delta_e",
        unit="ΔE",
    ),
    Measure(
        "missing_colours",
        "Missing colours (ΔE)",
        "style",
        False,
        "The same from each cell of the photo to the nearest colour of the output, but the mean: white that turned "
        "blue, black that became grey.",
        "As above. What only the photo shows counts as missing if nothing else has its colour.",
        column="missing_colours_delta_e",
        unit="ΔE",
    ),
    Measure(
        "region_colour",
        "Colour by region (ΔE)",
        "style",
        False,
        "Colour, but between each region of the output and the part of the photo that its region map marks alike; mean "
        "over the regions that both have, by their share of the painting. Only with region maps. Ours.",
        "What is in no region of both, all texture, and what the maps get wrong.",
        column="region_colour_delta_e",
        unit="ΔE",
    ),
    Measure(
        "region_texture",
        "Texture by region (grey levels)",
        "style",
        False,
        "Patches, no means, but between regions as above; only patches within one region count.",
        "What is in no region of both, colour, form, and regions narrower than 7 px.",
        column="region_texture_grey_levels",
        unit="grey levels of 255",
    ),
    Measure(
        "restless",
        "Restless areas (dB)",
        "style",
        False,
        "Contrast of detail of about 3 px in the calmest quarter of the output, above that of the photo's calmest "
        "quarter: strokes in skies, walls and water. 0 where the output is as calm as the photo, or calmer. Ours.",
        "Strokes in the other three quarters, and what the detail is. A scene without calm areas, such as a wood, "
        "counts as restless beside a photo with a sky.",
        column="restless_areas_db",
        unit="dB",
    ),
    Measure(
        "directed",
        "Directed detail (points)",
        "style",
        False,
        "Share of fine detail within 6 px that runs in one direction, in percent, in the tenth of the output with "
        "least of it, above the same of the photo: brush strokes lie side by side everywhere. 0 where the photo has "
        "as much. Coherence of the structure tensor, Bigün and Granlund 1987.",
        "Dabs as broad as they are long, strokes in only some places, and how strong strokes are. A photo that is "
        "full of waves, strata or grass has as much direction as a painting, as Étretat's has: then it finds none.",
        column="directed_detail_points",
        unit="percentage points",
    ),
    Measure(
        "broken_colour",
        "Broken colour (dB)",
        "style",
        False,
        "Contrast in a* and b* of spots of 4 to 10 px, in the tenth of the output with least of it, above the same of "
        "the photo: colours set side by side, mottling. 0 where the photo has as much. Ours.",
        "Strokes that differ in lightness alone, and which colours they are. A photo of flowers or a blurred output "
        "hides it; coarse noise in colour counts as strokes.",
        column="broken_colour_db",
        unit="dB",
    ),
    Measure(
        "outlines",
        "Outlines (px in 1000)",
        "style",
        False,
        "Length of dark lines of 1 to 4 px, 4 L* below the ground on both sides for at least 16 px, less that of "
        "light lines, above the same of the photo. Ours, with lines as in Steger 1998.",
        "What a line is: branches, lattices and joints count as outlines, in the photo too. Outlines broader than "
        "4 px, broken or fainter ones. Many painters, such as Monet, draw none.",
        column="outlines_px_per_1000",
        unit="px in 1000",
    ),
    Measure(
        "sifid",
        "SIFID",
        "style",
        False,
        "Fréchet distance between the features of output and photo, position by position, at the convolution "
        "before Inception's second pooling. Shaham et al. 2019, with FID's weights instead of "
        "torchvision's, so published values are not comparable.",
        "The arrangement of features beyond about 30 px. Assumes that their distribution is Gaussian.",
        column="sifid",
    ),
    Measure(
        "patch_kid",
        "Patch KID",
        "style",
        False,
        "Unbiased squared maximum mean discrepancy with a cubic kernel between Inception's pooled features of "
        "up to 32 crops of 128 px of output and photo. Bińkowski et al. 2018, on crops instead of pictures.",
        "Small differences: with so few crops, all from one picture, it is noisy and may fall below 0. It depends "
        "on what is shown as well as how.",
        column="patch_kid",
    ),
    Measure(
        "artfid",
        "ArtFID with SIFID",
        "style",
        False,
        "(1 + LPIPS to the painting) (1 + SIFID to the photo). Wright and Ommer 2022 use the FID between sets "
        "of pictures, with a network trained on art; a single pair has no such sets.",
        "Whether style or structure is missing, since it is a product; and whatever its two factors cannot see.",
        column="artfid_with_sifid",
    ),
    Measure(
        "gradient",
        "Edges",
        "structure",
        True,
        "Similarity of edges in CIELAB to the painting's, in position, direction and strength, at 32, 64 and 128 px "
        "on the longer side; 1 is identical, 0 unrelated. Ours.",
        "Whether light and dark or two colours are swapped, and all detail finer than a 128th of the picture, "
        "including strokes. A good translation also makes edges stronger and weaker, which lowers it.",
        column="edge_similarity",
    ),
    Measure(
        "ssim",
        "SSIM, no brightness",
        "structure",
        True,
        "Contrast and structure terms of SSIM on luminance, with pictures reduced to about 256 px on the shorter "
        "side. Wang et al. 2004, without their brightness term.",
        "Colours. A change of contrast lowers it even where the change is wanted.",
        column="ssim_without_brightness",
    ),
    Measure(
        "luminance_order",
        "Luminance order",
        "structure",
        True,
        "Rank correlation of the luminance of output and painting, both averaged to 48x48; -1 means that light "
        "and dark are swapped.",
        "All detail. A photo whose sea is darker than its rock lowers it, and rightly so.",
        column="luminance_order_correlation",
    ),
    Measure(
        "lpips",
        "LPIPS",
        "structure",
        False,
        "Learned distance between VGG-16 features of output and painting, with pictures reduced to 512 px on "
        "the shorter side. Zhang et al. 2018, version 0.1.",
        "Which changes are wanted: removed strokes and new colours count as losses.",
        column="lpips",
    ),
    Measure(
        "dists",
        "DISTS",
        "structure",
        False,
        "Learned distance between VGG-16 features of output and painting, means for texture and "
        "covariances for structure, with pictures reduced to 256 px on the shorter side. Ding et al. 2020.",
        "Fine strokes, and that new colours are wanted: they count as losses.",
        column="dists",
    ),
    Measure(
        "checkerboard",
        "Checkerboard (dB)",
        "artefacts",
        False,
        "Highest peak of the spectrum at the frequencies of grids of 2 and 4 px, above the surrounding frequencies "
        "and above the photo's own peak there. Ours.",
        "Grids of other widths, and a grid in only a small part of the picture.",
        column="checkerboard_db",
        unit="dB",
    ),
    Measure(
        "seams",
        "Seams (grey levels)",
        "artefacts",
        False,
        "Largest step in luminance between two neighbouring pixel rows or columns that holds over 128 px, beyond "
        "slopes, chance and what the painting has there. Ours.",
        "Seams that are slanted, are blended over several pixels or lie on an edge of the painting. A border or "
        "frame counts as a seam.",
        column="seams_grey_levels",
        unit="grey levels of 255",
    ),
    Measure(
        "light_rims",
        "Light rims (% of the step)",
        "artefacts",
        False,
        "By how much the ground within 2 to 16 px of an edge is lighter than further out, in percent of the step "
        "across the edge; upper quartile of the edges against calm, lighter ground, above the same of the photo: halos "
        "around cliffs and roofs. 0 where the photo has as much. Ours.",
        "Rims on restless ground, on the dark side or around light things, and rims broader than 16 px. A photo that "
        "was sharpened has rims itself. Glowing skies and surf along a shore count as rims; fewer than 200 px of "
        "edges count as none.",
        column="light_rims_percent",
        unit="% of the step",
    ),
)
"""All measures, in the order of the table."""


def measured(pictures: Iterable[Mapping[str, float]]) -> tuple[Measure, ...]:
    """The measures that at least one picture has a value for, in the order of the table."""
    names = {name for values in pictures for name in values}
    return tuple(measure for measure in MEASURES if measure.name in names)


def __getattr__(name: str) -> object:
    """Import the evaluator on first use: --help only lists names, and should not wait for torch."""
    if name == "Evaluator":
        from sinct.measures.evaluator import Evaluator

        return Evaluator
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
