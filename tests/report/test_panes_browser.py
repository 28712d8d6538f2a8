"""Panes of the report's page in a real browser; skipped where Playwright or Chromium is not installed."""

import re
from pathlib import Path

import pytest

from sinct.report import write_report
from tests.support.browser import HOSTILE, Visit, browser, sync_api, wait_until  # noqa: F401 - a fixture
from tests.support.report_browser import page, report, visit  # noqa: F401 - fixtures
from tests.support.report_example import make_example

# ruff: noqa: F811 - fixtures are named as they are imported

pytestmark = pytest.mark.slow


def transforms(page: "sync_api.Page") -> list[str]:
    """Of the painting and of the results that are shown; the photo has another size."""
    return page.eval_on_selector_all(
        ".pane:not([hidden]) .layer:not([alt=Photo])", "layers => layers.map(layer => layer.style.transform)"
    )


def scale(transform: str) -> float:
    found = re.search(r"scale\(([\d.e-]+)\)", transform)
    assert found
    return float(found[1])


def offset(transform: str) -> tuple[float, float]:
    x, y = re.findall(r"(-?[\d.]+)px", transform)
    return float(x), float(y)


def test_at_first_pictures_fit_their_panes(page: "sync_api.Page") -> None:
    (first, *_) = transforms(page)
    frame = page.locator(".pane .frame").first.bounding_box()
    assert frame
    assert scale(first) * 480 == pytest.approx(frame["width"], abs=1)


def test_the_wheel_zooms_all_panes_alike_once_one_was_clicked(page: "sync_api.Page") -> None:
    before = transforms(page)
    page.locator(".pane .frame").nth(2).click(position={"x": 40, "y": 90})
    page.mouse.wheel(0, -300)
    wait_until(page, "before => document.querySelector('.layer').style.transform !== before", before[0])
    after = transforms(page)
    assert len(after) > 2
    assert len(set(after)) == 1
    assert scale(after[0]) > scale(before[0])


def test_the_wheel_keeps_the_point_under_the_pointer(page: "sync_api.Page") -> None:
    page.locator("#panes").press("1")
    page.locator("#panes").press("+")
    frame = page.locator(".pane .frame").first
    box = frame.bounding_box()
    assert box
    (x, y), old = offset(transforms(page)[0]), scale(transforms(page)[0])
    point = (200.0, 120.0)
    frame.hover(position={"x": point[0], "y": point[1]})
    page.mouse.wheel(0, -200)
    wait_until(page, "x => !document.querySelector('.layer').style.transform.includes(x)", f"({x}px")
    (left, top), new = offset(transforms(page)[0]), scale(transforms(page)[0])
    assert (point[0] - left) / new == pytest.approx((point[0] - x) / old, abs=1)
    assert (point[1] - top) / new == pytest.approx((point[1] - y) / old, abs=1)


def test_the_wheel_scrolls_the_page_while_no_pane_was_clicked(page: "sync_api.Page") -> None:
    page.evaluate("document.activeElement.blur(), scrollTo(0, 300)")
    before = transforms(page)
    page.locator(".pane .frame").first.hover(position={"x": 90, "y": 90})
    start = page.evaluate("scrollY")
    page.mouse.wheel(0, 120)
    wait_until(page, "start => scrollY > start", start)
    assert transforms(page) == before


def test_keys_zoom_move_and_fit_all_panes_alike(page: "sync_api.Page") -> None:
    fit = transforms(page)
    area = page.locator("#panes")
    area.press("1")
    assert {scale(transform) for transform in transforms(page)} == {1}
    assert page.locator("#zoom").inner_text() == "100 %"
    area.press("+")
    near = transforms(page)
    assert scale(near[0]) == pytest.approx(1.5)
    area.press("ArrowRight")
    area.press("ArrowDown")
    moved = transforms(page)
    assert len(set(moved)) == 1
    assert all(b < a for a, b in zip(offset(near[0]), offset(moved[0]), strict=True))
    area.press("-")
    assert scale(transforms(page)[0]) == pytest.approx(1)
    area.press("0")
    assert transforms(page) == fit
    assert "Fit" in page.locator("#zoom").inner_text()


def test_1_to_1_shows_a_small_picture_at_its_own_size(browser: "sync_api.Browser", tmp_path: Path) -> None:
    page = Visit(browser, write_report(tmp_path, make_example(tmp_path))).page
    area, zoom = page.locator("#panes"), page.locator("#zoom")
    fit = transforms(page)
    assert scale(fit[0]) > 1
    area.press("1")
    assert {scale(transform) for transform in transforms(page)} == {1}
    assert zoom.inner_text() == "100 %"
    frame = page.locator(".pane .frame").first.bounding_box()
    assert frame
    left, _ = offset(transforms(page)[0])
    assert left == pytest.approx((frame["width"] - 160) / 2, abs=1)  # in the middle
    area.press("-")
    assert zoom.inner_text() == "100 %"
    area.press("0")
    assert transforms(page) == fit
    page.close()


def test_pixels_stay_sharp_above_1_to_1(page: "sync_api.Page") -> None:
    for _ in range(3):
        page.locator("#panes").press("+")
    assert page.locator(".layer").first.evaluate("e => getComputedStyle(e).imageRendering") == "pixelated"


