"""A few damaged files of every kind; `test_fuzzed_files` reads many more in processes of their own."""

import warnings
from contextlib import suppress

import pytest

from sinct.errors import SinctError
from sinct.pictures.decoding import read_header
from sinct.pictures.picture import read_picture
from tests.support.fuzzing.kinds import KINDS


@pytest.mark.parametrize("kind", KINDS)
def test_damaged_file_gives_a_result_or_one_line(kind, tmp_path):
    for number in range(6):
        path = tmp_path / f"{number}.{kind}"
        path.write_bytes(KINDS[kind].damaged(number)[0])
        with warnings.catch_warnings(), suppress(SinctError):
            warnings.simplefilter("ignore")
            pixels = 0
            with suppress(SinctError):
                width, height = read_header(path).size
                pixels = width * height
            if pixels < 4_000_000:
                read_picture(path)
