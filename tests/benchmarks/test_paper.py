"""The paper's tables: that their commands are real ones, and that a row runs from training to results."""

import json
import shlex

import pytest
from sinct_cli.main import app
from typer.testing import CliRunner

from benchmarks.paper import __main__ as paper
from benchmarks.paper.experiment import ExperimentError, command_of, find_row
from benchmarks.paper.tables import DataSet, markdown, read_results, read_tables
from sinct.objectives.folder_methods import METHODS
from tests.support.folder_pictures import draw
from tests.support.street_scenes import draw_scenes

TABLES = read_tables()
ROWS = [row for table in TABLES for row in table.rows]
TINY = "--epochs 1 --device cpu --set width=4 --set discriminator_width=4 --set crop_size=32 --set load_size=36 " \
    "--set decoders=0 --set queries=16 --set projection_dimensions=8"  # fmt: skip

STREETS = """
title = "Streets"
source = "somewhere"
data = { name = "Cityscapes", folder = "cityscapes" }

[[rows]]
name = "streets-munit"
method = "MUNIT"
expected.paper = { mAP = 16.9 }
expected.elsewhere = { mAP = 17.25, fid = 91.4 }
"""


@pytest.fixture
def datasets(tmp_path):
    """Four tiny pictures in each folder of horse2zebra."""
    place = tmp_path / "datasets" / "horse2zebra"
    for seed, name in enumerate(("trainA", "testA", "trainB", "testB")):
        shape = {"shape": "disc", "colour": (200, 40, 40)}
        draw(
            place / name,
            **(shape if name.endswith("A") else {"shape": "square", "colour": (40, 60, 200)}),
            seed=seed,
        )
    return place.parent


# The tables -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "fid"),
    [
        ("horse2zebra-cut", 45.5),
        ("horse2zebra-fastcut", 73.4),
        ("horse2zebra-cyclegan", 77.2),
        ("horse2zebra-gcgan", 86.7),
        ("horse2zebra-distancegan", 72.0),
        ("horse2zebra-self-distancegan", 80.8),
        ("cat2dog-cut", 76.2),
        ("cat2dog-fastcut", 94.0),
        ("cat2dog-cyclegan", 85.9),
        ("cat2dog-gcgan", 96.6),
        ("cat2dog-distancegan", 155.3),
        ("cat2dog-self-distancegan", 144.4),
        ("horse2zebra-munit", 133.8),
        ("horse2zebra-drit", 140.0),
        ("cat2dog-munit", 104.4),
        ("cat2dog-drit", 123.4),
        ("ablations-cut", 46.6),
        ("ablations-cut-separate", 50.5),
        ("ablations-cut-detached", 444.2),
        ("cityscapes-cut", 56.4),
        ("cityscapes-fastcut", 68.8),
    ],
)
def test_published_figures(name, fid):
    (row,) = [row for row in ROWS if row.name == name]
    assert row.expected["paper"] == {"fid": fid}


@pytest.mark.parametrize(
    ("name", "share"),
    [
        ("shares-horses", {"horse": 17.9}),
        ("shares-zebras", {"zebra": 36.8}),
        ("shares-cut", {"zebra": 31}),
        ("shares-cyclegan", {"zebra": 19}),
    ],
)
def test_published_shares(name, share):
    """Figure 6 and appendix C.4."""
    (row,) = [row for row in ROWS if row.name == name]
    assert row.expected["paper"] == share


def test_readme_has_the_printed_tables(capsys):
    paper.main([])
    printed = capsys.readouterr().out
    assert paper.README.read_text(encoding="utf-8").endswith(paper.MARK + printed)
    assert all(f"`{row.name}`" in printed for row in ROWS)


def test_rows_have_the_methods_own_length():
    for row in ROWS:
        if row.commands and row.epochs is not None:
            train = shlex.split(row.commands[0])
            method = train[train.index("--method") + 1]
            published = METHODS[method]
            assert row.epochs == published.epochs
            option = "--steps" if published.epochs is None else "--epochs"
            assert int(train[train.index(option) + 1]) == (published.epochs or published.steps)


