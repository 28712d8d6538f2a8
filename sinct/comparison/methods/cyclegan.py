"""CycleGAN on the crops and networks that sinct trains with (see `sinct.objectives.cyclegan`)."""

from typing import Any

from torch import Tensor

from sinct.comparison.methods import Job, Method, Result
from sinct.comparison.methods._gan import train_and_translate
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
    """Train for the whole budget and translate.

    Args:
        painting: (3, H, W) in [-1, 1].
        photo: (3, H', W') in [-1, 1].
        job: what is given besides.
        preset: draft, standard or paper; sinct's, so that only the objective differs.
        cycle_weight: see `CycleSettings`.
        identity_weight: likewise.
        changes: any other setting of `CycleSettings`.
    """
    # Both generators meet their domains as they are: what the presets lay over them is for sinct's objective.
    weights = {"cycle_weight": cycle_weight, "identity_weight": identity_weight}
    plain = {"grain": 0.0, "repaint": False, **weights, **changes}
    return train_and_translate(CycleTrainer, painting, photo, job, preset=preset, changes=plain)


METHOD = Method(
    title="Patch CycleGAN",
    source="Zhu et al. 2017, arXiv:1703.10593, on crops as in Park et al. 2020, appendix B",
    run=run,
)
