import pytest

import sinct
from sinct.variations.plan import FEWEST_STEPS, MOST, divide, plan


@pytest.mark.parametrize(
    ("steps", "count", "part", "whole"),
    [(250, 4, 31, 157), (100, 2, 25, 75), (100, 4, 12, 64), (100, 1, 50, 100), (40, 4, 5, 25)],
)
def test_half_of_the_steps_go_to_the_candidates(steps, count, part, whole):
    found = divide(steps, None, count)
    assert (found.steps, round(found.until * found.steps)) == (whole, part)


@pytest.mark.parametrize("count", [1, 2, 3, 5, 16])
@pytest.mark.parametrize("steps", [None, 160, 1234])
def test_candidates_and_the_chosen_one_take_the_budget_by_the_clock_too(steps, count):
    found = divide(steps, 600.0, count)
    part = found.until * found.seconds
    assert (count - 1) * part + found.seconds == pytest.approx(600)
    assert count * part == pytest.approx(300, rel=0.07)  # parts of steps are whole


@pytest.mark.parametrize("steps", [160, 163, 1234])
def test_no_step_of_the_budget_is_lost(steps):
    found = divide(steps, None, 16)
    assert 15 * round(found.until * found.steps) + found.steps == steps


def test_a_part_is_reached_at_its_last_step_exactly():
    """The loop compares steps done by all steps with the share, so that must not be rounded up."""
    for steps in range(40, 400):
        found = divide(steps, None, 4)
        part = steps // 8
        assert (part - 1) / found.steps < found.until <= part / found.steps


def test_too_few_steps_for_so_many_are_refused_with_how_many_it_takes():
    with pytest.raises(
        sinct.ConfigError, match=r"39 steps leave 4 for each of 4 candidates.*`steps=40` or more"
    ):
        divide(39, None, 4)
    assert FEWEST_STEPS * 8 == 40


def planned(budget, by_preset=None, photos=("a",), seeds=1, each_photo=False, each_faithful=()):
    by_preset = {"standard": budget} if by_preset is None else by_preset
    return plan(budget, by_preset, photos, seeds=seeds, each_photo=each_photo, each_faithful=each_faithful)


@pytest.fixture
def budget(tiny):
    return tiny.replace(steps=400, seed=7)


def test_seeds_are_counted_up_from_the_settings(budget):
    assert [each.settings.seed for each in planned(budget, seeds=4)] == [7, 8, 9, 10]


def test_each_photo_by_itself_or_all_together(budget):
    alone = planned(budget, photos=("a", "b"), each_photo=True)
    assert [each.photos for each in alone] == [(0,), (1,)]
    together = planned(budget, photos=("a", "b"), seeds=2)
    assert [each.photos for each in together] == [(0, 1), (0, 1)]


def test_photos_presets_and_seeds_are_combined(budget):
    other = budget.replace(queries=2)
    found = planned(budget, {"one": budget, "two": other}, ("a", "b"), seeds=2, each_photo=True)
    assert [(each.photos, each.preset, each.settings.seed) for each in found] == [
        ((photo,), name, seed) for photo in (0, 1) for name in ("one", "two") for seed in (7, 8)
    ]


def test_values_of_faithful_are_combined_with_seeds_and_share_the_budget(budget):
    removing = budget.replace(remove_strokes=True)
    found = planned(removing, seeds=2, each_faithful=(0.25, 1))
    assert [(each.settings.faithful, each.settings.seed) for each in found] == [
        (0.25, 7),
        (0.25, 8),
        (1, 7),
        (1, 8),
    ]
    assert {each.settings.steps for each in found} == {divide(400, None, 4).steps}


def test_lengths_of_presets_do_not_count(budget):
    found = planned(budget, {"one": budget.replace(steps=9), "two": budget.replace(queries=2, seconds=3.0)})
    assert [(each.settings.steps, each.settings.seconds) for each in found] == [(300, None)] * 2


def test_a_preset_of_no_steps_trains_nothing_and_takes_nothing_of_the_budget(budget):
    ready = budget.replace(warm_start=True)
    found = planned(ready, {"instant": ready.replace(steps=0), "draft": ready})
    assert [(each.settings.steps, each.until) for each in found] == [(0, 1.0), (400, 0.5)]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"seeds": 1}, "one candidate leaves nothing to choose; give `seeds=2`"),
        ({"each_photo": True}, "one candidate leaves nothing to choose"),
        ({"seeds": 0}, "`seeds` must be 2 or more, got 0"),
        ({"each_faithful": (0.25, 0.25)}, "a value of `each_faithful` is there twice; leave one out"),
        ({"each_faithful": (0.25, 1)}, "stroke and faithful say which strokes are taken out, but none are"),
        ({"seeds": MOST + 1}, "17 candidates are too many; give at most 16"),
        ({"photos": ("a", "b", "a"), "each_photo": True}, "photos 1 and 3 are the same picture"),
    ],
)
def test_what_leaves_no_choice_is_refused(options, message, budget):
    with pytest.raises(sinct.ConfigError, match=message):
        planned(budget, **options)


def test_presets_that_differ_only_in_length_are_refused(budget):
    with pytest.raises(sinct.ConfigError, match="presets draft and standard differ only in length"):
        planned(budget, {"draft": budget.replace(steps=9), "standard": budget})


def test_a_budget_of_no_steps_is_refused(budget):
    instant = budget.replace(warm_start=True, steps=0)
    with pytest.raises(sinct.ConfigError, match="0 steps leave nothing to divide"):
        planned(instant, seeds=4)
    with pytest.raises(sinct.ConfigError, match="0 steps leave nothing to divide"):
        planned(instant, {"draft": budget}, seeds=4)
