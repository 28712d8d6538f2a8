"""Shares of classes in pictures, against a loop over pixels, with stand-ins for the networks."""

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from sinct.errors import ConfigError, InputError, WeightsError
from sinct.measures.class_share import class_shares, shares_of
from sinct.measures.coco_stuff import COCO_STUFF
from sinct.measures.labellers import (
    Labeller,
    deeplab_labeller,
    detection_labeller,
    segmentation_labeller,
    torchvision_labeller,
    torchvision_networks,
)
from sinct.networks.deeplab import DeepLab
from sinct.networks.torchvision_compat import import_torchvision

CPU = torch.device("cpu")


def by_brightness(picture):
    """0 for dark, 1 for grey, 2 for light pixels."""
    return ((picture.mean(dim=0) + 1) * 1.5).long().clamp(max=2)


SHADES = Labeller(("dark", "grey", "light"), by_brightness, "by brightness")


def save(path, *stripes):
    """A picture with a column for each grey level."""
    Image.fromarray(np.array([stripes] * 3, dtype=np.uint8)).save(path)
    return path


# Shares


def test_shares_are_those_of_a_slow_loop():
    labels = torch.randint(0, 4, (9, 11), generator=torch.Generator().manual_seed(0))
    expected = [100 * sum(each == number for each in labels.flatten().tolist()) / 99 for number in (1, 3, 7)]
    assert shares_of(labels, [1, 3, 7]) == pytest.approx(expected, abs=1e-12)


def test_every_picture_weighs_the_same(tmp_path):
    """Half of four columns and none of one are a quarter, though two of five columns are dark."""
    paths = [save(tmp_path / "a.png", 0, 0, 255, 128), save(tmp_path / "b.png", 255)]
    found = class_shares(paths, SHADES, ["dark", "light"])
    assert found.shares == {"dark": 25.0, "light": pytest.approx(62.5)}
    assert found.pictures == 2


def test_files_that_cannot_be_read_are_named_and_do_not_count(tmp_path):
    (tmp_path / "b.png").write_text("text")
    found = class_shares([save(tmp_path / "a.png", 0, 255), tmp_path / "b.png"], SHADES, ["dark"])
    assert found.shares == {"dark": 50.0}
    assert found.pictures == 1
    assert list(found.left_out) == [str(tmp_path / "b.png")]


def test_a_folder_without_a_readable_picture_is_refused(tmp_path):
    (tmp_path / "b.png").write_text("text")
    with pytest.raises(InputError, match="none of 1 picture can be read"):
        class_shares([tmp_path / "b.png"], SHADES, ["dark"])


def test_progress_counts_pictures(tmp_path):
    told = []
    paths = [save(tmp_path / f"{n}.png", 0) for n in range(3)]
    class_shares(paths, SHADES, ["dark"], on_progress=lambda done, total: told.append((done, total)))
    assert told == [(1, 3), (2, 3), (3, 3)]


@pytest.mark.parametrize(
    ("name", "advice"), [("drak", "did you mean dark"), ("zebra", "choose another class")]
)
def test_an_unknown_class_is_refused(name, advice):
    with pytest.raises(ConfigError, match=f"knows no class '{name}' among its 3.*{advice}"):
        SHADES.number(name)


def test_names_of_classes_may_be_in_capitals():
    assert SHADES.number("Light") == 2


# COCO-Stuff and DeepLab


def test_classes_of_coco_stuff_have_their_numbers():
    """Numbers of the list of labels, which counts from 1."""
    assert len(COCO_STUFF) == len(set(COCO_STUFF)) == 182
    wanted = {
        "person": 1,
        "horse": 19,
        "zebra": 24,
        "giraffe": 25,
        "hair brush": 91,
        "banner": 92,
        "wood": 182,
    }
    assert {name: COCO_STUFF.index(name) + 1 for name in wanted} == wanted


@pytest.fixture(scope="module")
def tiny_deeplab():
    return DeepLab(182, blocks=(1, 1, 1, 1), width=4)


@pytest.mark.parametrize(
    ("size", "seen"), [((40, 80), (256, 513)), ((513, 300), (513, 300)), ((1026, 2), (513, 1))]
)
def test_deeplab_sees_the_longer_side_at_513_px(tiny_deeplab, size, seen):
    labels = deeplab_labeller(tiny_deeplab, multi_scale=False).label(torch.zeros(3, *size))
    assert labels.shape == seen
    assert 0 <= labels.min() <= labels.max() < 182


def test_deeplab_looks_at_three_scales_unless_told_otherwise(tiny_deeplab, monkeypatch):
    asked = []
    whole = DeepLab.forward
    monkeypatch.setattr(DeepLab, "forward", lambda self, x: asked.append(x.shape[3]) or whole(self, x))
    picture = torch.rand(3, 64, 96) * 2 - 1
    deeplab_labeller(tiny_deeplab).label(picture)
    deeplab_labeller(tiny_deeplab, multi_scale=False).label(picture)
    assert asked == [513, 256, 384, 513]


