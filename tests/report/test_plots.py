"""The plot of two measures."""

import dataclasses
import math
import re

import numpy as np
import pytest

from sinct.report.labels import Box, place_labels
from sinct.report.plots import default_axes, pareto_front, points, scatter
from tests.support.report_example import EXAMPLE
from tests.support.report_results import GRAM, SSIM, result


def test_pareto_front_equals_a_slow_search() -> None:
    random = np.random.default_rng(0)
    values = [tuple(pair) for pair in random.integers(0, 6, (30, 2)).tolist()]
    expected = set()
    for i, (x, y) in enumerate(values):
        if not any((a >= x and b >= y) and (a > x or b > y) for a, b in values):
            expected.add(i)
    front = pareto_front(values)
    assert set(front) == expected
    assert [values[i][0] for i in front] == sorted(values[i][0] for i in front)


@pytest.mark.parametrize("seed", range(5))
def test_labels_of_15_points_overlap_no_label_and_no_mark(seed: int) -> None:
    random = np.random.default_rng(seed)
    area = Box(70, 20, 740, 420)
    marks = [(float(x), float(y)) for x, y in random.uniform((90, 40), (500, 400), (15, 2))]
    boxes = place_labels(marks, random.uniform(30, 120, 15).tolist(), area)
    for index, box in enumerate(boxes):
        assert area.left <= box.left <= box.right <= area.right
        assert area.top <= box.top <= box.bottom <= area.bottom
        assert not any(box.overlap(other) for other in boxes[:index])
        assert not any(box.overlap(Box(x - 4, y - 4, x + 4, y + 4)) for x, y in marks)


def test_labels_of_methods_with_equal_values_do_not_overlap() -> None:
    boxes = place_labels([(300.0, 200.0)] * 6, [80.0] * 6, Box(0, 0, 700, 400))
    assert not any(a.overlap(b) for i, a in enumerate(boxes) for b in boxes[:i])


def test_points_tell_contenders_from_controls_and_from_what_is_not_ranked() -> None:
    both = {"gram": 1.0, "ssim": 0.5}
    results = [
        result("a", measures=both),
        result("b", measures=both, control=True),
        result("c", measures=both, random_weights=True),
        result("d", measures=both, optimises=("ssim",)),
        result("e", measures={"gram": 1.0}),
        result("f", measures={"gram": 1.0, "ssim": math.nan}),
    ]
    assert [(p.title, p.kind) for p in points(results, GRAM, SSIM)] == [
        ("a", "contender"),
        ("b", "control"),
        ("c", "apart"),
        ("d", "apart"),
    ]


def test_better_is_up_and_to_the_right_for_either_direction() -> None:
    results = [
        result("worse", measures={"gram": 2.0, "ssim": 0.1}),
        result("better", measures={"gram": 1.0, "ssim": 0.9}),
    ]
    wide, narrow = scatter(results, GRAM, SSIM).split("</svg>")[:2]
    for svg in (wide, narrow):
        (x0, y0), (x1, y1) = re.findall(r'cx="([\d.]+)" cy="([\d.]+)"', svg)
        assert float(x1) > float(x0)
        assert float(y1) < float(y0)  # SVG counts downwards


def test_axes_are_the_first_measures_of_structure_and_of_style() -> None:
    assert default_axes(EXAMPLE) == (SSIM, GRAM)


def test_no_axes_for_one_measure() -> None:
    assert default_axes(dataclasses.replace(EXAMPLE, measures=(GRAM,))) is None


def test_plot_without_values_says_so() -> None:
    assert "No method has" in scatter([], GRAM, SSIM)


def test_plot_of_one_point_has_finite_coordinates() -> None:
    svg = scatter([result("a", measures={"gram": 0.0, "ssim": 0.0})], GRAM, SSIM)
    assert "nan" not in svg
    assert 'cx="' in svg
