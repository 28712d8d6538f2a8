import pytest
import torch
import torch.nn.functional as F

from sinct import Config
from sinct.comparison import methods
from sinct.comparison.methods import Job
from sinct.comparison.methods.cyclegan import METHOD, CycleTrainer
from sinct.errors import Interrupted
from sinct.objectives.cut import Trainer
from sinct.runtime.budget import Budget
from sinct.training.run_directory import RunDirectory
from sinct.weights.store import Weights

CPU = torch.device("cpu")


def picture(height: int, width: int, seed: int) -> torch.Tensor:
    coarse = torch.rand(1, 3, 5, 6, generator=torch.Generator().manual_seed(seed)) * 2 - 1
    return F.interpolate(coarse, (height, width), mode="bicubic").clamp(-1, 1)[0]


PAINTING, PHOTO = picture(45, 60, 0), picture(50, 64, 1)


def trainer(config: Config, cycle_weight: float = 10.0, identity_weight: float = 5.0) -> CycleTrainer:
    weights = {"cycle_weight": cycle_weight, "identity_weight": identity_weight}
    return CycleTrainer([PAINTING], [PHOTO], config, CPU, **weights)


def job(tmp_path, **budget) -> Job:
    return Job(Budget(**budget), CPU, 0, tmp_path, Weights())


def tiny_settings(tiny: Config) -> dict:
    names = (
        "compact patience width discriminator_widths projection_dimensions crops identity_crops crop_size tile_size "
        "min_width max_width mixed_precision"
    )
    return {name: getattr(tiny, name) for name in names.split()}


def test_losses_equal_the_objective_written_out(tiny):
    made = trainer(tiny)
    x, _, y, _ = made.sample()
    G, F_ = made.generator, made.backward
    with torch.no_grad():
        cycle = (F_(G(x)) - x).abs().mean() + (G(F_(y)) - y).abs().mean()
        identity = (G(y) - y).abs().mean() + (F_(x) - x).abs().mean()
    losses = made.step(x, x, y, y)
    torch.testing.assert_close(losses.cycle, cycle, rtol=1e-4, atol=1e-5)  # batches in another order
    torch.testing.assert_close(losses.identity, identity, rtol=1e-4, atol=1e-5)


def test_every_network_learns(tiny):
    made = trainer(tiny)
    before = {name: tensor.clone() for name, tensor in made.state().items()}
    made.step(*made.sample())
    after = made.state()
    for network in ("generator", "backward", "discriminator", "backward_discriminator"):
        weights = [name for name in before if name.startswith(f"{network}.") and name.endswith("weight")]
        assert weights
        assert not [name for name in weights if before[name].equal(after[name])]


def test_generators_terms_do_not_reach_the_discriminators(tiny):
    made = [trainer(tiny, cycle_weight=weight) for weight in (0.0, 50.0)]
    for each in made:
        each.step(*each.sample())
    for ours, theirs in zip(*(each.discriminator.parameters() for each in made), strict=True):
        assert ours.equal(theirs)


def test_crops_and_first_weights_are_those_of_sinct(tiny):
    ours, sincts = trainer(tiny), Trainer([PAINTING], [PHOTO], tiny, CPU)
    for crops, theirs in zip(ours.sample(), sincts.sample(), strict=True):
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


@pytest.mark.parametrize("name", ["sinct", "cyclegan"])
def test_method_translates_the_whole_picture(tiny, tmp_path, name):
    method = methods.find(name)
    result = method.run(PAINTING, PHOTO, job(tmp_path, iterations=2), preset="draft", **tiny_settings(tiny))
    assert result.pixels.shape == PAINTING.shape
    assert result.pixels.abs().max() <= 1
    assert result.facts["steps"] == 2


@pytest.mark.parametrize("name", ["sinct", "cyclegan"])
def test_method_goes_on_after_an_interruption(tiny, tmp_path, name):
    method, asked = methods.find(name), iter([False, False, False, True])
    settings = {"preset": "draft", **tiny_settings(tiny)}
    stopping = job(tmp_path, iterations=6, should_stop=lambda: next(asked, True))
    with pytest.raises(Interrupted, match="the same command goes on from here"):
        method.run(PAINTING, PHOTO, stopping, **settings)
    stopped_at = len(RunDirectory(tmp_path / "run").read_log())
    result = method.run(PAINTING, PHOTO, job(tmp_path, iterations=6), **settings)
    assert result.facts["steps"] == 6
    assert stopped_at <= 6


def test_settings_are_the_papers():
    settings = METHOD.settings({})
    assert (settings["cycle_weight"], settings["identity_weight"]) == (10, 5)
