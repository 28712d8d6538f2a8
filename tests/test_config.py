import dataclasses
import json
import math
from typing import Any

import pytest
import torch

from sinct import Config
from sinct.errors import ConfigError
from sinct.networks.choice import make_generator
from sinct.networks.tile_discriminator import Discriminator
from sinct.objectives.cyclegan import CycleSettings
from sinct.presets import PRESETS, STEPS, preset

CPU = torch.device("cpu")

PUBLISHED = {
    "width": 80,  # 3,068,404 parameters, by the authors' published networks
    "discriminator_widths": (32, 64, 128, 256, 384),  # 5,885,473 parameters
    "minibatch_deviation": False,
    "projection_dimensions": 256,  # appendix C.1
    "crops": 16,  # appendix B, as are the next five
    "identity_crops": 16,
    "crop_size": 128,
    "tile_size": 64,
    "min_width": 384,
    "max_width": 1024,
    "free_zoom": False,
    "overhang": 0.0,
    "native_share": 0.0,
    "remove_strokes": False,
    "stroke": 0.0,
    "faithful": 0.5,
    "smoothing": 0.0,
    "recolour": False,
    "repaint": False,
    "texture": False,
    "warm_start": False,
    "tile_play": 0,
    "patch_weight": 0.0,
    "anchor_weight": 0.0,
    "alike": 1.0,
    "grain": 0.0,
    "patience": 0.0,
    "generator": "sincut",
    "calm": False,
    "detail": 1.0,
    "temperature": 0.07,  # section 3
    "depths": (0, 1, 2),
    "queries": 1,
    "shared_positions": True,  # the authors' code, where the appendix is silent
    "nce_weight": 4.0,
    "identity_weight": 1.0,
    "matching_weight": 0.0,
    "r1_weight": 1.0,
    "r1_interval": 1,
    "learning_rate": 0.002,  # appendix C.1
    "rate_constant": 0.5,
    "rate_epochs": 16,  # the authors' code: of 6,250 steps
    "betas": (0.0, 0.99),  # StyleGAN2
    "ema_decay": 0.0,
    "mixed_precision": False,
    "steps": 100_000,
    "seconds": None,
    "seed": 0,
}
SPEED = {"channels_last": True, "reuse_features": True}  # change no result


@pytest.mark.parametrize(("name", "value"), PUBLISHED.items())
def test_default_is_the_published_value(name: str, value: Any) -> None:
    assert getattr(Config(), name) == value
    assert type(getattr(Config(), name)) is type(value)


def test_every_setting_is_compared_with_the_publication() -> None:
    assert {field.name for field in dataclasses.fields(Config)} == PUBLISHED.keys() | SPEED.keys()


# Values

POSITIVE = [
    "width",
    "projection_dimensions",
    "crops",
    "crop_size",
    "tile_size",
    "min_width",
    "max_width",
    "temperature",
    "queries",
    "r1_interval",
    "learning_rate",
]
NOT_NEGATIVE = ["smoothing", "grain", "nce_weight", "identity_weight", "matching_weight", "r1_weight", "seed"]


@pytest.mark.parametrize("name", POSITIVE)
@pytest.mark.parametrize("value", [0, -1, math.nan, math.inf])
def test_setting_must_be_above_0(name: str, value: float) -> None:
    with pytest.raises(ConfigError, match=f"{name} must be above 0, got {value}"):
        Config(**{name: value})


@pytest.mark.parametrize("name", NOT_NEGATIVE)
@pytest.mark.parametrize("value", [-1, math.nan, math.inf])
def test_setting_must_not_be_negative(name: str, value: float) -> None:
    with pytest.raises(ConfigError, match=f"{name} must be 0 or more, got {value}"):
        Config(**{name: value})


