import copy

import pytest
import torch
from torch import Tensor, nn
from torch.autograd import gradcheck, gradgradcheck
from torch.func import functional_call

from sinct.networks.compact_generator import doubled
from sinct.networks.layers import (
    GAIN,
    DownBlock,
    EqualConv2d,
    EqualLinear,
    ResidualBlock,
    UpBlock,
    blur,
    leaky_relu,
    smoothing_kernel,
)

BLOCKS = [(ResidualBlock, (2,)), (DownBlock, (2, 3)), (UpBlock, (2, 3))]
LAYERS = [*BLOCKS, (EqualConv2d, (2, 3, 3)), (EqualLinear, (4, 3))]


def test_kernel_that_was_first_needed_without_gradients_serves_a_training() -> None:
    smoothing_kernel.cache_clear()
    x = noise(1, 2, 8, 8)
    with torch.inference_mode():
        doubled(x)
    doubled(x.requires_grad_()).sum().backward()
    assert x.grad is not None


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def built(layer: type[nn.Module], *arguments: int) -> nn.Module:
    """In float64, with random biases too: zeros would hide what is wrong with them."""
    torch.manual_seed(0)
    module = layer(*arguments).double()
    for name, parameter in module.named_parameters():
        if name.endswith("bias"):
            nn.init.normal_(parameter)
    return module


def passes(check, module: nn.Module) -> bool:
    """Run a gradient check by the input and by every parameter."""
    names, parameters = zip(*module.named_parameters(), strict=True)

    def apply(x: Tensor, *values: Tensor) -> Tensor:
        return functional_call(module, dict(zip(names, values, strict=True)), (x,))

    return check(apply, (noise(1, 2, 4, 4).requires_grad_(), *parameters))


@pytest.mark.parametrize(("layer", "arguments"), LAYERS)
def test_layer_passes_gradcheck(layer: type[nn.Module], arguments: tuple[int, ...]) -> None:
    assert passes(gradcheck, built(layer, *arguments))


@pytest.mark.parametrize(
    ("layer", "arguments"), [(EqualConv2d, (2, 2, 3)), (EqualLinear, (4, 2)), (DownBlock, (2, 2))]
)
def test_layer_that_r1_crosses_passes_gradgradcheck(
    layer: type[nn.Module], arguments: tuple[int, ...]
) -> None:
    assert passes(gradgradcheck, built(layer, *arguments))


@pytest.mark.parametrize("check", [gradcheck, gradgradcheck])
@pytest.mark.parametrize("function", [leaky_relu, lambda x: blur(x, padding=2)], ids=["leaky_relu", "blur"])
def test_function_that_r1_crosses_passes(check, function) -> None:
    assert check(function, noise(1, 2, 3, 4).requires_grad_())


def test_leaky_relu_keeps_the_variance_times_gain() -> None:
    # E[(√2 f(x))²] = 1 + 0.2² for normal x; 1e5 samples put the mean within 1 %, 3 % leaves room
    assert (GAIN * leaky_relu(noise(100_000))).square().mean().item() == pytest.approx(1.04, rel=0.03)


# Blur


def slow_blur(x: Tensor, padding: int) -> Tensor:
    """Sum the sixteen weighted neighbours of every output pixel."""
    n, c, height, width = x.shape
    taps = [1, 3, 3, 1]
    result = x.new_zeros(n, c, height + 2 * padding - 3, width + 2 * padding - 3)
    for row in range(result.shape[2]):
        for column in range(result.shape[3]):
            for i in range(4):
                for j in range(4):
                    y, z = row + i - padding, column + j - padding
                    if 0 <= y < height and 0 <= z < width:
                        result[:, :, row, column] += taps[i] * taps[j] / 64 * x[:, :, y, z]
    return result


@pytest.mark.parametrize("padding", [0, 1, 2])
def test_blur_equals_a_slow_loop(padding: int) -> None:
    x = noise(2, 3, 5, 6)
    torch.testing.assert_close(blur(x, padding), slow_blur(x, padding))


def test_blur_keeps_a_constant() -> None:
    constant = torch.full((1, 2, 7, 7), 0.7, dtype=torch.float64)
    torch.testing.assert_close(blur(constant, padding=0), constant[:, :, :4, :4])


# Equalised layers


@pytest.mark.parametrize("kernel_size", [1, 3])
def test_equal_convolution_gives_unit_variance(kernel_size: int) -> None:
    layer = built(EqualConv2d, 64, 64, kernel_size)
    nn.init.zeros_(layer.bias)
    inner = layer(noise(4, 64, 32, 32))[:, :, 1:-1, 1:-1]  # the zeros around the border take variance away
    # The mean of |w|² over 64 channels of 64 k² weights deviates by √(2 / (64 * 64 k²)) = 2 % at k = 1
    assert inner.var().item() == pytest.approx(1, rel=0.08)


