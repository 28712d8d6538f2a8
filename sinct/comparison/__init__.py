"""Compares methods on the same pictures.

`compare.compare` and `pairs.compare_pairs` run and measure the methods and write the report; import them from their
modules, since `sinct --help` imports this package and must not wait for torch. `methods` holds the methods. Each runs
in its own process (`worker`), and one that has an outcome is not run again (`outcomes`).
"""

from sinct.comparison.stage import OnStage, Stage

__all__ = ["OnStage", "Stage"]
