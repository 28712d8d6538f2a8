import math

import pytest
import torch
from torch.autograd import gradcheck

from sinct.losses.latent import confusion, kl_from_normal, l1, mode_seeking
from tests.support.networks import noise


def test_l1_equals_a_slow_loop():
    one, other = noise(2, 3, 4), 2 * noise(2, 3, 4).flip(0)
    pairs = zip(one.flatten().tolist(), other.flatten().tolist(), strict=True)
    assert l1(one, other).item() == pytest.approx(sum(abs(a - b) for a, b in pairs) / 24)


def test_kl_equals_a_slow_loop():
    """Numbers of a code are summed; 1/2 (μ² + σ² - log σ² - 1) is the closed form for each."""
    mean, log_variance = noise(3, 4), noise(4, 3).T
    codes = []
    for means, logs in zip(mean.tolist(), log_variance.tolist(), strict=True):
        codes.append(
            sum(0.5 * (mu**2 + math.exp(log) - log - 1) for mu, log in zip(means, logs, strict=True))
        )
    assert kl_from_normal(mean, log_variance).item() == pytest.approx(sum(codes) / 3)


def test_kl_is_the_integral_that_the_paper_writes():
    """The integral of p log(p / q) for one number, p = N(0.7, 0.3) and q = N(0, 1), summed up in small steps."""
    mean, variance = 0.7, 0.3
    z = torch.linspace(-8, 8, 100_001, dtype=torch.float64)
    p = torch.distributions.Normal(mean, variance**0.5).log_prob(z)
    q = torch.distributions.Normal(0.0, 1.0).log_prob(z)
    wanted = (p.exp() * (p - q)).sum() * (z[1] - z[0])
    found = kl_from_normal(torch.tensor([[mean]]), torch.tensor([[variance]]).log())
    assert found.item() == pytest.approx(wanted.item(), abs=1e-5)


def test_kl_is_0_for_the_prior_itself():
    assert kl_from_normal(torch.zeros(2, 3), torch.zeros(2, 3)) == 0


def test_confusion_equals_a_slow_loop():
    logits = 3 * noise(2, 1, 3, 3)
    wanted = 0.0
    for logit in logits.flatten().tolist():
        share = 1 / (1 + math.exp(-logit))
        wanted -= 0.5 * math.log(share) + 0.5 * math.log(1 - share)
    assert confusion(logits).item() == pytest.approx(wanted / 18)


def test_confusion_is_least_where_the_discriminator_does_not_know():
    assert confusion(torch.zeros(4)).item() == pytest.approx(math.log(2))
    assert all(confusion(torch.full((4,), logit)) > math.log(2) for logit in (-1.0, 0.5, 30.0))


def test_mode_seeking_equals_a_slow_loop():
    one, other = noise(2, 3, 2, 2), noise(2, 3, 2, 2).flip(1)
    one_code, other_code = noise(2, 5), noise(2, 5).flip(1)
    ratios = []
    for n in range(2):
        pixels = zip(one[n].flatten().tolist(), other[n].flatten().tolist(), strict=True)
        numbers = zip(one_code[n].tolist(), other_code[n].tolist(), strict=True)
        pictures = sum(abs(a - b) for a, b in pixels) / 12
        codes = sum(abs(a - b) for a, b in numbers) / 5
        ratios.append(1 / (pictures / codes + 1e-5))
    found = mode_seeking(one, other, one_code, other_code)
    assert found.item() == pytest.approx(sum(ratios) / 2)


def test_mode_seeking_of_equal_pictures_is_finite():
    picture = noise(1, 3, 2, 2)
    found = mode_seeking(picture, picture, noise(1, 3), -noise(1, 3))
    assert found.item() == pytest.approx(1e5)


@pytest.mark.parametrize("loss", [l1, kl_from_normal])
def test_losses_of_codes_pass_gradcheck(loss):
    assert gradcheck(loss, (noise(2, 3).requires_grad_(), noise(3, 2).T.contiguous().requires_grad_()))


def test_confusion_and_mode_seeking_pass_gradcheck():
    assert gradcheck(confusion, noise(2, 3).requires_grad_())
    given = noise(2, 3, 2, 2), noise(2, 3, 2, 2).flip(1), noise(2, 5), noise(2, 5).flip(1)
    assert gradcheck(mode_seeking, tuple(each.clone().requires_grad_() for each in given))


@pytest.mark.parametrize("loss", [l1, kl_from_normal])
def test_losses_of_codes_are_in_full_precision(loss):
    assert loss(noise(2, 3).bfloat16(), noise(2, 3).bfloat16().flip(0)).dtype == torch.float32