def test_dragging_moves_all_panes_alike_and_stops_at_the_border(page: "sync_api.Page") -> None:
    for _ in range(4):
        page.locator("#panes").press("+")
    before = offset(transforms(page)[0])
    box = page.locator(".pane .frame").nth(2).bounding_box()
    assert box
    page.mouse.move(box["x"] + 100, box["y"] + 100)
    page.mouse.down()
    page.mouse.move(box["x"] + 130, box["y"] + 80)
    after = transforms(page)
    assert len(set(after)) == 1
    assert offset(after[0]) == pytest.approx((before[0] + 30, before[1] - 20), abs=1)
    page.mouse.move(box["x"] + 5000, box["y"] + 5000)
    page.mouse.up()
    assert offset(transforms(page)[0]) == pytest.approx((0, 0), abs=1)


def test_a_double_click_goes_to_1_to_1_and_back(page: "sync_api.Page") -> None:
    fit = transforms(page)
    frame = page.locator(".pane .frame").first
    frame.dblclick()
    assert scale(transforms(page)[0]) == 1
    frame.dblclick()
    assert transforms(page) == fit


def test_the_photo_is_shown_whole_at_first_and_at_the_same_magnification_when_zoomed(
    page: "sync_api.Page",
) -> None:
    page.get_by_role("checkbox", name="Photo", exact=True).press("Space")
    photo = page.locator(".pane .layer[alt=Photo]")
    frame = page.locator(".pane:has(.layer[alt=Photo]) .frame").bounding_box()
    shown = photo.bounding_box()
    assert frame
    assert shown
    assert shown["width"] == pytest.approx(frame["width"], abs=1)  # the photo is the flatter of the two
    page.locator("#panes").press("1")
    page.locator("#panes").press("+")
    assert scale(photo.evaluate("e => e.style.transform")) == pytest.approx(1.5)


def test_a_pinch_zooms(page: "sync_api.Page") -> None:
    before = scale(transforms(page)[0])
    page.evaluate(
        """() => {
          const frame = document.querySelector(".pane .frame");
          frame.setPointerCapture = () => {};
          const { left, top } = frame.getBoundingClientRect();
          const fire = (kind, pointerId, x, y) => frame.dispatchEvent(new PointerEvent(kind,
            { pointerId, clientX: left + x, clientY: top + y, button: 0, bubbles: true, cancelable: true }));
          fire("pointerdown", 11, 100, 100);
          fire("pointerdown", 12, 140, 100);
          fire("pointermove", 12, 180, 100);
        }"""
    )
    assert scale(transforms(page)[0]) == pytest.approx(2 * before, rel=1e-3)


def test_pictures_can_be_chosen(page: "sync_api.Page") -> None:
    shown = page.locator(".pane:visible")
    count = shown.count()
    page.get_by_role("checkbox", name="Photo", exact=True).press("Space")
    assert shown.count() == count + 1
    page.get_by_role("button", name="All pictures").click()
    assert shown.count() == page.locator(".pane").count()


def test_the_inset_can_be_hidden(page: "sync_api.Page") -> None:
    inset, button = page.locator(".inset").first, page.get_by_role("button", name="Photo inset")
    assert inset.is_visible()
    button.click()
    assert inset.is_hidden()
    assert button.get_attribute("aria-pressed") == "false"


def test_the_inset_is_at_the_top_left_of_results(page: "sync_api.Page") -> None:
    frames = page.locator(".pane:visible .frame:has(.inset)")
    frame, inset = frames.first.evaluate(  # both at once, as the page may still be moving
        """frame => [frame, frame.querySelector(".inset")].map(element => {
            const { x, y, width } = element.getBoundingClientRect();
            return { x, y, width };
        })"""
    )
    assert (inset["x"], inset["y"]) == (frame["x"], frame["y"])
    assert 0 < inset["width"] < 0.3 * frame["width"]


def divider(page: "sync_api.Page") -> float:
    return page.evaluate(
        """() => { const line = document.querySelector(".divider").getBoundingClientRect();
          const frame = document.querySelector(".slider").getBoundingClientRect();
          return (line.left + line.width / 2 - frame.left) / frame.width; }"""
    )


def test_the_slider_follows_keys_and_says_so(page: "sync_api.Page") -> None:
    split = page.locator("#split")
    assert divider(page) == pytest.approx(0.5, abs=0.01)
    for _ in range(10):
        split.press("ArrowRight")
    assert divider(page) == pytest.approx(0.6, abs=0.01)
    assert page.locator(".over").evaluate("e => e.style.clipPath") == "inset(0px 0px 0px 60%)"
    assert split.get_attribute("aria-valuetext") == "60 % Painting, 40 % sinct"


def test_the_slider_follows_the_mouse(page: "sync_api.Page") -> None:
    frame = page.locator(".slider")
    frame.scroll_into_view_if_needed()
    box = frame.bounding_box()
    assert box
    page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 50)
    page.mouse.down()
    page.mouse.move(box["x"] + 0.25 * box["width"], box["y"] + 60, steps=3)
    page.mouse.up()
    assert divider(page) == pytest.approx(0.25, abs=0.03)


def test_the_slider_shows_the_chosen_pictures(page: "sync_api.Page") -> None:
    page.locator("#after").select_option(label="GPDM")
    assert page.locator(".over .layer").get_attribute("alt") == "Result of GPDM"
    assert "GPDM" in (page.locator("#split").get_attribute("aria-valuetext") or "")


def test_a_crop_leads_to_its_place_at_1_to_1(page: "sync_api.Page") -> None:
    page.evaluate("document.querySelector('.show').dataset.u = 1")
    page.locator(".show").first.click()
    frame = page.locator(".pane .frame").first.bounding_box()
    assert frame
    (found,) = set(transforms(page))
    assert scale(found) == 1
    assert offset(found)[0] == pytest.approx(frame["width"] - 480, abs=1)  # at the right border
    assert page.evaluate("document.activeElement.id") == "panes"