@pytest.mark.parametrize("name", NOT_NEGATIVE)
def test_setting_may_be_0(name: str) -> None:
    assert getattr(Config(**{name: 0}), name) == 0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"seed": 2**63}, r"seed must be below 2\*\*63, got 9223372036854775808"),
        ({"overhang": 1.1}, r"overhang must lie in \[0, 1\], got 1\.1"),
        ({"native_share": 1.1}, r"native_share must lie in \[0, 1\], got 1\.1"),
        ({"native_share": -0.1}, r"native_share must lie in \[0, 1\], got -0\.1"),
        ({"ema_decay": math.nan}, r"ema_decay must lie in \[0, 1\], got nan"),
        ({"betas": (0.0, 1.0)}, r"betas must be two numbers in \[0, 1\), got \(0\.0, 1\.0\)"),
        ({"betas": (0.5,)}, r"betas must be two numbers in \[0, 1\), got \(0\.5,\)"),
        ({"identity_crops": 17}, r"identity_crops must lie between 0 and crops \(16\), got 17"),
        ({"identity_crops": -1}, r"identity_crops must lie between 0 and crops \(16\), got -1"),
        ({"crop_size": 96}, r"crop_size must be even and a multiple of tile_size \(64\), got 96"),
        (
            {"crop_size": 5, "tile_size": 5},
            r"crop_size must be even and a multiple of tile_size \(5\), got 5",
        ),
        (
            {"tile_size": 32},
            r"tile_size 32 needs one discriminator width for each halving .*, got 5: \(32, 64",
        ),
        (
            {"discriminator_widths": (32, 64, 0, 8, 8)},
            r"discriminator_widths must be above 0, got \(32, 64, 0, 8, 8\)",
        ),
        (
            {"discriminator_widths": (), "tile_size": 2},
            "tile_size 2 needs one discriminator width for each halving",
        ),
        (
            {"discriminator_widths": (8,), "tile_size": 4, "matching_weight": 1.0},
            "matching_weight needs a discriminator with two or more widths; raise tile_size above 4 px",
        ),
        ({"crops": 1, "identity_crops": 0}, "PatchNCE needs 2 or more positions per picture; raise crops or"),
        ({"identity_crops": 1}, "PatchNCE needs 2 or more positions per picture; raise crops or queries"),
        ({"depths": ()}, r"depths must be some of 0, 1, 2, each once, got \(\)"),
        ({"depths": (1, 3)}, r"depths must be some of 0, 1, 2, each once, got \(1, 3\)"),
        ({"depths": (1, 1)}, r"depths must be some of 0, 1, 2, each once, got \(1, 1\)"),
        ({"min_width": 2000}, "min_width 2000 exceeds max_width 1024"),
        ({"steps": None}, "give the length of the training in steps, in seconds or in both"),
        ({"steps": -1}, "steps must be 0 or more, got -1"),
        ({"steps": 0}, "0 steps would leave the generator random"),
        (
            {"anchor_weight": 1.0, "crop_size": 8, "tile_size": 8, "discriminator_widths": (4, 8)},
            "crop_size to be 16",
        ),
        (
            {"patch_weight": 1.0, "crop_size": 8, "tile_size": 8, "discriminator_widths": (4, 8)},
            "crop_size to be 12",
        ),
        ({"tile_play": 8, "crop_size": 64}, "tile_play needs crops of two or more tiles a side"),
        ({"free_zoom": True, "overhang": 0.5}, "set overhang and native_share to 0"),
        ({"free_zoom": True, "native_share": 0.5}, "set overhang and native_share to 0"),
        ({"tile_play": 40}, "at most half a tile, 32 px"),
        ({"generator": "unet"}, "unknown generator 'unet'; choose one of sincut, compact, crisp, stylegan2"),
        ({"steps": None, "seconds": 0.0}, r"the time must be above 0 seconds, got 0\.0"),
        ({"steps": None, "seconds": math.inf}, "the time must be above 0 seconds, got inf"),
    ],
)
def test_contradiction_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Config(**changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"identity_crops": 0},
        {"crops": 1, "identity_crops": 1, "queries": 2},
        {"crop_size": 8, "tile_size": 4, "discriminator_widths": (3,)},
        {"min_width": 500, "max_width": 500},
        {"steps": None, "seconds": 0.5},
        {"steps": 100, "seconds": 60.0},
        {"steps": 0, "warm_start": True},
        {"ema_decay": 1.0, "native_share": 1.0},
    ],
)
def test_limit_is_accepted(changes: dict[str, Any]) -> None:
    assert Config(**changes) == Config().replace(**changes)


# Dictionaries and types


@pytest.mark.parametrize("config", [Config(), preset("draft", CPU), preset("standard", CPU, seed=3)])
def test_config_survives_json(config: Config) -> None:
    assert Config.from_dict(json.loads(json.dumps(config.to_dict()))) == config


def test_missing_settings_are_the_defaults() -> None:
    assert Config.from_dict({"width": 8}) == Config(width=8)


def version_02(config: Config) -> dict[str, Any]:
    """As versions before the published method was followed to the letter stored these settings."""
    later = {"rate_epochs", "shared_positions", "free_zoom"}
    return {name: value for name, value in config.to_dict().items() if name not in later}


def test_run_of_version_02_goes_on_as_it_began() -> None:
    old = version_02(Config(generator="stylegan2"))
    config = Config.from_run(old)
    assert config == Config(generator="stylegan2", rate_epochs=0, shared_positions=False, r1_weight=0.5)
    assert Config.from_run(config.to_dict()) == config


@pytest.mark.parametrize(("compact", "generator"), [(True, "compact"), (False, "stylegan2")])
def test_generator_of_version_01_is_known_by_a_truth_value(compact: bool, generator: str) -> None:
    old = version_02(Config())
    del old["generator"]
    assert Config.from_run({**old, "compact": compact}).generator == generator


def test_run_of_version_02_without_photo_crops_keeps_its_halved_weight_of_patch_nce() -> None:
    assert Config.from_run(version_02(Config(identity_crops=0))).nce_weight == 2.0


