import json
import os
import threading

import pytest
from PIL import Image
from sinct_cli.main import app
from typer.testing import CliRunner

from tests.support.platforms import needs_links

QUICK = ["--iterations=1", "--device=cpu", "--methods="]


@pytest.fixture
def pair(make_picture):
    return [
        str(make_picture("painting.png", 72, 60, seed=0)),
        str(make_picture("photo.png", 80, 64, seed=1)),
    ]


@pytest.fixture(autouse=True)
def _in_this_process(monkeypatch):
    """A worker process takes seconds to import torch; test_comparison.py has one."""
    from sinct.comparison import outcomes

    monkeypatch.setattr(outcomes, "_isolated", outcomes.perform)


def sinct_command(*arguments):
    """Run one command in this process; returns exit code, stdout, stderr."""
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout, result.stderr


def test_compare_writes_a_report_and_says_where(pair, tmp_path):
    code, out, err = sinct_command("compare", *pair, "-o", tmp_path / "out", *QUICK)
    assert code == 0
    assert f"report: {tmp_path / 'out' / 'report.html'}" in out
    assert "colour_transfer (3 of 4) done" in err
    assert (tmp_path / "out" / "report.html").exists()


def test_compare_names_methods_whose_weights_are_not_here(pair, tmp_path, monkeypatch):
    from sinct.comparison import compare as comparison

    monkeypatch.setattr(comparison, "default_methods", lambda weights_dir: ())
    code, out, _ = sinct_command("compare", *pair, "-o", tmp_path / "out", *QUICK[:2])
    assert code == 0
    assert "not run because their weights are missing: " in out
    assert "missing: gatys, strotss, wct2 (`sinct weights fetch all` gets them)" in out


def test_compare_as_json_is_one_object(pair, tmp_path):
    code, out, err = sinct_command("compare", *pair, "-o", tmp_path / "out", *QUICK, "--json")
    found = json.loads(out)
    assert (code, err) == (0, "")
    assert found["reports"] == {"report": str(tmp_path / "out" / "report.html")}
    assert found["results"]["results"]["painting"]["ssim"] == pytest.approx(1)
    assert {"training_seconds", "whole_seconds", "peak_memory_bytes"} <= found["results"]["results"][
        "painting"
    ].keys()


def test_undertrained_methods_are_told_with_the_right_cure(pair, tmp_path):
    code, _, err = sinct_command("compare", *pair, "-o", tmp_path / "out", *QUICK[:2], "--methods=gpnn")
    assert code == 0
    told = "undertrained, so not ranked: GPNN (1 of 10 steps); leave --iterations out"
    assert told in err.replace("\n", " ")
    assert "seed" not in err


def test_json_tells_steps_and_what_is_undertrained(pair, tmp_path):
    _, out, _ = sinct_command(
        "compare", *pair, "-o", tmp_path / "out", *QUICK[:2], "--methods=gpnn", "--json"
    )
    rows = json.loads(out)["results"]["results"]
    assert (rows["gpnn"]["steps"], rows["gpnn"]["steps_needed"]) == (1, 10)
    assert rows["gpnn"]["undertrained"].startswith("only 1 of the 10 steps")
    assert rows["painting"]["undertrained"] is None


@pytest.mark.parametrize(("chosen", "expected"), [("gpnn,wct2", 0), ("wct2", 1)])
def test_missing_weights_are_a_failure_only_where_nothing_else_was_asked_for(
    pair, tmp_path, chosen, expected
):
    options = [f"--methods={chosen}", f"--weights-dir={tmp_path / 'none'}"]
    code, _, err = sinct_command("compare", *pair, "-o", tmp_path / "out", *QUICK[:2], *options)
    assert code == expected
    assert "warning: WCT²: wave_encoder_cat5_l4.pth" in err.replace("\n", "")
    assert (tmp_path / "out" / "report.html").exists()


@pytest.mark.parametrize(
    "arguments", [[], ["painting.png"], ["a.png", "b.png", "--pairs=x.csv"]], ids=["none", "one", "both"]
)
def test_compare_wants_a_pair_or_a_list(arguments, tmp_path):
    code, _, err = sinct_command("compare", *arguments, "-o", tmp_path / "out")
    assert code == 1
    assert "give a painting and a photo, or --pairs FILE with both for every pair" in err


def test_pairs_from_a_list(pair, tmp_path):
    (tmp_path / "pairs.csv").write_text(
        "name,painting,photo\na,painting.png,photo.png\nb,photo.png,painting.png\n"
    )
    code, out, _ = sinct_command(
        "compare", f"--pairs={tmp_path / 'pairs.csv'}", "-o", tmp_path / "out", *QUICK
    )
    assert code == 0
    assert f"summary: {tmp_path / 'out' / 'summary.html'}" in out


