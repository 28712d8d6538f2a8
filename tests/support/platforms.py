"""Marks for tests that need what some systems lack."""

import sys

import pytest

WINDOWS = sys.platform == "win32"

needs_signals = pytest.mark.skipif(
    WINDOWS, reason="Windows has no signals that interrupt, end or kill a process"
)
needs_links = pytest.mark.skipif(WINDOWS, reason="Windows lets only administrators make links")
needs_posix_errors = pytest.mark.skipif(WINDOWS, reason="Windows gives other reasons")
