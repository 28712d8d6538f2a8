"""Tables as spreadsheets write them."""

import pytest

from sinct.runtime.csv_files import read_csv


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_delimiter_is_told_from_the_first_line(delimiter):
    text = "painting,photo,output\na.png,b.png,\n".replace(",", delimiter)
    assert read_csv(text) == [(2, {"painting": "a.png", "photo": "b.png", "output": ""})]


def test_names_are_in_lower_case():
    assert read_csv("Painting , PHOTO\r\na,b\r\n") == [(2, {"painting": "a", "photo": "b"})]


def test_quoted_cells_hold_any_characters():
    assert read_csv('painting,photo\n"a\nb","c\u2028d"\ne\x85,f\n') == [
        (3, {"painting": "a\nb", "photo": "c\u2028d"}),
        (4, {"painting": "e\x85", "photo": "f"}),
    ]


def test_semicolons_in_a_cell_are_part_of_it():
    assert read_csv("painting,photo\na,b;c\n") == [(2, {"painting": "a", "photo": "b;c"})]


def test_rows_longer_or_shorter_than_the_first_line():
    assert read_csv("a,b\n1,2,3\n1\n") == [(2, {"a": "1", "b": "2", None: ["3"]}), (3, {"a": "1", "b": None})]


def test_empty_text_has_no_rows():
    assert read_csv("") == []
