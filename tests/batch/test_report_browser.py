"""The page of a batch in a real browser; skipped where Playwright or Chromium is not installed."""

from pathlib import Path

import pytest

from sinct.batch.ledger import State
from sinct.batch.report import write_batch_report
from tests.support.batch_example import make_batch, make_entry
from tests.support.browser import HOSTILE, Visit, browser, wait_until  # noqa: F401 - a fixture

# ruff: noqa: F811 - fixtures are named as they are imported

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def report(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("batch")
    return write_batch_report(folder / "out", make_batch(folder))


@pytest.fixture
def visit(browser, report):
    visit = Visit(browser, report)
    yield visit
    visit.context.close()


def test_page_opens_without_complaint_and_asks_for_nothing_else(visit, report):
    visit.page.wait_for_load_state("networkidle")
    assert visit.complaints == []
    assert {url for url in visit.requests if not url.startswith("data:")} == {report.as_uri()}
    assert visit.page.eval_on_selector_all("img", "all => all.every(img => img.naturalWidth > 0)")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_barrier(visit, scheme):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed")
    visit.page.emulate_media(color_scheme=scheme)
    found = axe.Axe().run(visit.page)
    assert found.violations_count == 0, found.generate_report()


def test_headings_sort_the_table(visit):
    def column(number: int) -> list[str | None]:
        script = f"rows => rows.map(row => row.cells[{number}].dataset.value)"
        return visit.page.eval_on_selector_all("#figures tbody tr", script)

    visit.page.get_by_role("button", name="State").click()
    assert visit.page.locator("#figures tbody tr").first.inner_text().startswith("failed")
    visit.page.get_by_role("button", name="Time", exact=True).click()
    values = [float(value) for value in column(3) if value is not None]
    assert values == sorted(values, reverse=True)
    assert column(3)[-1] is None
    visit.page.get_by_role("button", name="Job").click()
    names = [str(name) for name in column(0)]
    assert names == sorted(names)


@pytest.mark.parametrize("width", [360, 768, 1920])
def test_nothing_sticks_out_sideways(visit, width):
    visit.page.set_viewport_size({"width": width, "height": 800})
    wait_until(visit.page, "document.documentElement.scrollWidth <= innerWidth")


def test_long_and_hostile_names_do_nothing(browser, tmp_path):
    name = HOSTILE + "averylongnamewithoutanyspace" * 5
    entries = [
        make_entry(name, name, (name,), name, state=state, error=name, warnings=(name,))
        for state in (State.failed, State.done)
    ]
    visit = Visit(browser, write_batch_report(tmp_path, entries), viewport={"width": 360, "height": 700})
    visit.page.wait_for_load_state("networkidle")
    hacked, width = visit.page.evaluate("[window.hacked ?? null, document.documentElement.scrollWidth]")
    texts = visit.page.locator("h3").first.text_content()
    visit.context.close()
    assert hacked is None
    assert width <= 360
    assert HOSTILE in (texts or "")
    assert visit.complaints == []
