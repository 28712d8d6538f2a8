import torch
import torch.nn.functional as F

from sinct.losses.patches import patch_distance


def random() -> torch.Generator:
    return torch.Generator().manual_seed(1)


def crops(seed: int) -> torch.Tensor:
    return torch.randn(4, 3, 48, 48, generator=torch.Generator().manual_seed(seed)).clamp(-1, 1)


def test_equal_crops_have_no_distance_in_any_order():
    x = crops(0)
    assert patch_distance(x, x, random()) == 0
    torch.testing.assert_close(patch_distance(x, x.flip(0), random()), torch.tensor(0.0))


def test_texture_of_one_kind_is_near_and_a_blurred_one_far():
    sharp, other = crops(0), crops(1)
    soft = F.avg_pool2d(sharp, 3, stride=1, padding=1)
    assert patch_distance(sharp, other, random()) < 0.1 < 0.3 < patch_distance(soft, other, random())


def test_brightness_does_not_count():
    x = 0.5 * crops(0)
    torch.testing.assert_close(patch_distance(x + 0.3, x, random()), torch.tensor(0.0), atol=1e-4, rtol=0)


def test_the_gradient_sharpens_a_soft_picture():
    wanted = crops(1)
    soft = F.avg_pool2d(crops(0), 3, stride=1, padding=1).requires_grad_()
    before = patch_distance(soft, wanted, random())
    (gradient,) = torch.autograd.grad(before, soft)
    after = patch_distance(soft - 0.1 * gradient / gradient.abs().max(), wanted, random())
    assert after < before


def test_wanted_crops_get_no_gradient():
    x, wanted = crops(0).requires_grad_(), crops(1).requires_grad_()
    patch_distance(x, wanted, random()).backward()
    assert x.grad is not None
    assert wanted.grad is None
