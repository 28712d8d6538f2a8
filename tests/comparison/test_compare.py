import json
import math
from pathlib import Path

import pytest
import torch

import sinct
from sinct.comparison import compare as comparison
from sinct.comparison.compare import compare, compare_pairs, default_methods, methods, read_pairs
from sinct.comparison.worker import Outcome, Request, perform
from sinct.errors import ConfigError, InputError, Interrupted, OutputError
from sinct.measures.evaluate import evaluate
from sinct.pictures.picture import read_picture
from sinct.report.results import Comparison

CONTROLS = ["painting", "photo", "colour_transfer"]


@pytest.fixture
def pair(make_picture) -> tuple[Path, Path]:
    return make_picture("painting.png", 72, 60, seed=0), make_picture("photo.png", 80, 64, seed=1)


@pytest.fixture
def tiny_gan(tiny) -> dict:
    names = (
        "compact patience width discriminator_widths projection_dimensions crops identity_crops crop_size tile_size "
        "min_width max_width mixed_precision"
    )
    return {"preset": "draft", **{name: getattr(tiny, name) for name in names.split()}}


def quick(pair, output, **options):
    """A comparison in this process, in which every stage is one iteration."""
    return compare(*pair, output, **{"iterations": 1, "isolate": False, "device": "cpu", **options})


def request(tmp_path: Path, pair, method: str, **changes) -> Request:
    values = {
        "method": method,
        "painting": str(pair[0]),
        "photo": str(pair[1]),
        "sha256": ("", ""),
        "seconds": None,
        "iterations": 1,
        "seed": 0,
        "device": "cpu",
        "weights_dir": str(tmp_path / "no weights"),
        "random_weights": False,
        "regions": None,
    }
    return Request(**{**values, **changes})


# The worker


def test_worker_leaves_a_picture_of_the_paintings_size(tmp_path, pair):
    outcome = perform(request(tmp_path, pair, "colour_transfer"), tmp_path)
    assert outcome.reason is None
    assert outcome.seconds > 0
    assert read_picture(tmp_path / "output.png").pixels.shape == (3, 60, 72)


def test_worker_says_in_one_line_what_is_missing(tmp_path, pair):
    outcome = perform(request(tmp_path, pair, "gatys"), tmp_path)
    assert outcome.reason is not None
    assert "vgg19-dcbb9e9d.pth" in outcome.reason
    assert "\n" not in outcome.reason
    assert not (tmp_path / "output.png").exists()


def test_worker_reports_memory_that_runs_out(tmp_path, pair, monkeypatch):
    def run(painting, photo, job):
        raise torch.OutOfMemoryError

    monkeypatch.setattr(methods, "find", lambda name: methods.Method("x", "y", run))
    outcome = perform(request(tmp_path, pair, "painting"), tmp_path)
    assert outcome.reason == "out of memory on cpu; close other programs or give smaller pictures"


def test_worker_reports_a_fault_and_keeps_its_traceback(tmp_path, pair, monkeypatch, capsys):
    def run(painting, photo, job):
        raise ZeroDivisionError("a fault")

    monkeypatch.setattr(methods, "find", lambda name: methods.Method("x", "y", run))
    outcome = perform(request(tmp_path, pair, "painting"), tmp_path)
    assert outcome.reason == "broke off with ZeroDivisionError: a fault"
    assert "Traceback" in capsys.readouterr().err


# A comparison


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
    stages: list[comparison.Stage] = []
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
    settings = {"sinct": tiny_gan, "cyclegan": tiny_gan}
    done = quick(pair, tmp_path / "out", names=["cyclegan", "sinct"], settings=settings)
    rows = {row.name: row for row in done.comparison.results}
    assert list(rows) == [*CONTROLS, "sinct", "cyclegan"]
    assert rows["sinct"].settings["width"] == 4
    assert rows["sinct"].facts["steps"] == 1


def test_same_call_again_keeps_what_is_there(tmp_path, pair, monkeypatch):
    first = quick(pair, tmp_path / "out", names=[])
    monkeypatch.setattr(comparison, "perform", lambda *_args, **_options: pytest.fail("was done before"))
    again = quick(pair, tmp_path / "out", names=[])
    assert again.comparison == first.comparison


def test_result_that_is_there_needs_its_weights_no_more(tmp_path, pair, monkeypatch):
    def stand_in(request, folder, **_options):
        (folder / "output.png").write_bytes(pair[0].read_bytes())
        return Outcome(None, 1.0, None, "cpu")

    monkeypatch.setattr(comparison, "perform", stand_in)
    monkeypatch.setattr(comparison, "_fetched", lambda names: None)
    first = quick(pair, tmp_path / "out", names=["gatys"])
    monkeypatch.setattr(comparison, "_fetched", lambda names: pytest.fail("was done before"))
    assert quick(pair, tmp_path / "out", names=["gatys"]).comparison == first.comparison


def test_weights_that_cannot_be_fetched_are_a_row(tmp_path, pair, monkeypatch):
    monkeypatch.setattr(comparison, "_fetched", lambda names: "no network" if names else None)
    done = quick(pair, tmp_path / "out", names=["wct2"])
    assert [row.reason for row in done.comparison.results if not row.control] == ["no network"]


def test_another_seed_is_another_request(tmp_path, pair, monkeypatch):
    quick(pair, tmp_path / "out", names=[])
    asked = []

    def stand_in(request, folder, **_options):
        asked.append(request.method)
        (folder / "output.png").write_bytes(pair[0].read_bytes())
        return Outcome(None, 1.0, None, "cpu")

    monkeypatch.setattr(comparison, "perform", stand_in)
    quick(pair, tmp_path / "out", names=[], seed=1)
    assert asked == CONTROLS


