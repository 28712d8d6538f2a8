"""Makes the table of columns in the manual of comparisons, `python -m sinct.report.manual`."""

from pathlib import Path

from sinct.report.columns import manual

START, END = "<!-- columns: python -m sinct.report.manual -->", "<!-- end of columns -->"
"""Marks of the table in the manual."""

MANUAL = Path(__file__).parents[1] / "comparison" / "README.md"


def in_manual(text: str) -> str:
    """The manual with its table made anew."""
    head, tail = text[: text.index(START) + len(START)], text[text.index(END) :]
    return f"{head}\n{manual()}\n{tail}"


if __name__ == "__main__":
    MANUAL.write_text(in_manual(MANUAL.read_text("utf-8")), "utf-8")
