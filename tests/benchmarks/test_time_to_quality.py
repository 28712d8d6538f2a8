import dataclasses
import json
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from PIL import Image
from torch import Tensor

import sinct
from benchmarks import quality_runs
from benchmarks.ceiling import flops_of
from benchmarks.machine import one_line
from benchmarks.measures import COLUMNS
from benchmarks.quality_report import Record, contact_sheet, machine_lines, rows, table
from benchmarks.quality_runs import control_pictures, kept, parse_variant
from benchmarks.quality_training import Snapshot, train
from benchmarks.scenes import Pair
from benchmarks.step_work import StepWork, step_work
from benchmarks.time_to_quality import main
from sinct import Config, ConfigError
from sinct.objectives.cut import Trainer
from sinct.pictures.picture import read_picture, write_picture
from sinct.training import best

CPU = torch.device("cpu")

TINY = (
    'tiny:draft:generator="sincut",warm_start=false,width=4,discriminator_widths=[4,8,8],tile_size=16,crop_size=32,min_width=32,max_width=64,'
    "crops=2,identity_crops=1,queries=4,mixed_precision=false"
)


def pair(truth: bool = True) -> Pair:
    random = torch.Generator().manual_seed(0)
    painting, photo, known = (torch.rand(3, 64, 70, generator=random) * 2 - 1 for _ in range(3))
    return Pair("noise", "key", painting, photo, known if truth else None)


# Variants


