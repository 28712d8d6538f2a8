"""sinct itself: the paper's single-image method as `sinct translate` trains it."""

from typing import Any

from torch import Tensor

from sinct.comparison.methods import Job, Method, Result
from sinct.comparison.methods._gan import further_settings, train_and_translate
from sinct.objectives.cut import CutSettings, Trainer


def run(painting: Tensor, photo: Tensor, job: Job, *, preset: str = "standard", **changes: Any) -> Result:
    """Train for the whole budget, for `steps` within it, or for the preset's where it has no limit, and translate.

    Args:
        painting: (3, H, W) in [-1, 1].
        photo: (3, H', W') in [-1, 1].
        job: budget, device, seed and folder.
        preset: instant, draft, standard, paper or authors.
        changes: other settings of `sinct.Config`.
    """
    return train_and_translate(Trainer, painting, photo, job, preset=preset, changes=changes, guided=True)


METHOD = Method(
    title="sinct",
    source="Park et al. 2020, arXiv:2007.15651, appendix B, with the changes that the README lists",
    run=run,
    further=further_settings(CutSettings),
    need="the steps of its preset: 250 for standard, 100 for draft, 100,000 for paper and authors",
)
