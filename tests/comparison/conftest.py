"""What the tests of comparisons share."""

from pathlib import Path

import pytest


@pytest.fixture
def pair(make_picture) -> tuple[Path, Path]:
    """Paths of a small painting and a small photo."""
    return make_picture("painting.png", 72, 60, seed=0), make_picture("photo.png", 80, 64, seed=1)


@pytest.fixture
def tiny_gan(tiny) -> dict:
    """Settings of the GAN methods in their smallest form."""
    names = (
        "generator warm_start patience width discriminator_widths projection_dimensions crops identity_crops "
        "crop_size tile_size min_width max_width mixed_precision"
    )
    return {"preset": "draft", **{name: getattr(tiny, name) for name in names.split()}}