def test_a_variant_is_a_preset_with_changes() -> None:
    variant = parse_variant("small:draft:width=8,betas=[0.5, 0.9],mixed_precision=false")
    assert (variant.label, variant.preset) == ("small", "draft")
    config = variant.config(torch.device("cpu"), steps=3, seed=2)
    assert (config.width, config.betas, config.mixed_precision) == (8, (0.5, 0.9), False)
    assert (config.steps, config.seconds, config.seed) == (3, None, 2)
    assert parse_variant("plain:standard").changes == {}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("draft", "is not LABEL:PRESET"),
        ("a/b:draft", "is not LABEL:PRESET"),
        ("truth:draft", "that is not the name of a control"),
        ("a:draft:width", "variant a: width has no value"),
        ("a:draft:width=wide", "'wide' is not a value"),
        ("a:draft:seconds=3", "sets seconds; use --marks"),
    ],
)
def test_a_wrong_variant_is_refused(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        parse_variant(text)


# Training


def weights(shot: Snapshot) -> Tensor:
    return torch.cat([values.flatten() for values in shot.model.generator.parameters()])


def test_marks_are_copies_of_the_training_in_passing(tiny: Config) -> None:
    shots = train(pair(), tiny.replace(steps=4), [1, 2, 4], CPU)
    assert [(shot.mark, shot.steps) for shot in shots] == [(1, 1), (2, 2), (4, 4)]
    assert [shot.seconds for shot in shots] == sorted(shot.seconds for shot in shots)
    assert not any(torch.equal(weights(a), weights(b)) for a, b in pairwise(shots))
    assert shots[0].model.translate(pair().painting).shape == (3, 64, 70)


def test_a_result_is_the_best_state_like_that_of_a_run(
    tiny: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = iter([3.0, 1.0, 2.0, 2.0, 2.0, 2.0] * 2)  # looks at steps 15 to 20
    monkeypatch.setattr(best, "make_score", lambda *pictures, share: lambda views: next(found))
    config, noise = tiny.replace(steps=20, patience=1.0), pair()
    paths = [tmp_path / name for name in ("painting.png", "photo.png")]
    for path, picture in zip(paths, (noise.painting, noise.photo), strict=True):
        write_picture(path, picture)
    painting, photo = (read_picture(path).pixels for path in paths)  # now of 8 bits
    before, end = train(dataclasses.replace(noise, painting=painting, photo=photo), config, [16, 20], CPU)
    run = sinct.train(*paths, tmp_path / "run", config=config)
    assert run.kept == 16
    assert torch.equal(weights(end), torch.cat([p.flatten() for p in run.model.generator.parameters()]))
    assert torch.equal(weights(end), weights(before))


def test_marks_after_an_early_end_share_its_state(tiny: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    found = iter([1.0, *[2.0] * 9])
    monkeypatch.setattr(best, "make_score", lambda *pictures, share: lambda views: next(found))
    shots = train(pair(), tiny.replace(steps=40, patience=0.1), [20, 38, 40], CPU)
    assert [(shot.mark, shot.steps) for shot in shots] == [(20, 20), (38, 35), (40, 35)]


# Work


def test_work_counts_r1_as_often_as_it_is_due() -> None:
    work = StepWork(with_r1=5.0, without_r1=2.0, interval=4)
    assert [work.tflop(steps) * 1e3 for steps in range(7)] == [0, 5, 7, 9, 11, 16, 18]
    assert work.mean == 11 / 4


def test_work_is_that_of_a_trainings_steps(tiny: Config) -> None:
    run = Trainer([pair().painting], [pair().photo], tiny, CPU).run()
    counted = sum(flops_of(lambda: next(run)) for _ in range(3))
    work = step_work(tiny, CPU)
    assert work.tflop(3) == pytest.approx(counted / 1e12)
    assert work.with_r1 > work.without_r1


def test_work_with_r1_at_every_step_is_the_same_for_each(tiny: Config) -> None:
    work = step_work(tiny.replace(r1_interval=1), CPU)
    assert work.with_r1 == work.without_r1 == work.mean


# Controls


def test_controls_without_a_truth_are_three() -> None:
    assert [name for name, _ in control_pictures(pair())] == list(quality_runs.CONTROLS)
    assert [name for name, _ in control_pictures(pair(truth=False))] == list(quality_runs.CONTROLS[:3])


# Results that are kept


def test_a_result_is_made_once_for_the_same_settings(tmp_path: Path) -> None:
    path, made = tmp_path / "runs" / "a.json", []

    def make() -> dict:
        made.append(len(made))
        return {"records": made[-1]}

    def get(marks: tuple[int, ...], *, fresh: bool = False) -> int:
        return kept(path, {"marks": marks}, make, fresh=fresh)["records"]

    assert [get((1, 2)), get((1, 2)), get((1, 3)), get((1, 3), fresh=True)] == [0, 0, 1, 2]
    path.write_text("{", encoding="utf-8")  # cut off
    assert get((1, 3)) == 3


# Report


def record(variant: str, edges: float, mark: int | None = None) -> Record:
    if mark is None:
        return Record("a", variant, {"gradient": edges})
    return Record("a", variant, {"gradient": edges}, 0, mark, mark, mark / 2, mark * 10.0)


def test_rows_hold_median_and_spread_controls_first() -> None:
    found = rows([record("b", 0.4, 20), record("b", 0.1, 3), record("b", 0.9, 20), record("photo", 0.0)])
    assert [(row.variant, row.mark, row.count) for row in found] == [
        ("photo", None, 1),
        ("b", 3, 1),
        ("b", 20, 2),
    ]
    assert (found[2].steps, found[2].tflop, found[2].seconds) == (20, 10, 200)
    assert found[2].cells["gradient"] == pytest.approx((0.65, 0.4, 0.9))


def test_a_table_has_a_cell_for_each_column_and_leaves_unknown_ones_empty() -> None:
    lines = table([record("photo", -1e-18), record("b", 0.25, 3), record("b", 0.75, 3)]).splitlines()
    assert {line.count("|") for line in lines} == {len(COLUMNS) + 5}
    assert lines[2].startswith("| photo |  |  |  |  |")
    assert " 0 |" in lines[2]
    assert "| b | 1.5 | 3 | 30 s |" in lines[3]
    assert " 0.5 (0.25…0.75) |" in lines[3]


def test_a_machine_has_one_line_with_the_range_of_its_ceilings() -> None:
    facts = dict.fromkeys("device threads system python torch sinct commit date".split(), "x")  # noqa: SIM905
    rates = [{}, {"bfloat16": 229.4}, {"bfloat16": 430.0}, {"float32": 100.0}]
    lines = machine_lines([{"machine": facts, "ceiling": rate} for rate in rates] + [{"machine": facts}])
    assert lines == [
        one_line(facts) + "; ceiling 229…430 GFLOP/s in bfloat16; ceiling 100 GFLOP/s in float32"
    ]


def test_a_contact_sheet_takes_pictures_of_any_size() -> None:
    sheet = contact_sheet(
        [("small", Image.new("RGB", (60, 45), "red")), ("large", Image.new("RGB", (900, 1200), "blue"))]
    )
    assert sheet.getpixel((10, 60)) == (255, 0, 0)
    assert sheet.getpixel((640, sheet.height - 10)) == (0, 0, 255)


# Command


@pytest.mark.slow
def test_the_command_reports_a_real_pair_and_goes_on(
    make_picture, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    painting = make_picture("mine.png", 96, 80)
    photo = make_picture("photo.png", 90, 84, seed=1)
    out = tmp_path / "out"
    command = ["--pair", str(painting), str(photo), "--variant", TINY, "--seeds", "0", "1"]
    command += ["--device", "cpu", "-o", str(out), "--marks"]
    assert main([*command, "2", "1"]) == 0
    printed = capsys.readouterr().out
    assert (printed.count("training to step 1"), printed.count("training to step 2")) == (2, 2)
    found = json.loads((out / "time_to_quality.json").read_text())
    assert [row["mark"] for row in found["summary"]] == [None, None, None, 1, 2]
    assert [row["count"] for row in found["summary"]] == [1, 1, 1, 2, 2]
    assert 0 < found["summary"][-2]["tflop"] < found["summary"][-1]["tflop"]
    assert "strokes" not in found["summary"][-1]["cells"]
    assert found["summary"][1]["cells"]["crispness"][0] == 1  # the photo itself
    (last,) = found["results"][-1]["records"]  # one training for each mark
    assert last["steps"] == last["mark"] == 2
    report = (out / "time_to_quality.md").read_text()
    assert "| tiny | " in report
    assert "Each mark is a training of its own" in report
    assert f"{found['results'][0]['machine']['commit']}, " in report
    assert " GFLOP/s in float32" in report
    for name in ("curves.png", "sheet-mine.png"):
        with Image.open(out / name) as image:
            image.verify()

    assert main([*command, "1", "2", "3"]) == 0
    printed = capsys.readouterr().out
    assert printed.count("training ") == printed.count("training to step 3") == 2


def test_in_passing_one_training_serves_all_marks(
    make_picture, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    painting = make_picture("mine.png", 96, 80)
    command = ["--pair", str(painting), str(make_picture("photo.png", 90, 84, seed=1)), "--variant", TINY]
    assert main([*command, "--marks", "1", "2", "--in-passing", "--device", "cpu", "-o", str(tmp_path)]) == 0
    assert capsys.readouterr().out.count("training ") == 1
    found = json.loads((tmp_path / "time_to_quality.json").read_text())
    assert [record["steps"] for record in found["results"][-1]["records"]] == [1, 2]
    assert "a glance at the same run" in (tmp_path / "time_to_quality.md").read_text()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--marks", "0", "3"], "must be 1 step or more"),
        (["--presets", "draft", "--variant", "draft:draft"], "must differ; rename one"),
        (["--variant", "a:draft:wide=3"], "unknown setting 'wide'"),
        (["--pairs", "moon"], "unknown pair 'moon'"),
        (["--pair", "missing.png", "missing.png"], "missing.png does not exist"),
    ],
)
def test_errors_are_one_line(
    options: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*options, "-o", str(tmp_path)]) == 1
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert message in error
    assert error.count("\n") == 1
