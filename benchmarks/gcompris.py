"""Two small folders to train on: van Gogh's paintings, and photographs of buildings, out of a Debian package.

    apt-get download gcompris-qt-data                             # on Debian 12
    python -m benchmarks.gcompris --packages . paintings photographs

The package's version must be 3.1-2. The paintings are in the public domain; the package does not name the
photographs' authors, so use them for tests of your own. Nothing of this is part of the repository.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from assets.photographs import MONUMENTS, Photograph, collect
from benchmarks.van_gogh import PAIRS, pictures

MONUMENT_COUNT = 49
"""Photographs in the package's file `MONUMENTS`."""


def photographs() -> list[Photograph]:
    """All photographs, in the package's order."""
    package = "gcompris-qt-data", "3.1-2"
    return [
        Photograph(f"monument-{index:02}", *package, MONUMENTS, index, "unknown", "not stated", "not stated")
        for index in range(MONUMENT_COUNT)
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    """Write both folders."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--packages", type=Path, default=Path(), help="folder with the .deb file")
    parser.add_argument("paintings", type=Path, help="where the paintings go")
    parser.add_argument("photographs", type=Path, help="where the photographs go")
    options = parser.parse_args(arguments)
    for folder, wanted in (
        (options.paintings, pictures()[: len(PAIRS)]),
        (options.photographs, photographs()),
    ):
        print(f"wrote {len(collect(options.packages, folder, wanted))} pictures to {folder}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
