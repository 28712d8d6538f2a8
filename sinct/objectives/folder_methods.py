"""The methods that train on two folders, by name, with the settings and lengths that were published."""

from dataclasses import dataclass
from typing import Any

from sinct.errors import ConfigError, did_you_mean
from sinct.objectives.folder_cut import FolderCutSettings, FolderCutTrainer
from sinct.objectives.folder_cyclegan import FolderCycleSettings, FolderCycleTrainer
from sinct.objectives.folder_distance import FolderDistanceSettings, FolderDistanceTrainer
from sinct.objectives.folder_drit import DritSettings, FolderDritTrainer
from sinct.objectives.folder_gan import FolderGanSettings
from sinct.objectives.folder_gcgan import FolderGcSettings, FolderGcTrainer
from sinct.objectives.folder_munit import FolderMunitTrainer, MunitSettings


@dataclass(frozen=True)
class FolderMethod:
    """A method as it was published.

    Attributes:
        trainer: its training class.
        settings: its settings, without a length.
        epochs: its length in epochs of the larger folder; None where it was published in steps.
        constant: epochs of these in which the learning rate does not fall; None where it has a course of its own.
        summary: what it is, in a line.
        source: paper and section.
        steps: its length in steps, where it was published so.
    """

    trainer: Any
    settings: FolderGanSettings
    epochs: int | None
    constant: int | None
    summary: str
    source: str
    steps: int | None = None


METHODS = {
    "cut": FolderMethod(
        FolderCutTrainer,
        FolderCutSettings(),
        400,
        200,
        "PatchNCE of sources and of targets, weight 1",
        "Park et al. 2020, section 3 and appendix C.1",
    ),
    "fastcut": FolderMethod(
        FolderCutTrainer,
        FolderCutSettings(nce_weight=10.0, identity_nce=False, flip_equivariance=True, whole_from=0.75),
        200,
        150,
        "PatchNCE of sources alone, weight 10, with flip equivariance",
        "Park et al. 2020, section 4 and appendix C.1",
    ),
    "cut-moco": FolderMethod(
        FolderCutTrainer,
        FolderCutSettings(memory_bank=16_384),
        400,
        200,
        "CUT with negatives of other pictures, from a memory bank",
        "Park et al. 2020, section 4.2 and appendix C.1",
    ),
    "cut-separate": FolderMethod(
        FolderCutTrainer,
        FolderCutSettings(separate_encoders=True),
        400,
        200,
        "CUT with an encoder and MLPs of their own for outputs",
        "Park et al. 2020, appendix C.5",
    ),
    "cut-detached": FolderMethod(
        FolderCutTrainer,
        FolderCutSettings(decoder_learns_content=False),
        400,
        200,
        "CUT whose decoder learns nothing from PatchNCE; fails as in the paper",
        "Park et al. 2020, appendix C.5",
    ),
    "cyclegan": FolderMethod(
        FolderCycleTrainer,
        FolderCycleSettings(),
        200,
        100,
        "cycle consistency instead of PatchNCE",
        "Zhu et al. 2017",
    ),
    "gcgan": FolderMethod(
        FolderGcTrainer,
        FolderGcSettings(),
        200,
        100,
        "a translation that commutes with a quarter turn",
        "Fu et al. 2019",
    ),
    "distancegan": FolderMethod(
        FolderDistanceTrainer,
        FolderDistanceSettings(),
        200,
        100,
        "a translation that keeps the distances between pictures",
        "Benaim & Wolf 2017",
    ),
    "self-distancegan": FolderMethod(
        FolderDistanceTrainer,
        FolderDistanceSettings(distance="top_bottom", batch_size=1),
        200,
        100,
        "a translation that keeps the distance between the halves of each picture",
        "Benaim & Wolf 2017",
    ),
    "munit": FolderMethod(
        FolderMunitTrainer,
        MunitSettings(),
        None,
        None,
        "content and style apart; several outputs, by style codes",
        "Huang et al. 2018, section 5 and appendix B; length of the authors' configuration",
        steps=1_000_000,
    ),
    "drit": FolderMethod(
        FolderDritTrainer,
        DritSettings(),
        1200,
        600,
        "DRIT++: one content space, attributes of each domain; several outputs",
        "Lee et al. 2020, sections 3 and 4; length of the authors' code",
    ),
}
"""All methods, by the name on the command line."""


def find_method(name: str) -> FolderMethod:
    """A method by its name.

    Raises:
        ConfigError: there is none of that name.
    """
    if name not in METHODS:
        raise ConfigError(
            f"unknown method {name!r}; choose one of {', '.join(METHODS)}{did_you_mean(name, METHODS)}"
        )
    return METHODS[name]


def method_settings(name: str, steps_per_epoch: int) -> FolderGanSettings:
    """The published settings of a method, for folders of this size.

    Args:
        name: a key of `METHODS`.
        steps_per_epoch: steps of an epoch, see `FolderSampler`.

    Raises:
        ConfigError: there is no such method.
    """
    method = find_method(name)
    if method.epochs is None or method.constant is None:
        return method.settings.replace(steps=method.steps)
    return method.settings.replace(
        steps=method.epochs * steps_per_epoch,
        rate_epochs=method.epochs,
        rate_constant=method.constant / method.epochs,
    )
