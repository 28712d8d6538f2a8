"""Scores of a segmentation, from a confusion matrix: how many pixels of each class were taken for which.

Everything here is a pure function. Long et al. 2015 (arXiv:1411.4038), section 5, define the scores; the names that
Park et al. 2020 print are in `street_scores`.
"""

import torch
from torch import Tensor


def confusion(predicted: Tensor, truth: Tensor, classes: int) -> Tensor:
    """Count pixels by their true and their predicted class.

    Args:
        predicted: whole numbers in [0, classes), of any shape.
        truth: whole numbers of the same shape; those outside [0, classes) are of no class and are not counted,
            whatever was predicted there.
        classes: number of classes.

    Returns:
        (classes, classes) int64: rows are true classes, columns predicted ones. Matrices of several pictures add up.
    """
    counted = (truth >= 0) & (truth < classes)
    places = truth[counted].long() * classes + predicted[counted].long()
    return torch.bincount(places, minlength=classes**2).view(classes, classes)


def pixel_accuracy(matrix: Tensor) -> float:
    """Share of pixels whose class is right, in [0, 1]; NaN without pixels."""
    return float(matrix.diagonal().sum() / matrix.sum().double())


def class_accuracies(matrix: Tensor) -> Tensor:
    """(C,) float64: share of each class's pixels that are right, its recall; NaN for classes that are not there."""
    return matrix.diagonal() / matrix.sum(dim=1).double()


def class_precisions(matrix: Tensor) -> Tensor:
    """(C,) float64: share of the pixels taken for a class that are of it; NaN for classes that nothing is taken for."""
    return matrix.diagonal() / matrix.sum(dim=0).double()


def class_overlaps(matrix: Tensor) -> Tensor:
    """(C,) float64: pixels that are of a class and taken for it, among all that are either (intersection over union).

    NaN for classes that are neither there nor predicted.
    """
    right = matrix.diagonal()
    return right / (matrix.sum(dim=0) + matrix.sum(dim=1) - right).double()


def class_accuracy(matrix: Tensor) -> float:
    """Mean of `class_accuracies` over the classes that are there."""
    return float(class_accuracies(matrix).nanmean())


def class_precision(matrix: Tensor) -> float:
    """Mean of `class_precisions` over the classes that something is taken for."""
    return float(class_precisions(matrix).nanmean())


def mean_overlap(matrix: Tensor) -> float:
    """Mean of `class_overlaps` over the classes that are there or are predicted: mean IoU.

    Over all pictures at once, as Cityscapes and the code of Yu et al. 2017 do, not the mean of each picture's.
    """
    return float(class_overlaps(matrix).nanmean())