def test_equal_linear_gives_unit_variance() -> None:
    layer = built(EqualLinear, 256, 256)
    nn.init.zeros_(layer.bias)
    # |w|² deviates by √2 / 256 = 0.6 %, as does the mean over 64 inputs of 256 numbers: 1.2 %
    assert layer(noise(64, 256)).var().item() == pytest.approx(1, rel=0.05)


@pytest.mark.parametrize(("layer", "arguments"), [(EqualConv2d, (2, 3, 3)), (EqualLinear, (4, 3))])
def test_gain_scales_the_output_with_its_bias(layer: type[nn.Module], arguments: tuple[int, ...]) -> None:
    plain = built(layer, *arguments)
    strong = layer(*arguments, gain=1.7).double()
    strong.load_state_dict(plain.state_dict())
    x = noise(1, 2, 4, 4)
    torch.testing.assert_close(strong(x), 1.7 * plain(x))


def test_convolution_without_bias_has_none() -> None:
    assert [name for name, _ in EqualConv2d(2, 3, 3, bias=False).named_parameters()] == ["weight"]


# Blocks


@pytest.mark.parametrize(
    ("layer", "arguments", "shape"),
    [
        (ResidualBlock, (2,), (2, 2, 6, 8)),
        (DownBlock, (2, 3), (2, 3, 3, 4)),
        (UpBlock, (2, 3), (2, 3, 12, 16)),
    ],
)
def test_block_output_shape(layer, arguments: tuple[int, ...], shape: tuple[int, ...]) -> None:
    assert built(layer, *arguments)(noise(2, 2, 6, 8)).shape == shape


@pytest.mark.parametrize(("layer", "arguments"), BLOCKS)
@pytest.mark.parametrize("axis", [2, 3])
def test_block_samples_symmetrically(layer, arguments: tuple[int, ...], axis: int) -> None:
    """Mirrored kernels on a mirrored map give the mirrored result only if nothing is shifted."""
    block = built(layer, *arguments)
    mirrored = copy.deepcopy(block)
    for parameter in mirrored.parameters():
        if parameter.ndim == 4:
            parameter.data = parameter.data.flip(axis)
    x = noise(1, 2, 6, 8)
    torch.testing.assert_close(mirrored(x.flip(axis)).flip(axis), block(x))


def test_residual_block_keeps_the_variance() -> None:
    block = built(ResidualBlock, 64)
    for convolution in (block.conv1, block.conv2):
        nn.init.zeros_(convolution.bias)
    inner = block(noise(2, 64, 24, 24))[:, :, 2:-2, 2:-2]
    # (1 + 1.04²) / 2 = 1.04 as each activation adds 4 %; 64 channels of random weights deviate by some 3 %
    assert inner.square().mean().item() == pytest.approx(1.04, rel=0.1)


def test_up_block_keeps_a_constant_inside() -> None:
    block = built(UpBlock, 2, 3)
    constant = torch.tensor([0.8, -0.3], dtype=torch.float64)
    inner = block(constant.view(1, 2, 1, 1).expand(1, 2, 6, 6))[0, :, 3:-3, 3:-3]
    kernel = block.weight / block.weight.square().sum(dim=(0, 2, 3), keepdim=True).sqrt()
    expected = GAIN * leaky_relu(torch.einsum("i,iokl->o", constant, kernel) + block.bias)
    # rtol: demodulation adds 1e-8 to the squared norm, here about 20
    torch.testing.assert_close(inner, expected.view(3, 1, 1).expand_as(inner), rtol=1e-8, atol=1e-8)


def test_up_block_ignores_the_scale_of_its_weights() -> None:
    block, scaled = built(UpBlock, 2, 3), built(UpBlock, 2, 3)
    scaled.weight.data *= 10
    x = noise(1, 2, 4, 4)
    torch.testing.assert_close(scaled(x), block(x), rtol=1e-7, atol=1e-7)  # demodulation's 1e-8, as above


def test_up_block_answers_an_impulse_with_its_blurred_unit_length_kernel() -> None:
    block = built(UpBlock, 1, 1)
    nn.init.zeros_(block.bias)
    impulse = torch.zeros(1, 1, 3, 3, dtype=torch.float64)
    impulse[..., 1, 1] = 1
    kernel = torch.zeros(1, 1, 7, 7, dtype=torch.float64)  # the impulse lands on pixel 2 of every second
    kernel[..., 2:5, 2:5] = block.weight.detach() / block.weight.norm()
    expected = GAIN * leaky_relu(4 * slow_blur(kernel, 1))
    torch.testing.assert_close(block(impulse), expected, rtol=1e-7, atol=1e-7)  # demodulation's 1e-8
