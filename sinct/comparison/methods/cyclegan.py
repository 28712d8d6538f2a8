"""CycleGAN with the crops and networks that sinct uses (see `sinct.objectives.cyclegan`)."""

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
        job: budget, device, seed and folder.
        preset: instant, draft, standard or paper. The presets are sinct's, so that only the objective differs.
        cycle_weight: see `CycleSettings`.
        identity_weight: see `CycleSettings`.
        changes: other settings of `CycleSettings`.
    """
    # Both generators see their pictures as they are: the presets' grain and repainting are for sinct's objective.
    weights = {"cycle_weight": cycle_weight, "identity_weight": identity_weight}
    plain = {"grain": 0.0, "repaint": False, **weights, **changes}
    return train_and_translate(CycleTrainer, painting, photo, job, preset=preset, changes=plain)


METHOD = Method(
    title="Patch CycleGAN",
    source="Zhu et al. 2017, arXiv:1703.10593, on crops as in Park et al. 2020, appendix B",
    run=run,
    further=CycleSettings.names(),
)
