r"""Numbers as LaTeX for papers: pure ASCII, which every TeX compiles with the booktabs package alone.

Text comes from file names and from anywhere, so all of it goes through `escape`.
"""

import math
import re
import textwrap
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from sinct.measures import Measure
from sinct.report.ranking import leaders
from sinct.report.results import Comparison, MethodResult
from sinct.report.wording import MINUS, column_formats, duration, in_groups, memory

NOTES = {
    "dagger": r"$^\dagger$Minimised by the method itself, not ranked.",
    "ddagger": r"$^\ddagger$Undertrained, or run on other terms; not ranked.",
    "asterisk": "*Random weights, not ranked.",
}
"""What the marks in a table mean."""


WIDEST = 5
"""Most measures side by side, so that a tabular with means and deviations fits the width of a page."""

TALLEST = 44
"""Most lines of tabulars in one floating table, so that it fits the height of a page below its caption."""

AROUND = 6
"""Lines of a tabular besides its rows: title, heading of up to three lines, rules and the gap before the next."""


class Part(NamedTuple):
    """One tabular: columns that belong together.

    Attributes:
        title: heading over all columns; LaTeX.
        heads: headings of the columns, LaTeX, each in one line or in a `shortstack`.
    """

    title: str
    heads: Sequence[str]


def to_latex(comparison: Comparison) -> str:
    r"""A table for `\input` in a paper that needs only the booktabs package.

    The best contender is bold, the second best underlined. Controls come last, set apart. A dagger marks a value that
    its method minimises itself, a double dagger an undertrained method or one run on other terms, an asterisk one with
    random weights: none of these is ranked.
    """
    groups = in_groups(comparison.measures)
    measures = [measure for members in groups.values() for measure in members]
    formats = column_formats(measures, [result.measures for result in comparison.results])
    marks = {measure.name: leaders(comparison.results, measure) for measure in measures}

    def cell(result: MethodResult, measure: Measure) -> str:
        best, second = marks[measure.name]
        return cell_of(
            result.measures.get(measure.name),
            result.deviations.get(measure.name),
            formats[measure.name],
            best=result.name in best,
            second=result.name in second,
            optimised=measure.name in result.optimises,
        )

    def row(result: MethodResult) -> list[str]:
        title = escape(result.title) + ("*" if result.random_weights else "")
        title += r"$^\ddagger$" if _set_apart(result) else ""
        title += " (failed)" if result.file is None else ""
        return [title, *(cell(result, measure) for measure in measures), *_cost(result)]

    blocks = [[row(r) for r in comparison.results if r.control is control] for control in (False, True)]
    return table(
        [*parts(groups), Part("Cost", COST)] if measures else [],
        [block for block in blocks if block],
        caption=_caption(comparison),
        label=f"tab:{slug(comparison.painting.name)}-{slug(comparison.photo.name)}",
    )


def cell_of(
    value: float | None,
    deviation: float | None,
    write: Callable[[float], str],
    *,
    best: bool,
    second: bool,
    optimised: bool = False,
) -> str:
    """A value with its deviation: the best bold, the second underlined, with a dagger if its method minimises it."""
    if value is None:
        return "--"
    text = number(write(value))
    if best:
        text = rf"\textbf{{{text}}}"
    elif second:
        text = rf"\underline{{{text}}}"
    text += r"$^\dagger$" if optimised else ""
    return text + ("" if deviation is None else rf" {{\tiny$\pm$ {number(write(deviation))}}}")


COST = ("Steps", r"\shortstack[r]{Steps \\ needed}", "Training", r"\shortstack[r]{Whole \\ time}", "Memory")
"""Headings of what methods cost."""


def _cost(result: MethodResult) -> list[str]:
    """Cells for `COST`."""
    steps = [result.steps, result.steps_needed]
    if result.file is None:
        return ["--"] * len(COST)
    none = not (result.need or result.elsewhere)
    texts = ["none" if none else "\N{EN DASH}" if count is None else f"{count:,}" for count in steps]
    times = [duration(result.training_seconds), duration(result.seconds), memory(result.memory)]
    return [escape(text) for text in (*texts, *times)]


def _set_apart(result: MethodResult) -> bool:
    """Whether the method has a picture that is not ranked for another reason than random weights."""
    return result.file is not None and not result.counts and not result.random_weights


