from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F

from sinct import Config
from sinct.comparison import methods
from sinct.comparison.methods import Job
from sinct.comparison.methods.cyclegan import METHOD
from sinct.errors import ConfigError, Interrupted
from sinct.objectives.cyclegan import CycleTrainer
from sinct.objectives.gcgan import GcTrainer
from sinct.presets import preset as preset_settings
from sinct.runtime.budget import Budget
from sinct.training.run_directory import RunDirectory
from sinct.weights.store import Weights

CPU = torch.device("cpu")


def picture(height: int, width: int, seed: int) -> torch.Tensor:
    coarse = torch.rand(1, 3, 5, 6, generator=torch.Generator().manual_seed(seed)) * 2 - 1
    return F.interpolate(coarse, (height, width), mode="bicubic").clamp(-1, 1)[0]


PAINTING, PHOTO = picture(45, 60, 0), picture(50, 64, 1)


def job(tmp_path, **budget) -> Job:
    return Job(Budget(**budget), CPU, 0, tmp_path, Weights())


def tiny_settings(tiny: Config, name: str) -> dict:
    names = (
        "generator patience width discriminator_widths crops identity_crops crop_size tile_size "
        "min_width max_width mixed_precision"
    )
    own = (
        {"projection_dimensions": tiny.projection_dimensions, "warm_start": False} if name == "sinct" else {}
    )
    return {**own, **{name: getattr(tiny, name) for name in names.split()}}


@pytest.mark.parametrize("name", ["sinct", "cyclegan", "gcgan"])
def test_method_translates_the_whole_picture(tiny, tmp_path, name):
    method = methods.find(name)
    result = method.run(
        PAINTING, PHOTO, job(tmp_path, iterations=2), preset="draft", **tiny_settings(tiny, name)
    )
    assert result.pixels.shape == PAINTING.shape
    assert result.pixels.abs().max() <= 1
    assert result.facts["steps"] == 2


@pytest.mark.parametrize("name", ["sinct", "cyclegan", "gcgan"])
def test_method_goes_on_after_an_interruption(tiny, tmp_path, name):
    method, asked = methods.find(name), iter([False, False, False, True])
    settings = {"preset": "draft", **tiny_settings(tiny, name)}
    stopping = job(tmp_path, iterations=6, should_stop=lambda: next(asked, True))
    with pytest.raises(Interrupted, match="run the same command to continue"):
        method.run(PAINTING, PHOTO, stopping, **settings)
    stopped_at = len(RunDirectory(tmp_path / "run").read_log())
    result = method.run(PAINTING, PHOTO, job(tmp_path, iterations=6), **settings)
    assert result.facts["steps"] == 6
    assert stopped_at <= 6


@pytest.mark.parametrize("name", ["sinct", "cyclegan", "gcgan"])
@pytest.mark.parametrize(
    ("budget", "steps"), [({"seconds": 600}, 3), ({"iterations": 2}, 2), ({"iterations": 9}, 3), ({}, 3)]
)
def test_steps_that_are_asked_for_end_a_training_before_its_budget(tiny, tmp_path, name, budget, steps):
    settings = {"preset": "draft", "steps": 3, **tiny_settings(tiny, name)}
    result = methods.find(name).run(PAINTING, PHOTO, job(tmp_path, **budget), **settings)
    assert result.facts["steps"] == steps


@pytest.mark.parametrize("name", ["sinct", "cyclegan", "gcgan"])
@pytest.mark.parametrize("setting", ["seed", "seconds"])
def test_what_the_comparison_itself_gives_is_no_setting_of_a_method(name, setting):
    with pytest.raises(ConfigError, match=f"has no setting '{setting}'"):
        methods.find(name).settings({setting: 5})


def test_region_maps_guide_sinct_alone(tiny, tmp_path):
    halves = torch.zeros(PAINTING.shape[1:], dtype=torch.long), torch.zeros(PHOTO.shape[1:], dtype=torch.long)
    for labels in halves:
        labels[labels.shape[0] // 2 :] = 1
    for name, guided in (("sinct", True), ("cyclegan", False), ("gcgan", False)):
        method = methods.find(name)
        results = []
        for number, regions in enumerate((None, halves)):
            place = replace(job(tmp_path / f"{name}{number}", iterations=2), regions=regions)
            results.append(
                method.run(PAINTING, PHOTO, place, preset="draft", **tiny_settings(tiny, name)).pixels
            )
        assert torch.equal(*results) != guided


@pytest.mark.parametrize("preset", ["draft", "paper", "authors"])
@pytest.mark.parametrize(("name", "objective"), [("cyclegan", CycleTrainer), ("gcgan", GcTrainer)])
def test_baselines_see_plain_crops_of_both_pictures_with_the_presets_zooms(
    tiny, tmp_path, preset, name, objective
):
    settings = tiny_settings(tiny, name)
    methods.find(name).run(PAINTING, PHOTO, job(tmp_path, iterations=1), preset=preset, **settings)
    config, _ = RunDirectory(tmp_path / "run").read_config(objective)
    assert (config.remove_strokes, config.smoothing, config.detail) == (False, 0.0, 1.0)
    assert (config.calm, config.recolour, config.repaint, config.texture) == (False, False, False, False)
    assert config.grain == 0
    sampler = objective([PAINTING], [PHOTO], config, CPU).sampler
    for pictures, original in ((sampler.paintings, PAINTING), (sampler.photos, PHOTO)):
        assert torch.stack(pictures[0].split(3)).equal(original.expand(2, -1, -1, -1))
    batch = sampler.sample()
    assert batch.painting.equal(batch.content)
    assert batch.painted.equal(batch.photo)
    sincts = preset_settings(preset, CPU)
    for name in (
        "free_zoom",
        "overhang",
        "native_share",
        "tile_play",
        "r1_weight",
        "learning_rate",
        "ema_decay",
    ):
        assert getattr(config, name) == getattr(sincts, name)


def test_preparation_can_still_be_asked_of_cyclegan(tiny, tmp_path):
    settings = tiny_settings(tiny, "cyclegan") | {"smoothing": 0.3}
    METHOD.run(PAINTING, PHOTO, job(tmp_path, iterations=1), preset="draft", **settings)
    assert RunDirectory(tmp_path / "run").read_config(CycleTrainer)[0].smoothing == 0.3


def test_settings_are_the_papers():
    settings = METHOD.settings({})
    assert (settings["cycle_weight"], settings["identity_weight"]) == (10, 5)
    settings = methods.find("gcgan").settings({})
    assert (settings["geometry_weight"], settings["identity_weight"]) == (20, 5)
    assert settings["geometry"] == "rotation"


@pytest.mark.parametrize(
    ("name", "unknown"), [("sinct", "foo"), ("cyclegan", "nce_weight"), ("gcgan", "cycle_weight")]
)
def test_setting_that_the_training_lacks_is_refused_before_any_work(name, unknown):
    with pytest.raises(ConfigError, match=f"has no setting '{unknown}'; it has preset, "):
        methods.find(name).settings({unknown: 1, "crops": 2})


def test_preset_that_does_not_train_takes_no_step_whatever_the_time(tiny_warm_start, tmp_path):
    settings = tiny_settings(tiny_warm_start, "sinct") | {"warm_start": True, "depths": (0, 1, 2)}
    result = methods.find("sinct").run(
        PAINTING, PHOTO, job(tmp_path, seconds=1000.0), preset="instant", **settings
    )
    assert result.facts["steps"] == 0
