from pathlib import Path

import numpy as np
import pytest
import sinct_assets
from PIL import Image
from sinct_assets.make_demo import PHOTO
from sinct_assets.painterly import blur, mix_colors, paint, stroke_directions
from sinct_assets.scene import Tile, World, develop, first_hits, fractal_field, render

FOLDER = Path(next(iter(sinct_assets.__path__)))


def picture(height: int = 60, width: int = 80) -> np.ndarray:
    """Blue over green, with noise: two regions and something to smooth."""
    rng = np.random.default_rng(0)
    image = np.where(np.arange(height)[:, None, None] < height // 2, (0.3, 0.5, 0.8), (0.3, 0.5, 0.2))
    return np.clip(image + rng.normal(0, 0.08, (height, width, 3)), 0, 1)


# The shipped pair


@pytest.mark.parametrize(
    ("name", "size"), [("demo-painting.jpg", (1000, 750)), ("demo-photo.jpg", (1024, 768))]
)
def test_shipped_picture(name: str, size: tuple[int, int]) -> None:
    with Image.open(FOLDER / name) as image:
        assert image.size == size
        assert image.mode == "RGB"
        pixels = np.asarray(image)
    assert pixels.std() > 25  # neither flat nor blank


def test_shipped_pair_is_small() -> None:
    assert sum((FOLDER / f"demo-{kind}.jpg").stat().st_size for kind in ("painting", "photo")) < 1_000_000


def test_shipped_pair_differs_in_palette() -> None:
    means = [np.asarray(Image.open(FOLDER / f"demo-{k}.jpg")).mean((0, 1)) for k in ("painting", "photo")]
    assert np.abs(means[0] - means[1]).max() > 10


# Painterly renderer


def test_paint_is_deterministic_and_in_range() -> None:
    image = picture()
    first, second = (paint(image, brush_sizes=(8, 4), seed=3) for _ in range(2))
    assert first.shape == image.shape
    assert first.dtype == np.float32
    assert 0 <= first.min() <= first.max() <= 1
    np.testing.assert_array_equal(first, second)
    assert np.abs(first - paint(image, brush_sizes=(8, 4), seed=4)).mean() > 0.005


def test_paint_leaves_its_input_alone() -> None:
    image = picture()
    before = image.copy()
    paint(image, brush_sizes=(8,))
    np.testing.assert_array_equal(image, before)


def test_paint_keeps_composition() -> None:
    image = picture()
    painted = paint(image, brush_sizes=(6, 3))
    for rows in (slice(0, 22), slice(38, 60)):  # clear of the border between the regions
        np.testing.assert_allclose(painted[rows].mean((0, 1)), image[rows].mean((0, 1)), atol=0.08)


def test_finer_brushes_follow_the_picture_more_closely() -> None:
    y, x = np.mgrid[:64, :96]
    image = np.repeat((0.5 + 0.4 * np.sin(x / 4) * np.cos(y / 5))[..., None], 3, 2)
    coarse, fine = (
        np.abs(paint(image, brush_sizes=sizes, hue_jitter=0, value_jitter=0, impasto=0) - image).mean()
        for sizes in ((12,), (12, 6, 3, 1.5))
    )
    assert fine < 0.7 * coarse


def test_strokes_run_along_edges() -> None:
    image = np.zeros((48, 48, 3), np.float32)
    image[:, 24:] = 1  # a vertical edge
    along = stroke_directions(image, 3.0)[24, 24]
    assert abs(along[1]) > 0.99


def test_palette_draws_colors() -> None:
    red = np.array([[0.8, 0.1, 0.1]], np.float32)
    painted = paint(picture(), brush_sizes=(8, 4), palette=red, palette_pull=1.0, hue_jitter=0.0)
    assert np.abs(painted.mean((0, 1)) - red[0]).max() < 0.12


def test_mix_colors_without_jitter_keeps_them() -> None:
    colors = np.random.default_rng(0).random((50, 3)).astype(np.float32)
    mixed = mix_colors(colors, None, 0.5, 0, 0, 0, np.random.default_rng(1))
    np.testing.assert_allclose(mixed, colors, atol=1e-5)


def test_blur_keeps_mean_and_constants() -> None:
    flat = np.full((20, 30), 0.4, np.float32)
    np.testing.assert_allclose(blur(flat, 3.0), flat, atol=1e-6)
    dot = np.zeros((41, 41), np.float32)
    dot[20, 20] = 1
    spread = blur(dot, 2.0)
    assert spread.sum() == pytest.approx(1, abs=1e-4)
    assert np.unravel_index(spread.argmax(), spread.shape) == (20, 20)


@pytest.mark.parametrize("sizes", [(), (4, 8), (4, 0)])
def test_paint_refuses_brush_sizes(sizes: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="order them from coarse to fine"):
        paint(picture(), brush_sizes=sizes)


def test_paint_refuses_grey_picture() -> None:
    with pytest.raises(ValueError, match="pass an RGB picture"):
        paint(np.zeros((20, 20)))


# Scene renderer


def test_tile_repeats_and_averages() -> None:
    field = fractal_field(np.random.default_rng(0), (64, 64), 1.0)
    tile = Tile(field)
    x, z = np.random.default_rng(1).random((2, 200)).astype(np.float32) * 10
    np.testing.assert_allclose(tile(x, z, 10.0), tile(x + 10, z - 10, 10.0), atol=1e-3)
    assert tile(x, z, 10.0, footprint=5.0).std() < 0.5 * tile(x, z, 10.0).std()


def test_first_hits_on_level_ground() -> None:
    distance = np.geomspace(1, 1000, 400).astype(np.float32)
    slopes = np.array([0.1, -0.05, -0.5], np.float32)
    hits = first_hits(distance, np.zeros((400, 1), np.float32), 10.0, slopes)
    assert np.isinf(hits[0, 0])
    np.testing.assert_allclose(hits[1:, 0], [200, 20], rtol=1e-4)


def test_first_hits_stops_at_a_wall() -> None:
    distance = np.linspace(1, 100, 991).astype(np.float32)
    wall = np.where(distance >= 50, 30, 0).astype(np.float32)[:, None]
    hits = first_hits(distance, wall, 10.0, np.array([0.2], np.float32))
    assert hits[0, 0] == pytest.approx(50, abs=0.1)


def test_develop_is_monotone_and_in_range() -> None:
    ramp = np.repeat(np.geomspace(1e-3, 100, 64, dtype=np.float32)[None, :, None], 3, 2)
    shown = develop(ramp, 0.5, grain=0)
    assert 0 <= shown.min() <= shown.max() <= 1
    assert (np.diff(shown[0, :, 0]) >= 0).all()


@pytest.mark.slow
def test_render_is_deterministic() -> None:
    first, second = (render(World(PHOTO, grid=160), 48, 36, samples=1) for _ in range(2))
    assert first.shape == (36, 48, 3)
    assert np.isfinite(first).all()
    assert first.min() >= 0
    np.testing.assert_array_equal(first, second)