@pytest.mark.parametrize("text", [text for row in ROWS for text in row.commands])
def test_commands_have_options_that_exist(text, tmp_path):
    command = command_of(text, tmp_path / "datasets", tmp_path / "runs", {})
    result = CliRunner().invoke(app, command)
    # Only the pictures, or the model, are missing; a wrong option would be a fault of usage.
    assert "Usage" not in result.output
    assert isinstance(result.exception, SystemExit | None)
    assert result.exit_code != 0


def test_status_of_what_was_not_run_is_not_run():
    text = markdown(TABLES, {})
    assert text.count("| not run |  |  |") == len(ROWS)


def test_a_further_table_needs_only_a_file(tmp_path):
    (tmp_path / "streets.toml").write_text(STREETS)
    (table,) = read_tables(tmp_path)
    text = markdown([table], {})
    assert "| mAP, paper | mAP, elsewhere | FID, elsewhere | mAP, ours | FID, ours | status |" in text
    assert (
        "| `streets-munit` | MUNIT |  | 16.9 | 17.2 | 91.4 |  |  | not run: sinct has no such method |"
        in text
    )
    with pytest.raises(ExperimentError, match="streets-munit has no commands"):
        find_row([table], "streets-munit")


def test_scores_of_ours_have_columns_without_published_ones(tmp_path):
    (tmp_path / "streets.toml").write_text(STREETS.replace("data =", 'scores = ["pixAcc"]\ndata ='))
    (table,) = read_tables(tmp_path)
    result = {"scores": {"pixAcc": 61.5}, "remarks": []}
    text = markdown([table], {"streets-munit": result})
    assert "| FID, elsewhere | pixAcc in %, ours | mAP, ours | FID, ours | status |" in text
    assert "| 91.4 | 61.5 |  |  | run |" in text


def test_two_rows_of_one_name_are_refused(tmp_path):
    for name in "ab":
        (tmp_path / f"{name}.toml").write_text(STREETS)
    with pytest.raises(ValueError, match="same name"):
        read_tables(tmp_path)


def test_a_row_that_is_the_same_as_none_is_refused(tmp_path):
    (tmp_path / "a.toml").write_text(STREETS.replace("method =", 'same_as = "streets-cut"\nmethod ='))
    with pytest.raises(ValueError, match="no row streets-cut"):
        read_tables(tmp_path)


# Data sets --------------------------------------------------------------------------------------------


def test_a_data_set_is_complete_or_says_what_is_missing(datasets):
    counts = dict.fromkeys(("trainA", "trainB", "testA", "testB"), 4)
    assert DataSet("any", "horse2zebra", counts).faults(datasets) == []
    wrong = DataSet("any", "horse2zebra", counts | {"testA": 5, "valB": 4}).faults(datasets)
    assert [fault.split("horse2zebra/")[1] for fault in wrong] == [
        "testA has 4 pictures, published were 5",
        "valB is missing or has no pictures",
    ]


def test_command_says_which_data_sets_are_there(datasets, capsys):
    paper.main(["--data", str(datasets)])
    said = capsys.readouterr().out.splitlines()
    assert "trainA has 4 pictures, published were 1067" in next(
        line for line in said if line.startswith("horse2zebra:")
    )
    assert "is missing" in next(line for line in said if line.startswith("afhq/cat2dog:"))


def test_a_missing_data_set_is_one_line_and_nothing_runs(tmp_path, capsys):
    with pytest.raises(SystemExit):
        paper.main(["--run", "horse2zebra-cut", "--data", str(tmp_path), "--runs", str(tmp_path / "runs")])
    assert "trainA is missing or has no pictures" in capsys.readouterr().err
    assert not (tmp_path / "runs").exists()


def test_an_unknown_row_is_one_line(capsys):
    with pytest.raises(SystemExit):
        paper.main(["--run", "horse2zebra-gan"])
    assert "there is no row 'horse2zebra-gan'; choose one of horse2zebra-cut," in capsys.readouterr().err


# Running ----------------------------------------------------------------------------------------------


