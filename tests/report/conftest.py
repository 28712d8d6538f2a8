"""What tests of the report share."""

from pathlib import Path

import pytest

from sinct.report import write_report
from tests.support.report_example import make_example


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("comparison")
    write_report(folder, make_example(folder))
    return folder


@pytest.fixture(scope="session")
def page(folder: Path) -> str:
    return (folder / "report.html").read_text(encoding="utf-8")
