"""Makes the table of formats in the manual, `README.md` beside this file: `python -m sinct.pictures.manual`."""

from pathlib import Path

from sinct.pictures.formats import KINDS

START, END = "<!-- formats: python -m sinct.pictures.manual -->", "<!-- end of formats -->"
"""Marks of the table in the manual."""


def table() -> str:
    """The table of the manual, in Markdown."""
    lines = [
        "| kind | suffixes | bits read | read in rows by | bits written | written in rows | needs | |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for kind in KINDS:
        cells = (
            kind.name,
            " ".join(f"`{suffix}`" for suffix in kind.suffixes),
            _bits(kind.read),
            kind.in_rows if kind.read else "",
            _bits(kind.write),
            "yes" if kind.written_in_rows else "no" if kind.write else "",
            f"`sinct[{kind.extra}]`" if kind.extra else "",
            kind.note,
        )
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def in_manual(manual: str) -> str:
    """The manual with its table made anew."""
    start = manual.index(START) + len(START)
    return f"{manual[:start]}\n{table()}\n{manual[manual.index(END) :]}"


def _bits(bits: tuple[int, ...]) -> str:
    return ", ".join(map(str, bits))


if __name__ == "__main__":
    path = Path(__file__).with_name("README.md")
    path.write_text(in_manual(path.read_text("utf-8")), "utf-8")
