"""`sinct folders segmenter`, `shares` and `score --labels` from the command line."""

import csv
import json
import signal

import pytest
import torch
from sinct_cli.main import app
from sinct_cli.semantics import LabelNumbers
from typer.testing import CliRunner

from sinct import semantics
from sinct.measures.labellers import Labeller
from sinct.measures.street_scores import NUMBERS
from sinct.networks.torchvision_compat import import_torchvision
from tests.support.folder_pictures import draw
from tests.support.street_scenes import draw_scenes

TINY = ["--set", "width=2", "--set", "crop_size=32", "--set", "batch_size=2", "--device", "cpu"]

NAME = "lraspp_mobilenet_v3_large"


def run(*arguments):
    return CliRunner().invoke(app, ["folders", *map(str, arguments)])


@pytest.fixture
def scenes(tmp_path):
    photographs, _, labels = draw_scenes(tmp_path / "scenes", count=3)
    return photographs, labels


@pytest.fixture
def animals(tmp_path):
    return [
        draw(tmp_path / name, shape="disc", colour=(200, 40, 40), count=2, seed=seed)
        for seed, name in enumerate(("horses", "zebras"))
    ]


@pytest.fixture
def by_redness(monkeypatch):
    """A stand-in that takes red pixels for horses and all others for grass."""
    redness = Labeller(("grass", "horse"), lambda x: (x[0] > x[1] + 0.5).long(), "by redness")
    monkeypatch.setattr(semantics, "torchvision_labeller", lambda *_: redness)


def test_numbers_are_those_of_the_library():
    assert tuple(each.value for each in LabelNumbers) == NUMBERS


# Street scenes


def test_train_a_segmenter_and_score_with_it(scenes, tmp_path):
    photographs, labels = scenes
    network = tmp_path / "drn.safetensors"
    done = run(
        "segmenter", photographs, "--labels", labels, "-o", network, "--epochs", 2, "--from-scratch", *TINY
    )
    assert done.exit_code == 0, done.output
    assert "trained 4 steps, cross-entropy" in done.output
    done = run(
        "score", photographs, "--target", photographs, "--labels", labels, "--segmenter", network, "--weights-dir",
        tmp_path, "--device", "cpu", "--json",
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert {"distance", "mIoU", "pixAcc", "classAcc", "precision"} == found["mean"].keys()
    assert "3 pictures at 256x128 px" in found["protocols"]["mIoU"]
    assert "DRN-D-22 of sinct after step 4 of 4, sha256 " in found["protocols"]["mIoU"]
    (overlaps,) = found["overlaps"].values()
    assert {"sky", "building", "road", "car"} <= overlaps.keys()


def test_a_segmenter_goes_on(scenes, tmp_path, monkeypatch):
    photographs, labels = scenes
    words = ["segmenter", photographs, "--labels", labels, "-o", tmp_path / "drn.safetensors", "--epochs", 1,
             "--from-scratch", *TINY]  # fmt: skip
    monkeypatch.setattr("sys.argv", ["sinct", "folders", *map(str, words)])
    real = semantics.run_training

    def interrupted(*arguments, **options):
        def step(done, total):
            signal.raise_signal(signal.SIGINT)

        return real(*arguments, **{**options, "on_step": step})

    monkeypatch.setattr(semantics, "run_training", interrupted)
    done = run(*words)
    assert done.exit_code == 130, done.output
    assert "trained 1 of 2 steps" in done.output
    assert "--resume" in done.output
    monkeypatch.setattr(semantics, "run_training", real)
    assert "trained 2 steps" in run(*words, "--resume").output


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "drn_d_22-4bd2f8ea.pth (size not published, sha256 begins with 4bd2f8ea) is not in"),
        ([], "or begin with random weights, --from-scratch"),
        (["--from-scratch", "-o", "drn.pth"], "name -o so, not drn.pth"),
        (["--from-scratch", "--set", "crop_size=30"], "crop_size must be a multiple of 8"),
        (["--from-scratch", "--label-numbers", "train-ids"], "give --label-numbers ids"),
    ],
)
def test_what_a_segmenter_needs_is_one_line(scenes, tmp_path, options, message):
    photographs, labels = scenes
    done = run(
        "segmenter", photographs, "--labels", labels, "-o", tmp_path / "drn.safetensors", "--weights-dir", tmp_path,
        *TINY, *options,
    )  # fmt: skip
    assert done.exit_code == 1
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--labels", "{labels}"], "need both --labels and --segmenter"),
        (["--labels", "{labels}", "--segmenter", "missing.pth"], "there is no network missing.pth"),
    ],
)
def test_what_semantic_scores_need_is_one_line(scenes, options, message):
    photographs, labels = scenes
    words = [word.format(labels=labels) for word in options]
    done = run("score", photographs, "--target", photographs, *words)
    assert done.exit_code == 1
    assert message in done.stderr


