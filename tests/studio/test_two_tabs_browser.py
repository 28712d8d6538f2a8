"""The same run or batch on two pages at once, and runs that go while a page shows them; in a real browser."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.support.browser import Watched, browser, sync_api, wait_until  # noqa: F401 - a fixture
from tests.support.studio import DEADLINE, Served, make_studio, serving
from tests.support.variations import CONFIG, draw

# ruff: noqa: F811 - fixtures are named as they are imported

pytestmark = pytest.mark.slow

MOMENT = 1000 * DEADLINE
RUN = "painting-photo.sinct"
SUM = """() => {
    const canvas = document.querySelector('#canvas');
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    let sum = 0;
    for (let i = 3; i < data.length; i += 4) sum += data[i];
    return sum;
}"""
"""How much of the painting the brush has brought back on a page."""


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    folder = tmp_path / "folder"
    folder.mkdir()
    draw(folder / "painting.png", 0, (160, 120))
    draw(folder / "photo.png", 1, (150, 130))
    with serving(make_studio(folder, CONFIG)) as served:
        yield served


@pytest.fixture
def finished(served: Served) -> Served:
    served.studio.start("painting.png", ["photo.png"], "draft")
    served.wait(RUN, "finished")
    return served


class Tab(Watched):
    """The page of a run."""

    def __init__(self, browser: "sync_api.Browser", served: Served, name: str = RUN) -> None:
        super().__init__(browser)
        self.page.goto(f"{served.address}#{name}")
        wait_until(
            self.page, "document.querySelector('.pane [data-view=painting]').naturalWidth > 0", None, DEADLINE
        )

    def paint(self, *keys: str) -> None:
        """Paint a dab with the keyboard, where the arrows lead from the last place, and wait until it is kept."""
        if self.page.locator("#brush").get_attribute("aria-pressed") != "true":
            self.page.locator("#brush").click(timeout=MOMENT)
        for key in keys:
            self.page.locator("#panes").press(key)
        with self.page.expect_response("**/mask"):
            self.page.locator("#panes").press(" ")


def test_what_is_painted_on_one_page_shows_on_the_other_and_nothing_is_lost(
    browser: "sync_api.Browser", finished: Served
) -> None:
    one, two = Tab(browser, finished), Tab(browser, finished)
    one.paint()
    first = one.page.evaluate(SUM)
    wait_until(two.page, f"({SUM})() === {first}", seconds=DEADLINE)
    two.paint("Shift+ArrowRight", "Shift+ArrowRight", "Shift+ArrowRight")
    both = two.page.evaluate(SUM)
    assert both > 1.9 * first
    wait_until(one.page, f"({SUM})() === {both}", seconds=DEADLINE)
    mask = np.asarray(Image.open(finished.studio.run(RUN).mask).convert("L"), float)
    assert (255 - mask).sum() == pytest.approx(both, rel=0.01)
    one.page.locator("#clear").click()
    wait_until(two.page, f"({SUM})() === 0", seconds=DEADLINE)
    assert not finished.studio.run(RUN).mask.exists()
    for tab in (one, two):
        tab.context.close()
        assert [each for each in tab.complaints if "getImageData" not in each] == []


def test_what_one_has_painted_itself_can_still_be_undone(
    browser: "sync_api.Browser", finished: Served
) -> None:
    tab = Tab(browser, finished)
    tab.paint()
    first = tab.page.evaluate(SUM)
    tab.paint("Shift+ArrowRight", "Shift+ArrowRight")
    version = finished.studio.describe(RUN)["views"]["mask"]
    wait_until(
        tab.page, "version => now.views.mask === version", version, DEADLINE
    )  # the report of it has come
    with tab.page.expect_response("**/mask"):
        tab.page.get_by_role("button", name="Undo").click()
    assert tab.page.evaluate(SUM) == first
    assert tab.page.get_by_role("button", name="Undo").is_enabled()
    tab.context.close()


def test_a_mask_is_kept_with_the_run_that_it_was_painted_on(
    browser: "sync_api.Browser", finished: Served
) -> None:
    finished.studio.start("painting.png", ["photo.png"], "draft")
    other = "painting-photo-2.sinct"
    finished.wait(other, "finished")
    draw(finished.studio.run(other).mask, 5, (160, 120))
    tab = Tab(browser, finished)
    tab.paint()
    sum_before = tab.page.evaluate(SUM)
    tab.page.route("**/mask", lambda route: (tab.page.wait_for_timeout(300), route.continue_()))
    tab.page.evaluate(
        """async (name) => {
            const panes = document.querySelector('#panes');
            const told = (key, more) => new KeyboardEvent("keydown", { key, bubbles: true, ...more });
            const press = (key, more = {}) => panes.dispatchEvent(told(key, more));
            panes.focus();
            press(' ');
            press('ArrowRight', { shiftKey: true });
            press('ArrowRight', { shiftKey: true });
            press(' ');
            open(name);
        }""",
        other,
    )
    wait_until(tab.page, "async () => (await brush.saved(), true)", seconds=DEADLINE)
    tab.context.close()
    mask = np.asarray(Image.open(finished.studio.run(RUN).mask).convert("L"), float)
    assert (255 - mask).sum() > 1.5 * sum_before
    assert finished.studio.run(other).mask.exists()


def test_of_two_pages_the_second_start_and_stop_are_refused_in_one_line(
    browser: "sync_api.Browser", served: Served
) -> None:
    tabs = [Watched(browser), Watched(browser)]
    for tab in tabs:
        tab.page.goto(served.address)
        tab.page.locator("#painting select").select_option("painting.png")
        tab.page.locator("#photo select").select_option("photo.png")
        tab.page.locator("#presets label", has_text="Standard").click()
    pages = [tab.page for tab in tabs]
    pages[0].get_by_role("button", name="Start", exact=True).click()
    pages[0].locator("#run-title", has_text="painting-photo").wait_for()
    pages[1].get_by_role("button", name="Start", exact=True).click()
    pages[1].locator("#fault", has_text="one thing is done at a time").wait_for()
    pages[1].locator("#runs a").click()
    for page in pages:
        page.locator("#phase", has_text="Training").wait_for(timeout=MOMENT)
    pages[0].get_by_role("button", name="Stop").click()
    for page in pages:
        page.locator("#phase", has_text="Stopped").wait_for(timeout=MOMENT)
        assert page.locator("#run-fault").inner_text() == ""
    assert len(list(served.folder.glob("*.sinct"))) == 1
    for tab in tabs:
        tab.context.close()
        assert [
            each for each in tab.complaints if "409" not in each
        ] == []  # which the browser logs by itself


@pytest.mark.parametrize("how", ["removed", "moved"])
def test_a_run_that_goes_while_it_is_trained_is_told_and_lets_others_begin(
    browser: "sync_api.Browser", served: Served, tmp_path: Path, how: str
) -> None:
    served.studio.start("painting.png", ["photo.png"], "standard")
    served.until(RUN, lambda run: run["state"]["phase"] == "training" and run["state"]["step"] > 20)
    tab = Tab(browser, served)
    page = tab.page
    page.locator("#phase", has_text="Training").wait_for(timeout=MOMENT)
    if how == "moved":
        (served.folder / RUN).rename(tmp_path / RUN)
    else:
        shutil.rmtree(served.folder / RUN, ignore_errors=True)  # what is written meanwhile stays
    page.locator("#run-fault", has_text=RUN).wait_for(timeout=MOMENT)
    assert page.locator("#run-fault").inner_text().startswith(("There is no", RUN))
    assert page.locator("#phase").is_hidden()
    assert page.locator("#viewer").is_hidden()
    assert page.locator("#lost").is_hidden()
    page.get_by_role("link", name="New picture").click()
    page.locator("#painting select").select_option("painting.png")
    page.locator("#photo select").select_option("photo.png")
    page.locator("#start:enabled").wait_for(timeout=MOMENT)  # once the process has seen it
    page.get_by_role("button", name="Start", exact=True).click()
    page.locator("#phase", has_text="Finished").wait_for(timeout=MOMENT)
    assert page.locator("#run-fault").inner_text() == ""
    tab.context.close()
    assert [each for each in tab.complaints if "404" not in each and "422" not in each] == []


def test_a_page_of_a_studio_that_was_started_anew_says_what_to_open(
    browser: "sync_api.Browser", finished: Served
) -> None:
    tab = Tab(browser, finished)
    tab.page.locator("#make:enabled").wait_for(timeout=MOMENT)
    tab.context.clear_cookies()  # as another token has been made
    tab.page.get_by_role("button", name="Download").click()
    tab.page.locator("#run-fault", has_text="token").wait_for()
    told = tab.page.locator("#run-fault").inner_text()
    assert told == "The token is missing; open the whole address that `sinct studio` printed."
    tab.context.close()


@pytest.mark.parametrize(
    ("fragment", "told"), [("%zz", ""), ("none.sinct", "There is no none.sinct in this folder")]
)
def test_an_address_that_leads_nowhere_is_told(
    browser: "sync_api.Browser", served: Served, fragment: str, told: str
) -> None:
    opened = Watched(browser)
    opened.page.goto(f"{served.address}#{fragment}")
    opened.page.locator("#presets input").first.wait_for(state="attached")
    wait_until(opened.page, "text => document.querySelector('#run-fault').textContent.startsWith(text)", told)
    assert opened.page.locator("#new").is_visible() == (not told)
    opened.context.close()
    assert [each for each in opened.complaints if "422" not in each] == []
