import argparse
import dataclasses
import json
import math

import pytest
import torch
import torch.nn.functional as F

import sinct
from benchmarks import step_rate
from benchmarks.ceiling import flops_of, kind_of, profiled
from benchmarks.step_rate import (
    AUTHORS,
    Measured,
    Step,
    average,
    change,
    configuration,
    measure,
    medians,
    spread,
)
from sinct.doctor import body_shape
from sinct.networks.layers import EqualConv2d, blur
from sinct.objectives.cut import Trainer
from sinct.runtime import speed
from sinct.runtime.speed import Shape, convolution_rate

CPU = torch.device("cpu")


@pytest.fixture
def one() -> Measured:
    return Measured(
        configuration="authors",
        settings=AUTHORS.to_dict(),
        device_type="cpu",
        steps=10,
        seconds=2.0,
        spread=0.1,
        warm_up=0.5,
        peak_bytes=3 * 10**9,
        gflop=100.0,
        ceiling={"float32": 200.0},
        kinds={"convolution": 1.5, "blur": 0.5},
        operators={"aten::mkldnn_convolution": 1.5},
    )


# What is counted --------------------------------------------------------------------------------------


@pytest.mark.parametrize("groups", [1, 2, 6])
@pytest.mark.parametrize("stride", [1, 2])
def test_a_convolution_has_two_operations_a_multiply_add_and_thrice_as_many_with_its_backward(groups, stride):
    maps = torch.randn(2, 6, 9, 7, requires_grad=True)
    weight = torch.randn(12, 6 // groups, 3, 3, requires_grad=True)
    rows, columns = (9, 7) if stride == 1 else (5, 4)
    multiply_adds = 2 * 12 * rows * columns * (6 // groups) * 3 * 3  # an output sample each its kernel's size

    def work():
        F.conv2d(maps, weight, None, stride, 1, 1, groups).sum().backward()

    assert flops_of(work) == 3 * 2 * multiply_adds


@pytest.mark.parametrize("groups", [1, 2])
def test_a_transposed_convolution_counts_its_input_samples(groups):
    maps = torch.randn(2, 6, 9, 7, requires_grad=True)
    weight = torch.randn(6, 4 // groups, 3, 3, requires_grad=True)
    multiply_adds = 2 * 6 * 9 * 7 * (4 // groups) * 3 * 3
    work = lambda: F.conv_transpose2d(maps, weight, None, 2, groups=groups).sum().backward()  # noqa: E731
    assert flops_of(work) == 3 * 2 * multiply_adds


def test_a_gradient_that_nobody_wants_is_not_counted():
    maps, weight = torch.randn(2, 6, 9, 7, requires_grad=True), torch.randn(6, 1, 3, 3)

    def work():
        F.conv2d(maps, weight, padding=1, groups=6).sum().backward()

    assert flops_of(work) == 2 * 2 * (2 * 6 * 9 * 7 * 9)


def test_r1_of_one_convolution_counts_its_inner_gradient_and_both_of_its_outer_ones():
    maps = torch.randn(2, 6, 9, 7, requires_grad=True)
    weight = torch.randn(4, 6, 3, 3, requires_grad=True)

    def work():
        (gradient,) = torch.autograd.grad(F.conv2d(maps, weight, padding=1).sum(), maps, create_graph=True)
        gradient.square().sum().backward()

    # Forward, its gradient by the maps, and that one's by the weight and by the logits' gradient.
    assert flops_of(work) == 4 * 2 * (2 * 4 * 9 * 7 * 6 * 9)


def test_what_is_compiled_counts_as_when_it_is_not():
    compiled = torch.compile(lambda x: F.relu(x @ x), backend="eager")
    x = torch.randn(5, 5)
    compiled(x)
    assert flops_of(lambda: compiled(x)) == 2 * 5**3


# The ceiling ------------------------------------------------------------------------------------------


def test_the_ceilings_operations_are_those_that_are_counted():
    shape = Shape(batch=2, channels=5, side=6)
    maps, weight = torch.randn(2, 5, 6, 6, requires_grad=True), torch.randn(5, 5, 3, 3, requires_grad=True)
    assert shape.flops == flops_of(lambda: F.conv2d(maps, weight, padding=1).sum().backward())


def test_body_shape_is_what_the_residual_blocks_see(tiny):
    trainer = Trainer([torch.zeros(3, 40, 50)], [torch.zeros(3, 40, 50)], tiny, CPU)
    seen = []
    block = trainer.generator.encoder.blocks[-1]  # the encoder's last: PatchNCE does not go so deep
    handle = block.register_forward_pre_hook(lambda _, inputs: seen.append(tuple(inputs[0].shape)))
    next(trainer.run())
    handle.remove()
    batch, channels, side = body_shape(tiny)
    assert seen == [(batch, channels, side, side)]


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_convolution_rate_is_operations_by_the_median_time_after_warming_up(monkeypatch, dtype):
    shape, times = Shape(batch=1, channels=2, side=4), iter([1.0, 9.0, 2.0])
    monkeypatch.setattr(speed, "seconds_of", lambda work, device: (work(), next(times))[1])
    rate = convolution_rate(shape, dtype, CPU, repeats=3, warm_up=1)
    assert rate == pytest.approx(3 * 2 * 16 * 2 * 2 * 9 / 1e9 / 2.0)


# Where time goes --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("operator", "shapes", "kind"),
    [
        ("aten::mkldnn_convolution", [[8, 16, 64, 64], [32, 16, 3, 3], [32], []], "convolution"),
        ("aten::cudnn_convolution", [[8, 16, 64, 64], [16, 1, 4, 4], []], "blur"),
        ("aten::_conv_depthwise2d", [[8, 16, 64, 64], [16, 1, 4, 4], []], "blur"),
        ("aten::mkldnn_convolution", [[1, 16, 64, 64], [1, 16, 65, 65], []], "blur"),
        (
            "aten::convolution_backward",
            [[8, 32, 9, 9], [8, 16, 9, 9], [32, 16, 3, 3]],
            "convolution backward",
        ),
        ("aten::convolution_backward", [[8, 16, 9, 9], [8, 16, 9, 9], [16, 1, 4, 4]], "blur"),
        ("ConvolutionBackward0", [[8, 16, 9, 9]], "convolution backward"),
        ("aten::leaky_relu_backward", [], "activation"),
        ("LeakyReluBackward0", [], "activation"),
        ("aten::_fused_adam_", [], "optimiser and average"),
        ("aten::_foreach_lerp_", [], "optimiser and average"),
        ("aten::_upsample_bicubic2d_aa", [], "crops"),
        ("aten::addmm", [], "matrix products"),
        ("aten::add_", [], "sums and products"),
        ("aten::_to_copy", [], "copies and casts"),
        ("aten::topk", [], "other"),
    ],
)
def test_kind_of(operator, shapes, kind):
    assert kind_of(operator, shapes) == kind


def test_profile_tells_blur_from_convolution_and_forward_from_backward():
    convolution = EqualConv2d(4, 6, 3)
    maps = torch.randn(2, 4, 16, 16)

    def kinds_of(work):
        kinds, operators = profiled(work, CPU)
        assert sum(kinds.values()) == pytest.approx(sum(operators.values()))
        return kinds

    assert {"convolution", "convolution backward"} <= set(
        kinds_of(lambda: convolution(maps).sum().backward())
    )
    kinds = kinds_of(lambda: blur(maps, padding=1))
    assert kinds["blur"] > 0
    assert kinds["convolution backward"] == 0


# Steps ------------------------------------------------------------------------------------------------


def test_medians_keep_steps_with_and_without_r1_apart():
    steps = [Step(1.0, False), Step(3.0, False), Step(2.0, False), Step(7.0, True)]
    assert medians(steps) == {False: 2.0, True: 7.0}
    assert medians([Step(7.0, True)]) == {True: 7.0}


def test_average_takes_r1_in_proportion():
    assert average({True: 9.0, False: 1.0}, interval=8) == pytest.approx((9 + 7 * 1) / 8)
    assert average({True: 9.0}, interval=1) == 9.0


def test_spread_is_between_the_outer_deciles():
    assert spread([float(value) for value in range(11)]) == pytest.approx(8.0)
    assert spread([5.0]) == 0.0


def test_measure_times_and_counts_whole_intervals(tiny):
    config = tiny.replace(steps=step_rate.ENDLESS, smoothing=0.0)
    found = measure("tiny", config, CPU, steps=3)
    assert found.steps == 4  # R1 is at every second step
    picture = torch.rand(3, 60, 80)
    run = Trainer([picture], [picture], config, CPU).run()
    with_r1, without = (flops_of(lambda: next(run)) for _ in range(2))
    assert with_r1 > without
    assert found.gflop == pytest.approx((with_r1 + without) / 2 / 1e9)
    assert found.seconds > 0
    assert found.peak_bytes > 1e7
    assert {"convolution", "convolution backward", "blur", "optimiser and average"} <= set(found.kinds)


# Results ----------------------------------------------------------------------------------------------


def test_fraction_is_of_the_ceiling_in_the_precision_that_trains(one):
    assert one.fraction == pytest.approx(100 / 2 / 200)
    settings = AUTHORS.replace(mixed_precision=True).to_dict()
    mixed = dataclasses.replace(one, settings=settings, ceiling={"float32": 200.0, "bfloat16": 500.0})
    assert mixed.fraction == pytest.approx(100 / 2 / 500)


def test_only_the_authors_work_on_a_cpu_is_compared_with_their_code(one):
    assert one.authors_ratio == pytest.approx(0.5 / 0.048)
    faster = AUTHORS.replace(mixed_precision=True, channels_last=False).to_dict()
    assert dataclasses.replace(one, settings=faster).authors_ratio is not None
    assert dataclasses.replace(one, settings=AUTHORS.replace(width=40).to_dict()).authors_ratio is None
    assert dataclasses.replace(one, device_type="cuda").authors_ratio is None


def test_table_names_machine_and_changes_and_leaves_out_what_was_not_measured(one):
    facts = "device threads system python torch sinct commit date".split()  # noqa: SIM905
    text = step_rate.table({name: f"<{name}>" for name in facts}, {"queries": 3}, [one])
    head, _, columns, rule, row, *_ = text.splitlines()
    assert head.startswith("<device>, <threads> threads")
    assert head.endswith("<date>; queries = 3")
    values = dict(zip(columns.split(" | "), row.split(" | "), strict=True))
    assert values["s a step (spread)"] == "2 (0.1)"
    assert values["ceiling float32"] == "200.0"
    assert values["ceiling bfloat16"] == ""
    assert values["of the ceiling"] == "25%"
    assert rule.count("|") == columns.count("|") == row.count("|")


def test_profile_text_gives_shares(one):
    assert "75.0%  convolution\n" in step_rate.profile_text(one)


# The command ------------------------------------------------------------------------------------------


def test_the_authors_configuration_is_the_single_image_one():
    config = configuration("authors-float32", CPU, {})
    assert (config.crops, config.crop_size, config.tile_size, config.width) == (16, 64, 64, 80)
    assert config.r1_interval == 1
    assert not config.mixed_precision


def test_presets_are_measured_with_changes():
    assert configuration("draft", CPU, {"queries": 3}) == sinct.preset(
        "draft", CPU, steps=step_rate.ENDLESS
    ).replace(queries=3)


def test_change_reads_json():
    assert change("depths=[1,2]") == ("depths", [1, 2])


@pytest.mark.parametrize(
    ("text", "message"),
    [("width", "not NAME=VALUE"), ("width=wide", "not NAME=VALUE"), ("steps=3", "use --steps")],
)
def test_change_refuses(text, message):
    with pytest.raises(argparse.ArgumentTypeError, match=message):
        change(text)


def test_the_command_refuses_an_unknown_setting_in_one_line(capsys):
    with pytest.raises(SystemExit):
        step_rate.main(["--device", "cpu", "--set", "widht=3"])
    assert "unknown setting 'widht'" in capsys.readouterr().err


@pytest.mark.slow
def test_the_command_leaves_results_table_and_profile(tmp_path, capsys, tiny):
    settings = tiny.replace(smoothing=0.0).to_dict()  # smoothing so large a painting takes seconds
    changes = {name: value for name, value in settings.items() if name not in ("steps", "seconds")}
    arguments = ["--configurations", "draft", "--steps", "1", "--device", "cpu", "-o", str(tmp_path)]
    arguments += [
        part for name, value in changes.items() for part in ("--set", f"{name}={json.dumps(value)}")
    ]
    step_rate.main(arguments)
    results = json.loads((tmp_path / "step_rate.json").read_text())
    (found,) = results["configurations"]
    assert found["configuration"] == "draft"
    assert found["settings"]["width"] == tiny.width
    assert math.isfinite(found["fraction"])
    assert (tmp_path / "table.md").read_text().strip() == capsys.readouterr().out.strip()
    assert "draft: " in (tmp_path / "profile.txt").read_text()
