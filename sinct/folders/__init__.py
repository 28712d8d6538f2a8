"""The paper's own experiments: two folders of pictures, none of which belong together.

`train` learns from them, `apply` translates pictures with what was learned, `score` compares translations with the
target domain, and `report` shows several methods on the same folder, as grid, table and page.

Park et al. 2020 (arXiv:2007.15651), section 4 and appendix C.
"""

from typing import TYPE_CHECKING

from sinct.data.folders import Domains, find_domains
from sinct.folders.applying import Applied, apply, model_file
from sinct.folders.scoring import Scored, score
from sinct.folders.training import resumed_settings, settings, train
from sinct.objectives.folder_methods import METHODS

if TYPE_CHECKING:
    from sinct.folders.reporting import report

__all__ = [
    "METHODS",
    "Applied",
    "Domains",
    "Scored",
    "apply",
    "find_domains",
    "model_file",
    "report",
    "resumed_settings",
    "score",
    "settings",
    "train",
]


def __getattr__(name: str) -> object:
    """Import the report on first use: it draws with matplotlib, which nothing else here needs."""
    if name == "report":
        from sinct.folders.reporting import report

        return report
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