def test_broken_pair_is_told_in_the_end_and_the_others_are_done(pair, tmp_path):
    rows = "name,painting,photo\nbroken,absent.png,photo.png\nsound,painting.png,photo.png\n"
    (tmp_path / "pairs.csv").write_text(rows)
    code, out, err = sinct_command(
        "compare", f"--pairs={tmp_path / 'pairs.csv'}", "-o", tmp_path / "out", *QUICK
    )
    assert code == 1
    assert "warning: broken: " in err
    assert f"report: {tmp_path / 'out' / 'sound' / 'report.html'}" in out


def test_no_pair_at_all_is_a_failure(tmp_path):
    (tmp_path / "pairs.csv").write_text("painting,photo\nabsent.png,absent.png\n")
    code, _, err = sinct_command(
        "compare", f"--pairs={tmp_path / 'pairs.csv'}", "-o", tmp_path / "out", *QUICK
    )
    assert code == 1
    assert "absent.png" in err


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("width=4", "is not METHOD.NAME=VALUE; give for instance gpdm.patch_size=7"),
        ("sinct.width", "is not METHOD.NAME=VALUE"),
        ("sinct.width=4", "settings are given for sinct, which is not among the methods"),
        ("nothing.width=4", "unknown method 'nothing'"),
        (
            "colour_transfer.iterations=many",
            "iterations cannot be 'many'; give a value of the same type as its default, 20",
        ),
        (
            "colour_transfer.iterations=2.5",
            "iterations cannot be 2.5; give a value of the same type as its default, 20",
        ),
    ],
)
def test_wrong_setting_is_one_line(pair, tmp_path, change, message):
    code, _, err = sinct_command("compare", *pair, "-o", tmp_path / "out", *QUICK, f"--set={change}")
    assert code == 1
    assert message in err.replace("\n", " ")


def test_setting_reaches_its_method(pair, tmp_path):
    change = "--set=colour_transfer.iterations=3"
    code, _, _ = sinct_command("compare", *pair, "-o", tmp_path / "out", *QUICK, change)
    assert code == 0
    rows = json.loads((tmp_path / "out" / "results.json").read_text())["results"]
    assert [row["settings"] for row in rows if row["name"] == "colour_transfer"] == [{"iterations": 3}]


def test_evaluate_prints_a_table_with_both_ends(pair):
    code, out, _ = sinct_command("evaluate", *pair, pair[0], "--device=cpu")
    assert code == 0
    table = out.splitlines()
    assert "painting" in table[0]
    assert "photo" in table[0]
    assert any("SSIM" in line and "1 " in line for line in table)


def test_evaluate_as_json_tells_definitions_and_values(pair):
    code, out, _ = sinct_command("evaluate", *pair, pair[0], "--device=cpu", "--json")
    found = json.loads(out)
    assert code == 0
    assert found["rows"][pair[0]] == pytest.approx(found["rows"]["painting, unchanged"])
    assert all(measure["definition"] and measure["blind"] for measure in found["measures"])


def test_evaluate_of_an_absent_picture_is_one_line(pair, tmp_path):
    code, _, err = sinct_command("evaluate", *pair, tmp_path / "absent.png")
    assert code == 1
    assert err.startswith("error: ")
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("command", "default"),
    [
        ("compare", "10m"),
        ("compare", "the cache, downloading what is missing"),
        ("evaluate", "the cache, downloading nothing"),
        ("translate", "the output's name with .sinct"),
    ],
)
def test_help_tells_defaults_that_are_no_values(command, default):
    """In a help text itself, brackets would be taken for markup and vanish."""
    result = CliRunner().invoke(app, [command, "--help"], env={"COLUMNS": "300", "TERMINAL_WIDTH": "300"})
    assert f"[default: ({default})]" in result.stdout


