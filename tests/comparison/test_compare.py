"""A comparison, from two pictures to its report, and pictures that are measured alone."""

import json
import math

import pytest

import sinct
from sinct.comparison import outcomes
from sinct.comparison.compare import compare, default_methods, methods
from sinct.comparison.pairs import compare_pairs
from sinct.comparison.stage import Stage
from sinct.errors import ConfigError, InputError, Interrupted
from sinct.measures.evaluate import evaluate
from sinct.report.results import Comparison
from tests.support.comparison import CONTROLS, quick, stand_in


@pytest.fixture(scope="module")
def compared(tmp_path_factory):
    """One comparison, with a method whose weights are missing, that several tests look at."""
    import numpy as np
    from PIL import Image

    folder = tmp_path_factory.mktemp("compared")
    random = np.random.default_rng(0)
    paths = []
    for name, size in (("painting.png", (72, 60)), ("photo.png", (80, 64))):
        coarse = random.integers(0, 256, (4, 4, 3), dtype=np.uint8)
        Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC).save(folder / name)
        paths.append(folder / name)
    stages: list[Stage] = []
    done = compare(
        *paths,
        folder / "out",
        names=["gatys"],
        iterations=1,
        device="cpu",
        weights_dir=folder / "no weights",
        isolate=False,
        on_stage=stages.append,
    )
    return folder / "out", done, stages


def test_controls_always_run(compared):
    _, done, _ = compared
    assert [row.name for row in done.comparison.results if row.control] == CONTROLS
    assert all(row.file for row in done.comparison.results if row.control)


def test_failing_method_is_a_row_with_its_reason(compared):
    _, done, _ = compared
    (row,) = [row for row in done.comparison.results if not row.control]
    assert row.file is None
    assert row.reason is not None
    assert "vgg19-dcbb9e9d.pth" in row.reason


def test_everything_is_written(compared):
    folder, done, _ = compared
    names = "report.html contact-sheet.png table.csv table.tex results.json painting.png photo.png"
    assert all((folder / name).is_file() for name in names.split())
    assert done.report == folder / "report.html"
    assert Comparison.load(folder / "results.json") == done.comparison


def test_measures_see_both_ends(compared):
    _, done, _ = compared
    rows = {row.name: row.measures for row in done.comparison.results}
    assert rows["photo"]["sliced_wasserstein"] == pytest.approx(0, abs=1e-6)
    assert rows["painting"]["ssim"] == pytest.approx(1, abs=1e-4)
    assert rows["painting"]["luminance_order"] == pytest.approx(1, abs=1e-4)
    assert all(math.isfinite(value) for values in rows.values() for value in values.values())


def test_stages_are_told_in_order(compared):
    _, _, stages = compared
    assert [stage.name for stage in stages if stage.fraction == 1] == [*CONTROLS, "gatys", "measuring"]


def test_contenders_can_be_told_from_controls_in_every_measure(compared):
    _, done, _ = compared
    assert {measure.group for measure in done.comparison.measures} == {"style", "structure", "artefacts"}


def test_gans_run_in_their_smallest_form(tmp_path, pair, tiny_gan):
    without_nce = {
        name: tiny_gan[name] for name in tiny_gan if name not in ("projection_dimensions", "warm_start")
    }
    settings = {"sinct": tiny_gan, "cyclegan": without_nce}
    done = quick(pair, tmp_path / "out", names=["cyclegan", "sinct"], settings=settings)
    rows = {row.name: row for row in done.comparison.results}
    assert list(rows) == [*CONTROLS, "sinct", "cyclegan"]
    assert rows["sinct"].settings["width"] == 4
    assert rows["sinct"].facts["steps"] == rows["cyclegan"].facts["steps"] == 1


def test_stop_is_obeyed_and_the_rest_comes_later(tmp_path, pair):
    asked = iter([False, False])  # before painting and before photo
    with pytest.raises(Interrupted):
        quick(pair, tmp_path / "out", names=[], should_stop=lambda: next(asked, True))
    assert (tmp_path / "out" / "results" / "painting.png").exists()
    assert not (tmp_path / "out" / "report.html").exists()
    assert quick(pair, tmp_path / "out", names=[]).report.exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"names": ["pix2pix"]}, "unknown method 'pix2pix'; there are painting, photo, .*"),
        ({"names": [], "settings": {"sinct": {}}}, "settings are given for sinct, which is not among"),
        ({"names": ["cyclegan"], "settings": {"painting": {"x": 1}}}, "has no setting 'x'; it has none"),
    ],
)
def test_wrong_requests_are_refused_before_any_work(tmp_path, pair, options, message):
    with pytest.raises(ConfigError, match=message):
        quick(pair, tmp_path / "out", **options)
    assert not (tmp_path / "out").exists()


