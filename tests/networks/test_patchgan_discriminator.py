import pytest
import torch
from torch.autograd import gradcheck

from sinct.networks import patchgan_discriminator
from sinct.networks.patchgan_discriminator import PatchDiscriminator
from tests.support.networks import noise, with_random_biases
from tests.support.reference import published, published_patchgan


def discriminator(width: int = 2) -> PatchDiscriminator:
    """A tiny one with random biases, in float64."""
    return with_random_biases(lambda: PatchDiscriminator(width))


def test_discriminator_has_the_published_number_of_parameters() -> None:
    assert sum(parameter.numel() for parameter in PatchDiscriminator().parameters()) == 2_764_737


def test_logits_are_those_of_the_published_code() -> None:
    values = published("patchgan_discriminator")
    logits = published_patchgan(values)(values["in.picture"])
    torch.testing.assert_close(logits, values["out.logits"], rtol=0, atol=1e-4)


@pytest.mark.parametrize(
    ("size", "logits"), [((24, 24), (1, 1)), ((25, 33), (1, 2)), ((64, 72), (6, 7)), ((256, 256), (30, 30))]
)
def test_one_logit_for_each_patch(size: tuple[int, int], logits: tuple[int, int]) -> None:
    found = discriminator()(noise(2, 3, *size))
    assert found.shape == (2, 1, *logits)
    assert found.isfinite().all()


def test_batch_equals_its_items_one_by_one() -> None:
    network, batch = discriminator(), noise(3, 3, 33, 40)
    torch.testing.assert_close(network(batch), torch.cat([network(item[None]) for item in batch]))


@pytest.mark.parametrize("size", [(23, 64), (64, 23), (1, 1)])
def test_pictures_without_a_logit_are_refused(size: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match=rf"at least 24x24 px, got \(1, 3, {size[0]}, {size[1]}\); enlarge"):
        discriminator()(noise(1, 3, *size))


def test_logit_sees_what_three_halvings_and_five_convolutions_see(monkeypatch: pytest.MonkeyPatch) -> None:
    """4 px, then 3 more of each convolution and 2 of each filter, at the resolution they work on; without norms."""
    monkeypatch.setattr(patchgan_discriminator, "_active", lambda maps: maps)
    x = noise(1, 3, 200, 200).requires_grad_()
    discriminator()(x)[0, 0, 11, 11].backward()
    seen = 4 + 2 + 2 * (3 + 2) + 4 * (3 + 2) + 8 * (3 + 3)
    for places in x.grad[0].abs().sum(dim=0).nonzero(as_tuple=True):
        assert places.max() - places.min() + 1 == seen


def test_discriminator_passes_gradcheck() -> None:
    assert gradcheck(discriminator(), noise(1, 3, 24, 26).requires_grad_(), fast_mode=True)
