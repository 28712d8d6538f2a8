"""GcGAN on crops of one pair: its step against the objective written out."""

import pytest
import torch
import torch.nn.functional as F

from sinct.errors import ConfigError
from sinct.objectives.cut import CutSettings
from sinct.objectives.cyclegan import CycleSettings, CycleTrainer
from sinct.objectives.gcgan import GcSettings, GcTrainer

CPU = torch.device("cpu")


def picture(height: int, width: int, seed: int) -> torch.Tensor:
    coarse = torch.rand(1, 3, 5, 6, generator=torch.Generator().manual_seed(seed)) * 2 - 1
    return F.interpolate(coarse, (height, width), mode="bicubic").clamp(-1, 1)[0]


PAINTING, PHOTO = picture(45, 60, 0), picture(50, 64, 1)


@pytest.fixture
def tiny(tiny: CutSettings) -> GcSettings:
    """The same settings, as far as GcGAN has them."""
    known = {name: value for name, value in tiny.to_dict().items() if hasattr(GcSettings, name)}
    return GcSettings.from_dict({**known, "identity_weight": 5.0})


def trainer(config: GcSettings) -> GcTrainer:
    return GcTrainer([PAINTING], [PHOTO], config, CPU)


@pytest.mark.parametrize(
    ("name", "f"), [("rotation", lambda x: x.flip(2).transpose(2, 3)), ("flip", lambda x: x.flip(2))]
)
def test_losses_equal_the_objective_written_out(tiny, name, f):
    made = trainer(tiny.replace(geometry=name))
    batch = made.sample()
    x, y, kept = batch.painting, batch.photo, tiny.identity_crops
    G, D, turned_D = made.generator, made.discriminator, made.turned_discriminator
    with torch.no_grad():
        geometry = 2 * (f(G(x)) - G(f(x))).abs().mean()
        identity = (G(y[:kept]) - y[:kept]).abs().mean() + (G(f(y[:kept])) - f(y[:kept])).abs().mean()
        adversarial_d = sum(
            0.5 * (F.softplus(-judge(made.tiles(real))).mean() + F.softplus(judge(made.tiles(fake))).mean())
            for judge, real, fake in ((D, y, G(x)), (turned_D, f(y), G(f(x))))
        )
    losses = made.step(batch)
    close = {"rtol": 1e-4, "atol": 1e-5}  # batches in another order
    torch.testing.assert_close(losses.geometry, geometry, **close)
    torch.testing.assert_close(losses.identity, identity, **close)
    torch.testing.assert_close(losses.adversarial_d, adversarial_d, **close)
    with torch.no_grad():  # discriminators have learned before the generator, which has not yet
        before = trainer(tiny.replace(geometry=name)).generator
        adversarial_g = sum(
            F.softplus(-judge(made.tiles(fake))).mean()
            for judge, fake in ((D, before(x)), (turned_D, before(f(x))))
        )
    torch.testing.assert_close(losses.adversarial_g, adversarial_g, **close)


def test_every_network_learns(tiny):
    made = trainer(tiny)
    before = {name: tensor.clone() for name, tensor in made.state().items()}
    made.step(made.sample())
    after = made.state()
    for network in ("generator", "discriminator", "turned_discriminator"):
        weights = [name for name in before if name.startswith(f"{network}.") and name.endswith("weight")]
        assert weights
        assert not [name for name in weights if before[name].equal(after[name])]


def test_generators_terms_do_not_reach_the_discriminators(tiny):
    made = [trainer(tiny.replace(geometry_weight=weight)) for weight in (0.0, 50.0)]
    for each in made:
        each.step(each.sample())
    for name in ("discriminator", "turned_discriminator"):
        for ours, theirs in zip(*(getattr(each, name).parameters() for each in made), strict=True):
            assert ours.equal(theirs)


def test_crops_and_first_weights_are_those_of_cyclegan(tiny):
    shared = {name: value for name, value in tiny.to_dict().items() if hasattr(CycleSettings, name)}
    ours, others = trainer(tiny), CycleTrainer([PAINTING], [PHOTO], CycleSettings.from_dict(shared), CPU)
    for crops, theirs in zip(ours.sample()[:4], others.sample()[:4], strict=True):
        assert crops.equal(theirs)
    for weights, theirs in zip(ours.generator.parameters(), others.generator.parameters(), strict=True):
        assert weights.equal(theirs)


def test_stop_and_resume_gives_bit_for_bit_the_same_state(tiny):
    config = tiny.replace(steps=4)
    straight, first, second = trainer(config), trainer(config), trainer(config)
    list(straight.run())
    for _ in zip(range(2), first.run(), strict=False):
        pass
    second.load_state(first.state(), first.steps_done, 0.0)
    list(second.run())
    for name, tensor in straight.state().items():
        assert tensor.equal(second.state()[name]), name


def test_without_identity_crops_there_is_no_identity(tiny):
    made = trainer(tiny.replace(identity_crops=0))
    assert made.step(made.sample()).identity == 0


def test_the_weights_are_those_of_the_authors():
    assert (GcSettings().geometry_weight, GcSettings().identity_weight) == (20, 5)


def test_an_unknown_geometry_is_refused():
    with pytest.raises(ConfigError, match="unknown geometry 'shear'; choose one of rotation, flip"):
        GcSettings(geometry="shear")


def test_every_term_is_described(tiny):
    made = trainer(tiny)
    assert tuple(term.name for term in made.terms) == made.step(made.sample())._fields
