"""What networks are trained for: one file for each objective, its settings and its one step beside each other.

`cut` is the paper's method, `cyclegan` its baseline; `pair_gan` holds what both share.
"""

from sinct.objectives.cut import CutSettings, Trainer
from sinct.objectives.cyclegan import CycleSettings, CycleTrainer

__all__ = ["CutSettings", "CycleSettings", "CycleTrainer", "Trainer"]
