import pytest
import torch
import torch.nn.functional as F

from sinct.errors import ConfigError
from sinct.objectives.cut import CutSettings, Trainer
from sinct.objectives.cyclegan import CycleSettings, CycleTrainer

CPU = torch.device("cpu")


def picture(height: int, width: int, seed: int) -> torch.Tensor:
    coarse = torch.rand(1, 3, 5, 6, generator=torch.Generator().manual_seed(seed)) * 2 - 1
    return F.interpolate(coarse, (height, width), mode="bicubic").clamp(-1, 1)[0]


PAINTING, PHOTO = picture(45, 60, 0), picture(50, 64, 1)


@pytest.fixture
def tiny(tiny: CutSettings) -> CycleSettings:
    """The same settings, as far as CycleGAN has them."""
    known = {name: value for name, value in tiny.to_dict().items() if hasattr(CycleSettings, name)}
    return CycleSettings.from_dict({**known, "cycle_weight": 10.0, "identity_weight": 5.0})


def trainer(config: CycleSettings) -> CycleTrainer:
    return CycleTrainer([PAINTING], [PHOTO], config, CPU)


def test_losses_equal_the_objective_written_out(tiny):
    made = trainer(tiny)
    batch = made.sample()
    x, y = batch.painting, batch.photo
    G, F_ = made.generator, made.backward
    with torch.no_grad():
        cycle = (F_(G(x)) - x).abs().mean() + (G(F_(y)) - y).abs().mean()
        identity = (G(y) - y).abs().mean() + (F_(x) - x).abs().mean()
    losses = made.step(batch)
    torch.testing.assert_close(losses.cycle, cycle, rtol=1e-4, atol=1e-5)  # batches in another order
    torch.testing.assert_close(losses.identity, identity, rtol=1e-4, atol=1e-5)


def test_every_network_learns(tiny):
    made = trainer(tiny)
    before = {name: tensor.clone() for name, tensor in made.state().items()}
    made.step(made.sample())
    after = made.state()
    for network in ("generator", "backward", "discriminator", "backward_discriminator"):
        weights = [name for name in before if name.startswith(f"{network}.") and name.endswith("weight")]
        assert weights
        assert not [name for name in weights if before[name].equal(after[name])]


def test_generators_terms_do_not_reach_the_discriminators(tiny):
    made = [trainer(tiny.replace(cycle_weight=weight)) for weight in (0.0, 50.0)]
    for each in made:
        each.step(each.sample())
    for ours, theirs in zip(*(each.discriminator.parameters() for each in made), strict=True):
        assert ours.equal(theirs)


def test_crops_and_first_weights_are_those_of_sinct(tiny):
    shared = {name: value for name, value in tiny.to_dict().items() if hasattr(CutSettings, name)}
    as_sinct = CutSettings.from_dict({**shared, "queries": 4})
    ours, sincts = trainer(tiny), Trainer([PAINTING], [PHOTO], as_sinct, CPU)
    for crops, theirs in zip(ours.sample()[:4], sincts.sample()[:4], strict=True):
        assert crops.equal(theirs)
    for weights, others in zip(ours.generator.parameters(), sincts.generator.parameters(), strict=True):
        assert weights.equal(others)


def test_stop_and_resume_gives_bit_for_bit_the_same_state(tiny):
    config = tiny.replace(steps=4)
    straight, first, second = trainer(config), trainer(config), trainer(config)
    list(straight.run())
    for _ in zip(range(2), first.run(), strict=False):
        pass
    assert first.steps_done == 2
    second.load_state(first.state(), first.steps_done, 0.0)
    list(second.run())
    for name, tensor in straight.state().items():
        assert tensor.equal(second.state()[name]), name


def test_cycle_loss_falls(tiny):
    losses = list(trainer(tiny.replace(steps=30, width=8)).run())
    assert torch.stack([loss.cycle for loss in losses[-5:]]).mean() < losses[0].cycle


def test_settings_are_the_papers():
    assert (CycleSettings().cycle_weight, CycleSettings().identity_weight) == (10, 5)


def test_settings_of_patch_nce_are_none_of_its_own():
    with pytest.raises(ConfigError, match="unknown setting 'nce_weight'"):
        CycleSettings().replace(nce_weight=1)


def test_every_term_is_described(tiny):
    made = trainer(tiny)
    assert tuple(term.name for term in made.terms) == made.step(made.sample())._fields
