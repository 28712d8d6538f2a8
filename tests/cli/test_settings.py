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
    assert facts["nce_weight"]["default"] == 0.75
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


@pytest.mark.parametrize(
    ("words", "near"),
    [
        ("translate a b -o c.png --preset standrd", "standard"),
        ("folders train a b --run-dir r --method fastcu", "fastcut"),
        ("settings --method cut-mocco", "cut-moco"),
        ("batch run a --photo b -o c --match palete", "palette"),
        ("batch a --photo b -o c --preset standrd", "standard"),
        ("compare PAIR -o OUT --methods gpmd", "gpdm"),
        ("compare PAIR -o OUT --without strots", "strotss"),
        ("compare PAIR -o OUT --methods gpdm --set gpdm.patch_sizes=3", "patch_size"),
        ("compare PAIR -o OUT --methods gpdm --set gpmd.patch_size=3", "gpdm"),
        ("translate PAIR -o OUT.png --presets instant,draff", "draft"),
        ("translate PAIR -o OUT.png --set nce_wieght=2", "nce_weight"),
    ],
)
def test_mistyped_name_is_told_with_the_one_that_is_meant(words, near, make_picture, tmp_path):
    pair = f"{make_picture('a.png')} {make_picture('b.png')}"
    words = words.replace("PAIR", pair).replace("OUT", str(tmp_path / "out"))
    code, _, err = sinct_command(*words.split())
    assert code in (1, 2)
    told = " ".join(err.replace("\u2502", "").split())
    assert f"; did you mean {near}?" in told, told
    assert "Value error" not in told


def test_value_that_resembles_no_choice_is_told_with_the_choices():
    code, _, err = sinct_command("translate", "a", "b", "-o", "c.png", "--preset", "xyz")
    assert code == 2
    assert "'xyz' is not one of 'instant', 'draft'" in " ".join(err.replace("\u2502", "").split())
    assert "did you mean" not in err
