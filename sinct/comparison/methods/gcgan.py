"""GcGAN with the crops and networks of sinct, on the pictures as they are (see `sinct.objectives.gcgan`)."""

from typing import Any

from torch import Tensor

from sinct.comparison.methods import Job, Method, Result
from sinct.comparison.methods._gan import PLAIN, further_settings, train_and_translate
from sinct.objectives.gcgan import GcSettings, GcTrainer


def run(
    painting: Tensor,
    photo: Tensor,
    job: Job,
    *,
    preset: str = "standard",
    geometry: str = GcSettings.geometry,
    geometry_weight: float = GcSettings.geometry_weight,
    identity_weight: float = GcSettings.identity_weight,
    **changes: Any,
) -> Result:
    """Train for the whole budget, or for `steps` within it, and translate.

    Args:
        painting: (3, H, W) in [-1, 1].
        photo: (3, H', W') in [-1, 1].
        job: budget, device, seed and folder.
        preset: draft, standard, paper or authors. Networks, crops, length and optimiser are sinct's.
        geometry: see `GcSettings`.
        geometry_weight: see `GcSettings`.
        identity_weight: see `GcSettings`.
        changes: other settings of `GcSettings`.
    """
    own = {"geometry": geometry, "geometry_weight": geometry_weight, "identity_weight": identity_weight}
    return train_and_translate(
        GcTrainer, painting, photo, job, preset=preset, changes={**PLAIN, **own, **changes}
    )


METHOD = Method(
    title="Patch GcGAN",
    source="Fu et al. 2019, arXiv:1809.05852, on crops as in Park et al. 2020, appendix B",
    run=run,
    further=further_settings(GcSettings),
    need="the steps of its preset, 250 for standard, so that it trains as long as sinct",
    on_request=True,
)
