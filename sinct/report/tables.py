"""A comparison's numbers as CSV for programs and as LaTeX for papers."""

import csv
import io
import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence

from sinct.measures import Measure
from sinct.report.ranking import leaders
from sinct.report.results import Comparison, MethodResult
from sinct.report.wording import MINUS, in_groups, number_format


def to_csv(comparison: Comparison) -> str:
    """One row per method, with values at full precision; cells without a value are empty."""
    names = [measure.name for measure in comparison.measures]
    head = [
        "method", "title", "control", "status", "random_weights", "steps", "steps_needed", "undertrained",
        "training_seconds", "seconds", "memory_bytes", "device",
    ]  # fmt: skip
    rows = [
        [
            result.name,
            result.title,
            str(result.control).lower(),
            status(result),
            str(result.random_weights).lower(),
            result.steps,
            result.steps_needed,
            str(bool(result.undertrained)).lower(),
            result.training_seconds,
            result.seconds,
            result.memory,
            result.device,
            *(result.measures.get(name) for name in names),
        ]
        for result in comparison.results
    ]
    return write_csv([*head, *names], rows)


def status(result: MethodResult) -> str:
    """`ok`, or `failed` and the reason."""
    return "ok" if result.file is not None else f"failed: {result.reason}"


def write_csv(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Comma-separated values with a heading; None leaves a cell empty."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([head, *rows])
    return text.getvalue()


def to_latex(comparison: Comparison) -> str:
    r"""A table for `\input` in a paper that needs only the booktabs package.

    The best contender is bold, the second best underlined. Controls come last, set apart. A dagger marks a value that
    its method minimises itself, a double dagger an undertrained method, an asterisk one with random weights: none of
    these is ranked.
    """
    groups = in_groups(comparison.measures)
    measures = [measure for members in groups.values() for measure in members]
    formats = column_formats(comparison)
    marks = {measure.name: leaders(comparison.results, measure) for measure in measures}

    def cell(result: MethodResult, measure: Measure) -> str:
        if measure.name not in result.measures:
            return "--"
        text = latex_number(formats[measure.name](result.measures[measure.name]))
        best, second = marks[measure.name]
        if result.name in best:
            return rf"\textbf{{{text}}}"
        if result.name in second:
            return rf"\underline{{{text}}}"
        return text + (r"$^\dagger$" if measure.name in result.optimises else "")

    def row(result: MethodResult) -> list[str]:
        title = escape_latex(result.title) + ("*" if result.random_weights else "")
        title += r"$^\ddagger$" if not (result.counts or result.random_weights) and result.file else ""
        title += " (failed)" if result.file is None else ""
        return [title, *(cell(result, measure) for measure in measures)]

    blocks = [[row(r) for r in comparison.results if r.control is control] for control in (False, True)]
    return latex_table(
        groups,
        [block for block in blocks if block],
        caption=(
            f"{escape_latex(comparison.painting.name)} with the look of "
            f"{escape_latex(comparison.photo.name)}. Arrows point to better values; the best of each column "
            r"is bold, the second best underlined. $^\dagger$Minimised by the method itself, not ranked. "
            r"$^\ddagger$Undertrained, not ranked. *Random weights, not ranked."
        ),
    )


def column_formats(comparison: Comparison) -> dict[str, Callable[[float], str]]:
    """Number format for each measure, by its name."""
    return {
        measure.name: number_format(
            result.measures[measure.name] for result in comparison.results if measure.name in result.measures
        )
        for measure in comparison.measures
    }


def latex_table(
    groups: Mapping[str, Sequence[Measure]], blocks: Sequence[Sequence[Sequence[str]]], caption: str
) -> str:
    """One tabular per group of measures, one below the other, so that they fit the width of a page.

    Args:
        groups: measures by the name of their group.
        blocks: blocks of rows, separated by rules; a row has a name and a cell for each measure, in group order.
        caption: caption above the tables, in LaTeX.
    """
    parts, start = [], 1
    for name, members in groups.items():
        end = start + len(members)
        body = [[" & ".join([row[0], *row[start:end]]) + r" \\" for row in block] for block in blocks]
        heads = ["Method", *map(_latex_heading, members)]
        lines = [
            rf"\begin{{tabular}}{{l{'r' * len(members)}}}",
            r"\toprule",
            rf"& \multicolumn{{{len(members)}}}{{c}}{{{escape_latex(name.capitalize())}}} \\",
            rf"\cmidrule(l){{2-{len(members) + 1}}}",
            " & ".join(heads) + r" \\",
            r"\midrule",
            "\n\\midrule\n".join("\n".join(block) for block in body),
            r"\bottomrule",
            r"\end{tabular}",
        ]
        parts.append("\n".join(lines))
        start = end
    return "\n".join(
        [
            r"% Needs \usepackage{booktabs}; names beyond Latin letters need XeLaTeX or LuaLaTeX.",
            r"\begin{table*}",
            r"\centering\small",
            rf"\caption{{{caption}}}\smallskip",
            "\n\n\\medskip\n".join(parts),
            r"\end{table*}",
            "",
        ]
    )


def _latex_heading(measure: Measure) -> str:
    """A measure's title in short lines, with its direction."""
    lines = r" \\ ".join(escape_latex(line) for line in textwrap.wrap(measure.title, 14))
    arrow = r" $\uparrow$" if measure.higher_is_better else r" $\downarrow$"
    return rf"\shortstack[r]{{{lines}{arrow}}}"


def latex_number(text: str) -> str:
    """Replace the signs in a number from `number_format` with LaTeX's."""
    return text.replace(MINUS, "$-$").replace("∞", r"$\infty$")


def escape_latex(text: str) -> str:
    """Escape text so that LaTeX prints it unchanged, in one line."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return "".join(_LATEX.get(c, c) for c in line)


_LATEX = {c: f"\\{c}" for c in "&%$#_{}"} | {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    MINUS: "$-$",
    "\N{MULTIPLICATION SIGN}": r"$\times$",
}
