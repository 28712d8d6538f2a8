"""DRN-D-22: the published count and sizes, and the reach of what is dilated."""

import pytest
import torch
import torch.nn.functional as F

from sinct.errors import ConfigError
from sinct.networks.drn import DRN, DilatedBlock, load_published


def trained(network):
    return sum(each.numel() for each in network.parameters() if each.requires_grad)


def test_parameters_are_the_published_16_4_million():
    """README of github.com/fyu/drn; counted with the classifier for ImageNet's 1000 classes."""
    by_hand = 3 * 16 * 49 + 16 * 16 * 9 + 16 * 32 * 9 + 2 * (16 + 16 + 32)
    for before, after in ((32, 64), (64, 128), (128, 256), (256, 512)):
        by_hand += before * after * (9 + 1) + 3 * after * after * 9 + 5 * 2 * after
    by_hand += 2 * (512 * 512 * 9 + 2 * 512)
    assert trained(DRN(1000)) == by_hand + 512 * 1000 + 1000 == 16_393_752
    assert trained(DRN(19)) == by_hand + 512 * 19 + 19 == 15_890_499


def test_features_of_224_px_have_28_places():
    """Yu et al. 2017, section 2: 28x28 instead of 7x7."""
    assert DRN(3, width=2).base(torch.zeros(1, 3, 224, 224)).shape == (1, 64, 28, 28)


def test_logits_have_the_pictures_size():
    assert DRN(19, width=2).eval()(torch.zeros(2, 3, 128, 256)).shape == (2, 19, 128, 256)


def test_reach_is_that_of_the_published_strides_and_dilations():
    """By a gradient, with weights that cannot cancel."""
    network = DRN(1, width=2).double().eval()
    for parameter in network.parameters():
        parameter.data.abs_()
    levels = [(7, 1, 1), (3, 1, 1), (3, 2, 1)]  # kernel, stride, dilation
    for stride, dilation in ((2, 1), (2, 1), (1, 2), (1, 4)):
        levels += [(3, stride, dilation), *[(3, 1, dilation)] * 3]
    levels += [(3, 1, 2), (3, 1, 1)]
    reach, step = 1, 1
    for kernel, stride, dilation in levels:
        reach, step = reach + (kernel - 1) * dilation * step, step * stride
    side = 8 * (reach // 8 + 8)
    picture = torch.ones(1, 3, side, 8, dtype=torch.float64, requires_grad=True)
    features = network.base(picture)
    features[0, :, features.shape[2] // 2].sum().backward()
    rows = picture.grad.abs().sum(dim=(0, 1, 3)).nonzero()
    assert step == 8
    assert int(rows.max() - rows.min()) + 1 == reach


def test_block_adds_its_input():
    block = DilatedBlock(4, 4, dilation=2).eval()
    torch.nn.init.zeros_(block.conv2.weight)
    x = torch.rand(1, 4, 6, 6)
    assert torch.equal(block(x), x)


def test_logits_are_enlarged_bilinearly():
    network = DRN(2)
    logits = torch.randn(1, 2, 5, 7)
    by_torch = F.interpolate(logits, scale_factor=8, mode="bilinear", align_corners=False)
    inner = (..., slice(8, -8), slice(8, -8))  # at the border, a transposed convolution sees zeros
    assert torch.allclose(network.up(logits)[inner], by_torch[inner], atol=1e-6)


def test_interpolation_is_not_trained():
    assert not DRN(2, width=2).up.weight.requires_grad


@pytest.mark.parametrize("prefix", ["", "module."])
def test_published_segmentation_network_is_loaded(prefix):
    """Files of 2017 have no counters of batch norm, and those of several GPUs a prefix."""
    first, second = DRN(5, width=2, seed=1), DRN(5, width=2, seed=2)
    state = {f"{prefix}{k}": v for k, v in first.state_dict().items() if "num_batches" not in k}
    load_published(second, state)
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True))


def test_names_are_those_of_the_published_file():
    names = DRN(19, width=2).state_dict().keys()
    assert {
        "base.0.0.weight", "base.0.1.running_mean", "base.2.0.weight", "base.3.0.conv1.weight",
        "base.3.0.downsample.0.weight", "base.3.0.downsample.1.bias", "base.6.1.bn2.running_var", "base.8.0.weight",
        "seg.weight", "seg.bias", "up.weight",
    } <= names  # fmt: skip
    assert not any(name.startswith(("base.3.1.downsample", "base.9")) for name in names)


def test_classifier_for_imagenet_gives_all_but_the_classes():
    first, second = DRN(1000, width=2, seed=1), DRN(5, width=2, seed=2)
    state = {
        name.replace("base.", "layer"): value
        for name, value in first.state_dict().items()
        if name.startswith("base.")
    } | {"fc.weight": torch.zeros(1000, 64, 1, 1), "fc.bias": torch.zeros(1000)}
    own = second.seg.weight.clone()
    load_published(second, state, classifier=False)
    assert torch.equal(second.base[6][0].conv1.weight, first.base[6][0].conv1.weight)
    assert torch.equal(second.seg.weight, own)


@pytest.mark.parametrize(
    "state",
    [{}, {"fc.weight": torch.zeros(2)}, {"features.0.weight": torch.zeros(2)}],
    ids=["nothing", "only a classifier", "another network"],
)
def test_other_weights_are_refused(state):
    with pytest.raises(ConfigError, match="not the weights of such a DRN-D-22"):
        load_published(DRN(5, width=2), state)


def test_a_network_of_other_classes_is_refused():
    with pytest.raises(ConfigError, match="size mismatch for seg"):
        load_published(DRN(5, width=2), DRN(7, width=2).state_dict())


def test_weights_depend_on_the_seed_alone():
    first, again, other = (DRN(3, width=2, seed=seed).seg.weight for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