def test_default_methods_are_those_that_run_here(tmp_path):
    assert default_methods(tmp_path) == ("sinct", "cyclegan", "gpdm", "gpnn")
    (tmp_path / "vgg19-dcbb9e9d.pth").touch()
    assert "gatys" in default_methods(tmp_path)


def test_a_method_on_request_is_none_by_default_but_can_be_named(tmp_path, pair, monkeypatch):
    assert methods.find("gcgan").on_request
    assert "gcgan" not in default_methods(tmp_path)
    monkeypatch.setattr(outcomes, "perform", stand_in(pair[0]))
    done = quick(pair, tmp_path / "out", names=["gcgan"])
    assert [row.name for row in done.comparison.results if not row.control] == ["gcgan"]


def test_regions_reach_the_methods(tmp_path, pair, monkeypatch):
    from PIL import Image

    for name, size in (("a.png", (72, 60)), ("b.png", (80, 64))):
        Image.new("RGB", size, "navy").save(tmp_path / name)
    seen = []

    def run(painting, photo, job):
        seen.append(tuple(map_.shape for map_ in job.regions))
        return methods.Result(painting, {})

    monkeypatch.setattr(methods, "find", lambda name: methods.Method("x", "y", run, control=True))
    quick(pair, tmp_path / "out", names=[], regions=(tmp_path / "a.png", tmp_path / "b.png"))
    assert seen[0] == ((60, 72), (64, 80))


def test_results_are_measured_by_region_where_there_are_maps(tmp_path, pair):
    from PIL import Image

    maps = tmp_path / "a.png", tmp_path / "b.png"
    for path, size in zip(maps, ((72, 60), (80, 64)), strict=True):
        Image.new("RGB", size, "navy").save(path)
    with_maps = quick(pair, tmp_path / "with", names=[], regions=maps).comparison
    without = quick(pair, tmp_path / "without", names=[]).comparison
    by_region = {"region_colour", "region_texture"}
    assert by_region <= set(with_maps.results[0].measures)
    assert not by_region & set(without.results[0].measures)
    assert not by_region & set(without.unavailable)
    # In one region, the distance is that of the whole pictures, apart from the pixels that are drawn.
    found = next(row.measures for row in with_maps.results if row.name == "painting")
    assert found["region_colour"] == pytest.approx(found["colour"], rel=0.02)


def test_random_weights_are_marked(tmp_path, pair, monkeypatch):
    monkeypatch.setattr(outcomes, "perform", stand_in(pair[0]))
    done = quick(pair, tmp_path / "out", names=["sinct", "gatys"], random_weights=True)
    marked = [row.name for row in done.comparison.results if row.random_weights]
    assert marked == ["gatys"]


# Evaluation


def test_evaluate_gives_the_comparisons_values(tmp_path, pair):
    done = quick(pair, tmp_path / "out", names=[])
    found = evaluate(*pair, [tmp_path / "out" / "results" / "colour_transfer.png"], device="cpu")
    (row,) = [row for row in done.comparison.results if row.name == "colour_transfer"]
    assert found.rows[str(tmp_path / "out" / "results" / "colour_transfer.png")] == pytest.approx(
        dict(row.measures)
    )
    assert json.dumps(found.to_json())


def test_evaluate_resizes_with_a_warning(pair, make_picture):
    small = make_picture("small.png", 36, 30)
    found = evaluate(*pair, [small], device="cpu")
    assert any("was resized from 36x30 to 72x60 px" in text for text in found.warnings)
    assert str(small) in found.rows


def test_evaluate_refuses_another_shape(pair, make_picture):
    with pytest.raises(InputError, match="is 60x60 px, the painting 72x60 px: not the same shape"):
        evaluate(*pair, [make_picture("square.png", 60, 60)], device="cpu")


def test_public_names_are_the_modules_own():
    assert sinct.compare is compare
    assert sinct.compare_pairs is compare_pairs
    assert sinct.Stage is Stage
    assert sinct.evaluate is evaluate
