"""Measurements of speed, memory and quality, reported with the machine and versions; not part of the tests."""
