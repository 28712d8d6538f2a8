import pytest

from sinct.errors import counted


@pytest.mark.parametrize(
    ("number", "thing", "more", "words"),
    [
        (0, "step", "", "0 steps"),
        (1, "step", "", "1 step"),
        (1, "step", " more", "1 more step"),
        (1200, "step", " more", "1,200 more steps"),
        (2, "copy", "", "2 copies"),
        (2, "day", "", "2 days"),
    ],
)
def test_one_thing_is_singular_and_all_other_numbers_are_plural(number, thing, more, words):
    assert counted(number, thing, more) == words