def test_failed_method_is_tried_again(tmp_path, pair, monkeypatch):
    monkeypatch.setattr(comparison, "perform", lambda *_args, **_options: Outcome("broken", 1.0, None, "cpu"))
    first = quick(pair, tmp_path / "out", names=[])
    assert {row.reason for row in first.comparison.results} == {"broken"}
    monkeypatch.undo()
    assert {row.reason for row in quick(pair, tmp_path / "out", names=[]).comparison.results} == {None}


def test_stop_is_obeyed_and_the_rest_comes_later(tmp_path, pair):
    asked = iter([False, False])  # before painting and before photo
    with pytest.raises(Interrupted):
        quick(pair, tmp_path / "out", names=[], should_stop=lambda: next(asked, True))
    assert (tmp_path / "out" / "results" / "painting.png").exists()
    assert not (tmp_path / "out" / "report.html").exists()
    assert quick(pair, tmp_path / "out", names=[]).report.exists()


# A process of its own


def asked(folder: Path, wish: Request) -> Path:
    (folder / "request.json").write_text(json.dumps(wish.to_json()))
    return folder


def test_process_tells_progress_time_and_memory(tmp_path, pair):
    shares: list[float] = []
    folder = asked(tmp_path, request(tmp_path, pair, "painting"))
    outcome = comparison._isolated(folder, shares.append, lambda: False)
    assert outcome.reason is None
    assert outcome.seconds > 0
    assert outcome.memory is None or outcome.memory > 10_000_000
    assert (folder / "output.png").exists()


@pytest.mark.slow
def test_stop_reaches_a_process_that_trains(tmp_path, pair, tiny_gan):
    shares: list[float] = []
    wish = request(tmp_path, pair, "sinct", iterations=1_000_000, settings=tiny_gan)
    with pytest.raises(Interrupted):
        comparison._isolated(asked(tmp_path, wish), shares.append, lambda: len(shares) > 0)
    assert (tmp_path / "run" / "checkpoint.safetensors").exists()  # so that it can go on


def test_killed_worker_is_reported_and_the_others_go_on(tmp_path, pair, monkeypatch):
    monkeypatch.setattr(comparison.sys, "executable", "/bin/false")
    done = compare(*pair, tmp_path / "out", names=[], device="cpu")
    reasons = {row.reason for row in done.comparison.results}
    assert all(reason and reason.startswith("ended with exit code 1; see") for reason in reasons)


def test_other_pictures_are_refused_and_replaced_when_asked(tmp_path, pair):
    quick(pair, tmp_path / "out", names=[])
    with pytest.raises(OutputError, match="holds a comparison of other pictures; give another -o"):
        quick(pair[::-1], tmp_path / "out", names=[])
    done = quick(pair[::-1], tmp_path / "out", names=[], overwrite=True)
    assert done.comparison.painting.name == "photo.png"


def test_foreign_folder_is_refused(tmp_path, pair):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "letter.txt").write_text("mine")
    with pytest.raises(OutputError, match="is not empty and no comparison; give another -o"):
        quick(pair, tmp_path / "out", names=[], overwrite=True)


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


def test_random_weights_are_marked(tmp_path, pair, monkeypatch):
    def stand_in(request, folder, **_options):
        (folder / "output.png").write_bytes(pair[0].read_bytes())
        return Outcome(None, 1.0, None, "cpu")

    monkeypatch.setattr(comparison, "perform", stand_in)
    done = quick(pair, tmp_path / "out", names=["sinct", "gatys"], random_weights=True)
    marked = [row.name for row in done.comparison.results if row.random_weights]
    assert marked == ["gatys"]


# Several pairs


def test_pairs_give_a_summary_and_a_broken_one_is_told(tmp_path, pair):
    pairs = tmp_path / "pairs.csv"
    pairs.write_text("name,painting,photo\nfirst,painting.png,photo.png\nsecond,absent.png,photo.png\n")
    done = compare_pairs(pairs, tmp_path / "out", names=[], isolate=False, device="cpu")
    assert (tmp_path / "out" / "summary.html").exists()
    assert (tmp_path / "out" / "first" / "report.html").exists()
    assert isinstance(done["second"], str)
    assert "absent.png" in done["second"]


def test_pairs_are_named_after_their_files(tmp_path):
    (tmp_path / "pairs.csv").write_text("painting,photo\na/monet.jpg,coast.jpg\n")
    rows = read_pairs(tmp_path / "pairs.csv")
    assert rows == {"monet--coast": {"painting": tmp_path / "a/monet.jpg", "photo": tmp_path / "coast.jpg"}}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "needs a first line 'painting,photo'"),
        ("a,b\n1,2\n", "needs a first line 'painting,photo'"),
        ("painting,photo\nmonet.jpg,\n", "line 2 of .* lacks a painting or a photo"),
        ("painting,photo\na.jpg,b.jpg\na.jpg,b.jpg\n", "line 3 of .* is taken or no folder name"),
        ("name,painting,photo\n../x,a.jpg,b.jpg\n", "line 2 of .* is taken or no folder name"),
    ],
)
def test_wrong_list_of_pairs_is_one_line(tmp_path, text, message):
    (tmp_path / "pairs.csv").write_text(text)
    with pytest.raises(InputError, match=message) as caught:
        read_pairs(tmp_path / "pairs.csv")
    assert "\n" not in str(caught.value)


def test_absent_list_of_pairs_is_one_line(tmp_path):
    with pytest.raises(InputError, match=r"cannot read the list of pairs .*: No such file"):
        read_pairs(tmp_path / "pairs.csv")


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
    assert sinct.evaluate is evaluate
