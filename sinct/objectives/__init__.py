"""What the networks are trained for: one module per objective, with its settings and its step side by side.

`cut` is the paper's method on one pair of pictures, `cyclegan` its baseline and `gcgan` another; `pair_gan` holds what
they share.
`folder_cut`, `folder_cyclegan` and `folder_gan` are the same for two folders of pictures, `folder_gcgan` and
`folder_distance` further baselines for these, `folder_methods` the published settings by name.
"""

from sinct.objectives.cut import CutSettings, Trainer
from sinct.objectives.cyclegan import CycleSettings, CycleTrainer

__all__ = ["CutSettings", "CycleSettings", "CycleTrainer", "Trainer"]
