"""What holds for every method, one that is added tomorrow included."""

import json
import subprocess
import sys

import pytest
import torch
import torch.nn.functional as F

from sinct.comparison import methods
from sinct.comparison.methods import Job
from sinct.comparison.undertrained import undertrained
from sinct.errors import ConfigError, Interrupted
from sinct.measures import MEASURES
from sinct.runtime.budget import Budget
from sinct.weights.registry import FILES
from sinct.weights.store import Weights

CPU = torch.device("cpu")
SMALL_GAN = {
    "preset": "draft",
    "generator": "sincut",
    "width": 4,
    "discriminator_widths": (4, 8, 8),
    "crops": 2,
    "identity_crops": 1,
    "crop_size": 32,
    "tile_size": 16,
    "min_width": 32,
    "max_width": 48,
    "mixed_precision": False,
}
SETTINGS = {
    "sinct": {**SMALL_GAN, "projection_dimensions": 8, "warm_start": False},
    "cyclegan": SMALL_GAN,
    "gcgan": SMALL_GAN,
}

every_method = pytest.mark.parametrize("name", methods.names())


def picture(height: int, width: int, seed: int) -> torch.Tensor:
    coarse = torch.rand(1, 3, 5, 6, generator=torch.Generator().manual_seed(seed)) * 2 - 1
    return F.interpolate(coarse, (height, width), mode="bicubic").clamp(-1, 1)[0]


def made(name, tmp_path, **budget):
    folder = tmp_path / str(len(list(tmp_path.iterdir())))
    folder.mkdir()
    job = Job(Budget(**budget), CPU, 0, folder, Weights(random=True))
    return methods.find(name).run(picture(53, 71, 0), picture(64, 60, 1), job, **SETTINGS.get(name, {}))


@every_method
def test_result_has_the_paintings_size_and_range(name, tmp_path):
    result = made(name, tmp_path, iterations=1)
    size = (64, 60) if name == "photo" else (53, 71)
    assert result.pixels.shape == (3, *size)
    assert result.pixels.dtype == torch.float32
    assert result.pixels.device == CPU
    assert result.pixels.isfinite().all()
    assert result.pixels.abs().max() <= 1
    json.dumps(dict(result.facts))


@every_method
def test_steps_are_told_where_there_are_any_and_one_is_not_enough(name, tmp_path):
    work = made(name, tmp_path, iterations=1).work
    assert bool(work) == bool(methods.find(name).need)
    assert all(scale.steps == 1 for scale in work)
    assert bool(work) == bool(undertrained(work))


@every_method
def test_same_seed_gives_the_same_picture_and_leaves_global_randomness_alone(name, tmp_path):
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    first = made(name, tmp_path, iterations=1)
    assert torch.rand(3).equal(expected)
    assert made(name, tmp_path, iterations=1).pixels.equal(first.pixels)


@pytest.mark.parametrize("name", [name for name in methods.names() if not methods.find(name).control])
def test_stop_is_obeyed(name, tmp_path):
    with pytest.raises(Interrupted):
        made(name, tmp_path, iterations=1, should_stop=lambda: True)


@every_method
def test_description_is_complete(name):
    method = methods.find(name)
    assert method.title
    assert method.source
    assert set(method.weights) <= set(FILES)
    assert set(method.optimises) <= {measure.name for measure in MEASURES}
    json.dumps(method.settings({}))


def test_names_begin_with_controls_and_sinct():
    names = methods.names()
    assert names[:4] == ("painting", "photo", "colour_transfer", "sinct")
    assert len(set(names)) == len(names)


def test_names_are_listed_without_torch():
    code = (
        "import sys; from sinct.comparison import methods; methods.names(); sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_unknown_method_and_setting_are_refused():
    with pytest.raises(ConfigError, match="unknown method 'pix2pix'; there are painting, photo"):
        methods.find("pix2pix")
    with pytest.raises(ConfigError, match="Colour transfer has no setting 'x'; it has iterations"):
        methods.find("colour_transfer").settings({"x": 1})
