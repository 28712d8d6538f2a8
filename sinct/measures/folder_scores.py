"""Scores of a folder of translations, described for readers."""

from sinct.measures import Measure

FOLDER_SCORES = (
    Measure(
        "fid",
        "FID",
        "distribution",
        False,
        "Fréchet distance between features of the translations and of the target domain's test pictures, as "
        "pytorch-fid computes it. Heusel et al. 2017; Park et al. 2020, appendix C.2.",
        "Whether a translation shows what its source shows. Too high where there are fewer than some ten thousand "
        "pictures, so compare only values of equal counts.",
        column="fid",
    ),
    Measure(
        "clean_fid",
        "clean-FID",
        "distribution",
        False,
        "The same with pictures scaled down without aliasing. Parmar et al. 2022.",
        "As FID.",
        column="clean_fid",
    ),
    Measure(
        "kid",
        "KID",
        "distribution",
        False,
        "Squared maximum mean discrepancy of the same features with a cubic kernel. Bińkowski et al. 2018.",
        "Whether a translation shows what its source shows. Its expectation does not depend on the number of pictures.",
        column="kid",
    ),
    Measure(
        "distance",
        "Colours and textures (ΔE)",
        "distribution",
        False,
        "Sliced Wasserstein distance between the colours, and between the details at three scales, of all translations "
        "and of all test pictures of the target domain. Needs no network. Ours.",
        "Things, and what is where: a picture of noise with the right contrasts passes.",
        column="colours_and_textures_delta_e",
        unit="ΔE",
    ),
)
"""What `sinct.folders.score` finds, in the order of tables."""

SCENE_SCORES = (
    Measure(
        "mIoU",
        "mIoU (%)",
        "semantics",
        True,
        "Mean over the classes of the share of right pixels among all that are of a class or taken for it, once a "
        "network has segmented the translation; printed as mAP by Park et al. 2020, appendix C.2.",
        "Whether it looks real, beyond what the network needs to know a class.",
        column="miou_percent",
        unit="%",
    ),
    Measure(
        "pixAcc",
        "Pixel accuracy (%)",
        "semantics",
        True,
        "Share of pixels whose class the network names; pixels of no class are left out.",
        "As mIoU. Small and rare classes hardly count.",
        column="pixel_accuracy_percent",
        unit="%",
    ),
    Measure(
        "classAcc",
        "Class accuracy (%)",
        "semantics",
        True,
        "Mean over the classes of the share of their pixels that the network names.",
        "As mIoU, and pixels that are taken for a class and are none of it.",
        column="class_accuracy_percent",
        unit="%",
    ),
    Measure(
        "precision",
        "Class precision (%)",
        "semantics",
        True,
        "Mean over the classes of the share of right pixels among those taken for a class.",
        "As mIoU, and pixels of a class that are not found.",
        column="class_precision_percent",
        unit="%",
    ),
)
"""What it finds of street scenes with label maps, likewise."""


def described(name: str) -> Measure:
    """The description of a score; one that is not described here has its name as title."""
    found = {score.name: score for score in (*FOLDER_SCORES, *SCENE_SCORES)}
    return found.get(name) or Measure(name, name, "other", False, "Not described.", "Unknown.")
