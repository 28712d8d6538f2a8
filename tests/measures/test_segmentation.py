"""Scores of a segmentation, against loops over the pixels and matrices with known answers."""

import math

import pytest
import torch

from sinct.measures.segmentation import (
    class_accuracies,
    class_accuracy,
    class_overlaps,
    class_precision,
    class_precisions,
    confusion,
    mean_overlap,
    pixel_accuracy,
)

CLASSES = 5


@pytest.fixture(scope="module")
def maps():
    """Predictions that are right at half the places, and a truth that lacks class 3 and has pixels of no class."""
    random = torch.Generator().manual_seed(0)
    truth = torch.randint(0, CLASSES, (3, 13, 17), generator=random)
    truth[truth == 3] = 255
    truth[0, 0, :4] = -1
    guessed = torch.randint(0, CLASSES - 1, truth.shape, generator=random)
    right = torch.rand(truth.shape, generator=random) < 0.5
    return torch.where(right & (truth >= 0) & (truth < CLASSES), truth, guessed), truth


def pairs(maps):
    """(predicted, true) of every pixel that has a class, one at a time."""
    predicted, truth = (each.flatten().tolist() for each in maps)
    return [(p, t) for p, t in zip(predicted, truth, strict=True) if 0 <= t < CLASSES]


def ratio(part, whole):
    return part / whole if whole else math.nan


def test_confusion_counts_pixel_by_pixel(maps):
    expected = torch.zeros(CLASSES, CLASSES, dtype=torch.int64)
    for predicted, true in pairs(maps):
        expected[true, predicted] += 1
    assert torch.equal(confusion(*maps, CLASSES), expected)


def test_confusions_of_parts_add_up_to_that_of_the_whole(maps):
    parts = [confusion(*part, CLASSES) for part in zip(*maps, strict=True)]
    assert torch.equal(sum(parts), confusion(*maps, CLASSES))


@pytest.mark.parametrize(
    ("scores", "of"),
    [
        (class_accuracies, lambda p, t, c: ratio(sum(x == y == c for x, y in zip(p, t, strict=True)), t.count(c))),
        (class_precisions, lambda p, t, c: ratio(sum(x == y == c for x, y in zip(p, t, strict=True)), p.count(c))),
        (
            class_overlaps,
            lambda p, t, c: ratio(
                sum(x == y == c for x, y in zip(p, t, strict=True)),
                sum(c in (x, y) for x, y in zip(p, t, strict=True)),
            ),
        ),
    ],
    ids=["accuracies", "precisions", "overlaps"],
)  # fmt: skip
def test_scores_of_classes_are_those_of_a_slow_loop(maps, scores, of):
    predicted, true = zip(*pairs(maps), strict=True)
    expected = [of(predicted, true, label) for label in range(CLASSES)]
    assert scores(confusion(*maps, CLASSES)).tolist() == pytest.approx(expected, abs=1e-12, nan_ok=True)


def test_pixel_accuracy_is_that_of_a_slow_loop(maps):
    found = pairs(maps)
    assert pixel_accuracy(confusion(*maps, CLASSES)) == pytest.approx(
        sum(p == t for p, t in found) / len(found), abs=1e-12
    )


def test_a_right_segmentation_has_1_in_every_score():
    matrix = torch.diag(torch.tensor([4, 0, 7]))
    assert [score(matrix) for score in (pixel_accuracy, class_accuracy, class_precision, mean_overlap)] == [
        1.0
    ] * 4


def test_a_wrong_segmentation_has_0_in_every_score():
    matrix = torch.tensor([[0, 3], [5, 0]])
    assert [score(matrix) for score in (pixel_accuracy, class_accuracy, class_precision, mean_overlap)] == [
        0.0
    ] * 4


def test_one_class_for_all_pixels_has_its_share_of_them():
    """Class 0 has 30 of 40 pixels."""
    matrix = torch.tensor([[30, 0], [10, 0]])
    assert pixel_accuracy(matrix) == 0.75
    assert class_accuracy(matrix) == 0.5
    assert class_precision(matrix) == 0.75
    assert mean_overlap(matrix) == pytest.approx((0.75 + 0) / 2)


def test_a_class_that_is_only_predicted_counts_in_the_overlap_but_not_in_the_accuracy():
    matrix = torch.tensor([[6, 2], [0, 0]])
    assert class_accuracy(matrix) == 0.75
    assert mean_overlap(matrix) == pytest.approx(0.75 / 2)


def test_a_class_that_is_neither_there_nor_predicted_does_not_count():
    matrix = torch.zeros(3, 3, dtype=torch.int64)
    matrix[:2, :2] = torch.tensor([[6, 2], [1, 5]])
    assert mean_overlap(matrix) == mean_overlap(matrix[:2, :2])


def test_without_pixels_there_is_no_score():
    matrix = confusion(torch.zeros(4, dtype=torch.int64), torch.full((4,), 255), 3)
    assert math.isnan(pixel_accuracy(matrix))
    assert math.isnan(mean_overlap(matrix))
