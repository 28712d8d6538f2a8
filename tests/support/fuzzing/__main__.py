"""Fuzz every kind in turn, or write the file of a number; see the package's docstring."""

import random
import sys
import time
from pathlib import Path

from tests.support.fuzzing.kinds import KINDS
from tests.support.fuzzing.rounds import fuzz


def main(seconds: float, *kinds: str) -> None:
    """Read new damaged files for a time, in turns of 20 seconds a kind, and print every fault."""
    end, files = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        for kind in kinds or KINDS:
            first = random.randrange(10**9)
            found = fuzz(kind, first=first, seconds=min(20.0, end - time.monotonic()))
            files += found.files
            print(
                f"{kind}: {found.files} files, {len(found.faults)} faults",
                *found.faults,
                sep="\n",
                flush=True,
            )
    print(f"{files} files")


if __name__ == "__main__":
    if sys.argv[1] == "replay":
        Path(sys.argv[4]).write_bytes(KINDS[sys.argv[2]].damaged(int(sys.argv[3]))[0])
    else:
        main(float(sys.argv[1]), *sys.argv[2:])
