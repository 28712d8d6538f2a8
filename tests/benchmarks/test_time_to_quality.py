import json
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from PIL import Image

from benchmarks import quality_runs
from benchmarks.measures import COLUMNS
from benchmarks.quality_report import Record, contact_sheet, rows, table
from benchmarks.quality_runs import control_pictures, kept, parse_variant, train
from benchmarks.scenes import Pair
from benchmarks.time_to_quality import main
from sinct import Config, ConfigError
from sinct.objectives.cut import Losses, Trainer

TINY = (
    "tiny:draft:compact=false,width=4,discriminator_widths=[4,8,8],tile_size=16,crop_size=32,min_width=32,max_width=64,"
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
    config = variant.config(torch.device("cpu"), seconds=3, seed=2)
    assert (config.width, config.betas, config.mixed_precision) == (8, (0.5, 0.9), False)
    assert (config.seconds, config.steps, config.seed) == (3, None, 2)
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


class Clockwork(Trainer):
    """Takes a second for every step, on any machine."""

    def run(self) -> Iterator[Losses]:
        while self.progress < 1:
            losses = self.step(self.sample())
            self.steps_done += 1
            self.seconds_done += 1
            yield losses


def test_marks_are_copies_of_the_training_in_passing(tiny: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quality_runs, "Trainer", Clockwork)
    config = tiny.replace(steps=None, seconds=4, ema_decay=0)  # the raw weights change at every step
    shots = train(pair(), config, [0.5, 2, 2.5, 4], torch.device("cpu"))
    assert [(shot.mark, shot.seconds, shot.steps) for shot in shots] == [
        (0.5, 1, 1),
        (2, 2, 2),
        (2.5, 3, 3),
        (4, 4, 4),
    ]
    weights = [next(shot.model.generator.parameters()) for shot in shots]
    assert not any(torch.equal(a, b) for a, b in pairwise(weights))
    assert shots[0].model.translate(pair().painting).shape == (3, 64, 70)


def test_marks_within_one_step_share_it(tiny: Config) -> None:
    config = tiny.replace(steps=None, seconds=1e-6)
    shots = train(pair(), config, [1e-7, 1e-6], torch.device("cpu"))
    assert [shot.steps for shot in shots] == [1, 1]


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


def record(variant: str, edges: float, mark: float | None = None) -> Record:
    return Record("a", variant, {"gradient": edges}, None if mark is None else 0, mark, mark)


def test_rows_hold_median_and_spread_controls_first() -> None:
    found = rows([record("b", 0.4, 20), record("b", 0.1, 3), record("b", 0.9, 20), record("photo", 0.0)])
    assert [(row.variant, row.mark, row.count) for row in found] == [
        ("photo", None, 1),
        ("b", 3, 1),
        ("b", 20, 2),
    ]
    assert found[2].cells["gradient"] == pytest.approx((0.65, 0.4, 0.9))


def test_a_table_has_a_cell_for_each_column_and_leaves_unknown_ones_empty() -> None:
    lines = table([record("photo", -1e-18), record("b", 0.25, 3), record("b", 0.75, 3)]).splitlines()
    assert {line.count("|") for line in lines} == {len(COLUMNS) + 4}
    assert lines[2].startswith("| photo |  |  |  |")
    assert " 0 |" in lines[2]
    assert "| b | 3 s |" in lines[3]
    assert " 0.5 (0.25…0.75) |" in lines[3]


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
    command = ["--pair", str(painting), str(photo), "--variant", TINY, "--marks", "0.2", "0.1"]
    command += ["--device", "cpu", "-o", str(tmp_path / "out")]
    assert main(command) == 0
    assert "training 0.2 s" in capsys.readouterr().out
    found = json.loads((tmp_path / "out" / "time_to_quality.json").read_text())
    assert [row["mark"] for row in found["summary"]] == [None, None, None, 0.1, 0.2]
    assert "strokes" not in found["summary"][-1]["cells"]
    report = (tmp_path / "out" / "time_to_quality.md").read_text()
    assert "| tiny | 0.2 s |" in report
    assert found["results"][0]["machine"]["commit"] in report
    for name in ("curves.png", "sheet-mine.png"):
        with Image.open(tmp_path / "out" / name) as image:
            image.verify()

    assert main(command) == 0
    assert "training" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--marks", "0"], "must be above 0 seconds"),
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