def test_folders_and_options_are_put_into_commands(tmp_path):
    text = "sinct folders train datasets/a/b --run-dir runs/c --method cut"
    found = command_of(text, tmp_path / "d", tmp_path / "r", {"train": "--seed 3", "score": "--json"})
    assert found == [
        "folders", "train", str(tmp_path / "d/a/b"), "--run-dir", str(tmp_path / "r/c"), "--method", "cut",
        "--seed", "3",
    ]  # fmt: skip


def test_a_command_that_fails_leaves_no_result(datasets, tmp_path, capsys):
    results = tmp_path / "results.json"
    with pytest.raises(SystemExit):
        paper.main(
            ["--run", "horse2zebra-cut", "--data", str(datasets), "--runs", str(tmp_path / "runs"), "--results",
             str(results), "--incomplete", "--add", "train", "--device nowhere"]
        )  # fmt: skip
    assert "--device nowhere` ended with code" in capsys.readouterr().err
    assert not results.exists()


@pytest.mark.slow
def test_a_row_runs_from_training_to_results(datasets, tmp_path, capsys):
    results = tmp_path / "results.json"
    paper.main(
        ["--run", "ablations-cut", "--data", str(datasets), "--runs", str(tmp_path / "runs"), "--results",
         str(results), "--incomplete", "--add", "train", TINY, "--add", "score",
         f"--device cpu --weights-dir {tmp_path / 'none'}"]
    )  # fmt: skip
    ((name, found),) = json.loads(results.read_text()).items()
    assert name == "horse2zebra-cut"  # whose training the row has
    assert found["scores"]["distance"] > 0
    assert "fid" not in found["scores"]
    assert "data set not as published" in found["remarks"]
    assert any("without the weights" in remark for remark in found["remarks"])
    assert found["machine"]["torch"]
    assert len(list((tmp_path / "runs" / "horse2zebra-cut-testA").glob("*.png"))) == 4
    rows = [
        line
        for line in capsys.readouterr().out.splitlines()
        if line.startswith(("| `horse2zebra-cut`", "| `ablations-cut`"))
    ]
    assert all("run; with `--epochs 1" in row for row in rows)
    assert read_results(results).keys() == {"horse2zebra-cut"}


@pytest.mark.slow
def test_a_row_of_street_scenes_runs_to_its_semantic_scores(tmp_path, capsys):
    place = tmp_path / "datasets" / "cityscapes"
    for seed, part in enumerate(("train", "test")):
        folders = draw_scenes(tmp_path / part, count=3, seed=seed)
        for folder, name in zip(folders, ("B", "A", "Labels"), strict=True):
            place.mkdir(parents=True, exist_ok=True)
            folder.rename(place / f"{part}{name}")
    results = tmp_path / "results.json"
    added = {
        "train": TINY,
        "segmenter": "--epochs 1 --from-scratch --device cpu --set width=2 --set crop_size=32",
        "score": f"--device cpu --weights-dir {tmp_path / 'none'}",
    }
    paper.main(
        ["--run", "cityscapes-cut", "--data", str(place.parent), "--runs", str(tmp_path / "runs"), "--results",
         str(results), "--incomplete", *(word for each in added.items() for word in ("--add", *each))]
    )  # fmt: skip
    found = json.loads(results.read_text())["cityscapes-cut"]
    assert {"distance", "mIoU", "pixAcc", "classAcc", "precision"} == found["scores"].keys()
    assert "printed as mAP" in found["protocols"]["mIoU"]
    printed = capsys.readouterr().out
    line = next(line for line in printed.splitlines() if line.startswith("| `cityscapes-cut`"))
    assert f"| {found['scores']['pixAcc']:.1f} |" in line
    assert "run; with `--epochs 1" in line


def test_figures_stand_beside_the_expected_ones():
    machine = dict.fromkeys(("device", "torch", "sinct", "commit", "date"), "x")
    result = {"scores": {"fid": 47.25, "clean_fid": 45.0}, "remarks": [], "machine": machine}
    text = markdown(TABLES[:1], {"horse2zebra-cut": result})
    assert "| 400 | 45.5 | 45.5 | 43.7 | 47.2 | 45.0 | run | x | x, torch x, sinct x at x |" in text
