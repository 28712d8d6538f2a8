"""The page of translated folders in a real browser; skipped where Playwright or Chromium is not installed."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from sinct.report.folder_page import write_folder_report
from tests.report.test_grid import COMPARISON, row
from tests.support.browser import HOSTILE, Visit, browser, sync_api, wait_until  # noqa: F401 - a fixture

# ruff: noqa: F811 - fixtures are named as they are imported

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("folders")
    rows = [row(HOSTILE, 0, 1, 2, 3, 4), row("second.png", 5, 6, 7, 8, 9, size=(60, 90))]
    return write_folder_report(folder, COMPARISON, rows, how="as chosen", insets=True)


@pytest.fixture
def visit(browser: "sync_api.Browser", page_file: Path) -> Iterator[Visit]:
    visit = Visit(browser, page_file)
    yield visit
    visit.context.close()


def test_the_page_opens_without_complaint_and_asks_for_nothing_else(visit: Visit, page_file: Path) -> None:
    visit.page.wait_for_load_state("networkidle")
    assert visit.complaints == []
    assert {url for url in visit.requests if not url.startswith("data:")} == {page_file.as_uri()}
    assert visit.page.evaluate("window.hacked ?? null") is None


def test_a_row_is_enlarged_with_all_its_pictures_moving_together(visit: Visit) -> None:
    page = visit.page
    assert page.locator("#row-title").inner_text() == HOSTILE
    page.get_by_role("button", name="Enlarge the pictures of second.png").press("Enter")
    assert page.locator("#row-title").inner_text() == "second.png"
    assert page.evaluate("document.activeElement.id") == "row-title"
    wait_until(page, "document.querySelector('.pane .layer').naturalHeight === 90")
    sources = "[...document.querySelectorAll('#grid tr:nth-child(2) img')].map(image => image.src)"
    assert page.evaluate(
        "[...document.querySelectorAll('.pane .layer')].map(image => image.src)"
    ) == page.evaluate(sources)
    page.locator("#panes").press("1")
    places = page.eval_on_selector_all(".pane .layer", "layers => layers.map(layer => layer.style.transform)")
    assert len(places) == 5
    assert len(set(places)) == 1


def test_a_short_name_stands_on_one_line(visit: Visit) -> None:
    lines = "name => name.getClientRects().length"
    assert visit.page.locator("#grid .name", has_text="second.png").evaluate(lines) == 1


def test_scores_sort_and_the_source_stays_first(visit: Visit) -> None:
    page = visit.page
    page.locator("#table").get_by_role("button", name="FID", exact=False).first.press("Enter")
    names = page.locator("#table tbody th").all_inner_texts()
    assert [name.strip() for name in names] == [
        "Source, unchanged control", "CUT", "CycleGAN", "GcGAN", "Other_1"
    ]  # fmt: skip


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_axe_finds_no_barrier_and_nothing_sticks_out(
    browser: "sync_api.Browser", page_file: Path, scheme: str, width: int
) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed")
    visit = Visit(browser, page_file, viewport={"width": width, "height": 800}, color_scheme=scheme)
    found = axe.Axe().run(visit.page)
    assert found.violations_count == 0, found.generate_report()
    wait_until(visit.page, "document.documentElement.scrollWidth <= innerWidth")
    visit.context.close()
