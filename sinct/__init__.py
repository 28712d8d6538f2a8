"""Turn one painting into a photo-like picture with the look of one reference photo.

`translate` does the whole job, `train` and `apply` its halves; `compare` runs other methods beside it, and
`evaluate` measures pictures. Pictures are files; everything below works
on tensors (3, H, W) in [-1, 1]. The library prints nothing: progress comes by callback, trouble as
`SinctError`.
"""

from typing import TYPE_CHECKING

from sinct.version import __version__

if TYPE_CHECKING:
    from sinct.api import Translation, apply, train, translate
    from sinct.comparison.compare import Compared, Stage, compare, compare_pairs
    from sinct.errors import (
        CheckpointError,
        ConfigError,
        DeviceError,
        InputError,
        Interrupted,
        OutputError,
        SinctError,
        TrainingError,
        WeightsError,
    )
    from sinct.inference.model import Model, load_model
    from sinct.measures.evaluate import Evaluation, evaluate
    from sinct.objectives.cut import CutSettings as Config
    from sinct.presets import PRESETS, preset
    from sinct.training.progress import Progress, Training

_HOMES = {
    "sinct.api": ("Translation", "apply", "train", "translate"),
    "sinct.comparison.compare": ("Compared", "Stage", "compare", "compare_pairs"),
    "sinct.errors": (
        "CheckpointError",
        "ConfigError",
        "DeviceError",
        "InputError",
        "Interrupted",
        "OutputError",
        "SinctError",
        "TrainingError",
        "WeightsError",
    ),
    "sinct.measures.evaluate": ("Evaluation", "evaluate"),
    "sinct.inference.model": ("Model", "load_model"),
    "sinct.presets": ("PRESETS", "preset"),
    "sinct.training.progress": ("Progress", "Training"),
}

__all__ = [
    "PRESETS",
    "CheckpointError",
    "Compared",
    "Config",
    "ConfigError",
    "DeviceError",
    "Evaluation",
    "InputError",
    "Interrupted",
    "Model",
    "OutputError",
    "Progress",
    "SinctError",
    "Stage",
    "Training",
    "TrainingError",
    "Translation",
    "WeightsError",
    "__version__",
    "apply",
    "compare",
    "compare_pairs",
    "evaluate",
    "load_model",
    "preset",
    "train",
    "translate",
]


def __getattr__(name: str) -> object:
    """Import a public name when it is first asked for: torch takes seconds, `sinct --help` must not."""
    if name == "Config":
        from sinct.objectives.cut import CutSettings

        return CutSettings
    for module, names in _HOMES.items():
        if name in names:
            from importlib import import_module

            return getattr(import_module(module), name)
    raise AttributeError(f"module 'sinct' has no attribute {name!r}")
