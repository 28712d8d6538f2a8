"""`sinct settings`, and what is said of names that there are not."""

import json

import pytest

import sinct
from sinct.config import describe
from sinct.folders import METHODS
from tests.cli.test_cli import sinct_command

ALL = {"preset": sinct.Config(), **{name: method.settings for name, method in METHODS.items()}}


@pytest.mark.parametrize("name", ALL)
def test_every_setting_has_a_meaning_and_a_range(name):
    found = describe(ALL[name])
    assert [each.name for each in found] == list(ALL[name].names())
    assert [each.name for each in found if not (each.meaning and each.range)] == []


def test_settings_are_shown_with_the_presets_values():
    _, out, _ = sinct_command("settings", "--preset=draft", "--device=cpu", "--json")
    facts = json.loads(out)
    assert set(facts) == set(sinct.Config.names())
    assert facts["nce_weight"]["default"] == 0.5
    assert facts["nce_weight"]["range"] == "a number, 0 or more"
    assert facts["nce_weight"]["meaning"].startswith("weight of PatchNCE. Where strokes are taken out")


def test_one_setting_is_shown_by_its_name():
    _, out, _ = sinct_command("settings", "crop_size", "--device=cpu")
    assert out.startswith("crop_size = 128 (a whole number, above 0)\n    side of a crop")


def test_settings_of_a_method_on_folders_are_its_own():
    _, out, _ = sinct_command("settings", "--method=fastcut", "--json")
    assert json.loads(out)["flip_equivariance"]["default"] is True


@pytest.mark.parametrize(
    "words", [["settings", "nce_wieght"], ["translate", "a", "b", "-o", "c.png", "--set=nce_wieght=1"]]
)
def test_mistyped_setting_is_answered_with_the_one_that_was_meant(words):
    code, _, err = sinct_command(*words)
    assert code == 1
    assert "unknown setting 'nce_wieght'" in err
    assert err.rstrip().endswith("; did you mean nce_weight?")
