"""What the page says of what it shows, in a real browser; skipped where there is no browser."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from sinct.studio.run import Job, State, StudioRun
from tests.support.browser import Watched, browser, sync_api, wait_until  # noqa: F401 - a fixture
from tests.support.studio import Served, make_studio, serving
from tests.support.variations import CONFIG, draw, trained_in

# ruff: noqa: F811 - fixtures are named as they are imported

pytestmark = pytest.mark.slow

LONG = (
    "the result is much darker than the painting, where the photo has a deep shadow; " * 4 + "unbroken" * 40
)


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    (tmp_path / "folder").mkdir()
    with serving(make_studio(tmp_path / "folder", CONFIG)) as served:
        yield served


def sides(page: "sync_api.Page") -> tuple[str, str, str, str]:
    """Heading and hint of the slider, what a screen reader hears of it, and the caption of the picture beside."""
    return (
        page.locator("#slider-title").inner_text(),
        page.locator("#sides").inner_text(),
        page.locator("#split").get_attribute("aria-valuetext") or "",
        page.locator("#result-caption").inner_text(),
    )


def test_the_slider_says_what_it_shows(browser: "sync_api.Browser", served: Served) -> None:
    draw(served.folder / "painting.png", 0)
    draw(served.folder / "photo.png", 1)
    run = StudioRun(served.folder / "out.sinct")
    run.write_job(Job("painting.png", ("photo.png",), "out.png", "draft"))
    opened = Watched(browser)
    page = opened.page
    page.goto(f"{served.address}#out.sinct")
    wait_until(page, "document.querySelector('.slider .layer').naturalWidth > 0")
    assert sides(page) == (
        "Painting",
        "there is no result yet, so the painting is on both sides.",
        "50 % Painting, 50 % Painting",
        "Result, not there yet",
    )
    draw(run.view("live"), 2)
    page.locator("#result-caption", has_text="Result so far").wait_for()
    assert sides(page)[:3] == (
        "Painting and result so far",
        "the painting is on the left, the result so far on the right.",
        "50 % Painting, 50 % Result so far",
    )
    draw(served.folder / "out.png", 3)
    wait_until(page, "document.querySelector('#result-caption').textContent === 'Result'")
    assert sides(page)[:3] == (
        "Painting and result",
        "the painting is on the left, the result on the right.",
        "50 % Painting, 50 % Result",
    )
    opened.context.close()
    assert opened.complaints == []


@pytest.mark.parametrize("width", [390, 1280])
def test_long_flaws_leave_room_for_the_candidates(
    browser: "sync_api.Browser", served: Served, width: int
) -> None:
    trained_in(served.folder)
    place = served.folder / "out.sinct" / "variations" / "variations.json"
    record = json.loads(place.read_text())
    for candidate in record["candidates"]:
        candidate["result"]["warnings"] = [["darker", LONG], ["speckle", "speckle in flat areas"]]
    place.write_text(json.dumps(record))
    served.studio.run("out.sinct").write_state(State("choosing", warnings=(LONG,)))
    opened = Watched(browser, viewport={"width": width, "height": 800})
    page = opened.page
    page.goto(f"{served.address}#out.sinct")
    page.get_by_role("button", name="Go on with candidate").wait_for()
    wait_until(page, "document.querySelectorAll('#cards img')[1].naturalWidth > 0")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert max(page.eval_on_selector_all("#cards label", "all => all.map(each => each.offsetHeight)")) < 350
    assert [len(text) for text in page.locator("#flaws li").all_inner_texts()] == [len(LONG) + 1, 22]
    opened.context.close()
    assert opened.complaints == []
