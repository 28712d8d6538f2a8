"""All measures for pictures, compared with one painting and one photo."""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property

import torch
from torch import Tensor

from sinct.errors import ConfigError, SinctError, WeightsError
from sinct.measures import MEASURES
from sinct.measures.artefacts import grid_peaks, peak_excess, seams
from sinct.measures.casts import colours, foreign, missing
from sinct.measures.contours import dark_lines, overshoot
from sinct.measures.distribution import (
    colour_distribution,
    distribution_distance,
    patch_distributions,
    wasserstein,
)
from sinct.measures.familiarity import on_scale, own_unfamiliarity, textures, unfamiliarity
from sinct.measures.inception import Inception, frechet_distance, kernel_distance
from sinct.measures.learned import DISTSNetwork, LPIPSNetwork, dists, lpips
from sinct.measures.regions import colour_gaps, mean_gap, region_colours, region_textures, texture_gaps
from sinct.measures.strokes import HARDLY, above, coherence, colour_contrast
from sinct.measures.structure import contrast_structure, gradient_similarity
from sinct.measures.warnings import luminance_order
from sinct.pictures.contrast import calm_contrast
from sinct.pictures.resampling import resize
from sinct.weights.store import Weights

BY_REGION = ("region_colour", "region_texture")
"""Measures that need region maps."""

Compute = Callable[[Tensor, Tensor, Mapping[str, float]], float]
"""(output, output at the painting's size, values found so far by name) -> value."""


class Evaluator:
    """Compares pictures with one painting and one photo; what depends on those alone is computed once.

    Args:
        painting: (3, H, W) in [-1, 1], sRGB.
        photo: (3, H', W') in [-1, 1], sRGB.
        weights: weights for the measures that use pretrained networks; None leaves these measures out.
        names: names of the measures; None means all.
        device: where to compute.
        regions: (H, W) and (H', W') labels of the painting and of the photo, in which the same number marks the same
            kind of thing; without them, measures by region are left out.

    Attributes:
        missing: measures that cannot be computed, with the reason in one line.

    Raises:
        ConfigError: a name is unknown.
    """

    @torch.no_grad()
    def __init__(
        self,
        painting: Tensor,
        photo: Tensor,
        *,
        weights: Weights | None = None,
        names: Sequence[str] | None = None,
        device: torch.device | str = "cpu",
        regions: tuple[Tensor, Tensor] | None = None,
    ) -> None:
        known = [measure.name for measure in MEASURES]
        for name in names or ():
            if name not in known:
                raise ConfigError(f"unknown measure {name!r}; choose one of {', '.join(known)}")
        self._pair = _Pair(painting, photo, weights, torch.device(device), regions)
        self._measures: dict[str, Compute] = {}
        self.missing: dict[str, str] = {}
        for name, prepare in _PREPARE.items():
            if (names is None or name in names) and (regions is not None or name not in BY_REGION):
                try:
                    self._measures[name] = prepare(self._pair)
                except SinctError as error:
                    self.missing[name] = str(error)

    @torch.no_grad()
    def measure(self, output: Tensor) -> dict[str, float]:
        """Measure one picture.

        Args:
            output: (3, H, W) in [-1, 1], sRGB, of any size.

        Returns:
            Values by name, in the order of `MEASURES`. A measure that cannot be computed for this picture is
            absent, and `missing` says why.
        """
        output = output.to(self._pair.device, torch.float32).clamp(-1, 1)
        aligned = self._pair.aligned(output)
        found: dict[str, float] = {}
        for name, compute in self._measures.items():
            try:
                found[name] = compute(output, aligned, found)
            except SinctError as error:
                self.missing[name] = str(error)
        return {measure.name: found[measure.name] for measure in MEASURES if measure.name in found}


class _Pair:
    """Painting and photo, and what several measures derive from them."""

    def __init__(
        self,
        painting: Tensor,
        photo: Tensor,
        weights: Weights | None,
        device: torch.device,
        regions: tuple[Tensor, Tensor] | None,
    ) -> None:
        self.painting = painting.to(device, torch.float32)
        self.photo = photo.to(device, torch.float32)
        self.weights = weights
        self.device = device
        self.regions = regions

    @property
    def labels(self) -> tuple[Tensor, Tensor]:
        """The labels of painting and photo, where there are any."""
        assert self.regions is not None
        return self.regions

    def aligned(self, output: Tensor) -> Tensor:
        """Resize a picture to the painting's size if it has another."""
        return resize(output, *self.painting.shape[-2:])

    def load(self, name: str) -> Mapping[str, Tensor] | None:
        """State dict of that name; None where random networks were requested.

        Raises:
            WeightsError: there are no weights.
        """
        if self.weights is None:
            raise WeightsError("needs pretrained weights, but none were requested")
        return self.weights.load(name)

    @cached_property
    def lpips(self) -> tuple[LPIPSNetwork, list[Tensor]]:
        """The network and the painting's features."""
        network = LPIPSNetwork(self.load("vgg16"), self.load("lpips_vgg16"), self.device)
        return network, network.features(self.painting)

    @cached_property
    def inception(self) -> Inception:
        """The network."""
        return Inception(self.load("inception"), self.device)

    @cached_property
    def inception_positions(self) -> Tensor:
        """The photo's features, position by position."""
        return self.inception.positions(self.photo)


