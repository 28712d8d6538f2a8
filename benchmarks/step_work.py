"""How many operations a training has done after so many steps: work that machines of any speed can be compared by."""

from dataclasses import dataclass

import torch

from benchmarks.ceiling import flops_of
from sinct.objectives.cut import CutSettings, Trainer


@dataclass(frozen=True)
class StepWork:
    """Operations of convolutions and matrix products in a training's steps, 2 per multiply-add.

    Attributes:
        with_r1: GFLOP of a step that computes R1.
        without_r1: GFLOP of a step that does not.
        interval: steps from one R1 to the next; the first step computes it.
    """

    with_r1: float
    without_r1: float
    interval: int

    @property
    def mean(self) -> float:
        """GFLOP of a step, averaged over an interval."""
        return (self.with_r1 + (self.interval - 1) * self.without_r1) / self.interval

    def tflop(self, steps: int) -> float:
        """TFLOP of a training's first steps."""
        due = -(-steps // self.interval)
        return (due * self.with_r1 + (steps - due) * self.without_r1) / 1e3


def step_work(config: CutSettings, device: torch.device) -> StepWork:
    """Count the operations of one real step with R1 and one without.

    They depend on the settings alone, so the steps are those of a training on noise just large enough for a crop.
    Choosing the best state and translating are not counted.

    Args:
        config: the complete settings.
        device: where the steps are taken.
    """
    random = torch.Generator().manual_seed(0)
    noise = torch.rand(3, config.crop_size, config.crop_size, generator=random) * 2 - 1
    trainer = Trainer([noise], [noise], config, device)

    def gflop(step: int) -> float:
        trainer.steps_done = step  # decides whether R1 is due
        return flops_of(lambda: trainer.step(trainer.sample())) / 1e9

    with_r1 = gflop(0)
    return StepWork(with_r1, gflop(1) if config.r1_interval > 1 else with_r1, config.r1_interval)
