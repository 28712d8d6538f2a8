import cmath
import math

import pytest
import torch
from kornia.color import rgb_to_lab
from kornia.filters import gaussian_blur2d
from torch import Tensor

from sinct.errors import ConfigError
from sinct.measures.structure import contrast_structure, edge_orientations, gradient_similarity
from sinct.measures.warnings import luminance


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def scene(height: int = 96, width: int = 121, seed: int = 0) -> Tensor:
    """Blobs of some 20 px in colour."""
    return gaussian_blur2d(noise(1, 3, height, width, seed=seed), (31, 31), (5, 5))[0].mul(4).clamp(-0.8, 0.8)


# Edges


def slow_gradient_similarity(a: Tensor, b: Tensor) -> float:
    """Cosine of the vectors that `edge_orientations` describes, pixel by pixel with angles."""
    together, first, second = 0.0, 0.0, 0.0
    for i in range(1, a.shape[1] - 1):
        for j in range(1, a.shape[2] - 1):
            vectors = []
            for picture in (a, b):
                total = 0j
                for x in picture:
                    gradient = complex(
                        float(x[i, j + 1] - x[i, j - 1]) / 2, float(x[i + 1, j] - x[i - 1, j]) / 2
                    )
                    total += gradient**2
                vectors.append(cmath.rect(math.sqrt(abs(total)), cmath.phase(total)))
            p, q = vectors
            together += (p * q.conjugate()).real
            first, second = first + abs(p) ** 2, second + abs(q) ** 2
    return together / math.sqrt(first * second)


def test_gradient_similarity_equals_a_slow_loop() -> None:
    a, b = scene(20, 31).double(), scene(20, 31, seed=1).double()
    expected = slow_gradient_similarity(*(rgb_to_lab((x + 1) / 2) for x in (a, b)))
    assert gradient_similarity(a, b, sizes=(31,)) == pytest.approx(expected, rel=1e-9)


def test_edge_orientations_of_one_channel_are_as_long_as_its_gradient() -> None:
    x = noise(1, 9, 8)
    across, down = (x[0, 1:-1, 2:] - x[0, 1:-1, :-2]) / 2, (x[0, 2:, 1:-1] - x[0, :-2, 1:-1]) / 2
    torch.testing.assert_close(edge_orientations(x).norm(dim=0), torch.hypot(across, down))


def test_gradient_similarity_with_itself_is_1() -> None:
    assert gradient_similarity(scene(), scene()) == pytest.approx(1)


def test_gradient_similarity_hardly_sees_contrast_inversion_or_brightness() -> None:
    for changed in (scene() * 0.5, -scene(), scene() + 0.1):
        assert gradient_similarity(changed, scene()) > 0.9  # CIELAB is not linear in sRGB


def test_gradient_similarity_finds_edges_of_hue_alone() -> None:
    blobs = scene().mean(dim=0).sign()
    hue = 0.3 * torch.stack([blobs, -0.51 * blobs, torch.zeros_like(blobs)])  # about the same luminance
    light = 0.4 * blobs.expand(3, -1, -1)
    assert luminance(hue).std() < 0.01
    assert gradient_similarity(light, hue) > 0.9


def test_gradient_similarity_of_unrelated_pictures_is_near_0() -> None:
    assert gradient_similarity(scene(seed=5), scene()) == pytest.approx(0, abs=0.2)


def test_gradient_similarity_of_a_flat_picture_is_0() -> None:
    assert gradient_similarity(torch.zeros(3, 96, 121), scene()) == pytest.approx(0, abs=1e-3)


def test_gradient_similarity_of_edges_across_each_other_is_near_minus_1() -> None:
    ramp = torch.linspace(-1, 1, 40).expand(3, 40, 40)
    assert gradient_similarity(ramp, ramp.mT, sizes=(40,)) < -0.95  # the ramp bends in CIELAB


def test_gradient_similarity_falls_as_content_moves() -> None:
    found = [gradient_similarity(scene().roll(k, 2)[..., 20:], scene()[..., 20:]) for k in (0, 2, 4, 8)]
    assert found == sorted(found, reverse=True)
    assert found[-1] < 0.5


