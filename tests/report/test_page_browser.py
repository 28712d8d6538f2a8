"""The report's page in a real browser; skipped where Playwright or Chromium is not installed."""

import dataclasses
from pathlib import Path

import pytest

from sinct.report import write_report, write_summary
from tests.support.browser import HOSTILE, Visit, browser, sync_api, wait_until  # noqa: F401 - a fixture
from tests.support.report_browser import page, report, visit  # noqa: F401 - fixtures
from tests.support.report_example import make_example

# ruff: noqa: F811 - fixtures are named as they are imported

pytestmark = pytest.mark.slow


def test_page_opens_without_complaint_and_asks_for_nothing_else(visit: Visit, report: Path) -> None:
    visit.page.wait_for_load_state("networkidle")
    assert visit.complaints == []
    assert {url for url in visit.requests if not url.startswith("data:")} == {report.as_uri()}
    assert visit.page.eval_on_selector_all("img", "all => all.every(img => img.naturalWidth > 0)")


def column(page: "sync_api.Page", number: int) -> list[str | None]:
    return page.eval_on_selector_all(
        "#table tbody.contenders tr", f"rows => rows.map(row => row.cells[{number}]?.dataset.value)"
    )


def test_a_heading_sorts_the_contenders_better_first_and_then_the_other_way(page: "sync_api.Page") -> None:
    heading = page.locator("#table thead tr:last-child th").nth(3)  # gradient SSIM: higher is better
    controls = page.locator("#table tbody.controls").all_inner_texts()
    heading.get_by_role("button").press("Enter")
    values = [float(value) for value in column(page, 3) if value]
    assert values == sorted(values, reverse=True)
    assert column(page, 3)[-1] is None  # without a value comes last
    assert heading.get_attribute("aria-sort") == "descending"
    heading.get_by_role("button").press("Enter")
    values = [float(value) for value in column(page, 3) if value]
    assert values == sorted(values)
    assert column(page, 3)[-1] is None
    assert heading.get_attribute("aria-sort") == "ascending"
    assert page.locator("#table tbody.controls").all_inner_texts() == controls


def test_names_sort_by_letters(page: "sync_api.Page") -> None:
    page.locator("#table").get_by_role("button", name="Method").click()
    names = [str(value) for value in column(page, 0)]
    assert names == sorted(names, key=str.lower)


def test_choosing_an_axis_draws_another_plot(page: "sync_api.Page") -> None:
    title = "document.querySelector('#plot svg').getAttribute('aria-label')"
    assert "Gram distance against Gradient SSIM" in page.evaluate(title)
    page.locator("#axis-y").select_option("clipped")
    assert "Clipped pixels against Gradient SSIM" in page.evaluate(title)
    assert page.locator("#plot .mark").count() > 3


def test_the_same_measure_on_both_axes_moves_the_other(page: "sync_api.Page") -> None:
    page.locator("#axis-x").select_option("swd")
    assert page.locator("#axis-y").input_value() != "swd"
    assert page.locator("#plot svg:visible").count() == 1


@pytest.mark.parametrize(("width", "shown"), [(390, "narrow"), (1280, "wide")])
def test_the_plot_fits_the_screen_with_letters_that_can_be_read(
    page: "sync_api.Page", width: int, shown: str
) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    plot = page.locator("#plot svg:visible")
    assert shown in (plot.get_attribute("class") or "")
    box = plot.bounding_box()
    assert box
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= width
    assert (
        page.evaluate(
            "(({ scrollWidth, clientWidth }) => scrollWidth - clientWidth)(document.querySelector('#plot'))"
        )
        <= 0
    )
    drawn = float((plot.get_attribute("viewBox") or "").split()[2])
    assert 11 * box["width"] / drawn >= 10.5  # pixels, of the smallest letters
    page.set_viewport_size({"width": 1200, "height": 900})


def test_marks_of_the_plot_can_be_focused_and_are_named(page: "sync_api.Page") -> None:
    mark = page.locator("#plot .mark.contender").first
    mark.focus()
    assert page.evaluate("document.activeElement.classList.contains('mark')")
    assert "Gradient SSIM" in (mark.get_attribute("aria-label") or "")


