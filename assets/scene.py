"""Procedural renderer for coastal landscapes: height fields, marched column by column in NumPy.

World axes are in metres: x to the right, y up from sea level, z away from the camera. The camera looks along z
and is aimed up or down only by shifting the picture plane. So every column of pixels lies in one vertical plane, and
one running maximum over the height samples along it resolves the whole column.
Radiance is linear RGB until `develop` turns it into display values.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating[Any]]
RGB = tuple[float, float, float]

# Samples along a column are in geometric steps, so each step is a fixed share of its distance.
NEAREST, FARTHEST = 2.5, 14_000.0
CLOUD_BASE, CLOUD_TOP = 1300.0, 2900.0


def rgb(*values: float) -> Array:
    """Make a float32 vector of three channels."""
    return np.array(values, np.float32)


def smoothstep(low: float, high: float, x: Array) -> Array:
    """Ramp from 0 at `low` to 1 at `high` with zero slope at both ends; `low` may exceed `high`."""
    t = np.clip((x - low) / (high - low), 0, 1)
    return np.asarray(t * t * (3 - 2 * t), np.float32)


def mix(a: Array, b: Array, t: Array) -> Array:
    """Blend colours (..., 3) or (3,) by weights (...)."""
    return np.asarray(a + (b - a) * t[..., None], np.float32)


def normalized(v: Array) -> Array:
    """Scale vectors (..., 3) to unit length."""
    return np.asarray(v / np.sqrt((v * v).sum(-1, keepdims=True)), np.float32)


# --------------------------------------------------------------------------------------------------------
# Periodic textures
# --------------------------------------------------------------------------------------------------------


class Tile:
    """Periodic texture with one or more channels and a mip pyramid, addressed in metres."""

    def __init__(self, values: Array) -> None:
        """Build the pyramid from (N, N) or (N, N, C), N a power of two."""
        level: Array = np.atleast_3d(values).astype(np.float32)
        self.n = level.shape[0]
        levels = [level]
        while level.shape[0] > 4:
            level = (level[::2, ::2] + level[1::2, ::2] + level[::2, 1::2] + level[1::2, 1::2]) / 4
            levels.append(level)
        self.data = np.concatenate([v.reshape(-1, v.shape[2]) for v in levels])
        sizes = np.array([v.shape[0] for v in levels])
        self.sizes = sizes.astype(np.int32)
        self.offsets = np.concatenate([[0], np.cumsum(sizes**2)[:-1]]).astype(np.int32)

    def __call__(self, x: Array, z: Array, period: float, footprint: Array | float = 0.0) -> Array:
        """Sample bilinearly at (x, z), with a tile that is `period` metres wide.

        `footprint` is the width in metres that one sample should average over. Returns x.shape, plus (C,)
        if the tile has several channels.
        """
        texels = np.maximum(np.asarray(footprint, np.float32) * (self.n / period), 1)
        level = np.minimum(np.log2(texels) + 0.5, len(self.sizes) - 1).astype(np.int32)
        size, offset = self.sizes[level], self.offsets[level]
        scale = size / np.float32(period)
        u, v = x * scale - 0.5, z * scale - 0.5
        u0, v0 = np.floor(u), np.floor(v)
        fu, fv = (u - u0)[..., None], (v - v0)[..., None]
        mask = size - 1
        i0, j0 = u0.astype(np.int32), v0.astype(np.int32)
        i1, j1 = (i0 + 1) & mask, (j0 + 1) & mask
        i0, j0 = i0 & mask, j0 & mask
        row0, row1 = offset + j0 * size, offset + j1 * size
        take = self.data.take
        top = take(row0 + i0, 0) * (1 - fu) + take(row0 + i1, 0) * fu
        bottom = take(row1 + i0, 0) * (1 - fu) + take(row1 + i1, 0) * fu
        out: Array = np.asarray(top + (bottom - top) * fv, np.float32)
        return out[..., 0] if out.shape[-1] == 1 else out


def fractal_field(
    rng: np.random.Generator, shape: tuple[int, ...], exponent: float, low: float = 1.0
) -> Array:
    """Periodic Gaussian field with unit variance, whose amplitude falls as frequency ** -exponent.

    Frequencies below `low` cycles per period are left out.
    """
    axes = [np.fft.fftfreq(n, 1 / n) for n in shape[:-1]] + [np.fft.rfftfreq(shape[-1], 1 / shape[-1])]
    k = np.sqrt(sum(a**2 for a in np.meshgrid(*axes, indexing="ij")))
    gain = np.where(k >= low, np.maximum(k, 1.0) ** -exponent, 0.0)
    field = np.fft.irfftn(
        np.fft.rfftn(rng.standard_normal(shape)) * gain, shape, axes=tuple(range(len(shape)))
    )
    return np.asarray(field / field.std(), np.float32)


def cells(rng: np.random.Generator, n: int, per_side: int) -> tuple[Array, Array, Array]:
    """Periodic Voronoi cells on an (n, n) grid.

    Returns the distances to the nearest and second nearest site, in cell widths, and a random value in [0, 1) for
    each pixel's cell.
    """
    sites = rng.random((2, per_side, per_side), np.float32)
    ids = rng.random((per_side, per_side), np.float32)
    v, u = np.meshgrid(*(2 * [np.arange(n, dtype=np.float32) * per_side / n]), indexing="ij")
    iu, iv = u.astype(int), v.astype(int)
    first = np.full((n, n), 9, np.float32)
    second, who = first.copy(), np.zeros((n, n), np.float32)
    for dv in (-1, 0, 1):
        for du in (-1, 0, 1):
            ci, cj = (iv + dv) % per_side, (iu + du) % per_side
            d = np.hypot(iu + du + sites[0, ci, cj] - u, iv + dv + sites[1, ci, cj] - v)
            nearer = d < first
            second = np.where(nearer, first, np.minimum(second, d))
            who = np.where(nearer, ids[ci, cj], who)
            first = np.where(nearer, d, first)
    return first, second, who


def stone_tile(rng: np.random.Generator, n: int, per_side: int) -> Array:
    """Draw rounded stones: height in [0, 1] and a random value per stone, (n, n, 2)."""
    first, second, who = cells(rng, n, per_side)
    edge = np.clip((second - first) / 0.55, 0, 1)
    height = np.sqrt(1 - (1 - edge) ** 2) * (0.25 + 0.75 * who**1.5)
    return np.stack([height, (who * 7.31) % 1], -1).astype(np.float32)


def canopy_tile(rng: np.random.Generator, n: int, per_side: int) -> Array:
    """Draw tree crowns seen from above: height in about [0, 1] and a random value per crown, (n, n, 2)."""
    first, _, who = cells(rng, n, per_side)
    radius = 0.55 + 0.3 * who
    crown = np.sqrt(np.clip(1 - (first / radius) ** 2, 0, 1)) * (0.55 + 0.45 * who)
    leaves = fractal_field(rng, (n, n), 0.7, low=per_side * 2.0)
    return np.stack([crown + 0.09 * leaves * (0.3 + crown), (who * 5.77) % 1], -1).astype(np.float32)


def grass_tile(rng: np.random.Generator, n: int, per_side: int) -> Array:
    """Draw tufts of blades: height in about [0, 1] and a random value per tuft, (n, n, 2)."""
    first, _, who = cells(rng, n, per_side)
    tuft = np.clip(1.1 - first, 0, 1) * (0.4 + 0.6 * who)
    blades = np.clip(0.45 + 0.45 * fractal_field(rng, (n, n), 0.15, low=n / 12), 0, 1.4) ** 1.5
    return np.stack([tuft * (0.3 + 0.9 * blades), (who * 3.93) % 1], -1).astype(np.float32)


def wave_tile(rng: np.random.Generator, n: int, period: float, wind: float, heading: float) -> Array:
    """Draw the surface of a wind sea: height and its slopes along x and z, (n, n, 3), in metres.

    Phillips' spectrum (as in Tessendorf's notes on simulating ocean water) at one moment, for a wind of
    `wind` m/s blowing towards `heading` radians from x; `period` is the tile's width in metres.
    """
    kx = 2 * np.pi * np.fft.rfftfreq(n, period / n)[None, :]
    kz = 2 * np.pi * np.fft.fftfreq(n, period / n)[:, None]
    k2 = np.maximum(kx**2 + kz**2, 1e-9)
    longest = wind**2 / 9.81
    along = (kx * np.cos(heading) + kz * np.sin(heading)) ** 2 / k2
    spectrum = np.exp(-1 / (k2 * longest**2)) / k2**2 * (0.12 + along) * np.exp(-k2 * 0.02**2)
    spectrum[0, 0] = 0
    # White noise has variance n^2 per Fourier mode; the step in k makes the sum approach the integral.
    modes = (
        np.fft.rfft2(rng.standard_normal((n, n))) * np.sqrt(0.0081 * spectrum / 2) * (2 * np.pi / period) * n
    )
    parts = [np.fft.irfft2(m, (n, n)) for m in (modes, 1j * kx * modes, 1j * kz * modes)]
    return np.stack(parts, -1).astype(np.float32)


class Textures:
    """The periodic textures that a scene is made of, all drawn from one seed."""

    def __init__(self, seed: int, wind: float) -> None:
        rng = np.random.default_rng(seed)
        self.rough = Tile(fractal_field(rng, (1024, 1024), 1.7))
        self.smooth = Tile(fractal_field(rng, (512, 512), 2.2))
        self.stones = Tile(stone_tile(rng, 1024, 64))
        self.canopy = Tile(canopy_tile(rng, 1024, 40))
        self.grass = Tile(grass_tile(rng, 1024, 26))
        self.chop = Tile(wave_tile(rng, 1024, 41.0, wind, 2.6))
        self.swell = Tile(wave_tile(rng, 1024, 263.0, wind, 2.3))
        billow = 1 - np.abs(fractal_field(rng, (64, 64, 64), 1.5, low=2.0))
        self.billow = billow.astype(np.float32)


# --------------------------------------------------------------------------------------------------------
# Terrain
# --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Hill:
    """One landform: a rounded hill added to the sea floor; all in metres."""

    x: float
    z: float
    radius_x: float
    radius_z: float
    height: float


def soften(height: Array, sigma: float) -> Array:
    """Blur an (N, N) map over `sigma` texels; wraps at the borders, which lie out of sight."""
    n = height.shape[0]
    fy, fx = np.fft.fftfreq(n)[:, None], np.fft.rfftfreq(n)[None, :]
    gain = np.exp(-2 * (np.pi * sigma) ** 2 * (fx**2 + fy**2))
    return np.asarray(np.fft.irfft2(np.fft.rfft2(height) * gain, height.shape), np.float32)


def gullies(height: Array, step: float, width: float, octaves: int, strength: float, seed: int) -> Array:
    """Carve branching gullies down the slopes of an (N, N) height map.

    Each octave adds ridges that run down the present slope: cosine stripes across it, with one stripe pattern per
    cell of `width` metres, blended between neighbouring cells. Steeper ground gets deeper and finer stripes.
    Since each octave follows the slopes that the earlier ones left, the gullies branch.
    """
    rng = np.random.default_rng(seed)
    n = height.shape[0]
    zz, xx = np.meshgrid(*(2 * [np.arange(n, dtype=np.float32) * step]), indexing="ij")
    gz, gx = np.gradient(soften(height, 0.15 * width / step), step)
    # Depth follows the uncarved slope: following the carved one would sharpen every octave into spikes.
    steep = np.minimum(np.hypot(gx, gz), 0.9)
    for _ in range(octaves):
        gz, gx = np.gradient(soften(height, 0.15 * width / step), step)
        slope = np.hypot(gx, gz) + 1e-6
        # Turned by a right angle: stripes vary along the contour, and so run downhill.
        calm = np.minimum(slope, 1.0) ** 0.5 / slope
        tx, tz = -gz * calm, gx * calm
        u, v = xx / width, zz / width
        iu, iv = np.floor(u).astype(np.int32), np.floor(v).astype(np.int32)
        m = int(iu.max()) + 4
        # Sites stay clear of their cell's border, so that none reaches in from outside the 3 x 3 cells.
        jitter = rng.uniform(0.25, 0.75, (2, m, m)).astype(np.float32)
        total = np.zeros_like(height)
        weight = np.full_like(height, 1e-3)
        for dv in (-1, 0, 1):
            for du in (-1, 0, 1):
                ci, cj = iv + dv + 1, iu + du + 1
                px = u - (iu + du + jitter[0, ci, cj])
                pz = v - (iv + dv + jitter[1, ci, cj])
                w = np.clip(1 - (px * px + pz * pz) / 1.5, 0, 1) ** 2
                total += w * np.cos((px * tx + pz * tz) * 7.5)
                weight += w
        stripes = total / weight
        # Sharp crests between rounded troughs.
        height = height + (0.6 * stripes - np.abs(stripes - 0.2)) * steep * (width * strength)
        width *= 0.5
        strength *= 0.86
    return np.asarray(height, np.float32)


@dataclass(frozen=True)
class Look:
    """Palette and atmosphere of a scene; colours are linear albedo or radiance."""

    sun: RGB = (5.2, 4.7, 3.9)
    zenith: RGB = (0.16, 0.33, 0.72)
    horizon: RGB = (0.72, 0.86, 1.0)
    glow: RGB = (0.5, 0.36, 0.2)
    haze: RGB = (0.00005, 0.00007, 0.00011)
    deep: RGB = (0.006, 0.05, 0.085)
    shallow: RGB = (0.06, 0.30, 0.30)
    rock_light: RGB = (0.44, 0.36, 0.26)
    rock_dark: RGB = (0.20, 0.15, 0.11)
    grass_green: RGB = (0.10, 0.16, 0.03)
    grass_dry: RGB = (0.30, 0.25, 0.09)
    leaf: RGB = (0.035, 0.075, 0.02)
    sand: RGB = (0.50, 0.41, 0.29)
    exposure: float = 0.62


@dataclass(frozen=True)
class Scene:
    """Everything that determines a picture, except its size."""

    seed: int
    hills: tuple[Hill, ...]
    eye: float  # height of the camera, m
    horizon: float  # where the horizon lies, as a share of the picture's height from the top
    focal: float  # focal length, in picture widths
    sun: tuple[float, float, float]  # direction to the sun, any length
    cliff: float = 30.0  # height of the sea cliffs, m
    wind: float = 6.0  # m/s, sets the waves
    clouds: float = 0.45  # share of the sky that clouds tend to cover
    forest: float = 0.0  # positive grows more trees
    look: Look = Look()


class Ground(NamedTuple):
    """Height (m) of the land and what covers it, all with the same shape; covers are weights in [0, 1]."""

    height: Array
    bare: Array  # height without rocks, stones and plants
    rock: Array
    beach: Array
    forest: Array
    grass: Array
    relief: Array  # height of the cover's fine relief in [0, 1], to darken its hollows
    chance: Array  # random value per stone, tuft or crown in [0, 1]


class Relief:
    """Square height map with its steepness, sampled bilinearly and clamped at its border."""

    def __init__(self, height: Array, x: float, z: float, step: float) -> None:
        """Wrap an (N, N) map whose first texel lies at (x, z) metres; texels are `step` metres apart."""
        self.x, self.z, self.step, self.n = x, z, step, height.shape[0]
        gz, gx = np.gradient(height, step)
        self.data = np.stack([height, np.hypot(gx, gz)], -1).reshape(-1, 2).astype(np.float32)

    def __call__(self, x: Array, z: Array) -> Array:
        """Height (m) and slope (rise over run) at the points: x.shape + (2,)."""
        u = np.clip((x - self.x) / self.step, 0, self.n - 1.001)
        v = np.clip((z - self.z) / self.step, 0, self.n - 1.001)
        i, j = u.astype(np.int32), v.astype(np.int32)
        fu, fv = (u - i)[..., None], (v - j)[..., None]
        k = j * self.n + i
        take = self.data.take
        top = take(k, 0) * (1 - fu) + take(k + 1, 0) * fu
        bottom = take(k + self.n, 0) * (1 - fu) + take(k + self.n + 1, 0) * fu
        return np.asarray(top + (bottom - top) * fv, np.float32)


class World:
    """A scene ready to render: textures drawn, terrain carved."""

    def __init__(self, scene: Scene, *, grid: int = 1600) -> None:
        """Prepare a scene; `grid` is the width in texels of the near terrain map, smaller for quick previews."""
        self.scene = scene
        self.grid = grid
        self.tex = Textures(scene.seed, scene.wind)
        self.sun = normalized(rgb(*scene.sun))

    @cached_property
    def near(self) -> Relief:
        """Terrain within about 1.2 km, every 1.5 m at the full grid."""
        return self._carve(-1200.0, -150.0, 2400.0, self.grid, width=230.0)

    @cached_property
    def far(self) -> Relief:
        """Terrain out to the horizon, every 18 m at the full grid."""
        return self._carve(-8000.0, -2000.0, 16000.0, self.grid * 9 // 16, width=1500.0)

    def _carve(self, x0: float, z0: float, size: float, n: int, width: float) -> Relief:
        """Lay out the hills on an (n, n) grid `size` metres wide, then erode them and cut cliffs."""
        step = size / n
        axis = np.arange(n, dtype=np.float32) * step
        z, x = np.meshgrid(axis + z0, axis + x0, indexing="ij")
        tex = self.tex
        away = smoothstep(30, 220, np.hypot(x, z))  # leaves the foreground where the scene put it
        wx = x + away * 38 * tex.smooth(x, z, 1100, step)
        wz = z + away * 38 * tex.smooth(x + 371, z + 113, 1100, step)
        total = np.zeros_like(x)
        for hill in self.scene.hills:
            d = np.hypot((wx - hill.x) / hill.radius_x, (wz - hill.z) / hill.radius_z)
            total += (hill.height * np.exp(-(d**2.2))) ** 3
        # Between sum and maximum: hills that overlap merge without piling up.
        height = np.cbrt(total) - 14
        ridges = 0.5 - np.abs(tex.smooth(x + 70, z, 1900, step))
        height += away * np.clip(height + 4, 0, None) * (0.1 * tex.smooth(x, z, 1700, step) + 0.3 * ridges)
        carved = gullies(height, step, width, octaves=5, strength=0.13, seed=self.scene.seed)
        height += away * (carved - height)
        # A beach above the water line, a shelf below it.
        height -= 2.1 * np.sign(height) * (1 - np.exp(-np.abs(height) / 3))
        rise = self.scene.cliff * away * smoothstep(0.2, 0.9, 0.8 + 0.6 * tex.smooth(x, z, 900, step))
        # Noise in the height at which a cliff starts breaks its line into buttresses and clefts.
        height += rise * smoothstep(1.5, 11, height + 5 * tex.rough(x, z, 420, step))
        gz, gx = np.gradient(height, step)
        # Harder beds stand out as ledges wherever the ground is steep.
        ledge = tex.rough(0.05 * (x + z), height + 6 * tex.smooth(x, z, 700, step), 130)
        height += away * 2.6 * ledge * smoothstep(0.5, 1.1, np.hypot(gx, gz)) * smoothstep(3, 12, height)
        return Relief(height, x0, z0, step)

    def base(self, x: Array, z: Array) -> Array:
        """Height and slope of the carved terrain: x.shape + (2,)."""
        out = self.near(x, z)
        inside = smoothstep(1150, 1000, np.abs(x)) * smoothstep(2150, 1900, z)
        outside = inside < 1
        if outside.any():
            far = self.far(x[outside], z[outside])
            out[outside] = mix(far, out[outside], inside[outside])
        return out

    def ground(self, x: Array, z: Array, footprint: Array | float) -> Ground:
        """Land with all the detail that a sample of `footprint` metres can show."""
        tex = self.tex
        base = self.base(x, z)
        height, slope = base[..., 0], base[..., 1]
        broad = tex.rough(x, z, 310, footprint)
        mid = tex.rough(x + 17, z + 5, 23.7, footprint)
        fine = tex.rough(z + 3, x, 3.1, footprint)
        rock = smoothstep(0.72, 1.05, slope + 0.13 * broad + 0.07 * mid)
        beach = smoothstep(4.6, 3.2, height + 0.5 * mid + 0.2 * fine) * (1 - rock)
        wood = smoothstep(
            0.1, 0.35, self.scene.forest + 0.6 * tex.smooth(x, z, 540) + 0.16 * broad + 0.06 * mid
        )
        wood *= smoothstep(7, 12, height) * smoothstep(230, 300, np.hypot(x, z))
        forest = wood * smoothstep(0.7, 0.45, slope) * (1 - rock) * (1 - beach)
        grass = np.clip(1 - rock - beach - forest, 0, 1)

        crowns = tex.canopy(x, z, 270, footprint)
        blades = tex.grass(x, z, 7.3, footprint)
        pebbles = tex.stones(x, z, 4.1, footprint)
        cobbles = tex.stones(z + 1.7, x, 23.0, footprint)
        # Shingle gathers in bands along the shore, larger stones in patches.
        shingle = smoothstep(-0.1, 0.5, mid * 0.5 + broad * 0.4 + 0.25 * np.sin(height * 5.5 + mid))
        strewn = smoothstep(0.45, 0.8, cobbles[..., 1] + 0.25 * mid)
        stony = beach * shingle
        stones = stony * pebbles[..., 0] * 0.045 + beach * strewn * cobbles[..., 0] * 0.22
        blocks = tex.stones(x + 3 * broad, z, 253, footprint)[..., 0]
        sand = beach * (0.03 * mid + 0.012 * fine)
        rubble = tex.stones(z, x + 2 * mid, 71, footprint)[..., 0]
        ribs = tex.rough(z, x, 113, footprint)
        crag = rock * (1.3 * np.abs(broad) + 1.1 * ribs + 0.2 * fine + 0.9 * blocks + 0.35 * rubble)
        meadow = grass * (blades[..., 0] * (0.30 + 0.12 * np.clip(mid, -2, 2)) + 0.12 * mid)
        full = height + sand + stones + crag + meadow + forest * crowns[..., 0] * 6.5
        relief = (
            beach * (0.55 + 0.45 * (shingle * pebbles[..., 0] + strewn * cobbles[..., 0]))
            + rock * np.clip(0.3 + 0.18 * mid + 0.2 * fine + 0.3 * blocks + 0.35 * rubble, 0, 1)
            + forest * np.clip(crowns[..., 0] * 1.1, 0, 1)
            + grass * np.clip(blades[..., 0] * 1.5, 0, 1)
        )
        chance = np.where(
            beach > 0.5,
            np.where(strewn * cobbles[..., 0] > 0.05, cobbles[..., 1], pebbles[..., 1] * shingle),
            np.where(forest > 0.5, crowns[..., 1], blades[..., 1]),
        )
        return Ground(full, height, rock, beach, forest, grass, relief, chance.astype(np.float32))

    def sea(self, x: Array, z: Array, footprint: Array | float) -> Array:
        """Height of the sea (m) and its slopes along x and z: x.shape + (3,)."""
        chop = self.tex.chop(x, z, 41.0, footprint)
        swell = self.tex.swell(x + 11, z + 29, 263.0, footprint)
        return np.asarray(0.8 * chop + 0.5 * swell, np.float32)

    def surface(self, x: Array, z: Array, footprint: Array | float) -> Array:
        """Height of whatever is on top, land or sea."""
        return np.maximum(self.ground(x, z, footprint).height, self.sea(x, z, footprint)[..., 0])

    # ----------------------------------------------------------------------------------------------------
    # Light
    # ----------------------------------------------------------------------------------------------------

    def sky(self, direction: Array) -> Array:
        """Radiance of the cloudless sky along unit vectors (..., 3)."""
        look = self.scene.look
        up = np.clip(direction[..., 1], 0, 1)
        towards = np.clip(direction @ self.sun, 0, 1)
        color = mix(rgb(*look.horizon), rgb(*look.zenith), 1 - np.exp(-up * 4.2))
        glow = (0.35 * towards**4 + 0.8 * towards**24) * (0.35 + 0.65 * np.exp(-up * 5))
        return np.asarray(color + glow[..., None] * rgb(*look.glow), np.float32)

    def haze(self, color: Array, direction: Array, distance: Array) -> Array:
        """Dim `color` (..., 3) over `distance` metres of air and add the light scattered in."""
        level = direction * rgb(1, 0, 1)
        level[..., 1] = 0.03
        air = self.sky(normalized(level))
        clear = np.exp(-distance[..., None] * rgb(*self.scene.look.haze))
        return np.asarray(color * clear + air * (1 - clear) * 0.92, np.float32)

    def sunlit(self, x: Array, y: Array, z: Array, footprint: Array) -> Array:
        """Share of the sun's disc seen from each point, in [0, 1]; marches over the relief towards the sun."""
        sx, sy, sz = self.sun / np.hypot(self.sun[0], self.sun[2])
        lit = np.ones_like(x)
        start = np.maximum(footprint * 1.5, 0.01)
        reach = start
        while float(reach.min()) < 900:
            px, pz = x + sx * reach, z + sz * reach
            # Fine relief matters only near its own shadow.
            top = (
                self.ground(px, pz, reach * 0.08).height
                if float(reach.min()) < 12
                else self.base(px, pz)[..., 0]
            )
            lit = np.minimum(lit, 0.5 + (y + sy * reach - top) / (0.035 * reach + 0.006))
            reach = reach * 1.55
        return np.asarray(np.clip(lit, 0, 1), np.float32)

    def clouds(self, direction: Array, rng: np.random.Generator, steps: int = 120) -> tuple[Array, Array]:
        """Light (N, 3) and opacity (N) of cumulus along unit vectors (N, 3), found by marching through a slab."""
        look = self.scene.look
        light = np.zeros_like(direction)
        clear = np.ones(len(direction), np.float32)
        up = np.maximum(direction[:, 1], 0.012)
        dither = rng.random(len(up), np.float32)
        phase = 0.8 + 0.9 * np.clip(direction @ self.sun, 0, 1) ** 6
        ambient = 0.45 * rgb(*look.zenith) + 0.55 * rgb(*look.horizon)
        dt = (CLOUD_TOP - CLOUD_BASE) / steps / up
        for i in range(steps):
            live = np.flatnonzero(clear > 0.02)
            t = CLOUD_BASE / up[live] + (i + dither[live]) * dt[live]
            p = direction[live] * t[:, None]
            density = self._cloud_density(p)
            full = density > 0
            live, t, p, density = live[full], t[full], p[full], density[full]
            # Optical depth towards the sun from a few samples: bright edges, grey bases.
            shade = np.zeros_like(t)
            for reach in (50.0, 150.0, 380.0):
                shade += self._cloud_density(p + self.sun * rgb(reach)) * reach
            sun = (0.8 * np.exp(-0.008 * shade) + 0.2 * np.exp(-0.0015 * shade)) * phase[live]
            share = (p[:, 1] - CLOUD_BASE) / (CLOUD_TOP - CLOUD_BASE)
            glow = sun[:, None] * rgb(*look.sun) * 0.40 + ambient * (0.45 + 0.5 * share)[:, None]
            alpha = 1 - np.exp(-density * np.minimum(dt[live], 130) * 0.011)
            light[live] += (clear[live] * alpha)[:, None] * self.haze(glow, direction[live], t * 0.7)
            clear[live] *= 1 - alpha
        fade = smoothstep(0.012, 0.07, direction[:, 1])
        return np.asarray(light * fade[:, None], np.float32), np.asarray((1 - clear) * fade, np.float32)

    def _cloud_density(self, p: Array) -> Array:
        """Density in [0, 1] of the clouds at points (N, 3)."""
        x, y, z = p[:, 0], p[:, 1], p[:, 2]
        share = (y - CLOUD_BASE) / (CLOUD_TOP - CLOUD_BASE)
        cover = 0.5 * self.tex.smooth(x, z, 9700) + 0.32 * self.tex.rough(x, z, 8100, 30.0)
        lump = cover + 3.0 * (self.scene.clouds - 0.5) - 1.9 * share
        lump += 0.9 * (self._billow(x, y, z, 2300) - 0.35) + 0.4 * (self._billow(z, y, x, 800) - 0.35)
        return np.asarray(np.clip(lump * 1.5, 0, 1) * smoothstep(-0.02, 0.06, share), np.float32)

    def _billow(self, x: Array, y: Array, z: Array, period: float) -> Array:
        """Sample the billow volume trilinearly."""
        field = self.tex.billow
        n = field.shape[0]
        lattice, weights = [], []
        for axis in (x, y, z):
            u = axis * (n / period)
            floor = np.floor(u)
            lattice.append(floor.astype(np.int32))
            weights.append(u - floor)
        out = np.zeros_like(x)
        flat = field.ravel()
        for corner in range(8):
            index = np.zeros(x.shape, np.int32)
            weight = np.ones_like(x)
            for i in range(3):
                bit = corner >> i & 1
                index = index * n + ((lattice[i] + bit) & (n - 1))
                weight = weight * (weights[i] if bit else 1 - weights[i])
            out += weight * flat.take(index)
        return out

    # ----------------------------------------------------------------------------------------------------
    # Surfaces
    # ----------------------------------------------------------------------------------------------------

    def land_color(self, x: Array, y: Array, z: Array, g: Ground, footprint: Array) -> Array:
        """Albedo (..., 3) of the land."""
        look, tex = self.scene.look, self.tex
        broad = tex.rough(x + 91, z, 410, footprint)
        mid = tex.rough(x + 9, z + 60, 31, footprint)
        fine = tex.rough(x, z + 2, 2.3, footprint)
        # Rock: beds by height, stained with noise that is stretched along the face.
        face = tex.rough(x * 0.7 + z * 0.7, y * 1.3, 271, footprint)
        grain = tex.rough(x + z, y + x * 0.3, 57.0, footprint)
        grit = tex.rough(x + 0.6 * z, y, 12.7, footprint)
        warped = y + 1.6 * broad + 0.5 * face
        bed = tex.rough((x + z) * 0.06, warped * 1.5, 67, footprint)
        crack = smoothstep(0.12, 0.02, np.abs(tex.rough(x + z, y * 0.4 + 40, 197, footprint)))
        tone = np.clip(0.5 + 0.3 * bed + 0.12 * face + 0.1 * grain + 0.16 * grit - 0.4 * crack, 0, 1)
        rock = mix(rgb(*look.rock_dark), rgb(*look.rock_light), tone)
        grey = rock.mean(-1, keepdims=True) * rgb(0.84, 0.84, 0.82)
        rock = mix(rock, grey, smoothstep(-0.4, 1.2, tex.rough(x + z, y * 1.5 + 77, 210, footprint)))
        rock = rock * (0.92 + 0.12 * np.clip(grain, -2, 2) + 0.14 * np.clip(grit, -2, 2))[..., None]
        rock *= mix(rgb(0.42, 0.42, 0.40), rgb(1, 1, 1), smoothstep(0.3, 3.2, y + 0.7 * mid))  # wet foot
        # Grass: dry and lush patches, each tuft a little different, dark at its foot.
        dry = np.clip(0.3 + 0.28 * mid + 0.2 * broad + 0.5 * (g.chance - 0.5), 0, 1)
        grass = mix(rgb(*look.grass_green), rgb(*look.grass_dry), dry)
        grass = grass * (0.5 + 0.7 * g.relief)[..., None]
        head = tex.stones(x, z, 2.9, footprint)
        bloom = (
            smoothstep(0.91, 0.95, head[..., 1]) * smoothstep(0.3, 0.5, g.relief) * smoothstep(-0.2, 0.8, mid)
        )
        petal = mix(rgb(0.72, 0.50, 0.05), rgb(0.72, 0.70, 0.66), smoothstep(-0.3, 0.3, broad))
        grass = mix(grass, petal, bloom)
        leaf = mix(rgb(*look.leaf), rgb(*look.grass_green), np.clip(0.1 + 0.75 * g.chance + 0.15 * mid, 0, 1))
        leaf = leaf * (0.3 + 0.8 * g.relief)[..., None]
        # Sand, darkened where the sea has wetted it; stones in greys and warm browns.
        wet = smoothstep(1.3, 0.35, g.bare + 0.12 * mid)
        sand = rgb(*look.sand) * (0.92 + 0.07 * np.clip(fine, -3, 3) + 0.05 * mid)[..., None]
        tint = mix(rgb(0.17, 0.17, 0.18), rgb(0.47, 0.40, 0.34), (g.chance * 3.3) % 1)
        stone = tint * (0.6 + 0.5 * ((g.chance * 17) % 1))[..., None]
        beach = mix(sand, stone, smoothstep(0.57, 0.66, g.relief))
        beach = beach * (1 - 0.6 * wet)[..., None]
        return np.asarray(
            rock * g.rock[..., None]
            + grass * g.grass[..., None]
            + leaf * g.forest[..., None]
            + beach * g.beach[..., None],
            np.float32,
        )

    def shade_land(self, x: Array, z: Array, view: Array, footprint: Array) -> Array:
        """Radiance (N, 3) leaving the land at (x, z) against the view directions (N, 3)."""
        look = self.scene.look
        g = self.ground(x, z, footprint)
        e = np.maximum(footprint, 0.008)
        slope_x = (self.ground(x + e, z, footprint).height - g.height) / e
        slope_z = (self.ground(x, z + e, footprint).height - g.height) / e
        # Blades and leaves let light through, so plants are shaded with softened slopes.
        soft = 1 - 0.72 * g.grass - 0.45 * g.forest
        # A height map cannot overhang, so beds of rock get their shadowed undersides from a tilted normal.
        ledge = self.tex.rough(0.2 * (x + z), g.height * 1.4, 31, footprint)
        ledge += 0.7 * self.tex.rough(x + z, g.height, 19, footprint)
        up = 1 + g.rock * np.clip(0.5 * ledge, -0.9, 1.2)
        normal = normalized(np.stack([-slope_x * soft, up, -slope_z * soft], -1))
        lit = self.sunlit(x, g.height, z, footprint)
        lit = lit + 0.4 * g.grass * (1 - lit)
        facing = normal @ self.sun
        leafy = (g.grass + g.forest)[..., None]
        diffuse = np.clip(facing, 0, None)[..., None] * (1 - 0.3 * leafy) + 0.3 * leafy * self.sun[1]
        open_sky = (0.55 + 0.45 * normal[..., 1]) * (0.42 + 0.58 * np.clip(g.relief, 0, 1))
        ambient = open_sky[..., None] * (0.34 * rgb(*look.zenith) + 0.41 * rgb(*look.horizon))
        # Light thrown back by sunlit ground nearby warms the shadows.
        bounce = rgb(*look.sun) * 0.055 * (1.1 - 0.6 * normal[..., 1])[..., None]
        albedo = self.land_color(x, g.height, z, g, footprint)
        color = albedo * (diffuse * lit[..., None] * rgb(*look.sun) + ambient + bounce)
        wet = smoothstep(0.75, 0.2, g.bare) * g.beach
        mirror = view - 2 * (view * normal).sum(-1, keepdims=True) * normal
        sheen = 0.03 + 0.5 * np.clip(1 + (view * normal).sum(-1), 0, 1) ** 5
        mirror[..., 1] = np.abs(mirror[..., 1])
        return np.asarray(color + (wet * sheen)[..., None] * self.sky(mirror), np.float32)

    def shade_sea(self, x: Array, z: Array, view: Array, footprint: Array) -> Array:
        """Radiance (N, 3) leaving the sea at (x, z) against the view directions (N, 3)."""
        look, tex = self.scene.look, self.tex
        # Near the horizon, one sample covers a long strip of water: average over its mean width.
        wide = footprint / np.sqrt(np.clip(-view[..., 1], 0.004, 1))
        sea = self.sea(x, z, wide)
        depth = -self.base(x, z)[..., 0]
        rough = np.clip(0.16 - 0.5 * np.hypot(sea[..., 1], sea[..., 2]), 0.02, 0.16)
        normal = np.stack([-sea[..., 1], np.ones_like(x), -sea[..., 2]], -1)
        # Of the waves that are too small to see, those facing the camera fill most of the view.
        back = -view * rgb(1, 0, 1)
        normal = normalized(normal + back * (rough * smoothstep(0.35, 0.02, -view[..., 1]))[..., None])
        cosine = np.clip(-(view * normal).sum(-1), 0.02, 1)
        fresnel = 0.02 + 0.98 * (1 - cosine) ** 5 / (1 + 3.0 * rough)
        mirror = view + 2 * cosine[..., None] * normal
        mirror[..., 1] = np.abs(mirror[..., 1]) + 0.02
        mirror = normalized(mirror)
        sharp = 1.2 / (rough + 0.012) ** 2
        glint = np.exp(-sharp * (1 - np.clip(mirror @ self.sun, -1, 1)) * 0.5) * sharp * 0.01
        body = mix(rgb(*look.deep), rgb(*look.shallow), np.exp(-np.clip(depth, 0, None) / 3.2))
        patches = 1 + 0.18 * tex.smooth(x, z, 800) + 0.1 * tex.rough(x, z, 400, wide)
        body = body * (patches * (1 + 3.0 * np.clip(sea[..., 0], -0.2, 0.5)))[..., None]
        color = mix(body * 1.1, self.sky(mirror), np.clip(fresnel, 0, 1))
        color += (glint * fresnel)[..., None] * rgb(*look.sun)
        foam = self._foam(x, z, depth, sea, wide)
        return mix(color, rgb(*look.sun) * 0.16 + rgb(*look.horizon) * 0.25, foam)

    def _foam(self, x: Array, z: Array, depth: Array, sea: Array, footprint: Array) -> Array:
        """Foam cover in [0, 1]: swash at the shore, breakers over the shoals, whitecaps farther out."""
        mid = self.tex.rough(x, z, 29, footprint)
        lace = self.tex.rough(z, x, 5.3, footprint)
        crest = np.sin(depth * 3.4 + 1.3 * self.tex.smooth(x, z, 120) + 0.4 * mid)
        breakers = smoothstep(0.75, 1.0, crest + 0.12 * lace) * smoothstep(3.6, 1.2, depth + 0.5 * mid)
        breakers *= smoothstep(-0.6, 0.9, self.tex.rough(x + 40, z, 83, footprint))
        swash = smoothstep(0.55, 0.05, depth + 0.18 * mid + 0.1 * lace)
        steep = np.hypot(sea[..., 1], sea[..., 2])
        caps = smoothstep(2.6, 3.6, sea[..., 0] * 3 + steep * 4 + 0.45 * mid + 0.5 * lace) * 0.6
        # Foam tears into a web whose holes are cells.
        web = self.tex.stones(x + 0.3 * lace, z, 27.0, footprint)[..., 0]
        torn = smoothstep(0.6, 0.25, web - 0.25 * lace - 0.3 * mid)
        return np.asarray(
            np.clip(np.maximum(breakers, swash) * (0.06 + 0.94 * torn) + caps * torn, 0, 1), np.float32
        )


