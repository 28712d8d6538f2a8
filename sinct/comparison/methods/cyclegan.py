"""CycleGAN with the crops and networks of sinct, on the pictures as they are (see `sinct.objectives.cyclegan`)."""

from typing import Any

from torch import Tensor

from sinct.comparison.methods import Job, Method, Result
from sinct.comparison.methods._gan import PLAIN, further_settings, train_and_translate
from sinct.objectives.cyclegan import CycleSettings, CycleTrainer


def run(
    painting: Tensor,
    photo: Tensor,
    job: Job,
    *,
    preset: str = "standard",
    cycle_weight: float = CycleSettings.cycle_weight,
    identity_weight: float = CycleSettings.identity_weight,
    **changes: Any,
) -> Result:
    """Train for the whole budget, or for `steps` within it, and translate.

    Args:
        painting: (3, H, W) in [-1, 1].
        photo: (3, H', W') in [-1, 1].
        job: budget, device, seed and folder.
        preset: draft, standard, paper or authors. Networks, crops, length and optimiser are sinct's.
        cycle_weight: see `CycleSettings`.
        identity_weight: see `CycleSettings`.
        changes: other settings of `CycleSettings`.
    """
    # With the painting prepared as for sinct, the cycle would return to what sinct has made of it.
    weights = {"cycle_weight": cycle_weight, "identity_weight": identity_weight}
    return train_and_translate(
        CycleTrainer, painting, photo, job, preset=preset, changes={**PLAIN, **weights, **changes}
    )


METHOD = Method(
    title="Patch CycleGAN",
    source="Zhu et al. 2017, arXiv:1703.10593, on crops as in Park et al. 2020, appendix B",
    run=run,
    further=further_settings(CycleSettings),
    need="the steps of its preset, 250 for standard, so that it trains as long as sinct",
)
