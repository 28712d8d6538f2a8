"""Fixtures: the report's page, opened in a real browser."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from sinct.report import write_report
from tests.support.browser import Visit, browser, sync_api  # noqa: F401 - a fixture
from tests.support.report_example import make_example

# ruff: noqa: F811 - fixtures are named as they are imported

SCALE = 3
"""Gives pictures of 480 x 360 pixels, larger than a pane at 1:1."""


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("comparison")
    return write_report(folder, make_example(folder, scale=SCALE))


@pytest.fixture(scope="module")
def visit(browser: "sync_api.Browser", report: Path) -> Iterator[Visit]:
    visit = Visit(browser, report)
    yield visit
    visit.context.close()


@pytest.fixture
def page(visit: Visit) -> "sync_api.Page":
    visit.page.reload()
    return visit.page
