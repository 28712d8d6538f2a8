"""The paper's tables, which of them have been run, and how to run one: `python -m benchmarks.paper`.

Without `--run`, it prints the tables, expected figures beside ours, and says which data sets are there. Nothing is ever
downloaded.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from benchmarks.paper.experiment import ExperimentError, find_row, run_row
from benchmarks.paper.tables import HERE, RESULTS, markdown, read_results, read_tables

README = HERE / "README.md"

MARK = "<!-- What follows is printed by `python -m benchmarks.paper --readme`. -->\n\n"
"""Behind it, the README has the tables."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the tables, or run a row."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.paper", description=__doc__)
    parser.add_argument("--run", metavar="ROW", help="train, translate and score as this row says")
    parser.add_argument(
        "--data",
        type=Path,
        metavar="DIR",
        help="folder of data sets, `datasets` in commands; checks what is there",
    )
    parser.add_argument(
        "--runs", type=Path, default=Path("runs"), metavar="DIR", help="folder for trainings (%(default)s)"
    )
    parser.add_argument(
        "--results", type=Path, default=RESULTS, metavar="FILE", help="our figures (%(default)s)"
    )
    parser.add_argument(
        "--add",
        nargs=2,
        action="append",
        default=[],
        metavar=("COMMAND", "OPTIONS"),
        help='add options to a command, such as train "--device cuda --resume"; the result says so',
    )
    parser.add_argument(
        "--incomplete", action="store_true", help="run with a data set that is not as published"
    )
    parser.add_argument("--readme", action="store_true", help="put the tables into README.md too")
    options = parser.parse_args(arguments)
    tables = read_tables()
    if options.run:
        try:
            run_row(
                *find_row(tables, options.run),
                datasets=options.data or Path("datasets"),
                runs=options.runs,
                results=options.results,
                added=dict(options.add),
                incomplete=options.incomplete,
            )
        except ExperimentError as error:
            parser.error(str(error))
    text = markdown(tables, read_results(options.results))
    print(text, end="")
    if options.data and not options.run:
        for data in dict.fromkeys(table.data.folder for table in tables):
            found = next(table.data for table in tables if table.data.folder == data)
            print(f"\n{data}: {'; '.join(found.faults(options.data)) or 'complete'}")
    if options.readme:
        head = README.read_text(encoding="utf-8").partition(MARK)[0]
        README.write_text(head + MARK + text, encoding="utf-8")


if __name__ == "__main__":
    main()
