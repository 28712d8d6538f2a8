"""Semantic scores of street scenes: which pixels are of which class, which map belongs to which picture, and scores of
scenes that the test draws."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from sinct.errors import InputError
from sinct.measures.segmentation import confusion
from sinct.measures.street_classes import IGNORED, STREET_CLASSES
from sinct.measures.street_scores import (
    SCORES,
    find_labels,
    normalised,
    read_classes,
    read_scene,
    score_scenes,
    semantic_scores,
)
from tests.support.street_scenes import COLOURS, LABELS, draw_scenes

# The table


def test_there_are_nineteen_classes():
    assert len(STREET_CLASSES) == len({each.name for each in STREET_CLASSES}) == 19


def test_numbers_of_classes_follow_the_ids():
    ids = [each.label for each in STREET_CLASSES]
    assert ids == sorted(set(ids))
    assert STREET_CLASSES[0].name == "road"
    assert STREET_CLASSES[13] == ("car", 26, (0, 0, 142))
    assert STREET_CLASSES[18].name == "bicycle"


# Label maps


def save(path, numbers):
    Image.fromarray(np.asarray(numbers, dtype=np.uint8)).save(path)
    return path


def test_ids_become_numbers_of_classes_or_none(tmp_path):
    path = save(tmp_path / "a.png", [[7, 8, 26, 33], [0, 4, 10, 30]])
    assert read_classes(path, (4, 2)).tolist() == [[0, 1, 13, 18], [IGNORED] * 4]


def test_numbers_of_classes_are_taken_as_they_are(tmp_path):
    path = save(tmp_path / "a.png", [[0, 18, 255]])
    assert read_classes(path, (3, 1), "train-ids").tolist() == [[0, 18, 255]]


@pytest.mark.parametrize(
    ("numbers", "kind", "message"),
    [
        ([[0, 7, 255]], "ids", "number 255, and ids go to 33; if it holds train-ids, give `label_numbers='train-ids'`"),
        ([[0, 26, 7]], "train-ids", "number 26, and train-ids go to 18 or are 255; if it holds ids, give"),
    ],
)  # fmt: skip
def test_numbers_of_the_other_kind_are_refused(tmp_path, numbers, kind, message):
    with pytest.raises(InputError, match=message):
        read_classes(save(tmp_path / "a.png", numbers), (3, 1), kind)


@pytest.mark.parametrize(
    ("picture", "label"),
    [
        ("aachen_0_leftImg8bit.png", "aachen_0_gtFine_labelIds.png"),
        ("aachen_0_gtFine_color.png", "aachen_0_gtFine_labelIds.png"),
        ("7.jpg", "7.png"),
        ("7.png", "7_labelIds.png"),
    ],
)
def test_a_map_is_found_by_its_name(picture, label):
    assert find_labels([Path(picture)], [Path("other.png"), Path(label)][-1:]) == [
        (Path(picture), Path(label))
    ]


def test_maps_of_the_wanted_kind_are_taken_from_a_folder_with_all():
    ends = ("color", "instanceIds", "labelIds", "labelTrainIds")
    maps = [Path(f"a_gtFine_{end}.png") for end in ends]
    assert find_labels([Path("a_leftImg8bit.png")], maps)[0][1].stem.endswith("labelIds")
    assert find_labels([Path("a_leftImg8bit.png")], maps, "train-ids")[0][1].stem.endswith("labelTrainIds")


def test_a_picture_without_a_map_is_named():
    with pytest.raises(InputError, match=r"b\.png has no label map among 1 file in \.; name it b\.png"):
        find_labels([Path("b.png")], [Path("a.png")])


def test_a_picture_with_two_maps_is_named():
    with pytest.raises(InputError, match=r"a\.png has 2 label maps"):
        find_labels([Path("a.png")], [Path("x/a.png"), Path("y/a.png")])


# Scenes


def test_a_scene_is_reduced_as_pillow_does_it(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (64, 128, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    expected = np.asarray(Image.fromarray(pixels).resize((32, 16), Image.Resampling.BICUBIC))
    assert np.array_equal(read_scene(tmp_path / "a.png", (32, 16)), expected)


def test_scenes_are_normalised_by_channel_and_lie_in_channels():
    scenes = np.zeros((1, 2, 3, 3), dtype=np.uint8)
    scenes[..., 1] = 255
    found = normalised(scenes, (0.5, 0.5, 0.0), (0.5, 0.25, 1.0))
    assert found[0, :, 0, 0].tolist() == [-1.0, 2.0, 0.0]
    assert found.is_contiguous()  # in channels-last layout, torch 2.13 crashed in the backward pass


class NearestColour(nn.Module):
    """Knows each drawn class by its colour."""

    def __init__(self):
        super().__init__()
        places = [number for number, each in enumerate(STREET_CLASSES) if each.name in COLOURS]
        colours = [COLOURS[STREET_CLASSES[number].name] for number in places]
        self.places = places
        self.colours = nn.Parameter(torch.tensor(colours) / 255)

    def forward(self, pictures):
        logits = torch.full((len(pictures), len(STREET_CLASSES), *pictures.shape[2:]), -math.inf)
        for place, colour in zip(self.places, self.colours, strict=True):
            logits[:, place] = -(pictures - colour.view(3, 1, 1)).square().sum(dim=1)
        return logits


def scored(place, **drawing):
    photographs, _, labels = draw_scenes(place, **drawing)
    pairs = find_labels(sorted(photographs.iterdir()), sorted(labels.iterdir()))
    plain = {"mean": (0.0,) * 3, "deviation": (1.0,) * 3}
    return score_scenes(pairs, NearestColour(), batch=2, **plain), pairs


def test_right_scenes_have_full_scores(tmp_path):
    matrix, _ = scored(tmp_path, count=3)
    assert semantic_scores(matrix) == dict.fromkeys(SCORES, 100.0)


def test_scenes_in_wrong_colours_have_none(tmp_path):
    matrix, _ = scored(tmp_path, count=3, wrong=True)
    assert semantic_scores(matrix) == dict.fromkeys(SCORES, 0.0)


def test_pixels_of_no_class_are_not_counted(tmp_path):
    matrix, pairs = scored(tmp_path, count=2)
    ids = [np.asarray(Image.open(labels)) for _, labels in pairs]
    assert int(matrix.sum()) == sum((each > 0).sum() for each in ids)
    cars = [number for number, each in enumerate(STREET_CLASSES) if each.name == "car"]
    assert int(matrix[cars].sum()) == sum((each == LABELS["car"]).sum() for each in ids)


def test_scores_are_percent_of_the_pure_functions():
    matrix = confusion(torch.tensor([0, 0, 1, 1]), torch.tensor([0, 1, 1, 1]), 2)
    found = semantic_scores(matrix)
    assert found["pixAcc"] == 75
    assert found["classAcc"] == pytest.approx(100 * (1 + 2 / 3) / 2)
    assert found["mIoU"] == pytest.approx(100 * (1 / 2 + 2 / 3) / 2)
    assert found["precision"] == pytest.approx(100 * (1 / 2 + 1) / 2)


def test_every_score_says_what_the_paper_calls_it():
    assert "printed as mAP by Park et al. 2020" in SCORES["mIoU"]
