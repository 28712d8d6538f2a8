"""The scores of translated folders as tables for programs and papers."""

from sinct.report.columns import heading
from sinct.report.folder_results import FolderComparison, FolderResult
from sinct.report.latex import cell_of, escape, parts, slug, table
from sinct.report.tables import write_csv
from sinct.report.wording import column_formats, in_groups


def to_csv(comparison: FolderComparison) -> str:
    """One row per method, with values at full precision; cells without a value are empty.

    Columns with standard deviations follow where a method has several folders.
    """
    names = [(measure.name, heading(measure)) for measure in comparison.measures]
    several = any(result.deviations for result in comparison.results)
    head = ["method", "control", "folders", *(column for _, column in names)]
    head += [f"{column}_deviation" for _, column in names] if several else []
    rows = []
    for result in comparison.results:
        cells = [result.title, str(result.control).lower(), len(result.places)]
        cells += [result.scores.get(name) for name, _ in names]
        cells += [result.deviations.get(name) for name, _ in names] if several else []
        rows.append(cells)
    return write_csv(head, rows)


def to_latex(comparison: FolderComparison) -> str:
    r"""A table for `\input` in a paper that needs only the booktabs package.

    The best method is bold, the second best underlined; the source pictures as they are come first.
    """
    groups = in_groups(comparison.measures)
    measures = [measure for members in groups.values() for measure in members]
    formats = column_formats(measures, [result.scores for result in comparison.results])
    marks = {measure.name: comparison.leaders(measure) for measure in measures}

    def cell(result: FolderResult, name: str) -> str:
        best, second = marks[name]
        return cell_of(
            result.scores.get(name),
            result.deviations.get(name),
            formats[name],
            best=result.title in best,
            second=result.title in second,
        )

    blocks = [
        [[escape(r.title), *(cell(r, m.name) for m in measures)] for r in comparison.results if r.control is control]
        for control in (True, False)
    ]  # fmt: skip
    several = any(result.deviations for result in comparison.results)
    sentences = [
        f"{comparison.pictures} pictures of {escape(comparison.source)}, translated and compared with those of "
        f"{escape(comparison.target)}.",
        "Arrows point to better values; the best of each column is bold, the second best underlined.",
        "Mean and standard deviation over the seeds." if several else "",
        "FID's network is random, so its scores mean nothing." if comparison.random else "",
    ]
    return table(
        parts(groups) if measures else [],
        [block for block in blocks if block],
        caption=" ".join(filter(None, sentences)),
        label=f"tab:{slug(comparison.source)}-{slug(comparison.target)}",
    )
