"""What tests of the studio share; each module has a `folder` of its own."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def studio(folder: Path, tiny: Any) -> Iterator[Any]:
    """A studio with tiny settings on the module's folder, whose process ends with the test."""
    from tests.support.studio import make_studio  # which skips where the studio's packages are missing

    studio = make_studio(folder, tiny)
    yield studio
    studio.processes.kill()
