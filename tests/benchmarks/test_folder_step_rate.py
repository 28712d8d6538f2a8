"""The benchmark of steps on two folders: the papers' way computes the same, and the table says what was measured."""

import dataclasses
import json

import pytest
import torch

from benchmarks import folder_step_rate
from benchmarks.folder_step_rate import (
    AS_PUBLISHED,
    OURS,
    PLAIN,
    Measured,
    body_shape,
    cells,
    counted,
    measure,
    table,
    ways_of,
    write_noise,
)
from benchmarks.plain_steps import PlainCut
from sinct.objectives.folder_methods import find_method
from tests.support.folder_pictures import TINY, drawn_domains, tiny_cut, tiny_cycle

CPU = torch.device("cpu")
CHANGES = {name: value for name, value in TINY.items() if name not in ("steps", "decoders")}


@pytest.fixture
def one() -> Measured:
    return Measured("cut", OURS, {"mixed_precision": True}, 3, 2.0, 200.0, 160.0, 10**9)


# The papers' way --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "settings"),
    [
        ("cut", tiny_cut()),
        ("fastcut", tiny_cut(identity_nce=False, nce_weight=10.0)),
        ("fastcut", tiny_cut(identity_nce=False, nce_weight=10.0, flip_equivariance=True)),
        ("cyclegan", tiny_cycle()),
    ],
)
def test_the_papers_way_has_the_same_terms(tmp_path, method, settings, monkeypatch):
    domains = drawn_domains(tmp_path / "pictures")
    # Each draws its own query positions: compare at all of them, so that order alone differs.
    monkeypatch.setattr(
        "sinct.objectives.folder_cut.random_positions",
        lambda count, height, width, queries, random: torch.arange(height * width).expand(count, -1),
    )
    found = []
    for objective in (find_method(method).trainer, PLAIN[method]):
        trainer = objective(domains.source, domains.target, settings, CPU)
        found.append(torch.stack(list(next(trainer.run()))))
    torch.testing.assert_close(found[0], found[1], rtol=2e-3, atol=1e-5)


def test_keys_of_the_papers_way_get_no_gradient(tmp_path):
    domains = drawn_domains(tmp_path / "pictures")
    trainer = PlainCut(domains.source, domains.target, tiny_cut(), CPU)
    picture = trainer.sample().source.requires_grad_(True)
    trainer.compared(picture.detach().flip(2), picture, flipped=False).backward()
    assert picture.grad is None or not picture.grad.any()


# Measuring --------------------------------------------------------------------------------------------


def test_the_papers_way_is_in_float32_and_contiguous():
    ways = ways_of("cut", CPU, CHANGES)
    plain = ways[AS_PUBLISHED]
    assert not plain.mixed_precision
    assert not plain.channels_last
    assert ways[OURS].channels_last
    assert plain.width == 4


@pytest.mark.parametrize(("method", "pictures"), [("cut", 2), ("fastcut", 1), ("cyclegan", 2)])
def test_body_shape_is_what_the_residual_blocks_see(tmp_path, method, pictures):
    domains = drawn_domains(tmp_path / "pictures")
    settings = ways_of(method, CPU, CHANGES)[OURS]
    trainer = find_method(method).trainer(domains.source, domains.target, settings, CPU)
    seen = []
    trainer.generator.blocks[-1].register_forward_pre_hook(
        lambda _, given: seen.append(tuple(given[0].shape))
    )
    next(trainer.run())
    shape = body_shape(settings)
    assert seen[0] == (pictures, 16, 8, 8) == (shape.batch, shape.channels, shape.side, shape.side)


def test_flips_count_half(tmp_path):
    domains = drawn_domains(tmp_path / "pictures")

    def of(**changes):
        settings = tiny_cut(identity_nce=False, **changes)
        return counted(find_method("fastcut").trainer(domains.source, domains.target, settings, CPU))

    straight, mean = of(), of(flip_equivariance=True)
    assert mean > straight  # a mirrored input's keys are encoded anew


def test_measure_times_and_counts_a_step(tmp_path):
    write_noise(tmp_path, 36)
    settings = ways_of("cut", CPU, CHANGES)
    ours, plain = (measure("cut", way, settings[way], CPU, 2, str(tmp_path)) for way in (OURS, AS_PUBLISHED))
    assert ours.steps == 2
    assert ours.seconds > 0
    assert plain.gflop > ours.gflop > 0
    assert ours.fraction == pytest.approx(ours.gflop / ours.seconds / ours.ceiling)


# Reporting --------------------------------------------------------------------------------------------


def test_a_row_compares_with_the_papers_way(one):
    plain = dataclasses.replace(one, way=AS_PUBLISHED, seconds=6.0, memory=4 * 10**9)
    row = cells(one, plain)
    assert row["way"] == "ours, bfloat16"
    assert row["of the ceiling"] == "62%"
    assert row["times faster"] == "3.00"
    assert row["share of memory"] == "25%"
    assert row["goals"] == "speed, memory"
    assert cells(plain, plain)["goals"] == ""


@pytest.mark.parametrize(
    ("changes", "goals"),
    [
        ({"seconds": 3.0}, "not speed, memory"),
        ({"memory": 3 * 10**9}, "speed, not memory"),
        ({"memory": None}, "speed"),
    ],
)
def test_goals_that_are_missed_are_named(one, changes, goals):
    plain = dataclasses.replace(one, way=AS_PUBLISHED, memory=4 * 10**9)
    assert cells(dataclasses.replace(one, **changes), plain)["goals"] == goals


def test_table_names_machine_load_and_changes(one):
    facts = "device threads system python torch sinct commit date".split()  # noqa: SIM905
    text = table({name: f"<{name}>" for name in facts} | {"load": "0.3"}, {"width": 4}, [one])
    assert text.splitlines()[0].endswith("<date>; load 0.3 before; width = 4")


def test_the_command_refuses_an_unknown_setting_in_one_line(capsys):
    with pytest.raises(SystemExit):
        folder_step_rate.main(["--device", "cpu", "--methods", "cut", "--set", "widht=3"])
    assert "unknown setting 'widht'" in capsys.readouterr().err


@pytest.mark.slow
def test_the_command_leaves_results_and_prints_the_table(tmp_path, capsys):
    changes = [f"{name}={json.dumps(value)}" for name, value in CHANGES.items()]
    arguments = [part for change in changes for part in ("--set", change)]
    folder_step_rate.main(
        ["--methods", "fastcut", "--steps", "1", "--device", "cpu", "-o", str(tmp_path), *arguments]
    )
    printed = capsys.readouterr().out
    assert (tmp_path / "table.md").read_text().strip() == printed.strip()
    ways = json.loads((tmp_path / "folder_step_rate.json").read_text())["ways"]
    assert [way["way"] for way in ways] == list(ways_of("fastcut", CPU, CHANGES))
    assert f"| fastcut | {AS_PUBLISHED} |" in printed
