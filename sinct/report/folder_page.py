"""Translations of folders by several methods as a page that needs neither network nor other files."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from sinct.measures import Measure
from sinct.report.folder_results import FolderComparison, FolderResult, GridRow
from sinct.report.folder_tables import to_csv, to_latex
from sinct.report.grid import write_grid
from sinct.report.page import Cell, cell_of, render, write_text
from sinct.report.pictures import embed
from sinct.report.ranking import in_blocks
from sinct.report.wording import column_formats, in_groups


def write_folder_report(
    folder: Path, comparison: FolderComparison, rows: Sequence[GridRow], *, how: str, insets: bool = False
) -> Path:
    """Write the report, each of its files completely or not at all.

    These are `report.html`, `grid.pdf`, `grid.png`, `table.csv`, `table.tex` and `results.json`. The same pictures and
    numbers give the same bytes.

    Args:
        folder: folder to write to.
        comparison: methods and their scores.
        rows: one or more, each with the source picture and one translation for each method.
        how: how the rows were chosen, in words.
        insets: enlarge a place of each picture in the grid.

    Returns:
        Path of the page.

    Raises:
        OutputError: the folder cannot be written to.
    """
    titles = [result.title for result in comparison.results if not result.control]
    write_grid(folder, ["Input", *titles], rows, insets=insets)
    write_text(folder / "table.csv", to_csv(comparison))
    write_text(folder / "table.tex", to_latex(comparison))
    comparison.save(folder / "results.json")
    page = folder / "report.html"
    write_text(page, _page(comparison, titles, rows, how))
    return page


class _Picture(NamedTuple):
    source: str
    width: int
    height: int


class _Row(NamedTuple):
    name: str
    pictures: list[_Picture]


class _Line(NamedTuple):
    result: FolderResult
    cells: list[Cell]


def _page(comparison: FolderComparison, titles: Sequence[str], rows: Sequence[GridRow], how: str) -> str:
    pictures = [picture for row in rows for picture in row.pictures]
    sources, lossless = embed(pictures)
    embedded = iter(
        [_Picture(source, *picture.size) for source, picture in zip(sources, pictures, strict=True)]
    )
    groups = in_groups(comparison.measures)
    return render(
        "folders.html",
        scripts=("page.js", "viewer.js", "rows.js"),
        comparison=comparison,
        titles=titles,
        rows=[_Row(row.name, [next(embedded) for _ in row.pictures]) for row in rows],
        how=how,
        lossless=lossless,
        groups=groups,
        blocks=in_blocks(_lines(comparison, groups), lambda line: line.result.control),
        several=any(result.deviations for result in comparison.results),
        remarks=[result for result in comparison.results if result.remark],
    )


def _lines(comparison: FolderComparison, groups: Mapping[str, Sequence[Measure]]) -> list[_Line]:
    """Rows of the table."""
    measures = [measure for members in groups.values() for measure in members]
    formats = column_formats(measures, [result.scores for result in comparison.results])
    marks = {measure.name: comparison.leaders(measure) for measure in measures}

    def cell(result: FolderResult, name: str) -> Cell:
        best, second = marks[name]
        return cell_of(
            result.scores.get(name),
            result.deviations.get(name),
            formats[name],
            best=result.title in best,
            second=result.title in second,
        )

    return [_Line(r, [cell(r, measure.name) for measure in measures]) for r in comparison.results]
