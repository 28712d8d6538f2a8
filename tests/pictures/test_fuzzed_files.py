"""Damaged files of every kind give a result or a SinctError, in bounded time and memory."""

import os
import sys

import pytest

from tests.support.fuzzing.kinds import KINDS
from tests.support.fuzzing.rounds import fuzz

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="reads its own peak memory from /proc"),
]

FILES = int(os.environ.get("SINCT_FUZZ_FILES", "120"))
"""Files of each kind, always the same ones; `python -m tests.support.fuzzing SECONDS` reads others."""


@pytest.mark.parametrize("kind", KINDS)
def test_damaged_file_gives_a_result_or_one_line(kind):
    pytest.importorskip("pyvips")
    found = fuzz(kind, count=FILES)
    assert found.files == FILES
    assert not found.faults, "\n".join(found.faults[:20])
