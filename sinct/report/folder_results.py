"""Translations of folders by several methods, with their scores, as a report shows them."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image

from sinct.measures import Measure
from sinct.report.ranking import best_two
from sinct.runtime.json_files import write_json


@dataclass(frozen=True)
class FolderResult:
    """One method's translations of a folder.

    Attributes:
        title: name of the method as shown.
        places: folders of its translations, one for each seed; for the source pictures as they are, theirs.
        control: whether these are the source pictures as they are, which do not compete.
        scores: values by name; means over the places. Those that could not be computed are absent.
        deviations: standard deviations (n - 1) over the places; empty for one.
        remark: what a reader should know of it, in one line; empty where nothing.
    """

    title: str
    places: tuple[str, ...]
    control: bool = False
    scores: Mapping[str, float] = field(default_factory=dict)
    deviations: Mapping[str, float] = field(default_factory=dict)
    remark: str = ""


@dataclass(frozen=True)
class FolderComparison:
    """Several methods on the same folder.

    Attributes:
        source: name of the folder of source pictures.
        target: name of the folder of the target domain's pictures.
        pictures: number of source pictures.
        results: rows of the table, in order.
        measures: columns of the table.
        missing: why scores are missing; empty where none is.
        random: whether FID's network was random, so that its scores mean nothing and are not ranked.
        environment: machine and versions, by name.
    """

    source: str
    target: str
    pictures: int
    results: tuple[FolderResult, ...]
    measures: tuple[Measure, ...]
    missing: str = ""
    random: bool = False
    environment: Mapping[str, str] = field(default_factory=dict)

    def leaders(self, measure: Measure) -> tuple[set[str], set[str]]:
        """Titles of the best and of the second best methods; see `best_two`."""
        if self.random and measure.name != "distance":
            return set(), set()
        contest = {
            result.title: result.scores[measure.name]
            for result in self.results
            if not result.control and measure.name in result.scores
        }
        return best_two(contest, higher_is_better=measure.higher_is_better)

    def save(self, path: Path) -> None:
        """Write as JSON, completely or not at all."""
        write_json(path, dataclasses.asdict(self))


@dataclass(frozen=True)
class GridRow:
    """One source picture and its translations.

    Attributes:
        name: the picture's name.
        pictures: RGB, one for each column: the source picture first, then each method's.
    """

    name: str
    pictures: Sequence[Image.Image]
