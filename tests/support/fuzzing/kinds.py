"""What is fuzzed: kinds of files, examples of each, and all that reads them."""

import random
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from tests.support.fuzzing.mutations import mutated
from tests.support.fuzzing.pictures import PICTURES, WAYS, mended_png


def _any(data: bytes, chance: random.Random) -> bytes:
    return data


class Kind(NamedTuple):
    """Files of one kind.

    Attributes:
        name: its name, also the suffix of its files.
        files: undamaged examples.
        ways: all that reads such a file, by name.
        mend: makes damaged bytes pass the checks that would hide the damage, such as checksums.
    """

    name: str
    files: Sequence[bytes]
    ways: Mapping[str, Callable[[Path], object]]
    mend: Callable[[bytes, random.Random], bytes] = _any

    def damaged(self, number: int) -> tuple[bytes, str]:
        """The bytes of a number, and how they were made."""
        chance = random.Random(f"{self.name} {number}")
        data, made = mutated(self.files, chance)
        return self.mend(data, chance), ", ".join(made)


KINDS = {
    kind.name: kind
    for kind in (
        *(Kind(name, files, WAYS, mended_png if name == "png" else _any) for name, files in PICTURES.items()),
    )
}
"""All kinds. A new kind of picture joins by a case of its own in `tests.support.odd_pictures`."""
