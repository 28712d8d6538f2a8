"""Measurements of speed and memory, printed with machine and versions; never part of the tests."""