def test_deeplab_names_its_class_where_the_logits_are_highest(tiny_deeplab):
    """A bias decides alone."""
    network = DeepLab(182, tiny_deeplab.state_dict(), blocks=(1, 1, 1, 1), width=4)
    for classifier in network.aspp.values():
        nn.init.zeros_(classifier.weight)
    network.aspp["c2"].bias.data[COCO_STUFF.index("zebra")] = 1.0
    labeller = deeplab_labeller(network)
    labels = labeller.label(torch.rand(3, 32, 32))
    assert shares_of(labels, [labeller.number("zebra"), labeller.number("horse")]) == [100.0, 0.0]


# Networks of torchvision


class Halves(nn.Module):
    """As torchvision's networks for segmentation: class 1 on the left, 2 on the right."""

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(1))

    def forward(self, pictures):
        self.seen = pictures
        logits = torch.zeros(len(pictures), 3, *pictures.shape[2:])
        middle = pictures.shape[3] // 2
        logits[:, 1, :, :middle] = logits[:, 2, :, middle:] = 1
        return {"out": logits}


def test_a_segmentation_network_sees_what_its_weights_were_trained_on():
    network = Halves()
    labels = segmentation_labeller(network, ("none", "left", "right"), "halves").label(
        torch.ones(3, 260, 390)
    )
    assert labels.shape == (520, 780)
    assert shares_of(labels, [0, 1, 2]) == [0, 50, 50]
    white = (1 - torch.tensor([0.485, 0.456, 0.406])) / torch.tensor([0.229, 0.224, 0.225])
    assert torch.allclose(network.seen[0, :, 9, 9], white, atol=1e-5)


class Detected(nn.Module):
    """As torchvision's networks for detection: what it was given."""

    def __init__(self, **found):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(1))
        self.found = found

    def forward(self, pictures):
        self.seen = pictures
        return [self.found]


def mask(rows):
    """(1, 4, 5) of probability 0.9 in these rows and 0.1 elsewhere."""
    found = torch.full((1, 4, 5), 0.1)
    found[:, rows] = 0.9
    return found


def test_detected_things_count_with_their_pixels_and_the_surer_one_wins():
    network = Detected(
        labels=torch.tensor([2, 1, 1, 2]),
        scores=torch.tensor([0.95, 0.6, 0.8, 0.4]),  # the last is not sure enough
        masks=torch.stack([mask([1]), mask([0, 1]), mask([1, 2]), mask([3])]),
    )
    labels = detection_labeller(network, ("none", "horse", "zebra"), "stand-in").label(torch.zeros(3, 4, 5))
    assert labels[:, 0].tolist() == [1, 2, 1, -1]
    assert network.seen[0].mean() == 0.5  # [0, 1], as torchvision wants it


def test_boxes_without_masks_are_refused():
    network = Detected(labels=torch.tensor([1]), scores=torch.tensor([0.9]), boxes=torch.zeros(1, 4))
    with pytest.raises(ConfigError, match="boxes without masks"):
        detection_labeller(network, ("none", "horse"), "stand-in").label(torch.zeros(3, 4, 5))


def test_networks_that_may_be_chosen_are_torchvisions():
    names = torchvision_networks()
    assert {"fcn_resnet50", "deeplabv3_resnet101", "maskrcnn_resnet50_fpn"} <= set(names)
    assert not any(name.startswith(("fasterrcnn", "ssd", "keypointrcnn")) for name in names)


def test_an_unknown_network_is_refused():
    with pytest.raises(ConfigError, match=r"there is no network 'fcn_resnet5'.*did you mean fcn_resnet50"):
        torchvision_labeller("fcn_resnet5", None, CPU)


def test_a_random_network_labels_every_pixel():
    labeller = torchvision_labeller("lraspp_mobilenet_v3_large", None, CPU)
    assert labeller.number("horse") == 13  # of the 21 classes of Pascal VOC
    labels = labeller.label(torch.zeros(3, 40, 40))
    assert labels.shape == (520, 520)
    assert 0 <= labels.min() <= labels.max() < 21


@pytest.mark.parametrize("auxiliary", [False, True])
def test_weights_of_a_file_are_loaded(auxiliary):
    models = import_torchvision().models
    name = "deeplabv3_mobilenet_v3_large"
    given = models.get_model(name, weights=None, weights_backbone=None, aux_loss=auxiliary).state_dict()
    torchvision_labeller(name, given, CPU)
    with pytest.raises(WeightsError, match=f"not the weights of torchvision's {name}"):
        torchvision_labeller(name, {**given, "more": torch.zeros(1)}, CPU)


def test_a_network_with_masks_knows_coco():
    labeller = torchvision_labeller("maskrcnn_resnet50_fpn", None, CPU)
    assert (labeller.number("horse"), labeller.number("zebra"), len(labeller.classes)) == (19, 24, 91)


class WithoutOperations(Detected):
    """As torchvision's networks where its compiled part does not fit torch."""

    def forward(self, pictures):
        raise RuntimeError("Couldn't load custom C++ ops. This can happen if your PyTorch ...")


def test_missing_operations_of_torchvision_are_one_line():
    labeller = detection_labeller(WithoutOperations(), ("none",), "stand-in")
    with pytest.raises(ConfigError, match="need them; install the two together"):
        labeller.label(torch.zeros(3, 4, 5))
