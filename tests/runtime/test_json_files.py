"""What a person types as a value."""

import pytest

from sinct.errors import ConfigError
from sinct.runtime.json_files import typed_value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3", 3), ("0.5", 0.5), ("true", True), ("[1,2]", [1, 2]), ('"width"', "width"), ("width", "width"),
        ("left_right", "left_right"), (" crisp ", "crisp"), ("null", None),
    ],
)  # fmt: skip
def test_value_is_typed_in_json_or_as_a_name(text, value):
    assert typed_value(text) == value


@pytest.mark.parametrize("text", ["", "[3", "3 4", "a b", "'width'", "-"])
def test_what_is_neither_json_nor_a_name_is_refused(text):
    with pytest.raises(ConfigError, match="is not a value; give a number, true, false, a name or a list"):
        typed_value(text)
