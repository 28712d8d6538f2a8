"""What the networks are trained for: one module per objective, with its settings and its step side by side.

`cut` is the paper's method, `cyclegan` its baseline; `pair_gan` holds what both share.
"""

from sinct.objectives.cut import CutSettings, Trainer
from sinct.objectives.cyclegan import CycleSettings, CycleTrainer

__all__ = ["CutSettings", "CycleSettings", "CycleTrainer", "Trainer"]
