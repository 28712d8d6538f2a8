"""Settings to start from, for the device found."""

import dataclasses

import torch

from sinct.errors import ConfigError
from sinct.networks.tile_discriminator import WIDTHS
from sinct.objectives.cut import CutSettings
from sinct.runtime.device import gains_from_bfloat16

PRESETS = ("draft", "standard", "paper")


def preset(
    name: str,
    device: torch.device,
    *,
    seconds: float | None = None,
    steps: int | None = None,
    seed: int = 0,
) -> CutSettings:
    """Settings of a preset on a device.

    `paper` is the method as published, in bfloat16 where the device gains from it. `draft` and `standard` are ours,
    for a person who waits: a compact generator, few crops with many queries each, a smaller PatchNCE weight on
    deeper features only and with keys from the smoothed painting (strokes and palette are then free to
    change), strokes reduced and grain laid in what the generator sees, the photo painted to learn the way back
    from in pixels and in the discriminator's features, edges seen as often as the middle, most steps at the
    pictures' own size, lazy R1, a running average and its best state.

    Args:
        name: draft, standard or paper.
        device: that will train.
        seconds: length by the clock, instead of the preset's own.
        steps: length in steps, instead of the preset's own.
        seed: makes the training repeatable.

    Raises:
        ConfigError: an unknown preset, or both lengths given.
    """
    if name not in PRESETS:
        raise ConfigError(f"unknown preset {name!r}; there are {', '.join(PRESETS)}")
    if steps is not None and seconds is not None:
        raise ConfigError("give either a time or a number of steps, not both")
    config = _ours(name, device) if name != "paper" else CutSettings()
    config = dataclasses.replace(config, mixed_precision=gains_from_bfloat16(device))
    if steps is not None or seconds is not None:
        config = dataclasses.replace(config, steps=steps, seconds=seconds)
    return dataclasses.replace(config, seed=seed)


def _ours(name: str, device: torch.device) -> CutSettings:
    """Chosen by measures and by looking at pictures made within the same time on two CPU cores (benchmarks/)."""
    small = device.type == "cpu"  # a GPU affords more
    times = {"draft": 120.0 if small else 15.0, "standard": 300.0 if small else 60.0}
    crops = 4 if small else 16
    return CutSettings(
        compact=True,
        width=48 if small else 64,
        discriminator_widths=(32, 64, 96, 128, 192) if small else WIDTHS,
        crops=crops,
        identity_crops=crops // 2,
        depths=(1, 2),
        queries=64,
        overhang=1.0,
        native_share=0.75,
        smoothing=0.3,
        detail=0.3,
        repaint=True,
        grain=0.06,
        patience=1.0,
        nce_weight=0.5,
        matching_weight=1.0,
        # Longer trainings drift away from the painting where the discriminator is free to.
        r1_weight=1.0 if name == "draft" else 10.0,
        r1_interval=8,
        ema_decay=0.995,
        steps=None,
        seconds=times[name],
    )
