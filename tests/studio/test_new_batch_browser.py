"""A batch in a real browser, from choosing to its pictures; skipped where there is no browser."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from sinct.batch import ledger_path, read_entries
from tests.support.browser import HOSTILE, Watched, browser, sync_api, wait_until  # noqa: F401 - a fixture
from tests.support.studio import DEADLINE, Served, make_studio, serving

# ruff: noqa: F811 - fixtures are named as they are imported

pytestmark = pytest.mark.slow

MOMENT = 1000 * DEADLINE
NAMES = ("monet.png", "turner.png", "coast.jpg", "cliffs.jpg")
ODD = HOSTILE.replace("/", "_")[:200] + " 🖼️.png"


class Open(Watched):
    """The page of a studio, with the choice of several paintings."""

    def __init__(self, browser: "sync_api.Browser", served: Served, **options) -> None:
        super().__init__(browser, **options)
        self.page.goto(served.address)
        self.page.locator("#presets input").first.wait_for(state="attached")
        self.page.locator("#mode label", has_text="Several").click()


@pytest.fixture
def served(tmp_path, make_picture, tiny) -> Iterator[Served]:
    (tmp_path / "folder").mkdir()
    for seed, name in enumerate(NAMES):
        make_picture(f"folder/{name}", 160, 120, seed=seed)
    with serving(make_studio(tmp_path / "folder", tiny)) as served:
        yield served


@pytest.fixture
def opened(browser: "sync_api.Browser", served: Served) -> Iterator[Open]:
    opened = Open(browser, served)
    yield opened
    opened.context.close()


def start(page: "sync_api.Page") -> "sync_api.Locator":
    return page.get_by_role("button", name="Start a batch")


def test_paintings_are_ticked_by_keyboard_and_become_pictures_that_are_judged(
    browser: "sync_api.Browser", served: Served
) -> None:
    opened = Watched(browser)
    page = opened.page
    page.goto(served.address)
    page.locator("#presets input").first.wait_for(state="attached")
    page.get_by_role("radio", name="One picture").focus()
    page.keyboard.press("ArrowRight")
    assert page.locator("#start-hint").inner_text() == "Tick one painting or more."
    for name in NAMES[:2]:
        page.get_by_role("checkbox", name=name).press(" ")
    assert page.locator("#ticked").inner_text() == "2 of 4 pictures ticked"
    assert page.locator("#start-hint").inner_text() == "Choose a photo for all, or one for each painting."
    page.locator("#photo select").select_option("coast.jpg")
    page.get_by_role("combobox", name="Photo for turner.png").press_sequentially("cliffs.jpg")
    assert page.locator("#start-hint").inner_text().startswith("2 pictures, about")
    page.get_by_role("button", name="Start a batch of 2").press("Enter")
    page.wait_for_url("**/batch?of=batch-1", timeout=MOMENT)
    page.locator("#phase", has_text="Finished").wait_for(timeout=MOMENT)
    page.locator("#detail", has_text="2 of 2 jobs done").wait_for(timeout=MOMENT)
    wait_until(page, "document.querySelectorAll('#rows .thumbnail img').length === 4", seconds=DEADLINE)
    page.get_by_role("button", name="Reject turner").press("Enter")
    page.locator("#rows .tag", has_text="Rejected").wait_for()
    wait_until(page, "document.querySelector('#stop').hidden", seconds=DEADLINE)
    opened.context.close()
    folder = served.folder / "batch-1"
    found = read_entries(ledger_path(folder))
    photos = [[Path(place).name for place in entry.job.photos] for entry in found]
    assert photos == [["coast.jpg"], ["cliffs.jpg"]]
    assert sorted(path.name for path in folder.glob("*.png")) == ["monet.png", "turner.png"]
    assert 'class="tag bad">rejected' in (folder / "report.html").read_text()
    assert opened.complaints == []


def test_tick_all_leaves_out_the_photo_and_what_was_ticked_stays_when_files_come(
    opened: Open, tmp_path: Path, make_picture
) -> None:
    page = opened.page
    page.locator("#photo select").select_option("coast.jpg")
    page.get_by_role("button", name="Tick all").click()
    assert page.locator("#ticked").inner_text() == "3 of 4 pictures ticked"
    assert page.get_by_role("checkbox", name="coast.jpg").is_disabled()
    page.get_by_role("checkbox", name="cliffs.jpg").uncheck()
    files = [make_picture("vernet.png", 90, 70, seed=8), tmp_path / "letter.png"]
    files[1].write_text("Dear reader, this is no picture.")
    page.locator("#several .drop input").set_input_files(files)
    page.locator("#fault", has_text="letter.png").wait_for()
    assert page.locator("#ticked").inner_text() == "3 of 5 pictures ticked"
    assert page.get_by_role("checkbox", name="vernet.png").is_checked()
    page.get_by_role("button", name="Tick none").click()
    assert start(page).is_disabled()
    page.locator("#mode label", has_text="One picture").click()
    assert page.locator("#painting").is_visible()
    assert page.locator("#several").is_hidden()
    page.locator("#painting select").select_option("monet.png")
    assert page.get_by_role("button", name="Start", exact=True).is_enabled()


def test_what_was_refused_of_several_files_stays_on_the_page(
    opened: Open, tmp_path: Path, make_picture
) -> None:
    (tmp_path / "letter.jpg").write_text("Dear reader, this is no picture.")
    files = [tmp_path / "letter.jpg", make_picture("good.png")]
    page = opened.page
    page.locator("#mode label", has_text="One picture").click()
    page.locator("#more summary").click()
    page.locator("#further-file").set_input_files(files)
    page.locator("#photo .name", has_text="good.png").wait_for()
    wait_until(page, "!document.querySelector('#start-hint').textContent.includes('copied')")
    assert "letter.jpg" in page.locator("#fault").inner_text()


def test_a_refusal_is_told_and_the_page_stays(opened: Open, served: Served) -> None:
    page = opened.page
    page.get_by_role("checkbox", name="turner.png").check()
    page.get_by_label("Photo for turner.png").fill("no such photo.png")
    start(page).click()
    page.locator("#fault", has_text="There is no no such photo.png in this folder").wait_for()
    assert start(page).is_enabled()
    assert not (served.folder / "batch-1").exists()


def test_names_of_paintings_cannot_become_code(browser: "sync_api.Browser", served: Served) -> None:
    (served.folder / ODD).write_bytes((served.folder / "monet.png").read_bytes())
    opened = Open(browser, served)
    page = opened.page
    page.locator("#photo select").select_option("coast.jpg")
    page.get_by_role("checkbox", name="onerror").check()
    start(page).click()
    page.wait_for_url("**/batch?of=batch-1", timeout=MOMENT)
    page.locator("#detail", has_text="1 of 1 job done").wait_for(timeout=MOMENT)
    assert page.evaluate("window.hacked ?? null") is None
    opened.context.close()
    assert opened.complaints == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_axe_finds_no_barrier_and_nothing_sticks_out(
    browser: "sync_api.Browser", served: Served, scheme: str, width: int
) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed")
    (served.folder / ("x" * 200 + ".png")).write_bytes((served.folder / "monet.png").read_bytes())
    opened = Open(browser, served, viewport={"width": width, "height": 800}, color_scheme=scheme)
    page = opened.page
    page.locator("#photo select").select_option("coast.jpg")
    page.get_by_role("button", name="Tick all").click()
    wait_until(page, "document.querySelectorAll('#paintings img').length >= 2")
    found = axe.Axe().run(page)
    wide = page.evaluate("document.documentElement.scrollWidth")
    opened.context.close()
    assert found.violations_count == 0, found.generate_report()
    assert wide <= width


def test_a_picture_that_cannot_be_read_says_why_when_it_is_chosen(opened: Open, served: Served) -> None:
    whole = (served.folder / "coast.jpg").read_bytes()
    (served.folder / "cut.jpg").write_bytes(whole[: len(whole) // 3])
    page = opened.page
    page.reload()
    page.locator("#photo select").select_option("cut.jpg")
    page.locator("#fault", has_text="is damaged or cut off").wait_for()
    page.locator("#mode label", has_text="Several").click()
    page.locator("#paintings li", has_text="cut.jpg").locator(
        ".thumbnail", has_text="cannot be read"
    ).wait_for()