def _caption(comparison: Comparison) -> str:
    budget = (
        "without a limit to the time"
        if comparison.seconds is None
        else f"at most {duration(comparison.seconds)}"
    )
    if comparison.iterations is not None:
        budget += (
            f" and {comparison.iterations} iteration{'' if comparison.iterations == 1 else 's'} at each scale"
        )
    known = [comparison.environment[name] for name in ("device", "threads") if name in comparison.environment]
    machine = [text.partition(" (")[0] for text in known]  # without how they were chosen
    versions = [f"{n} {comparison.environment[n]}" for n in ("sinct", "torch") if n in comparison.environment]
    results = comparison.results
    notes = [
        NOTES["dagger"] if any(result.optimises for result in results) else "",
        NOTES["ddagger"] if any(map(_set_apart, results)) else "",
        NOTES["asterisk"] if any(result.random_weights for result in results) else "",
    ]
    sentences = [
        f"{escape(comparison.painting.name)} with the look of {escape(comparison.photo.name)}.",
        escape(
            f"Each method had {budget}; {'seed' if comparison.seeds == 1 else 'seeds'} {comparison.all_seeds}."
        ),
        "Mean and standard deviation over the seeds." if comparison.seeds > 1 else "",
        escape(f"Machine: {', '.join([*machine, *versions])}.") if machine or versions else "",
        "Arrows point to better values; the best of each column is bold, the second best underlined.",
        "Training is the time of the steps, the whole time includes loading.",
        *notes,
    ]
    return " ".join(filter(None, sentences))


def parts(groups: Mapping[str, Sequence[Measure]]) -> list[Part]:
    """One tabular for each group of measures, or several as wide as each other where it would be too wide."""
    found = []
    for name, members in groups.items():
        each = math.ceil(len(members) / math.ceil(len(members) / WIDEST))
        chunks = [members[start : start + each] for start in range(0, len(members), each)]
        for index, chunk in enumerate(chunks, start=1):
            title = escape(name.capitalize()) + (f" ({index} of {len(chunks)})" if len(chunks) > 1 else "")
            found.append(Part(title, [_heading(measure) for measure in chunk]))
    return found


