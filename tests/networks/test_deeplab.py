"""DeepLab v2: its count and sizes, and logits over several scales."""

import pytest
import torch
import torch.nn.functional as F

from sinct.errors import ConfigError
from sinct.networks.deeplab import MEAN, RATES, DeepLab, prepared
from sinct.networks.torchvision_compat import import_torchvision

TINY = {"blocks": (1, 1, 2, 1), "width": 4}


def test_parameters_are_those_of_resnet_101_and_four_classifiers():
    """In closed form from section 3 of the paper, which gives no count; ResNet-101's own is torchvision's."""
    with torch.device("meta"):  # shapes without values
        network = DeepLab(182)
    published = import_torchvision().models.ResNet101_Weights.IMAGENET1K_V1.meta["num_params"]
    without_fc = published - 2048 * 1000 - 1000
    aspp = len(RATES) * (2048 * 182 * 9 + 182)
    counts = [sum(p.numel() for p in part.parameters()) for part in (network, network.aspp)]
    assert counts == [without_fc + aspp, aspp] == [55_919_384, 13_419_224]


@pytest.mark.parametrize(("side", "places"), [(513, 65), (321, 41)])
def test_output_is_an_eighth(side, places):
    """41 for crops of 321 px and 65 for 513, as the public training's label maps."""
    assert DeepLab(5, **TINY)(torch.zeros(1, 3, side, side)).shape == (1, 5, places, places)


def test_rates_and_strides_are_the_published_ones():
    network = DeepLab(2, **TINY)
    found = {
        name: (layer.stride[0], layer.dilation[0])
        for name, layer in network.named_modules()
        if isinstance(layer, torch.nn.Conv2d)
    }
    assert found["layer1.conv1.conv"] == (2, 1)
    assert found["layer3.block1.reduce.conv"] == (2, 1)
    assert found["layer4.block1.conv3x3.conv"] == found["layer4.block2.conv3x3.conv"] == (1, 2)
    assert found["layer5.block1.conv3x3.conv"] == (1, 4)
    assert [found[f"aspp.c{n}"][1] for n in range(4)] == [6, 12, 18, 24]
    assert sum(stride > 1 for name, (stride, _) in found.items() if "shortcut" not in name) == 2


def test_classifiers_are_added():
    network = DeepLab(3, **TINY)
    x = torch.rand(1, 3, 65, 65)
    whole = network(x)
    parts = []
    for name in network.aspp:
        alone = DeepLab(3, network.state_dict(), **TINY)
        for other in network.aspp:
            if other != name:
                torch.nn.init.zeros_(alone.aspp[other].weight)
        parts.append(alone(x))
    assert torch.allclose(whole, torch.stack(parts).sum(dim=0), atol=1e-5)


def test_several_scales_give_the_largest_logits():
    network = DeepLab(3, **TINY)
    x = torch.rand(1, 3, 80, 96)
    found = network.at_scales(x, [0.5])
    half = F.interpolate(x, (40, 48), mode="bilinear", align_corners=False)
    single = network(x)
    smaller = F.interpolate(network(half), single.shape[-2:], mode="bilinear", align_corners=False)
    assert torch.equal(found, torch.maximum(single, smaller))
    assert not torch.equal(found, single)


def test_pictures_are_prepared_with_blue_first():
    red = torch.tensor([1.0, -1.0, 0.0]).view(3, 1, 1)
    expected = [127.5 - MEAN[2], 0 - MEAN[1], 255 - MEAN[0]]
    assert prepared(red).flatten().tolist() == pytest.approx(expected)


def test_published_names_are_loaded():
    """github.com/kazuto1011/deeplab-pytorch, issue 70, lists them."""
    first = DeepLab(3, seed=1, **TINY)
    state = {f"base.{name}": value for name, value in first.state_dict().items() if "num_batches" not in name}
    assert {
        "base.layer1.conv1.conv.weight", "base.layer2.block1.reduce.bn.running_mean",
        "base.layer2.block1.shortcut.conv.weight", "base.layer5.block1.increase.bn.bias",
        "base.layer4.block2.conv3x3.conv.weight", "base.aspp.c3.bias",
    } <= state.keys()  # fmt: skip
    second = DeepLab(3, state, **TINY)
    x = torch.rand(1, 3, 65, 65)
    assert torch.equal(first(x), second(x))


def test_other_weights_are_refused():
    with pytest.raises(ConfigError, match="not the weights of such a DeepLab v2"):
        DeepLab(3, {"base.fc.weight": torch.zeros(2)}, **TINY)
