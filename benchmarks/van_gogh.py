"""Eight paintings by van Gogh, each with a photo that fits roughly: real strokes, broad and drawn.

    apt-get download gcompris-qt-data                             # on Debian 12
    python -m benchmarks.van_gogh --packages . -o van-gogh        # writes the pictures and a manifest
    sinct batch van-gogh/manifest.csv -o van-gogh/out --preset draft
    sinct batch report van-gogh/out                               # the contact sheet

The paintings are in the public domain, but nothing of this is part of the repository. None of the photos took part in
learning the warm start.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Sequence
from pathlib import Path

from assets.photographs import MONUMENTS, Photograph, collect

DETAILS = "usr/share/gcompris-qt/rcc/details.rcc"

PAIRS = {
    "pere-tanguy": (29, 46),
    "langlois-bridge": (43, 47),
    "harvest": (50, 27),
    "night-cafe": (60, 46),
    "vestibule": (69, 44),
    "cafe-terrace": (79, 46),
    "church-at-auvers": (92, 48),
    "painter-on-the-road": (117, 29),
}
"""Name, and which WebP pictures of `DETAILS` and `MONUMENTS` are the painting and the photo."""


def pictures() -> list[Photograph]:
    """All paintings, then all photos, in the order of `PAIRS`; the package does not name the photos' authors."""
    package = "gcompris-qt-data", "3.1-2"
    paintings = [
        Photograph(name, *package, DETAILS, painting, "Vincent van Gogh", "public domain", "not stated")
        for name, (painting, _) in PAIRS.items()
    ]
    photos = [
        Photograph(f"{name}-photo", *package, MONUMENTS, photo, "unknown", "not stated", "not stated")
        for name, (_, photo) in PAIRS.items()
    ]
    return paintings + photos


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the pictures and the manifest."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--packages", type=Path, default=Path(), help="folder with the .deb file")
    parser.add_argument("-o", "--output", type=Path, default=Path("van-gogh"), help="where the pictures go")
    options = parser.parse_args(arguments)
    paths = collect(options.packages, options.output, pictures())
    with (options.output / "manifest.csv").open("w", newline="") as stream:
        rows = csv.writer(stream)
        rows.writerow(["painting", "photo"])
        rows.writerows(
            (painting.name, photo.name) for painting, photo in zip(paths[:8], paths[8:], strict=True)
        )
    print(f"wrote {len(PAIRS)} pairs and {options.output / 'manifest.csv'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