def _sliced_wasserstein(pair: _Pair, *, without_means: bool = False) -> Compute:
    photo = patch_distributions(pair.photo, without_means=without_means)
    return lambda output, aligned, found: distribution_distance(
        patch_distributions(output, without_means=without_means), photo
    )


def _sliced_wasserstein_texture(pair: _Pair) -> Compute:
    return _sliced_wasserstein(pair, without_means=True)


def _colour(pair: _Pair) -> Compute:
    photo = colour_distribution(pair.photo)
    return lambda output, aligned, found: float(wasserstein(colour_distribution(output), photo).mean())


def _region_colour(pair: _Pair) -> Compute:
    own, theirs = pair.labels
    photo = region_colours([pair.photo], [theirs])
    return lambda output, aligned, found: mean_gap(colour_gaps(region_colours([aligned], [own]), photo), own)


def _region_texture(pair: _Pair) -> Compute:
    own, theirs = pair.labels
    photo = region_textures([pair.photo], [theirs])
    return lambda output, aligned, found: mean_gap(
        texture_gaps(region_textures([aligned], [own]), photo), own
    )


def _foreign_colours(pair: _Pair) -> Compute:
    photo = colours(pair.photo)
    return lambda output, aligned, found: foreign(colours(output), photo)


def _missing_colours(pair: _Pair) -> Compute:
    photo = colours(pair.photo)
    return lambda output, aligned, found: missing(colours(output), photo)


def _restless(pair: _Pair) -> Compute:
    photo = calm_contrast([pair.photo])
    return lambda output, aligned, found: above(calm_contrast([output]), photo)


def _directed(pair: _Pair) -> Compute:
    photo = coherence(pair.photo)
    return lambda output, aligned, found: max(0.0, coherence(output) - photo)


def _broken_colour(pair: _Pair) -> Compute:
    photo = colour_contrast(pair.photo)
    return lambda output, aligned, found: above(colour_contrast(output), photo, seen=HARDLY)


def _outlines(pair: _Pair) -> Compute:
    photo = dark_lines(pair.photo)
    return lambda output, aligned, found: max(0.0, dark_lines(output) - photo)


def _light_rims(pair: _Pair) -> Compute:
    photo = overshoot(pair.photo)
    return lambda output, aligned, found: max(0.0, overshoot(output) - photo)


def _familiarity(pair: _Pair) -> Compute:
    photo = textures(pair.photo)
    zero, one = own_unfamiliarity(photo), unfamiliarity(textures(pair.painting), photo)
    on_scale(zero, zero, one)  # raises if there is no scale
    return lambda output, aligned, found: on_scale(unfamiliarity(textures(output), photo), zero, one)


def _gradient(pair: _Pair) -> Compute:
    return lambda output, aligned, found: gradient_similarity(aligned, pair.painting)


def _ssim(pair: _Pair) -> Compute:
    return lambda output, aligned, found: contrast_structure(aligned, pair.painting)


def _luminance_order(pair: _Pair) -> Compute:
    return lambda output, aligned, found: luminance_order(aligned, pair.painting)


def _checkerboard(pair: _Pair) -> Compute:
    photo = grid_peaks(pair.photo)
    return lambda output, aligned, found: peak_excess(grid_peaks(output), photo)


def _seams(pair: _Pair) -> Compute:
    return lambda output, aligned, found: seams(aligned, pair.painting)


def _lpips(pair: _Pair) -> Compute:
    network, painting = pair.lpips
    return lambda output, aligned, found: lpips(network.features(aligned), painting, network.weights)


def _dists(pair: _Pair) -> Compute:
    network = DISTSNetwork(pair.load("vgg16"), pair.load("dists"), pair.device)
    painting = network.features(pair.painting)
    return lambda output, aligned, found: dists(
        network.features(aligned), painting, network.alpha, network.beta
    )


def _sifid(pair: _Pair) -> Compute:
    photo = pair.inception_positions
    return lambda output, aligned, found: frechet_distance(pair.inception.positions(output), photo)


def _patch_kid(pair: _Pair) -> Compute:
    photo = pair.inception.crops(pair.photo)
    return lambda output, aligned, found: kernel_distance(pair.inception.crops(output), photo)


def _artfid(pair: _Pair) -> Compute:
    factors = {"lpips": _lpips(pair), "sifid": _sifid(pair)}

    def compute(output: Tensor, aligned: Tensor, found: Mapping[str, float]) -> float:
        content, style = (
            found[name] if name in found else factor(output, aligned, found)
            for name, factor in factors.items()
        )
        return (1 + content) * (1 + style)

    return compute


_PREPARE: Mapping[str, Callable[[_Pair], Compute]] = {
    "familiarity": _familiarity,
    "sliced_wasserstein": _sliced_wasserstein,
    "sliced_wasserstein_texture": _sliced_wasserstein_texture,
    "colour": _colour,
    "foreign_colours": _foreign_colours,
    "missing_colours": _missing_colours,
    "region_colour": _region_colour,
    "region_texture": _region_texture,
    "restless": _restless,
    "directed": _directed,
    "broken_colour": _broken_colour,
    "outlines": _outlines,
    "sifid": _sifid,
    "patch_kid": _patch_kid,
    "gradient": _gradient,
    "ssim": _ssim,
    "luminance_order": _luminance_order,
    "lpips": _lpips,
    "dists": _dists,
    "checkerboard": _checkerboard,
    "seams": _seams,
    "light_rims": _light_rims,
    "artfid": _artfid,  # after its factors, so that their values are reused
}
