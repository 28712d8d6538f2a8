import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd import gradcheck

from sinct.losses import (
    bank_nce,
    discriminator_loss,
    feature_matching,
    generator_loss,
    least_squares_discriminator_loss,
    least_squares_generator_loss,
    patch_nce,
    r1_penalty,
)
from tests.support.reference import published


def noise(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def unit(n: int, c: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> Tensor:
    return F.normalize(noise(n, c, seed=seed, dtype=dtype), dim=1)


# Adversarial


def test_discriminator_loss_equals_a_slow_loop() -> None:
    real, fake = noise(5).float(), noise(7, seed=1).float()
    expected = sum(math.log1p(math.exp(-x)) for x in real.tolist()) / 5
    expected += sum(math.log1p(math.exp(x)) for x in fake.tolist()) / 7
    assert discriminator_loss(real, fake).item() == pytest.approx(expected / 2, rel=1e-6)  # float32


def test_generator_loss_equals_a_slow_loop() -> None:
    fake = noise(7).float()
    expected = sum(math.log1p(math.exp(-x)) for x in fake.tolist()) / 7
    assert generator_loss(fake).item() == pytest.approx(expected, rel=1e-6)  # float32


def test_adversarial_losses_are_those_of_the_published_code() -> None:
    values = published("losses")
    real, fake = values["logits.real"], values["logits.fake"]
    torch.testing.assert_close(discriminator_loss(real, fake), values["nonsaturating.discriminator"])
    torch.testing.assert_close(generator_loss(fake), values["nonsaturating.generator"])
    torch.testing.assert_close(least_squares_discriminator_loss(real, fake), values["lsgan.discriminator"])
    torch.testing.assert_close(least_squares_generator_loss(fake), values["lsgan.generator"])


def test_least_squares_losses_equal_a_slow_loop() -> None:
    real, fake = noise(2, 1, 3, 2), noise(1, 1, 5, 4, seed=1)
    expected = sum((x - 1) ** 2 for x in real.flatten().tolist()) / 12
    expected += sum(x**2 for x in fake.flatten().tolist()) / 20
    assert least_squares_discriminator_loss(real, fake).item() == pytest.approx(expected / 2)
    expected = sum((x - 1) ** 2 for x in fake.flatten().tolist()) / 20
    assert least_squares_generator_loss(fake).item() == pytest.approx(expected)


def test_discriminator_loss_is_log_2_when_it_cannot_tell() -> None:
    assert discriminator_loss(torch.zeros(3), torch.zeros(4)).item() == pytest.approx(math.log(2))


def test_generator_loss_is_log_2_when_the_discriminator_cannot_tell() -> None:
    assert generator_loss(torch.zeros(4)).item() == pytest.approx(math.log(2))


def test_adversarial_losses_are_finite_for_extreme_logits() -> None:
    extreme = torch.tensor([-1e4, 1e4])
    assert torch.isfinite(discriminator_loss(extreme, extreme))
    assert torch.isfinite(generator_loss(extreme))


def test_generator_loss_does_not_saturate() -> None:
    logits = torch.tensor([-50.0, 0.0, 50.0], requires_grad=True)
    generator_loss(logits).backward()
    torch.testing.assert_close(logits.grad, torch.tensor([-1, -0.5, 0]) / 3)


# float32 inside: a step of 1e-2 keeps its rounding (1e-7) small; the central difference then errs by 1e-5
@pytest.mark.parametrize(
    ("loss", "inputs"),
    [
        (discriminator_loss, 2),
        (generator_loss, 1),
        (least_squares_discriminator_loss, 2),
        (least_squares_generator_loss, 1),
    ],
)
def test_adversarial_loss_passes_gradcheck(loss, inputs: int) -> None:
    logits = tuple(noise(4, seed=seed).requires_grad_() for seed in range(inputs))
    assert gradcheck(loss, logits, eps=1e-2, atol=1e-4)


# R1


def test_r1_of_a_linear_discriminator_is_the_squared_norm_of_its_weights() -> None:
    weight, tiles = noise(3, 4, 4), noise(5, 3, 4, 4, seed=1).requires_grad_()
    penalty = r1_penalty((tiles * weight).sum(dim=(1, 2, 3)), tiles)
    torch.testing.assert_close(penalty, weight.square().sum())


def test_r1_equals_a_slow_loop() -> None:
    """D(x) = Σ x³ has the gradient 3 x², tile by tile."""
    tiles = noise(5, 3, 2, 2).requires_grad_()
    expected = sum(sum((3 * x**2) ** 2 for x in tile.flatten().tolist()) for tile in tiles) / 5
    assert r1_penalty(tiles.pow(3).sum(dim=(1, 2, 3)), tiles).item() == pytest.approx(expected)


def test_r1_passes_gradcheck() -> None:
    tiles = noise(2, 3, 2, 2).requires_grad_()

    def penalty(weight: Tensor) -> Tensor:
        return r1_penalty((tiles * weight).sum(dim=(1, 2, 3)).tanh(), tiles)

    assert gradcheck(penalty, noise(3, 2, 2, seed=1).requires_grad_())


# PatchNCE


def slow_patch_nce(query: Tensor, key: Tensor, temperature: float) -> float:
    """Eqs. 2-3: for each query its own key is the positive and all other keys are negatives."""
    total = 0.0
    for s in range(len(query)):
        similarity = [math.exp(float(query[s] @ other) / temperature) for other in key]
        positive = similarity[s]
        negatives = sum(value for n, value in enumerate(similarity) if n != s)
        total -= math.log(positive / (positive + negatives))
    return total / len(query)


def appendix_patch_nce(f_q: Tensor, f_k: Tensor, tau: float) -> Tensor:
    """Appendix C.3 with its two slips mended: the mask must be bool, and f_k holds the source's features.

    The positive is column 0 of the logits; its second copy on the diagonal is masked out, so each key
    counts once. All crops are one batch item here, so that all share their negatives.
    """
    b, _, s = f_q.shape
    l_pos = (f_k * f_q).sum(dim=1)[:, :, None]
    l_neg = torch.bmm(f_q.transpose(1, 2), f_k)
    l_neg.masked_fill_(torch.eye(s, dtype=torch.bool)[None, :, :], -float("inf"))
    logits = torch.cat((l_pos, l_neg), dim=2) / tau
    return F.cross_entropy(logits.flatten(0, 1), torch.zeros(b * s, dtype=torch.long))


@pytest.mark.parametrize("temperature", [0.07, 0.5])
@pytest.mark.parametrize("positions", [2, 9])
def test_patch_nce_equals_a_slow_loop(positions: int, temperature: float) -> None:
    query, key = unit(positions, 4), unit(positions, 4, seed=1)
    loss = patch_nce(query, key, temperature=temperature)
    assert loss.dtype == torch.float64
    assert loss.item() == pytest.approx(slow_patch_nce(query, key, temperature), rel=1e-12)


@pytest.mark.parametrize(("images", "name"), [(1, "one_bag"), (4, "four_images")])
def test_patch_nce_and_its_gradient_are_those_of_the_published_code(images: int, name: str) -> None:
    values = published("losses")
    query = values["nce.query"].requires_grad_()
    loss = patch_nce(query, values["nce.key"], images=images)
    loss.backward()
    torch.testing.assert_close(loss, values[f"nce.{name}.loss"])
    torch.testing.assert_close(query.grad, values[f"nce.{name}.grad_query"], rtol=0, atol=1e-6)


def test_patch_nce_equals_the_appendix_with_all_crops_in_one() -> None:
    query, key = unit(12, 4), unit(12, 4, seed=1)  # for instance 3 crops of 4 positions
    torch.testing.assert_close(patch_nce(query, key), appendix_patch_nce(query.T[None], key.T[None], 0.07))


def test_patch_nce_of_a_stored_example() -> None:
    query, key = (F.normalize(torch.arange(12.0).double().add(a).sin().view(4, 3), dim=1) for a in (0, 0.5))
    # computed once by slow_patch_nce in float64
    assert patch_nce(query, key, temperature=0.5).item() == pytest.approx(0.7005381328610145, rel=1e-12)


def test_patch_nce_is_log_n_for_equal_features() -> None:
    equal = unit(1, 4).expand(9, 4)
    assert patch_nce(equal, equal).item() == pytest.approx(math.log(9))


def test_patch_nce_of_orthogonal_features_has_a_closed_form() -> None:
    basis = torch.eye(5, dtype=torch.float64)
    expected = math.log(1 + 4 * math.exp(-1 / 0.07))  # similarity 1 to its own key and 0 to four others
    assert patch_nce(basis, basis).item() == pytest.approx(expected)


def test_patch_nce_passes_gradcheck() -> None:
    key = unit(5, 4, seed=1)
    assert gradcheck(lambda query: patch_nce(query, key), unit(5, 4).requires_grad_())


def test_patch_nce_gives_the_key_no_gradient() -> None:
    query, key = unit(5, 4).requires_grad_(), unit(5, 4, seed=1).requires_grad_()
    patch_nce(query, key).backward()
    assert query.grad is not None
    assert key.grad is None


@pytest.mark.parametrize("shapes", [((4, 3), (5, 3)), ((4, 3), (4, 2)), ((2, 4, 3), (2, 4, 3)), ((4,), (4,))])
def test_patch_nce_refuses_shapes(shapes: tuple[tuple[int, ...], ...]) -> None:
    with pytest.raises(ValueError, match=r"queries \(.*\) and keys \(.*\) must have the same shape \(N, C\)"):
        patch_nce(*map(torch.zeros, shapes))


@pytest.mark.parametrize("positions", [0, 1])
def test_patch_nce_needs_a_negative(positions: int) -> None:
    with pytest.raises(ValueError, match=f"needs at least 2 positions to have a negative, got {positions}"):
        patch_nce(torch.ones(positions, 3), torch.ones(positions, 3))


@pytest.mark.parametrize("alike", [1.0, 0.3])
@pytest.mark.parametrize("images", [1, 2, 3, 6])
def test_patch_nce_of_a_batch_is_the_mean_of_its_images(images: int, alike: float) -> None:
    query, key = unit(12, 4).requires_grad_(), unit(12, 4, seed=1)
    one_by_one = [
        patch_nce(*bag, alike=alike) for bag in zip(query.chunk(images), key.chunk(images), strict=True)
    ]
    expected = torch.stack(one_by_one).mean()
    loss = patch_nce(query, key, alike=alike, images=images)
    torch.testing.assert_close(loss, expected)
    torch.testing.assert_close(*(torch.autograd.grad(each, query)[0] for each in (loss, expected)))


@pytest.mark.parametrize("images", [-1, 0, 5])
def test_patch_nce_refuses_images_of_unequal_size(images: int) -> None:
    with pytest.raises(ValueError, match=f"12 queries cannot be divided evenly into {images} images; give"):
        patch_nce(unit(12, 4), unit(12, 4), images=images)


def test_patch_nce_needs_a_negative_in_each_image() -> None:
    with pytest.raises(ValueError, match="needs at least 2 positions to have a negative, got 1"):
        patch_nce(unit(12, 4), unit(12, 4), images=12)


# PatchNCE with a memory bank


def slow_bank_nce(query: Tensor, key: Tensor, bank: Tensor, temperature: float) -> float:
    """For each query its own key is the positive, and the bank's vectors are all negatives."""
    total = 0.0
    for q, k in zip(query, key, strict=True):
        positive = math.exp(float(q @ k) / temperature)
        negatives = sum(math.exp(float(q @ other) / temperature) for other in bank)
        total -= math.log(positive / (positive + negatives))
    return total / len(query)


@pytest.mark.parametrize("temperature", [0.07, 0.5])
@pytest.mark.parametrize(("positions", "size"), [(1, 1), (5, 9), (9, 3)])
def test_bank_nce_equals_a_slow_loop(positions: int, size: int, temperature: float) -> None:
    query, key, bank = unit(positions, 4), unit(positions, 4, seed=1), unit(size, 4, seed=2)
    loss = bank_nce(query, key, bank, temperature=temperature)
    assert loss.dtype == torch.float64
    assert loss.item() == pytest.approx(slow_bank_nce(query, key, bank, temperature), rel=1e-12)


def test_bank_nce_is_patch_nce_where_the_bank_holds_the_other_keys() -> None:
    query, key = unit(6, 4), unit(6, 4, seed=1)
    one_by_one = [
        bank_nce(query[n : n + 1], key[n : n + 1], torch.cat([key[:n], key[n + 1 :]])) for n in range(6)
    ]
    torch.testing.assert_close(torch.stack(one_by_one).mean(), patch_nce(query, key))


def test_bank_nce_is_log_of_the_bank_and_one_for_equal_features() -> None:
    equal = unit(1, 4)
    assert bank_nce(equal, equal, equal.expand(9, 4)).item() == pytest.approx(math.log(10))


def test_bank_nce_gives_the_query_alone_a_gradient() -> None:
    query, key, bank = (unit(5, 4, seed=seed).requires_grad_() for seed in range(3))
    bank_nce(query, key, bank).backward()
    assert query.grad is not None
    assert key.grad is None
    assert bank.grad is None
    assert gradcheck(lambda query: bank_nce(query, key.detach(), bank.detach()), query)


@pytest.mark.parametrize("shape", [(9, 3), (4,), (0, 4)])
def test_bank_nce_refuses_a_bank_that_does_not_fit(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"a bank \(.*\) does not fit queries \(5, 4\); it must be \(K, 4\)"):
        bank_nce(unit(5, 4), unit(5, 4), torch.zeros(shape))


def test_bank_nce_refuses_keys_that_do_not_fit() -> None:
    with pytest.raises(ValueError, match=r"must have the same shape \(N, C\)"):
        bank_nce(unit(5, 4), unit(4, 4), unit(9, 4))


# Feature matching


def test_feature_matching_equals_a_slow_loop() -> None:
    found, wanted = [noise(2, 3, 4, 4), noise(2, 5)], [noise(2, 3, 4, 4, seed=1), noise(2, 5, seed=1)]
    expected = 0.0
    for x, y in zip(found, wanted, strict=True):
        distance = sum(abs(a - b) for a, b in zip(x.flatten().tolist(), y.flatten().tolist(), strict=True))
        expected += distance / sum(abs(b) for b in y.flatten().tolist()) / 2
    assert feature_matching(found, wanted).item() == pytest.approx(expected)


def test_feature_matching_does_not_depend_on_the_maps_scale() -> None:
    found, wanted = [noise(2, 3)], [noise(2, 3, seed=1)]
    scaled = feature_matching([9 * found[0]], [9 * wanted[0]])
    torch.testing.assert_close(scaled, feature_matching(found, wanted))


def test_feature_matching_of_equal_maps_is_0_even_where_they_are_empty() -> None:
    assert feature_matching([noise(3, 4), torch.zeros(2)], [noise(3, 4), torch.zeros(2)]) == 0


def test_feature_matching_passes_gradcheck_and_gives_the_wanted_no_gradient() -> None:
    wanted = noise(3, 4, seed=1).requires_grad_()
    assert gradcheck(lambda x: feature_matching([x], [wanted.detach()]), noise(3, 4).requires_grad_())
    feature_matching([noise(3, 4).requires_grad_()], [wanted]).backward()
    assert wanted.grad is None


# Precision


@pytest.mark.parametrize(
    "loss", [patch_nce, lambda x, y: patch_nce(x, y, images=2), lambda x, y: bank_nce(x, y, y)]
)
def test_nce_is_the_same_under_autocast(loss) -> None:
    query, key = unit(8, 4, dtype=torch.float32), unit(8, 4, seed=1, dtype=torch.float32)
    plain = loss(query, key)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        automatic = loss(query, key)
    assert automatic.dtype == torch.float32
    assert automatic == plain


def test_r1_is_float32_under_autocast() -> None:
    tiles = noise(2, 3, 4, 4, dtype=torch.float32).requires_grad_()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        logits = F.linear(tiles.flatten(1), torch.ones(1, 48)).squeeze(1)
        assert logits.dtype == torch.bfloat16
        assert r1_penalty(logits, tiles).dtype == torch.float32


@pytest.mark.parametrize(
    "loss",
    [
        discriminator_loss,
        patch_nce,
        lambda x, y: bank_nce(x, y, y),
        lambda x, _: generator_loss(x),
        least_squares_discriminator_loss,
        lambda x, _: least_squares_generator_loss(x),
    ],
)
def test_loss_of_bfloat16_is_float32(loss) -> None:
    query, key = unit(8, 4).bfloat16(), unit(8, 4, seed=1).bfloat16()
    assert loss(query, key).dtype == torch.float32


def test_keys_that_look_alike_are_no_negatives() -> None:
    key = F.normalize(torch.tensor([[1.0, 0.0], [0.999, 0.01], [0.0, 1.0]]), dim=1)
    query = F.normalize(torch.tensor([[1.0, 0.1], [1.0, 0.1], [0.1, 1.0]]), dim=1)
    similarity = query @ key.T / 0.07
    told_apart = similarity.clone()
    told_apart[0, 1] = told_apart[1, 0] = -torch.inf
    expected = F.cross_entropy(told_apart, torch.arange(3))
    torch.testing.assert_close(patch_nce(query, key, alike=0.95), expected)
    assert patch_nce(query, key, alike=0.95) < patch_nce(query, key)


def test_without_any_negative_there_is_nothing_to_tell_apart() -> None:
    key = F.normalize(torch.ones(4, 3), dim=1)
    assert patch_nce(key, key, alike=0.9) == 0