# Shares


def test_shares_are_printed_charted_and_tabled(animals, by_redness, tmp_path):
    chart, table = tmp_path / "shares.png", tmp_path / "shares.csv"
    horses, zebras = animals
    done = run(
        "shares", horses, f"CUT={zebras}", "--class", "horse", "--class", "grass", "--network", "red",
        "--random-weights", "--device", "cpu", "-o", chart, "-o", table,
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    lines = done.stdout.splitlines()
    assert lines[0].split() == ["folder", "pictures", "horse,", "%", "grass,", "%", "together,", "%"]
    assert [line.split()[0] for line in lines[1:3]] == ["horses", "CUT"]
    assert lines[1].split()[-1] == "100.0"
    assert "the network is random, so the shares mean nothing" in done.stderr
    assert chart.stat().st_size > 1000
    rows = list(csv.DictReader(table.read_text().splitlines()))
    assert [row["folder"] for row in rows] == ["horses", "CUT"]
    assert 0 < float(rows[0]["horse_percent"]) < 50


def test_json_has_the_mean_over_folders_unless_the_network_is_random(animals, by_redness, tmp_path):
    words = ["shares", *animals, "--class", "horse", "--network", "red", "--device", "cpu", "--json"]
    random = json.loads(run(*words, "--random-weights").stdout)
    assert random["random"]
    assert random["mean"] == {}
    torch.save({}, tmp_path / "red.pth")
    found = json.loads(run(*words, "--weights", tmp_path / "red.pth").stdout)
    shares = [each["shares"]["horse"] for each in found["folders"].values()]
    assert found["mean"]["horse"] == pytest.approx(sum(shares) / 2)
    assert found["protocols"] == {"horse": "by redness"}


def test_a_network_of_torchvision_takes_its_weights_from_a_file(animals, tmp_path):
    network = import_torchvision().models.get_model(NAME, weights=None, weights_backbone=None)
    torch.save(network.state_dict(), tmp_path / "lraspp.pth")
    done = run(
        "shares", animals[0], "--class", "horse", "--network", NAME, "--weights",
        tmp_path / "lraspp.pth", "--device", "cpu", "--json",
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    assert 0 <= json.loads(done.stdout)["mean"]["horse"] <= 100


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--class", "horse"], "deeplabv2_resnet101_msc-cocostuff164k-100000.pth"),
        (["--class", "hoarse"], "COCO-Stuff has no class 'hoarse'; did you mean horse"),
        (["--class", "horse", "--network", "fcn_resnet50"], "give the file as --weights"),
        (["--class", "zebra", "--network", NAME, "--random-weights"],
         "knows no class 'zebra' among its 21"),
        (["--class", "horse", "--weights", "{empty}", "--sha256", "123"], "instead of 123"),
        (["--class", "horse", "--weights", "{empty}"], "are not the weights of such a DeepLab v2"),
        (["--class", "horse", "-o", "{chart}"], "already exists; give --overwrite"),
        (["--class", "horse", "-o", "shares.jpg"], "shares.jpg is no chart"),
    ],
)  # fmt: skip
def test_what_shares_need_is_one_line(animals, tmp_path, options, message):
    places = {"empty": tmp_path / "empty.pth", "chart": tmp_path / "shares.png"}
    torch.save({}, places["empty"])
    places["chart"].write_text("mine")
    words = [word.format(**places) for word in options]
    done = run("shares", animals[0], "--weights-dir", tmp_path, "--device", "cpu", *words)
    assert done.exit_code == 1
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_two_folders_of_one_name_are_refused(animals, tmp_path):
    done = run("shares", animals[0], f"horses={animals[1]}", "--class", "horse")
    assert done.exit_code == 1
    assert "two folders are called 'horses'" in done.stderr