# --------------------------------------------------------------------------------------------------------
# Picture
# --------------------------------------------------------------------------------------------------------


def first_hits(distance: Array, height: Array, eye: float, slopes: Array) -> Array:
    """Distance at which each ray in a column of pixels meets the terrain; infinite where it does not.

    Args:
        distance: (S,) rising sample distances, m.
        height: (S, C) height of the terrain at each sample of C columns, m.
        eye: height of the camera, m.
        slopes: (R,) rise over run of the rays, top row first, falling.
    """
    angle = (height - eye) / distance[:, None]
    skyline = np.maximum.accumulate(angle, 0)
    out = np.full((len(slopes), height.shape[1]), np.inf, np.float32)
    for c in range(height.shape[1]):
        hit = np.searchsorted(skyline[:, c], slopes)
        seen = (hit < len(distance)) & (hit > 0)
        i = hit[seen]
        # Where the ray crosses the straight line between the two samples around it.
        run = distance[i] - distance[i - 1]
        grade = (height[i, c] - height[i - 1, c]) / run
        t = (height[i - 1, c] - grade * distance[i - 1] - eye) / (slopes[seen] - grade)
        out[seen, c] = np.clip(t, distance[i - 1], distance[i])
    return out


def render(world: World, width: int, height: int, *, samples: int = 2, block: int = 128) -> Array:
    """Render linear radiance (height, width, 3), with `samples` x `samples` rays per pixel."""
    scene = world.scene
    w, h = width * samples, height * samples
    focal = scene.focal * w
    slopes = ((scene.horizon * h - np.arange(h) - 0.5) / focal).astype(np.float32)
    across = ((np.arange(w) + 0.5 - w / 2) / focal).astype(np.float32)
    steps = int(np.log(FARTHEST / NEAREST) * focal / 1.6)
    distance = np.geomspace(NEAREST, FARTHEST, steps).astype(np.float32)
    out = np.empty((height, width, 3), np.float32)
    clouds = cloud_layer(world, slopes[samples // 2 :: samples], across[samples // 2 :: samples])
    for left in range(0, w, block):
        tan = across[left : left + block]
        x = distance[:, None] * tan
        z = np.broadcast_to(distance[:, None], x.shape)
        hits = first_hits(distance, world.surface(x, z, z * (1.2 / focal)), scene.eye, slopes)
        span = slice(left // samples, (left + len(tan)) // samples)
        veil = [a[:, span].repeat(samples, 0).repeat(samples, 1) for a in clouds]
        color = shade(world, hits, slopes, tan, focal, (veil[0], veil[1]))
        rows, columns = h // samples, len(tan) // samples
        # Clip each ray, so that one glint cannot outshine the pixel's other rays after averaging.
        small = np.minimum(color, 4.0).reshape(rows, samples, columns, samples, 3).mean((1, 3))
        out[:, span] = small
    return out


def cloud_layer(world: World, slopes: Array, across: Array) -> tuple[Array, Array]:
    """Light (R, C, 3) and opacity (R, C) of the clouds, for rays given by their rise (R) and sideways run (C)."""
    direction = np.empty((len(slopes), len(across), 3), np.float32)
    direction[..., 0], direction[..., 1], direction[..., 2] = across, slopes[:, None], 1
    direction = normalized(direction)
    light, opacity = np.zeros_like(direction), np.zeros(direction.shape[:2], np.float32)
    rng = np.random.default_rng(world.scene.seed)
    for row in np.flatnonzero(slopes > 0.01):
        light[row], opacity[row] = world.clouds(direction[row], rng)
    return smooth3(light), smooth3(opacity)


def smooth3(image: Array) -> Array:
    """Average each pixel of (H, W, ...) with its neighbours, with binomial weights, to even out dither."""
    for axis in (0, 1):
        pad = [(2, 2) if a == axis else (0, 0) for a in range(image.ndim)]
        p = np.moveaxis(np.pad(image, pad, mode="edge"), axis, 0)
        image = np.moveaxis((p[:-4] + 4 * p[1:-3] + 6 * p[2:-2] + 4 * p[3:-1] + p[4:]) / 16, 0, axis)
    return np.asarray(image, np.float32)


def shade(
    world: World, hits: Array, slopes: Array, tan: Array, focal: float, clouds: tuple[Array, Array]
) -> Array:
    """Radiance (R, C, 3) of the rays in a block of columns, given their distances (R, C).

    `clouds` holds the light (R, C, 3) and opacity (R, C) of the clouds in front of the open sky.
    """
    view = np.empty((*hits.shape, 3), np.float32)
    view[..., 0], view[..., 1], view[..., 2] = tan, slopes[:, None], 1
    length = np.sqrt((view * view).sum(-1))
    view /= length[..., None]
    color = np.empty_like(view)

    light, opacity = clouds
    color[:] = light + world.sky(view) * (1 - opacity)[..., None]

    solid = np.isfinite(hits)
    d, v = hits[solid], view[solid]
    x = d * np.broadcast_to(tan, hits.shape)[solid]
    footprint = d * (1.0 / focal)
    is_sea = world.sea(x, d, footprint)[..., 0] > world.ground(x, d, footprint).height
    part = np.empty_like(v)
    for wanted, shader in ((is_sea, world.shade_sea), (~is_sea, world.shade_land)):
        if wanted.any():
            part[wanted] = shader(x[wanted], d[wanted], v[wanted], footprint[wanted])
    color[solid] = world.haze(part, v, d * length[solid])
    return color


def develop(radiance: Array, exposure: float, *, grain: float = 0.006, seed: int = 0) -> Array:
    """Turn linear radiance (H, W, 3) into display sRGB in [0, 1], with a filmic curve and sensor grain."""
    x = np.maximum(radiance * exposure, 0)
    # Narkowicz's fit of the ACES curve: a toe for deep shadows, a shoulder for clouds and foam.
    y = np.clip(x * (2.51 * x + 0.03) / (x * (2.43 * x + 0.59) + 0.14), 0, 1)
    srgb = np.where(y <= 0.0031308, 12.92 * y, 1.055 * np.maximum(y, 1e-6) ** (1 / 2.4) - 0.055)
    rng = np.random.default_rng(seed)
    noise = rng.standard_normal((*srgb.shape[:2], 1)) + 0.5 * rng.standard_normal(srgb.shape)
    return np.asarray(np.clip(srgb + grain * noise * (1.2 - srgb), 0, 1), np.float32)
