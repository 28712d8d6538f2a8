"""A small comparison with everything that a report must handle, for the report's tests."""

from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter

from sinct.measures import Measure
from sinct.report.results import Comparison, Input, MethodResult

MEASURES = (
    Measure("gram", "Gram distance", "style", False, "Distance of Gram matrices.", "where things stand."),
    Measure("swd", "Sliced Wasserstein", "style", False, "Distance of patches.", "what is depicted."),
    Measure("ssim", "Gradient SSIM", "structure", True, "Similarity of gradients.", "colours."),
    Measure("clipped", "Clipped pixels", "artefacts", False, "Share of pixels.", "all else."),
)

METHODS = {
    "painting": {"title": "Painting itself", "control": True, "file": "in-painting.png"},
    "photo": {"title": "Photo itself", "control": True, "file": "in-photo.png"},
    "sinct": {"title": "sinct", "measures": {"gram": 0.1}},
    "gpdm": {"title": "GPDM", "measures": {"gram": 0.2}},
    "gpnn": {"title": "GPNN", "file": None, "reason": "out of memory: give it a smaller picture"},
    "gatys": {
        "title": "Gatys et al.",
        "optimises": ("gram",),
        "warnings": ("Speckle in flat areas",),
        "settings": {"steps": 500, "layers": ["conv1_1", "conv2_1"]},
        "facts": {"steps": 412},
    },
    "colour": {"title": "Colour transfer", "measures": {"gram": 0.9}},
    "wct2": {"title": "WCT2", "random_weights": True, "measures": {"gram": 0.001}},
}


def example(seed: int = 0) -> Comparison:
    """Results with seeded values, including controls, a failure, random weights, a warning and a missing measure."""
    random = np.random.default_rng(seed)
    results = []
    for index, (name, given) in enumerate(METHODS.items()):
        values = {measure.name: float(random.uniform(0.05, 0.95)) for measure in MEASURES}
        row = {"source": "A. Author 2020, arXiv:0000.00000", "control": False, "file": f"{name}.png"} | given
        row |= {"seconds": 1.5 + 100 * index, "memory": 10**8 * (index + 1), "device": "cpu"}
        row["measures"] = {} if row["file"] is None else values | dict(given.get("measures", {}))
        results.append(MethodResult(name=name, **row))
    return Comparison(
        painting=Input("painting.jpg", "in-painting.png", 160, 120, "0" * 64),
        photo=Input("photo.jpg", "in-photo.png", 150, 100, "1" * 64),
        seconds=600.0,
        seed=seed,
        environment={"Python": "3.11", "CPU": "2 cores"},
        measures=MEASURES,
        unavailable={"LPIPS": "its weights were not found: connect to the network"},
        results=tuple(results),
    )


EXAMPLE = example()


def make_example(folder: Path, scale: int = 1) -> Comparison:
    """Write the pictures of `EXAMPLE`, seeded blobs and filtered versions of them, enlarged by `scale`."""
    random = np.random.default_rng(0)

    def blobs(width: int, height: int) -> Image.Image:
        coarse = Image.fromarray(random.integers(0, 256, (6, 8, 3), dtype=np.uint8))
        smooth = np.array(coarse.resize((width, height), Image.Resampling.BICUBIC), dtype=float)
        grain = random.normal(0, 8, smooth.shape)
        return Image.fromarray((smooth + grain).clip(0, 255).astype(np.uint8))

    painting = blobs(160 * scale, 120 * scale)
    painting.save(folder / "in-painting.png")
    blobs(150 * scale, 100 * scale).save(folder / "in-photo.png")
    for radius, result in enumerate(EXAMPLE.results):
        if result.file and not result.control:
            painting.filter(ImageFilter.BoxBlur(radius)).save(folder / result.file)
    return EXAMPLE
