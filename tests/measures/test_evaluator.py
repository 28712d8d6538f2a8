import math

import pytest
import torch
from kornia.filters import gaussian_blur2d
from torch import Tensor

from sinct.errors import ConfigError, WeightsError
from sinct.measures import MEASURES, Evaluator
from sinct.measures.artefacts import checkerboard, seams
from sinct.measures.casts import foreign_colours, missing_colours
from sinct.measures.contours import light_rims, outlines
from sinct.measures.distribution import colour_distance, sliced_wasserstein
from sinct.measures.evaluator import _PREPARE, BY_REGION
from sinct.measures.familiarity import familiarity
from sinct.measures.strokes import broken_colour, directed, restless
from sinct.measures.structure import contrast_structure, gradient_similarity
from sinct.measures.warnings import luminance_order
from sinct.weights.store import Weights

LEARNED = {"lpips", "dists", "sifid", "patch_kid", "artfid"}
PLAIN = [measure.name for measure in MEASURES if measure.name not in {*LEARNED, *BY_REGION}]


def picture(height: int, width: int, seed: int, sigma: float) -> Tensor:
    noise = torch.randn(1, 3, height, width, generator=torch.Generator().manual_seed(seed))
    return (gaussian_blur2d(noise, (15, 15), (sigma, sigma))[0] * sigma).clamp(-1, 1)


@pytest.fixture(scope="module")
def painting() -> Tensor:
    return picture(96, 121, 0, 2.5)


@pytest.fixture(scope="module")
def photo() -> Tensor:
    return picture(80, 130, 1, 1.0)


@pytest.fixture(scope="module")
def output() -> Tensor:
    return picture(96, 121, 0, 1.0)


def test_names_are_unique_and_each_has_its_function() -> None:
    names = [measure.name for measure in MEASURES]
    assert len(set(names)) == len(names)
    assert set(names) == set(_PREPARE)


def test_measures_of_a_group_stand_together() -> None:
    groups = [measure.group for measure in MEASURES]
    assert groups == sorted(groups, key=["style", "structure", "artefacts"].index)


def test_evaluator_gives_what_the_functions_give(painting: Tensor, photo: Tensor, output: Tensor) -> None:
    found = Evaluator(painting, photo, names=PLAIN).measure(output)
    assert list(found) == PLAIN
    assert found == pytest.approx(
        {
            "familiarity": familiarity(output, photo, painting),
            "sliced_wasserstein": sliced_wasserstein(output, photo),
            "sliced_wasserstein_texture": sliced_wasserstein(output, photo, without_means=True),
            "colour": colour_distance(output, photo),
            "foreign_colours": foreign_colours(output, photo),
            "missing_colours": missing_colours(output, photo),
            "restless": restless(output, photo),
            "directed": directed(output, photo),
            "broken_colour": broken_colour(output, photo),
            "outlines": outlines(output, photo),
            "gradient": gradient_similarity(output, painting),
            "ssim": contrast_structure(output, painting),
            "luminance_order": luminance_order(output, painting),
            "checkerboard": checkerboard(output, photo),
            "seams": seams(output, painting),
            "light_rims": light_rims(output, photo),
        }
    )


def test_painting_is_best_in_structure_and_photo_in_style(
    painting: Tensor, photo: Tensor, output: Tensor
) -> None:
    evaluator = Evaluator(painting, photo, names=PLAIN)
    rows = [evaluator.measure(x) for x in (painting, photo, output)]
    for measure in MEASURES:
        if measure.name in PLAIN and measure.group != "artefacts":
            values = [-row[measure.name] if measure.higher_is_better else row[measure.name] for row in rows]
            assert min(values) == pytest.approx(values[1 if measure.group == "style" else 0], abs=1e-6)


def test_measuring_twice_gives_the_same(painting: Tensor, photo: Tensor, output: Tensor) -> None:
    evaluator = Evaluator(painting, photo, names=PLAIN)
    assert evaluator.measure(output) == evaluator.measure(output)


def test_output_is_not_changed(painting: Tensor, photo: Tensor, output: Tensor) -> None:
    before = output.clone()
    Evaluator(painting, photo, names=PLAIN).measure(output)
    assert torch.equal(output, before)


def test_names_choose_measures(painting: Tensor, photo: Tensor, output: Tensor) -> None:
    assert list(Evaluator(painting, photo, names=["ssim", "colour"]).measure(output)) == ["colour", "ssim"]


def test_unknown_names_are_refused(painting: Tensor, photo: Tensor) -> None:
    with pytest.raises(
        ConfigError, match="unknown measure 'fid'; choose one of familiarity, sliced_wasserstein,"
    ):
        Evaluator(painting, photo, names=["fid"])


def test_without_weights_the_learned_measures_are_missing(painting: Tensor, photo: Tensor) -> None:
    evaluator = Evaluator(painting, photo)
    assert set(evaluator.missing) == LEARNED
    assert evaluator.missing["lpips"] == "needs pretrained weights, but none were requested"


def test_a_missing_file_is_reported(
    painting: Tensor, photo: Tensor, output: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def load(self: Weights, name: str) -> None:
        raise WeightsError(f"{name} is missing")

    monkeypatch.setattr(Weights, "load", load)
    evaluator = Evaluator(painting, photo, weights=Weights(), names=["colour", "lpips", "artfid", "sifid"])
    assert evaluator.missing["sifid"] == "inception is missing"
    assert evaluator.missing["lpips"] == evaluator.missing["artfid"] == "vgg16 is missing"
    assert list(evaluator.measure(output)) == ["colour"]


def test_a_measure_that_cannot_take_a_picture_says_why(painting: Tensor, photo: Tensor) -> None:
    evaluator = Evaluator(painting, photo, names=["familiarity", "colour"])
    assert list(evaluator.measure(torch.zeros(3, 20, 20))) == ["colour"]
    assert "20x20 px is too small" in evaluator.missing["familiarity"]


def test_a_photo_that_is_too_small_leaves_measures_out(painting: Tensor) -> None:
    evaluator = Evaluator(painting, painting[:, :50, :50], names=["familiarity", "checkerboard", "ssim"])
    assert set(evaluator.missing) == {"familiarity", "checkerboard"}


def test_learned_measures_run_on_random_networks(painting: Tensor, photo: Tensor, output: Tensor) -> None:
    evaluator = Evaluator(painting, photo, weights=Weights(random=True), names=sorted(LEARNED))
    assert evaluator.missing == {}
    found = evaluator.measure(output)
    assert set(found) == LEARNED
    assert all(math.isfinite(value) for value in found.values())
    assert found["artfid"] == pytest.approx((1 + found["lpips"]) * (1 + found["sifid"]))
    same = evaluator.measure(painting)
    assert same["lpips"] == 0
    assert same["dists"] == pytest.approx(0, abs=1e-9)
    assert evaluator.measure(photo)["sifid"] == pytest.approx(0, abs=1e-6)


def test_artfid_alone_computes_its_factors(painting: Tensor, photo: Tensor, output: Tensor) -> None:
    alone = Evaluator(painting, photo, weights=Weights(random=True), names=["artfid"]).measure(output)
    both = Evaluator(painting, photo, weights=Weights(random=True), names=["lpips", "sifid"]).measure(output)
    assert alone == {"artfid": pytest.approx((1 + both["lpips"]) * (1 + both["sifid"]))}
