"""Makes the tables of formats and limits in `README.md` beside this file: `python -m sinct.pictures.manual`."""

from pathlib import Path

from sinct.pictures import limits
from sinct.pictures.formats import KINDS

START, END = "<!-- {0}: python -m sinct.pictures.manual -->", "<!-- end of {0} -->"
"""Marks of a table in the manual, by its name."""


def formats() -> str:
    """The table of formats, in Markdown."""
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


def bounds() -> str:
    """The table of limits against files that are made to exhaust memory or time, in Markdown."""
    rows = (
        (limits.MAX_PIXELS, "pixels that are decoded at once; in rows, there may be any number"),
        (
            limits.PIXELS_PER_BYTE,
            f"pixels for each byte of the file, in pictures of more than {limits.SMALL:,} pixels",
        ),
        (limits.CHUNKS, "chunks of a PNG besides those of pixels"),
        (limits.LONGEST_TEXT, "bytes of a text in a PNG, unpacked; longer ones are skipped"),
        (limits.TEXTS, "bytes of all texts in a PNG, unpacked; further ones are skipped"),
        (limits.LARGEST_PROFILE, "bytes of a colour profile, unpacked; a larger one counts as damaged"),
        (limits.LARGEST_PACKET, "bytes of XMP that sinct's own notes are looked for in"),
        (limits.SEGMENTS, "bytes of a row of strips or tiles of a TIFF, unpacked, for reading in rows"),
    )
    return "\n".join(["| at most | of |", "|---:|---|", *(f"| {value:,} | {what} |" for value, what in rows)])


TABLES = {"formats": formats, "limits": bounds}


def in_manual(manual: str) -> str:
    """The manual with its tables made anew."""
    for name, table in TABLES.items():
        start, end = (mark.format(name) for mark in (START, END))
        head = manual[: manual.index(start) + len(start)]
        manual = f"{head}\n{table()}\n{manual[manual.index(end) :]}"
    return manual


def _bits(bits: tuple[int, ...]) -> str:
    return ", ".join(map(str, bits))


if __name__ == "__main__":
    path = Path(__file__).with_name("README.md")
    path.write_text(in_manual(path.read_text("utf-8")), "utf-8")
