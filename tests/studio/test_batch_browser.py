"""The page of a batch in a real browser; skipped where there is no browser."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sinct.batch import State, Verdict, ledger_path, read_entries
from sinct.batch.ledger import run_folder
from sinct.studio.batch_rows import id_of
from tests.support.batch_example import FIGURES, make_batch, make_entry, make_picture
from tests.support.browser import HOSTILE, Watched, browser, sync_api, wait_until  # noqa: F401 - a fixture
from tests.support.studio import DEADLINE, Served, make_studio, serving
from tests.support.studio_batch import change, write_deep_zoom, write_ledger

# ruff: noqa: F811 - fixtures are named as they are imported

pytestmark = pytest.mark.slow

MANY = 600


class Open(Watched):
    """The page of a batch."""

    def __init__(self, browser: "sync_api.Browser", served: Served, path: str = "", **options) -> None:
        super().__init__(browser, **options)
        self.page.goto(served.address + "&page=batch")
        self.page.locator("#rows tr").first.wait_for()
        if path:
            self.page.goto(served.base + path)

    def row(self, name: str) -> "sync_api.Locator":
        """The row of a job."""
        return self.page.locator("#rows tr", has=self.page.get_by_role("link", name=name, exact=True))

    def names(self) -> list[str]:
        """The jobs that are listed."""
        return self.page.locator("#rows tr:not([hidden]) .job > a").all_inner_texts()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_ledger(tmp_path / "out", make_batch(tmp_path))
    write_deep_zoom(tmp_path / "out" / "huge.dzi")
    return tmp_path / "out"


@pytest.fixture
def served(folder: Path, tiny) -> Iterator[Served]:
    with serving(make_studio(folder, tiny)) as served:
        yield served


@pytest.fixture
def opened(browser: "sync_api.Browser", served: Served) -> Iterator[Open]:
    opened = Open(browser, served)
    yield opened
    opened.context.close()


def test_the_table_shows_thumbnails_states_warnings_and_failures(opened: Open, served: Served) -> None:
    page = opened.page
    wait_until(page, "document.querySelectorAll('#rows .thumbnail img').length >= 6")
    assert "Missing.png" not in page.content()
    failed = opened.row("failed")
    assert failed.locator(".reason").inner_text() == "missing.png does not exist; a picture file is needed."
    assert failed.locator(".tag").inner_text() == "Failed"
    assert opened.row("warned").locator(".warnings li").all_inner_texts() == [
        "The result is much darker than the painting.",
        "Speckle in flat areas.",
    ]
    assert page.url == f"{served.base}/batch"
    assert opened.complaints == []
    assert {url.split("/")[2] for url in opened.requests} == {served.base[7:]}


def test_a_picture_is_rejected_with_a_note_and_the_ledger_keeps_both(opened: Open, folder: Path) -> None:
    page = opened.page
    opened.row("warned").get_by_role("link", name="warned", exact=True).click()
    page.get_by_label("Note").fill("sky too dark")
    page.get_by_role("button", name="Reject").click()
    page.locator("#picture-state", has_text="Rejected").wait_for()
    entry = {each.name: each for each in read_entries(ledger_path(folder))}["warned"]
    assert (entry.verdict, entry.note) == (Verdict.rejected, "sky too dark")
    page.get_by_label("Note").fill("sky far too dark")
    page.get_by_role("button", name="Save the note").click()
    page.locator("#told", has_text="The note is kept.").wait_for()
    page.get_by_role("link", name="All jobs").click()
    opened.row("warned").locator(".noted", has_text="far").wait_for()
    assert opened.row("warned").locator(".noted").inner_text() == "“sky far too dark”"
    opened.row("warned").get_by_role("button", name="Reject warned").click()  # takes it back
    opened.row("warned").locator(".tag", has_text="Done").wait_for()
    assert opened.complaints == []


def test_filters_and_names_choose_what_is_listed(opened: Open) -> None:
    page = opened.page
    page.locator("#filter label", has_text="Failed").click()
    assert opened.names() == ["failed"]
    page.locator("#filter label", has_text="With warnings").click()
    assert opened.names() == ["warned"]
    page.locator("#filter label", has_text="All").click()
    page.get_by_label("Name").fill("GONE")
    assert opened.names() == ["gone"]


def test_what_a_running_batch_does_is_shown_as_it_happens(opened: Open, folder: Path) -> None:
    opened.page.evaluate("document.querySelector('#rows tr').dataset.same = 'yes'")
    change(folder, "failed", state=State.running, started=time.time(), error=None)
    opened.row("failed").locator(".tag", has_text="Waiting").wait_for()  # nobody works on it
    make_picture(run_folder(folder, "failed") / "run" / "preview.png")
    opened.row("failed").locator(".thumbnail img").wait_for()
    change(folder, "failed", state=State.done, figures=FIGURES)
    opened.row("failed").locator(".tag", has_text="Done").wait_for()
    assert opened.page.locator("#rows tr").first.get_attribute("data-same") == "yes"
    assert opened.complaints == []


def test_painting_and_result_are_compared_and_the_next_picture_is_a_click_away(opened: Open) -> None:
    page = opened.page
    opened.row("sub/märz & sea").get_by_role("link", name="sub/märz & sea").click()
    for role in ("painting", "result"):
        wait_until(page, "role => document.querySelector(`[data-role=${role}]`).naturalWidth > 0", role)
    page.locator("#viewer").wait_for()
    page.locator("#panes").press("1")
    places = page.eval_on_selector_all(
        ".pane:not([hidden]) .layer", "layers => layers.map(layer => layer.style.transform)"
    )
    assert len(places) == 2
    assert len(set(places)) == 1
    page.get_by_role("button", name="Next").click()
    page.locator("#picture-title", has_text="warned").wait_for()
    page.go_back()
    page.locator("#picture-title", has_text="sub/märz & sea").wait_for()
    assert opened.complaints == []


def test_the_list_is_saved_as_the_command_line_writes_it(opened: Open, tmp_path: Path) -> None:
    opened.row("warned").get_by_role("button", name="Accept warned").click()
    opened.row("warned").locator(".tag", has_text="Accepted").wait_for()
    opened.page.locator("#only").select_option("accepted")
    with opened.page.expect_download() as download:
        opened.page.get_by_role("link", name="Save the list").click()
    download.value.save_as(tmp_path / "list.csv")
    assert download.value.suggested_filename == "out-accepted.csv"
    lines = (tmp_path / "list.csv").read_text("utf-8-sig").splitlines()
    assert [line.split(",")[0] for line in lines] == ["name", "warned"]


def test_a_deep_zoom_is_shown_beside_its_painting_and_moves_with_it(
    browser: "sync_api.Browser", opened: Open, served: Served, folder: Path
) -> None:
    write_deep_zoom(folder / "huge-painting.dzi", seed=1)
    page = opened.page
    page.evaluate(f"location.hash = '{id_of('huge')}'")
    page.get_by_role("link", name="Zoom into every pixel").click()
    drawn = """() => [...document.querySelectorAll('.stage canvas')].map(canvas => {
        const { data } = canvas.getContext('2d').getImageData(canvas.width / 2, canvas.height / 2, 1, 1);
        return data[3];
    })"""
    wait_until(page, f"({drawn})().filter(alpha => alpha === 255).length === 2")
    stage = page.get_by_role("application", name="Result")
    stage.press("1")
    wait_until(page, "document.querySelector('#zoom').value === '100 %'")
    assert "Fit" not in page.locator("#zoom").inner_text()
    stage.press("0")
    wait_until(page, "document.querySelector('#zoom').value.startsWith('Fit')")
    assert any("/api/tiles/painting/11/" in url for url in opened.requests)
    assert any("/api/tiles/result/11/" in url for url in opened.requests)
    page.reload()
    wait_until(page, f"({drawn})().filter(alpha => alpha === 255).length === 2")
    assert [
        each for each in opened.complaints if "getImageData" not in each
    ] == []  # which this test reads with
    assert {url.split("/")[2] for url in opened.requests} == {served.base[7:]}


def test_missing_tiles_are_told(browser: "sync_api.Browser", served: Served, folder: Path) -> None:
    for tile in (folder / "huge_files").glob("*/0_0.jpg"):
        tile.unlink()
    opened = Open(browser, served, "/zoom?picture=huge.dzi")
    opened.page.locator("#fault", has_text="Parts of the result cannot be shown").wait_for()
    opened.context.close()


def test_hundreds_of_jobs_stay_usable(browser: "sync_api.Browser", tmp_path: Path, tiny) -> None:
    picture = make_picture(tmp_path / "a.png")
    alike = {"state": State.done, "attempts": 1, "figures": FIGURES}
    entries = [make_entry(f"job {i:03}", picture, (), picture, **alike) for i in range(MANY)]
    write_ledger(tmp_path / "out", entries)
    with serving(make_studio(tmp_path / "out", tiny)) as served:
        opened = Open(browser, served)
        page = opened.page
        wait_until(page, f"document.querySelectorAll('#rows tr').length === {MANY}")
        wait_until(page, "document.querySelectorAll('#rows .thumbnail img').length >= 10")
        loaded = 0
        while loaded < (loaded := page.locator("#rows .thumbnail img").count()):
            page.wait_for_timeout(3000)
        page.evaluate(
            """() => {
                window.touched = new Set();
                const rowOf = ({ target }) => (target.closest ? target : target.parentElement).closest("tr");
                const note = (all) => all.forEach((each) => window.touched.add(rowOf(each)));
                const everything = { subtree: true, childList: true, attributes: true, characterData: true };
                new MutationObserver(note).observe(document.querySelector("#rows"), everything);
            }"""
        )
        page.wait_for_timeout(2500)
        assert page.evaluate("window.touched.size") == 0
        change(tmp_path / "out", "job 003", warnings=("speckle",))
        opened.row("job 003").locator(".warnings li").wait_for()
        assert page.evaluate("window.touched.size") == 1
        assert loaded < 60
        page.get_by_label("Name").fill("599")
        wait_until(page, "document.querySelectorAll('#rows tr:not([hidden])').length === 1", seconds=DEADLINE)
        opened.context.close()
    assert opened.complaints == []


def test_names_errors_and_notes_cannot_become_code(browser: "sync_api.Browser", tmp_path: Path, tiny) -> None:
    failed = {"state": State.failed, "attempts": 1, "error": HOSTILE}
    judged = {"state": State.done, "warnings": (HOSTILE,), "verdict": Verdict.accepted, "note": HOSTILE}
    write_ledger(
        tmp_path / "out",
        [
            make_entry(f"a{HOSTILE}", output="a.png", **failed),
            make_entry(f"b{HOSTILE}", output="b.png", **judged),
        ],
    )
    with serving(make_studio(tmp_path / "out", tiny)) as served:
        opened = Open(browser, served)
        opened.page.locator("#rows .job > a").last.click()
        opened.page.locator("#picture-warnings li").wait_for()
        assert opened.page.evaluate("window.hacked ?? null") is None
        opened.context.close()
    assert opened.complaints == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_axe_finds_no_barrier_and_nothing_sticks_out(
    browser: "sync_api.Browser", served: Served, folder: Path, scheme: str, width: int
) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed")
    write_deep_zoom(folder / "huge-painting.dzi", seed=1)
    change(folder, "failed", state=State.running, started=time.time(), error=None)
    opened = Open(browser, served, viewport={"width": width, "height": 800}, color_scheme=scheme)
    page, found, wide = opened.page, [], []

    def look() -> None:
        found.append(axe.Axe().run(page))
        wide.append(page.evaluate("document.documentElement.scrollWidth"))

    wait_until(page, "document.querySelectorAll('#rows .thumbnail img').length >= 2")
    look()
    opened.row("warned").get_by_role("link", name="warned", exact=True).click()
    page.locator("#viewer").wait_for()
    look()
    page.goto(f"{served.base}/zoom?picture=huge.dzi")
    page.locator(".stage canvas").first.wait_for()
    look()
    page.goto(f"{served.base}/")
    page.locator("#zooms-title").wait_for()
    look()
    opened.context.close()
    assert [each.generate_report() for each in found if each.violations_count] == []
    assert max(wide) <= width
