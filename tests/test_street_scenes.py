"""The paper's experiment on street scenes, from training to table and figure, on scenes that the test draws."""

import csv
import json
from pathlib import Path

import pytest
from sinct_cli.main import app
from typer.testing import CliRunner

from tests.support.folder_pictures import TINY
from tests.support.street_scenes import draw_scenes

pytestmark = pytest.mark.slow

SMALL = {**TINY, "projection_dimensions": 8, "queries": 16, "load_size": 72, "crop_size": 64, "width": 8}
SMALL.pop("steps")


def run(*words: object) -> str:
    done = CliRunner().invoke(app, ["folders", *map(str, words)])
    assert done.exit_code == 0, done.output
    return done.output


def test_street_scenes_go_from_training_to_table_and_figure(tmp_path: Path) -> None:
    photographs, coloured, labels = draw_scenes(tmp_path / "train", count=6)
    wanted, sources, truth = draw_scenes(tmp_path / "test", count=4, seed=1)
    for number, path in enumerate(sorted(wanted.iterdir())):  # a translation has its source's name
        path.rename(wanted / sorted(sources.iterdir())[number].name)
    changes = [word for name, value in SMALL.items() for word in ("--set", f"{name}={json.dumps(value)}")]
    run(
        "train",
        coloured,
        photographs,
        "--run-dir",
        tmp_path / "cut",
        "--steps",
        40,
        "--device",
        "cpu",
        *changes,
    )
    run("apply", tmp_path / "cut", sources, "-o", tmp_path / "made", "--state", "last")
    network = tmp_path / "drn.safetensors"
    drn = [
        "--from-scratch",
        "--set",
        "width=8",
        "--set",
        "crop_size=64",
        "--set",
        "learning_rate=0.1",
        "--set",
        "batch_size=6",
    ]
    run("segmenter", photographs, "--labels", labels, "-o", network, "--epochs", 60, "--device", "cpu", *drn)
    semantic = ["--labels", truth, "--segmenter", network, "--weights-dir", tmp_path / "none"]
    scores = json.loads(run("score", tmp_path / "made", "--target", wanted, *semantic, "--json"))["mean"]
    run(
        "report", f"CUT={tmp_path / 'cut'}", f"Truth={wanted}", "--source", sources, "--target", wanted, "-o",
        tmp_path / "report", "--state", "last", "--rows", 3, "--insets", *semantic,
    )  # fmt: skip
    rows = {
        row["method"]: row
        for row in csv.DictReader((tmp_path / "report" / "table.csv").read_text().splitlines())
    }
    assert rows.keys() == {"Source, unchanged", "CUT", "Truth"}
    column = "pixel_accuracy_percent"
    assert float(rows["CUT"][column]) == pytest.approx(scores["pixAcc"], abs=0.1)
    assert float(rows["Truth"][column]) > float(rows["CUT"][column])
    assert float(rows["Truth"]["colours_and_textures_delta_e"]) == pytest.approx(0, abs=1e-4)
    assert {"grid.pdf", "grid.png", "table.tex", "report.html"} <= {
        p.name for p in (tmp_path / "report").iterdir()
    }
