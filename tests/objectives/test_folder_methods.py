"""The published methods."""

import pytest

from sinct.data.folder_sampler import whole_step
from sinct.objectives.folder_methods import METHODS, method_settings
from sinct.training.loop import rate_share

CROPS_TO_THE_END = ("cyclegan", "gcgan", "distancegan", "self-distancegan", "munit", "drit")


@pytest.mark.parametrize("name", [name for name in METHODS if name not in CROPS_TO_THE_END])
def test_pictures_are_whole_from_the_step_at_which_the_rate_falls(name):
    settings = method_settings(name, 10)
    assert settings.steps is not None
    rates = [
        rate_share(step / settings.steps, settings.rate_epochs, settings.rate_constant)
        for step in range(settings.steps)
    ]
    assert whole_step(settings, settings.steps) == next(step for step, rate in enumerate(rates) if rate < 1)


@pytest.mark.parametrize("name", CROPS_TO_THE_END)
def test_other_methods_crop_to_the_end(name):
    settings = method_settings(name, 10)
    assert whole_step(settings, settings.steps) is None


def test_a_length_published_in_steps_is_that_of_folders_of_any_size():
    assert method_settings("munit", 10).steps == method_settings("munit", 99).steps == 1_000_000