def colours(page: "sync_api.Page") -> tuple[str, str]:
    return tuple(
        page.evaluate(
            "(({ backgroundColor, color }) => [backgroundColor, color])(getComputedStyle(document.body))"
        )
    )


def test_the_button_turns_the_page_dark_and_light_again(page: "sync_api.Page") -> None:
    light = colours(page)
    button = page.get_by_role("button", name="Dark theme")
    button.click()
    assert colours(page) != light
    page.get_by_role("button", name="Light theme").click()
    assert colours(page) == light
    assert button.is_visible()


def test_the_page_follows_the_system_to_dark(page: "sync_api.Page") -> None:
    light = colours(page)
    page.emulate_media(color_scheme="dark")
    # The script hears of the change a moment later.
    page.get_by_role("button", name="Light theme").wait_for(timeout=10_000)
    dark = colours(page)
    page.emulate_media(color_scheme="light")
    assert dark != light


@pytest.mark.parametrize("width", [360, 768, 1920])
def test_nothing_sticks_out_sideways(page: "sync_api.Page", width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    # The script fits the panes a frame or two after the window has changed.
    wait_until(page, "document.documentElement.scrollWidth <= innerWidth")
    page.set_viewport_size({"width": 1200, "height": 900})


def test_without_scripts_all_pictures_and_the_plot_are_there(
    browser: "sync_api.Browser", report: Path
) -> None:
    page = Visit(browser, report, java_script_enabled=False).page
    assert page.locator(".pane:visible").count() == page.locator(".pane").count()
    assert page.locator("#plot svg:visible").count() == 1
    assert page.locator("button:visible:not(.sort)").count() == 0
    page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_barrier(page: "sync_api.Page", scheme: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed")
    page.emulate_media(color_scheme=scheme)
    page.evaluate("document.querySelectorAll('details').forEach(details => (details.open = true))")
    found = axe.Axe().run(page)
    page.emulate_media(color_scheme="light")
    assert found.violations_count == 0, found.generate_report()


def test_axe_finds_no_barrier_in_a_summary(browser: "sync_api.Browser", report: Path, tmp_path: Path) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed")
    example = make_example(tmp_path)
    visit = Visit(browser, write_summary(tmp_path, {"one": example, "two": example}))
    found = axe.Axe().run(visit.page)
    visit.context.close()
    assert visit.complaints == []
    assert found.violations_count == 0, found.generate_report()


def test_long_names_do_not_stick_out_sideways(browser: "sync_api.Browser", tmp_path: Path) -> None:
    example, name = make_example(tmp_path), "averylongnamewithoutanyspace" * 5
    comparison = dataclasses.replace(
        example,
        painting=dataclasses.replace(example.painting, name=name + ".jpg"),
        environment={name: name},
        results=tuple(
            dataclasses.replace(r, title=name, warnings=(name,), facts={name: name}) for r in example.results
        ),
    )
    page = Visit(browser, write_report(tmp_path, comparison), viewport={"width": 360, "height": 700}).page
    page.evaluate("document.querySelectorAll('details').forEach(details => (details.open = true))")
    wide = page.evaluate("document.documentElement.scrollWidth")
    page.close()
    assert wide <= 360


def test_hostile_names_do_nothing(browser: "sync_api.Browser", tmp_path: Path) -> None:
    example = make_example(tmp_path)
    comparison = dataclasses.replace(
        example,
        painting=dataclasses.replace(example.painting, name=HOSTILE),
        measures=tuple(dataclasses.replace(m, title=HOSTILE + m.name) for m in example.measures),
        results=tuple(
            dataclasses.replace(r, title=HOSTILE, source=HOSTILE, warnings=(HOSTILE,))
            for r in example.results
        ),
    )
    visit = Visit(browser, write_report(tmp_path, comparison))
    visit.page.locator("#axis-y").select_option("clipped")
    visit.page.wait_for_load_state("networkidle")
    hacked, texts = visit.page.evaluate("[window.hacked ?? null, document.querySelector('h1').textContent]")
    visit.context.close()
    assert hacked is None
    assert HOSTILE in texts
    assert visit.complaints == []
