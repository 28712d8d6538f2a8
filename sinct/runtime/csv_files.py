"""Reads tables as spreadsheets write them."""

import csv
import io
from collections.abc import Mapping

DELIMITERS = ",;\t"
"""What may stand between cells; the first line tells which: spreadsheets in much of Europe write semicolons."""


def read_csv(text: str) -> list[tuple[int, Mapping[str | None, str | list[str] | None]]]:
    """Rows of a CSV text with a first line of names, each with the number of its last line.

    Names are in lower case. Cells beyond the names are a list under None, missing cells are None. Quoted cells may hold
    any characters, line breaks too.

    Raises:
        csv.Error: the text is no CSV.
    """
    first = text.lstrip().partition("\n")[0]
    reader = csv.DictReader(
        io.StringIO(text, newline=""), skipinitialspace=True, delimiter=max(DELIMITERS, key=first.count)
    )
    reader.fieldnames = [name.strip().lower() for name in reader.fieldnames or ()]
    return [(reader.line_num, row) for row in reader]