def test_cyclegan_of_version_02_goes_on_as_it_began() -> None:
    old = CycleSettings().to_dict()
    del old["rate_epochs"]
    assert CycleSettings.from_run(old) == CycleSettings(rate_epochs=0, r1_weight=0.5)


def test_unknown_setting_is_refused_with_those_there_are() -> None:
    with pytest.raises(ConfigError, match=r"unknown setting 'widht'; choose one of alike, .*, width"):
        Config.from_dict({"widht": 8})


@pytest.mark.parametrize(
    ("name", "value", "kind"),
    [
        ("width", True, "a whole number"),
        ("width", 8.0, "a whole number"),
        ("width", "8", "a whole number"),
        ("width", None, "a whole number"),
        ("smoothing", True, "a number"),
        ("smoothing", "0", "a number"),
        ("mixed_precision", 1, "true or false"),
        ("depths", 1, "a list of whole numbers"),
        ("depths", [1, True], "a list of whole numbers"),
        ("depths", [1.0], "a list of whole numbers"),
        ("depths", "012", "a list of whole numbers"),
        ("betas", [0.0], "two numbers in [0, 1)"),
        ("betas", [0.0, "1"], "two numbers"),
        ("steps", 2.5, "a whole number"),
        ("seconds", "60", "a number"),
    ],
)
def test_wrong_type_is_refused(name: str, value: Any, kind: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Config.from_dict({name: value})
    got = tuple(value) if isinstance(value, list) else value  # JSON's lists are tuples here
    assert str(caught.value) == f"{name} must be {kind}, got {got!r}"


@pytest.mark.parametrize(
    ("name", "value"),
    [("crops", "x"), ("crops", 1.5), ("betas", 5), ("discriminator_widths", 5), ("seed", [1])],
)
def test_wrong_type_is_refused_from_the_beginning(name: str, value: Any) -> None:
    with pytest.raises(ConfigError, match=f"{name} must be .*, got "):
        Config(**{name: value})


def test_whole_number_for_a_float_becomes_one() -> None:
    assert type(Config().replace(smoothing=1).smoothing) is float


def test_list_for_a_tuple_becomes_one() -> None:
    assert Config().replace(depths=[2, 1]).depths == (2, 1)


def test_replace_checks_values_too() -> None:
    with pytest.raises(ConfigError, match="width must be above 0"):
        Config().replace(width=0)


def test_config_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Config().width = 8


# Presets


@pytest.mark.parametrize("name", PRESETS)
def test_preset_describes_networks_that_can_be_built(name: str) -> None:
    config = preset(name, CPU)
    with torch.device("meta"):  # shapes only
        make_generator(config.generator, config.width)
        Discriminator(config.tile_size, config.discriminator_widths, deviation=config.minibatch_deviation)


def test_paper_preset_is_the_paper_but_for_the_precision() -> None:
    assert preset("paper", CPU).replace(mixed_precision=False) == Config()


def test_authors_preset_has_crops_of_one_tile_each_scaled_on_its_own() -> None:
    authors, paper = (preset(name, CPU).to_dict() for name in ("authors", "paper"))
    changed = {name: value for name, value in authors.items() if value != paper[name]}
    assert changed == {"crop_size": 64, "free_zoom": True}
    assert authors["tile_size"] == 64


@pytest.mark.parametrize("name", STEPS)
def test_our_presets_have_the_balance_of_r1_from_before_the_loss_was_halved(name: str) -> None:
    assert preset(name, CPU).r1_weight == 0.5


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("length", [{}, {"seconds": 5.0}, {"steps": 3}, {"steps": 2, "seconds": 5.0}])
def test_steps_given_replace_the_presets_and_a_time_is_added(name: str, length: dict[str, Any]) -> None:
    config = preset(name, CPU, **length)
    own = {"seconds": None, "steps": STEPS.get(name, 100_000)}
    assert {"seconds": config.seconds, "steps": config.steps} == {**own, **length}


@pytest.mark.parametrize("name", PRESETS)
def test_preset_has_the_same_steps_on_every_device(name: str) -> None:
    assert preset(name, torch.device("mps")).steps == preset(name, CPU).steps


def test_seed_given_is_that_of_the_config() -> None:
    assert preset("draft", CPU, seed=5) == dataclasses.replace(preset("draft", CPU), seed=5)


def test_presets_come_in_order_of_their_length() -> None:
    lengths = [preset(name, CPU).steps for name in PRESETS]
    assert lengths == sorted(lengths)
    assert lengths[0] == 0


def test_unknown_preset_is_refused_with_those_there_are() -> None:
    with pytest.raises(ConfigError, match="unknown preset 'best'; choose one of instant, draft, standard"):
        preset("best", CPU)


def test_length_out_of_range_is_refused() -> None:
    with pytest.raises(ConfigError, match="steps must be 0 or more, got -3"):
        preset("draft", CPU, steps=-3)