def table(
    tabulars: Sequence[Part], blocks: Sequence[Sequence[Sequence[str]]], caption: str, label: str
) -> str:
    """Floating tables with tabulars one below the other, so that they fit the width and the height of a page.

    What does not fit the first is continued in a second of the same number, and so on.

    Args:
        tabulars: the columns.
        blocks: blocks of rows, separated by rules; a row has a name and a cell for each column of all tabulars.
        caption: caption above the tables, in LaTeX.
        label: what the paper refers to.
    """
    texts, start = [], 1
    for part in tabulars:
        end = start + len(part.heads)
        body = [[" & ".join([row[0], *row[start:end]]) + r" \\" for row in block] for block in blocks]
        lines = [
            rf"\begin{{tabular}}{{l{'r' * len(part.heads)}}}",
            r"\toprule",
            rf"& \multicolumn{{{len(part.heads)}}}{{c}}{{{part.title}}} \\",
            rf"\cmidrule(l){{2-{len(part.heads) + 1}}}",
            " & ".join(["Method", *part.heads]) + r" \\",
            r"\midrule",
            "\n\\midrule\n".join("\n".join(block) for block in body),
            r"\bottomrule",
            r"\end{tabular}",
        ]
        texts.append("\n".join(lines))
        start = end
    each = max(1, TALLEST // (AROUND + sum(len(block) for block in blocks)))
    floats = [texts[first : first + each] for first in range(0, len(texts), each)] or [[]]
    captions = [rf"\caption{{{caption}}}\label{{{label}}}"]
    captions += [r"\addtocounter{table}{-1}\caption{Continued.}"] * (len(floats) - 1)
    note = r"% Needs \usepackage{booktabs}. Letters that plain LaTeX lacks are question marks."
    return "\n".join([note, *map(_float, captions, floats), ""])


def _float(caption: str, tabulars: Sequence[str]) -> str:
    """One floating table over both columns of a page."""
    return "\n".join(
        [
            r"\begin{table*}",
            r"\centering\small\setlength{\tabcolsep}{4pt}",
            rf"{caption}\smallskip",
            "\n\n\\medskip\n".join(tabulars),
            r"\end{table*}",
        ]
    )


def _heading(measure: Measure) -> str:
    """A measure's title in short lines, with its direction."""
    lines = r" \\ ".join(escape(line) for line in textwrap.wrap(measure.title, 12))
    arrow = r" $\uparrow$" if measure.higher_is_better else r" $\downarrow$"
    return rf"\shortstack[r]{{{lines}{arrow}}}"


def number(text: str) -> str:
    """Replace the signs in a number from `number_format` with LaTeX's."""
    return text.replace(MINUS, "$-$").replace("∞", r"$\infty$")


def slug(name: str) -> str:
    """A file's name without its suffix, in letters, digits and hyphens, for a label."""
    plain = unicodedata.normalize("NFKD", name.rpartition(".")[0] or name).encode("ascii", "ignore").decode()
    return re.sub(r"[^A-Za-z0-9]+", "-", plain).strip("-").lower() or "picture"


def escape(text: str) -> str:
    """Escape text so that any LaTeX prints it in one line, in ASCII.

    Accents become LaTeX's commands, Greek letters and common signs its symbols; what it lacks becomes a question mark.
    """
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    escaped = "".join(map(_escaped, unicodedata.normalize("NFC", line)))
    return escaped.replace("--", "-{}-").replace("--", "-{}-")  # hyphens in names are no dashes


def _escaped(letter: str) -> str:
    if letter in _LATEX:
        return _LATEX[letter]
    if letter.isascii():
        return letter
    parted = unicodedata.normalize("NFD", letter)
    base, mark = parted[:1], parted[1:]
    if mark in _ACCENTS and base.isascii():
        return rf"\{_ACCENTS[mark]}{{{_DOTLESS.get(base, base)}}}"
    return _greek(letter) or "?"


def _greek(letter: str) -> str:
    """A Greek letter's command; empty for other letters and for those that look like Latin ones."""
    words = unicodedata.name(letter, "").split()
    if words[:1] != ["GREEK"] or len(words) != 4 or words[2] != "LETTER":
        return ""
    name = words[3].lower().replace("lamda", "lambda")
    if words[1] == "CAPITAL":
        return rf"$\{name.capitalize()}$" if name in _CAPITALS else ""
    return rf"$\{name}$" if name != "omicron" else "o"


_CAPITALS = ["gamma", "delta", "theta", "lambda", "xi", "pi", "sigma", "upsilon", "phi", "psi", "omega"]

_ACCENTS = {
    "\u0300": "`", "\u0301": "'", "\u0302": "^", "\u0303": "~", "\u0304": "=", "\u0306": "u", "\u0307": ".",
    "\u0308": '"', "\u030a": "r", "\u030b": "H", "\u030c": "v", "\u0327": "c",
}  # fmt: skip
"""Combining accents and LaTeX's commands."""

_DOTLESS = {"i": r"\i", "j": r"\j"}

_LATEX = {c: f"\\{c}" for c in "&%$#_{}"} | {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': "{''}",
    "`": "{`}",
    MINUS: "$-$",
    "\N{MULTIPLICATION SIGN}": r"$\times$",
    "\N{PLUS-MINUS SIGN}": r"$\pm$",
    "\N{INCREMENT}": r"$\Delta$",
    "\N{DEGREE SIGN}": r"$^\circ$",
    "\N{MICRO SIGN}": r"$\mu$",
    "\N{INFINITY}": r"$\infty$",
    "\N{RIGHTWARDS ARROW}": r"$\rightarrow$",
    "\N{SUPERSCRIPT TWO}": "$^2$",
    "\N{SUPERSCRIPT THREE}": "$^3$",
    "\N{EN DASH}": r"\textendash{}",
    "\N{EM DASH}": r"\textemdash{}",
    "\N{HORIZONTAL ELLIPSIS}": r"\dots{}",
    "\N{LEFT SINGLE QUOTATION MARK}": "{`}",
    "\N{RIGHT SINGLE QUOTATION MARK}": "{'}",
    "\N{LEFT DOUBLE QUOTATION MARK}": "{``}",
    "\N{RIGHT DOUBLE QUOTATION MARK}": "{''}",
    "ß": r"\ss{}",
    "æ": r"\ae{}",
    "Æ": r"\AE{}",
    "œ": r"\oe{}",
    "Œ": r"\OE{}",
    "ø": r"\o{}",
    "Ø": r"\O{}",
    "ł": r"\l{}",
    "Ł": r"\L{}",
    "\N{LATIN SMALL LETTER DOTLESS I}": r"\i{}",
}
