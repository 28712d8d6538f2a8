"""Every term of every objective says in plain words what its values mean."""

from typing import Any

import pytest
import torch

from sinct.objectives.cut import CutSettings, Trainer
from sinct.objectives.cyclegan import CycleSettings, CycleTrainer
from sinct.objectives.folder_methods import METHODS
from sinct.objectives.gcgan import GcSettings, GcTrainer
from sinct.training import terms
from tests.support import folder_pictures as tiny_folders

CPU = torch.device("cpu")
PICTURES = [torch.zeros(3, 40, 40)]
ROOM = range(6, 52)
"""Characters that a panel of the plot has room for."""

TINY: dict[str, Any] = {
    "FolderCutTrainer": tiny_folders.tiny_cut,
    "FolderCycleTrainer": tiny_folders.tiny_cycle,
    "FolderGcTrainer": tiny_folders.tiny_gc,
    "FolderDistanceTrainer": tiny_folders.tiny_distance,
    "FolderMunitTrainer": tiny_folders.tiny_munit,
    "FolderDritTrainer": tiny_folders.tiny_drit,
}


def wordless(made: Any) -> list[str]:
    """Names of terms without words that fit a panel."""
    return [term.name for term in made.terms if len(term.meaning) not in ROOM]


@pytest.mark.parametrize(
    "trainer", dict.fromkeys(method.trainer for method in METHODS.values()), ids=lambda each: each.__name__
)
def test_terms_of_a_training_on_folders_have_meanings_that_fit_a_panel(trainer, tmp_path):
    domains = tiny_folders.drawn_domains(tmp_path)
    assert wordless(trainer(domains.source, domains.target, TINY[trainer.__name__](), CPU)) == []


@pytest.mark.parametrize(
    ("trainer", "kind"), [(Trainer, CutSettings), (CycleTrainer, CycleSettings), (GcTrainer, GcSettings)]
)
def test_terms_of_a_training_on_a_pair_have_meanings_that_fit_a_panel(trainer, kind, tiny):
    settings = kind.from_dict({name: value for name, value in tiny.to_dict().items() if hasattr(kind, name)})
    assert wordless(trainer(PICTURES, PICTURES, settings, CPU)) == []


def test_meanings_that_objectives_share_fit_a_panel():
    shared = [value for name, value in vars(terms).items() if name.isupper()]
    assert [words for words in shared if len(words) not in ROOM] == []
