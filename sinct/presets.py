"""Ready-made settings, fitted to the device."""

import dataclasses

import torch

from sinct.errors import ConfigError, did_you_mean
from sinct.objectives.cut import CutSettings
from sinct.runtime.device import gains_from_bfloat16

STEPS = {"instant": 0, "draft": 100, "standard": 250}
"""Length of our presets in steps, the same on every device. Time would make a slow machine's pictures worse."""

PUBLISHED = {"paper": CutSettings(), "authors": CutSettings(crop_size=64, free_zoom=True)}
"""The method as its paper prints it, and as its authors' code is configured."""

PRESETS = (*STEPS, *PUBLISHED)


def preset(
    name: str,
    device: torch.device,
    *,
    seconds: float | None = None,
    steps: int | None = None,
    seed: int = 0,
) -> CutSettings:
    """Settings of a preset on a device.

    `paper` is the method as printed in its appendix B, `authors` as its authors' code is configured: 16 crops of 64 px
    without tiles, each scaled on its own. `sinct.objectives.cut` lists what still departs from these. The others are
    ours: `draft` and `standard` train while somebody waits, `instant` does not train at all. They begin with the warm
    start, networks that were learned on many painted photographs (see `sinct.weights.warm_start`), and use:
    - the painting in the photo's colours, by a map in closed form, as what the generator sees;
    - a generator that works at a quarter of the resolution and ends at the full one;
    - few crops with many queries each;
    - a smaller PatchNCE weight, on deeper features only, with keys from the smoothed painting, which leaves
      strokes and palette free to change;
    - the photo's own detail instead of strokes, and grain, in what the generator sees;
    - a painted version of the photo, from which the generator learns to restore the photo, compared in pixels and
      in the discriminator's features;
    - a distance between the distributions of small patches, and colours held near those of the closed form;
    - crops that show the edges as often as the middle, most of them at the pictures' own size;
    - lazy R1, a running average, and its best state.

    Args:
        name: instant, draft, standard, paper or authors.
        device: device to train on.
        seconds: most time for the training, even if its steps are not done by then.
        steps: length in steps, instead of the preset's own.
        seed: makes the training repeatable.

    Raises:
        ConfigError: the preset is unknown, or a length is out of range.
    """
    if name not in PRESETS:
        raise ConfigError(
            f"unknown preset {name!r}; choose one of {', '.join(PRESETS)}{did_you_mean(name, PRESETS)}"
        )
    config = _ours(name, device) if name in STEPS else PUBLISHED[name]
    config = dataclasses.replace(config, mixed_precision=gains_from_bfloat16(device))
    return dataclasses.replace(
        config, steps=config.steps if steps is None else steps, seconds=seconds, seed=seed
    )


def _ours(name: str, device: torch.device) -> CutSettings:
    """Chosen from measures and by eye, at equal work (see benchmarks/)."""
    small = device.type == "cpu"  # a GPU can afford more
    crops = 4 if small else 16
    return CutSettings(
        generator="crisp",
        width=48,
        tile_play=8,
        discriminator_widths=(32, 64, 96, 128, 192),
        crops=crops,
        identity_crops=crops // 2,
        depths=(1, 2),
        queries=64,
        shared_positions=False,
        overhang=1.0,
        native_share=0.75,
        remove_strokes=True,
        smoothing=0.5,
        detail=0.75,
        texture=True,
        recolour=True,
        repaint=True,
        warm_start=True,
        grain=0.035,
        patience=1.0,
        nce_weight=0.75,
        matching_weight=1.0,
        patch_weight=1.0,
        anchor_weight=20.0,
        r1_weight=0.5,
        r1_interval=8,
        rate_epochs=0,
        ema_decay=0.995,
        steps=STEPS[name],
    )