def test_gradient_similarity_hardly_sees_strokes() -> None:
    large = 0.4 * torch.nn.functional.interpolate(scene()[None], scale_factor=6, mode="bicubic")[0].sign()
    strokes = gaussian_blur2d(noise(1, 3, *large.shape[1:], seed=3), (5, 11), (0.7, 2.0))[0]
    found = gradient_similarity(large + 12 / 127.5 * strokes / strokes.std(), large)  # as strong as paint
    assert found > 0.9


@pytest.mark.parametrize(("height", "width"), [(3, 3), (9, 64), (300, 77)])
def test_gradient_similarity_takes_any_size(height: int, width: int) -> None:
    x = noise(3, height, width)
    assert gradient_similarity(x, x) == pytest.approx(1)


def test_gradient_similarity_refuses_a_strip() -> None:
    strip = torch.zeros(3, 4, 200)
    with pytest.raises(ConfigError, match=r"picture of 200x4 px is too narrow .* at 32 px; crop it to a"):
        gradient_similarity(strip, strip)


# SSIM


def slow_contrast_structure(a: Tensor, b: Tensor) -> float:
    """Eqs. 9 and 10 at every position where the window lies inside."""
    offsets = range(-5, 6)
    window = {(i, j): math.exp(-(i * i + j * j) / (2 * 1.5**2)) for i in offsets for j in offsets}
    total = sum(window.values())
    c2 = (0.03 * 255) ** 2
    values = []
    for y in range(5, a.shape[0] - 5):
        for x in range(5, a.shape[1] - 5):
            means = [sum(w * float(p[y + i, x + j]) for (i, j), w in window.items()) / total for p in (a, b)]
            moments = {(s, t): 0.0 for s in range(2) for t in range(2)}
            for (i, j), w in window.items():
                centred = [float(p[y + i, x + j]) - m for p, m in zip((a, b), means, strict=True)]
                for s, t in moments:
                    moments[s, t] += w / total * centred[s] * centred[t]
            values.append((2 * moments[0, 1] + c2) / (moments[0, 0] + moments[1, 1] + c2))
    return sum(values) / len(values)


def test_contrast_structure_equals_a_slow_loop() -> None:
    a, b = 0.3 * noise(3, 13, 14).double(), 0.3 * noise(3, 13, 14, seed=2).double()
    b += a
    expected = slow_contrast_structure(luminance(a) * 127.5, luminance(b) * 127.5)
    assert contrast_structure(a, b) == pytest.approx(expected, rel=1e-6)


def test_contrast_structure_with_itself_is_1() -> None:
    assert contrast_structure(scene(), scene()) == pytest.approx(1)


def test_contrast_structure_does_not_see_brightness() -> None:
    assert contrast_structure(scene() + 0.1, scene()) == pytest.approx(1, abs=1e-4)  # squares in float32


def test_contrast_structure_of_the_negative_is_below_0() -> None:
    x = scene() + 0.1 * noise(3, 96, 121)
    assert contrast_structure(-x, x) < -0.3


def test_contrast_structure_falls_with_blur() -> None:
    blurred = [gaussian_blur2d(scene()[None], (31, 31), (s, s))[0] for s in (1.0, 3.0, 6.0)]
    found = [contrast_structure(x, scene()) for x in (scene(), *blurred)]
    assert found == sorted(found, reverse=True)


def test_contrast_structure_of_large_pictures_is_that_of_their_reduction() -> None:
    a, b = scene(520, 530), scene(520, 530, seed=1)
    reduced = [torch.nn.functional.avg_pool2d(x, 2) for x in (a, b)]
    assert contrast_structure(a, b) == pytest.approx(contrast_structure(*reduced), rel=1e-4)


def test_contrast_structure_refuses_pictures_smaller_than_its_window() -> None:
    with pytest.raises(
        ConfigError, match="pictures of 40x10 px are too small for SSIM; give pictures of at least 11 px"
    ):
        contrast_structure(torch.zeros(3, 10, 40), torch.zeros(3, 10, 40))
