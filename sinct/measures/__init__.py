"""Measures of a translation against its painting and its photo."""