def test_pairs_come_on_standard_input_with_paths_from_where_the_command_runs(pair, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(
        app, ["compare", "--pairs=-", "-o", "out", "--methods=", "--quiet"],
        input="painting;photo\npainting.png;photo.png\n",
    )  # fmt: skip
    assert (done.exit_code, done.stderr) == (0, "")
    assert (tmp_path / "out" / "painting--photo" / "report.html").exists()


@needs_links
def test_region_maps_come_through_pipes(pair, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    maps = {"painting-regions.png": (72, 60), "photo-regions.png": (80, 64)}
    for name, size in maps.items():
        Image.new("RGB", size).save(tmp_path / name)
    first, second = ((tmp_path / name).read_bytes() for name in maps)
    threading.Thread(target=(tmp_path / "pipe").write_bytes, args=(second,)).start()
    out = tmp_path / "out"
    done = CliRunner().invoke(
        app,
        ["compare", *pair, "--regions", "-", str(tmp_path / "pipe"), "-o", str(out), "--methods=", "--quiet"],
        input=first,
    )
    assert (done.exit_code, done.stderr) == (0, "")
    assert [(out / "work" / name).read_bytes() for name in maps] == [first, second]


def test_kept_methods_are_told_with_the_way_to_leave_them_out(pair, tmp_path):
    first = ["compare", *pair, "-o", tmp_path / "out", "--device=cpu", "--iterations=1"]
    sinct_command(*first, "--methods=gpnn")
    _, out, _ = sinct_command(*first, "--methods=", "--seed=1")
    assert "finished earlier and kept in the report: gpnn (--without gpnn leaves out)" in out
    assert "not ranked: gpnn ran with seed 0 instead of seed 1; name it in --methods to run it again" in out
    _, out, _ = sinct_command(*first, "--methods=", "--without=gpnn")
    assert "gpnn" not in out


def test_added_picture_is_in_the_report_and_said_to_be_made_elsewhere(pair, tmp_path):
    add = [f"--add=SD 1.5={pair[0]}", "--set=SD 1.5.steps=30"]
    code, out, _ = sinct_command("compare", *pair, "-o", tmp_path / "out", *QUICK, *add, "--json")
    row = json.loads(out)["results"]["results"]["SD 1.5"]
    assert (code, row["made_elsewhere"], row["steps"]) == (0, True, 30)
    _, out, _ = sinct_command("compare", *pair, "-o", tmp_path / "out", *QUICK)
    assert "kept in the report: SD 1.5 (--without 'SD 1.5' leaves out)" in out


@pytest.mark.parametrize(
    ("adds", "message"),
    [
        (["picture.png"], "is not NAME=PATH; give for instance SDXL=sdxl.png"),
        (["SDXL="], "is not NAME=PATH"),
        (["a=x.png", "a=y.png"], "--add gives 'a' twice"),
        (["a=absent.png"], "absent.png"),
    ],
)
def test_wrong_addition_is_one_line(pair, tmp_path, adds, message):
    options = [f"--add={text}" for text in adds]
    code, _, err = sinct_command("compare", *pair, "-o", tmp_path / "out", *QUICK, *options)
    assert code == 1
    assert message in err.replace("\n", " ")
    assert err.startswith("error: ")


def test_several_seeds_are_in_the_json_with_their_spread(pair, tmp_path):
    options = ["--iterations=1", "--device=cpu", "--methods=gpnn", "--seed=3", "--seeds=2", "--json"]
    _, out, _ = sinct_command("compare", *pair, "-o", tmp_path / "out", *options)
    rows = json.loads(out)["results"]["results"]
    assert rows["gpnn"]["seeds"] == [3, 4]
    assert rows["gpnn"]["deviations"]["colour"] > 0
    assert "seeds" not in rows["painting"]


OPENINGS = [
    (
        ["--methods=sinct,gpdm", "--time=5m"],
        "sinct, gpdm and the controls; at most 5 minutes each, 10 minutes in all",
    ),
    (
        ["--methods=gpdm,sinct", "--seeds=3", "--time=5m", "--iterations=2"],
        "sinct, gpdm and the controls, 3 seeds each; at most 5 minutes each, 2 iterations a stage, 30 minutes in all",
    ),
    (["--methods=", "--time=5m"], "no method and the controls; done at once"),
    (["--methods=sinct", "--without=sinct"], "no method and the controls; done at once"),
]


@pytest.fixture
def stages_only(monkeypatch):
    """Let a comparison end at its first stage."""
    from sinct.comparison import compare as comparison
    from sinct.errors import InputError

    def outcome_of(request, folder, *, report, **_):
        report(0.0)
        raise InputError("enough")

    monkeypatch.setattr(comparison, "outcome_of", outcome_of)


@pytest.mark.usefixtures("stages_only")
@pytest.mark.parametrize(("options", "told"), OPENINGS)
def test_comparison_opens_with_what_it_does_how_long_and_where(options, told, pair, tmp_path):
    _, _, err = sinct_command("compare", *pair, "-o", tmp_path / "out", "--device=cpu", *options)
    assert err.splitlines()[:2] == [
        f"painting.png (72x60 px) and photo.png (80x64 px): {told}",
        f"report: {tmp_path / 'out' / 'report.html'}",
    ]


@pytest.mark.usefixtures("stages_only")
@pytest.mark.parametrize(("count", "page"), [(1, "a/report.html"), (2, "summary.html")])
def test_comparison_on_pairs_opens_with_their_number(count, page, pair, tmp_path):
    lines = [f"{name},{pair[0]},{pair[1]}\n" for name in "ab"[:count]]
    (tmp_path / "pairs.csv").write_text("name,painting,photo\n" + "".join(lines))
    command = [
        "compare",
        "--pairs",
        tmp_path / "pairs.csv",
        "-o",
        tmp_path / "out",
        "--device=cpu",
        "--time=1h",
    ]
    _, _, err = sinct_command(*command, "--methods=gpdm")
    assert err.splitlines()[:2] == [
        f"{count} pair{'s' * (count > 1)}: gpdm and the controls; at most 60 minutes each, "
        f"{60 * count} minutes in all".replace("120 minutes", "2 hours"),
        f"report: {tmp_path / 'out' / page}",
    ]


@pytest.mark.usefixtures("stages_only")
def test_quiet_comparison_opens_with_nothing(pair, tmp_path):
    _, _, err = sinct_command("compare", *pair, "-o", tmp_path / "out", "--quiet", *QUICK)
    assert err == "error: enough\n"
