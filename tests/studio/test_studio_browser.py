"""The studio's page in a real browser, from two files to a picture; skipped where there is no browser."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import sinct
from tests.support.browser import HOSTILE, Watched, browser, sync_api, wait_until  # noqa: F401 - a fixture
from tests.support.studio import DEADLINE, Served, make_studio, serving
from tests.support.variations import CONFIG

# ruff: noqa: F811 - fixtures are named as they are imported

pytestmark = pytest.mark.slow

MOMENT = 1000 * DEADLINE


class Open(Watched):
    """The page of a studio."""

    def __init__(self, browser: "sync_api.Browser", served: Served, fragment: str = "", **options) -> None:
        super().__init__(browser, **options)
        self.page.goto(served.address + fragment)
        self.page.locator("#presets input").first.wait_for(state="attached")


@pytest.fixture
def served(tmp_path, tiny) -> Iterator[Served]:
    with serving(make_studio(tmp_path / "folder", tiny)) as served:
        yield served


@pytest.fixture
def opened(browser: "sync_api.Browser", served: Served) -> Iterator[Open]:
    opened = Open(browser, served)
    yield opened
    opened.context.close()


@pytest.fixture
def pair(make_picture) -> tuple[Path, Path]:
    return make_picture("monet.png", 160, 120), make_picture("photo of the coast.jpg", 150, 130, seed=1)


def drop(page: "sync_api.Page", selector: str, *paths: Path) -> None:
    """Drop files on an element, as from a file manager."""
    files = [{"name": path.name, "bytes": list(path.read_bytes())} for path in paths]
    transfer = page.evaluate_handle(
        """files => {
            const transfer = new DataTransfer();
            for (const { name, bytes } of files) transfer.items.add(new File([new Uint8Array(bytes)], name));
            return transfer;
        }""",
        files,
    )
    for event in ("dragover", "drop"):
        page.dispatch_event(selector, event, {"dataTransfer": transfer})


def choose(page: "sync_api.Page", painting: Path, photo: Path) -> None:
    page.locator("#painting input").set_input_files(painting)
    page.locator("#photo input").set_input_files(photo)
    for place in ("painting", "photo"):  # a further photo asked for before is taken as the first
        page.locator(f"#{place} .chosen").wait_for()


def in_folder(served: Served, *paths: Path) -> None:
    """Put pictures into the studio's folder."""
    for path in paths:
        (served.folder / path.name).write_bytes(path.read_bytes())


def take_from_folder(page: "sync_api.Page", painting: Path, photo: Path) -> None:
    page.locator("#painting select").select_option(painting.name)
    page.locator("#photo select").select_option(photo.name)


def finished(page: "sync_api.Page") -> None:
    page.locator("#phase", has_text="Finished").wait_for(timeout=MOMENT)


def pictures_shown(page: "sync_api.Page") -> None:
    """Wait for painting and result to be on the page: each is placed once it has been fetched and decoded."""
    placed = "kind => document.querySelector(`.pane [data-view=${kind}]`).naturalWidth > 0"
    for kind in ("painting", "result"):
        wait_until(page, placed, kind, DEADLINE)


def test_two_dropped_files_become_a_picture_that_is_downloaded(
    opened: Open, served: Served, pair: tuple[Path, Path], tmp_path: Path
) -> None:
    page = opened.page
    drop(page, "#photo", pair[1], pair[0])  # their names say which is the photo
    page.locator("#painting .name", has_text="monet.png").wait_for()
    page.locator("#photo .name", has_text="photo of the coast.jpg").wait_for()
    page.get_by_role("button", name="Start").click()
    finished(page)
    assert page.locator("#run-title").inner_text() == "monet-photo.png"
    wait_until(page, "document.querySelector('.pane .blended').naturalWidth === 160")
    page.locator("#strength").fill("60")
    with page.expect_download(timeout=MOMENT) as download:
        page.get_by_role("button", name="Download").click()
    download.value.save_as(tmp_path / "mine.png")
    sinct.apply(
        served.folder / "monet-photo.sinct", pair[0], tmp_path / "theirs.png", strength=0.6, profile="keep"
    )
    mine, theirs = (np.asarray(Image.open(tmp_path / name)) for name in ("mine.png", "theirs.png"))
    assert download.value.suggested_filename == "monet-photo-60.png"
    assert mine.shape == (120, 160, 3)
    assert np.array_equal(mine, theirs)
    assert opened.complaints == []
    assert {url.split("/")[2] for url in opened.requests if not url.startswith("blob:")} == {served.base[7:]}


def test_a_training_is_stopped_found_again_on_a_new_page_and_continued(
    browser: "sync_api.Browser", opened: Open, served: Served, pair: tuple[Path, Path]
) -> None:
    page = opened.page
    choose(page, *pair)
    page.locator("#presets label", has_text="Standard").click()
    page.get_by_role("button", name="Start").click()
    page.locator("#phase", has_text="Training").wait_for(timeout=MOMENT)
    page.locator("#result-caption", has_text="Result so far").wait_for(timeout=MOMENT)
    opened.context.close()
    again = Open(browser, served)
    page = again.page
    page.locator("#phase", has_text="Training").wait_for(timeout=MOMENT)
    page.get_by_role("button", name="Stop").click()
    page.locator("#phase", has_text="Stopped").wait_for(timeout=MOMENT)
    steps = served.studio.describe("monet-photo.sinct")["state"]["step"]
    page.get_by_role("button", name="Continue").click()
    page.locator("#phase", has_text="Training").wait_for(timeout=MOMENT)
    assert served.studio.describe("monet-photo.sinct")["state"]["step"] > steps
    page.get_by_role("button", name="Stop").click()
    page.locator("#phase", has_text="Stopped").wait_for(timeout=MOMENT)
    again.context.close()
    assert again.complaints == []


def test_variations_are_tried_by_keyboard_and_the_chosen_one_is_finished_and_downloaded(
    browser: "sync_api.Browser", served: Served, pair: tuple[Path, Path], tmp_path: Path
) -> None:
    served.studio.configs["draft"] = CONFIG
    in_folder(served, *pair)
    opened = Open(browser, served)
    page = opened.page
    take_from_folder(page, *pair)
    page.get_by_label("Try variations first").select_option("2 seeds")
    assert page.locator("#vary-hint").inner_text().startswith("2 candidates, 5 steps each")
    page.get_by_role("button", name="Start").press("Enter")
    page.locator("#phase", has_text="Choose a candidate").wait_for(timeout=MOMENT)
    opened.context.close()
    again = Open(browser, served, "#monet-photo.sinct")
    page = again.page
    first, second = page.get_by_role("radio", name="1: seed 0"), page.get_by_role("radio", name="2: seed 1")
    second.wait_for(state="attached")
    (first if second.is_checked() else second).focus()
    page.keyboard.press("ArrowRight")  # to the other one
    picked = "2" if second.is_checked() else "1"
    page.locator("#result-caption", has_text=f"Candidate {picked}").wait_for()
    page.locator("#go:enabled").wait_for(timeout=MOMENT)  # once the process of the others has ended
    page.get_by_role("button", name=f"Go on with candidate {picked}").press("Enter")
    finished(page)
    assert page.locator("#detail").inner_text() == "after 15 steps"
    pictures_shown(page)
    with page.expect_download(timeout=MOMENT) as download:
        page.get_by_role("button", name="Download").click()
    download.value.save_as(tmp_path / "mine.png")
    again.context.close()
    run = served.folder / "monet-photo.sinct" / "variations" / picked
    sinct.apply(run, pair[0], tmp_path / "theirs.png", profile="keep")
    assert (tmp_path / "mine.png").read_bytes() == (tmp_path / "theirs.png").read_bytes()
    assert opened.complaints + again.complaints == []


def test_degrees_of_faithful_are_offered_to_choose_from(
    browser: "sync_api.Browser", served: Served, pair: tuple[Path, Path]
) -> None:
    served.studio.configs["draft"] = CONFIG.replace(steps=30, remove_strokes=True)
    in_folder(served, *pair)
    opened = Open(browser, served)
    page = opened.page
    take_from_folder(page, *pair)
    page.get_by_label("Try variations first").select_option("3 degrees of Faithful")
    assert page.locator("#vary-hint").inner_text().startswith("3 candidates, 5 steps each")
    assert page.locator("#faithful").is_disabled()
    page.get_by_role("button", name="Start").click()
    page.locator("#phase", has_text="Choose a candidate").wait_for(timeout=MOMENT)
    for number, value in enumerate(("0.25", "0.5", "1"), start=1):
        page.get_by_role("radio", name=f"{number}: faithful {value}").wait_for(state="attached")
    opened.context.close()
    assert opened.complaints == []


def test_what_is_kept_is_shown_and_downloaded(
    browser: "sync_api.Browser", served: Served, pair: tuple[Path, Path], tmp_path: Path
) -> None:
    in_folder(served, *pair)
    served.studio.start("monet.png", [pair[1].name], "draft")
    served.wait("monet-photo.sinct", "finished")
    opened = Open(browser, served, "#monet-photo.sinct")
    page = opened.page
    pictures_shown(page)
    page.get_by_label("Light and shade").check()
    page.get_by_label("Colours").check()
    kept = "document.querySelector('.pane .blended').src.endsWith('&keep=colours,light')"
    wait_until(page, kept, seconds=DEADLINE)
    page.locator("#strength").fill("40")
    with page.expect_download(timeout=MOMENT) as download:
        page.get_by_role("button", name="Download").click()
    download.value.save_as(tmp_path / "mine.png")
    opened.context.close()
    run, theirs = served.folder / "monet-photo.sinct", tmp_path / "theirs.png"
    sinct.apply(run, pair[0], theirs, profile="keep", strength=0.4, keep=["colours", "light"])
    assert (tmp_path / "mine.png").read_bytes() == theirs.read_bytes()
    assert download.value.suggested_filename == "monet-photo-colours-light-40.png"
    assert opened.complaints == []


def test_several_photos_and_other_choices_reach_the_training(
    opened: Open, served: Served, pair: tuple[Path, Path], make_picture
) -> None:
    page = opened.page
    more = [make_picture(f"{name}.png", 90, 70, seed=seed) for seed, name in enumerate(("one", "two"), 2)]
    page.locator("#painting input").set_input_files(pair[0])
    drop(page, "#photo", pair[1], *more)
    page.locator("#further li").nth(1).wait_for()
    assert page.locator("#further .name").all_inner_texts() == ["one.png", "two.png"]
    page.get_by_role("button", name="Remove one.png").click()
    page.get_by_label("Seed", exact=True).fill("12")
    page.get_by_role("button", name="Start").click()
    finished(page)
    job = served.studio.run("monet-photo.sinct").job()
    assert (job.photos, job.config["seed"]) == ((pair[1].name, "two.png"), 12)
    assert (
        page.locator("#inputs")
        .inner_text()
        .startswith(f"monet.png, with the look of {pair[1].name} and two.png")
    )


def test_a_finished_picture_is_trained_longer(
    browser: "sync_api.Browser", served: Served, pair: tuple[Path, Path]
) -> None:
    in_folder(served, *pair)
    served.studio.start("monet.png", [pair[1].name], "draft")
    served.wait("monet-photo.sinct", "finished")
    opened = Open(browser, served, "#monet-photo.sinct")
    page = opened.page
    finished(page)
    page.locator("#longer summary").press("Enter")
    page.get_by_label("More steps").fill("6")
    assert page.locator("#longer-hint").inner_text().startswith("To step 10, about ")
    page.get_by_role("button", name="Train longer").press("Enter")
    page.locator("#detail", has_text="after 10 steps").wait_for(timeout=MOMENT)
    finished(page)
    opened.context.close()
    assert opened.complaints == []


def test_what_is_done_before_the_first_step_is_named_and_cards_show_the_picture_so_far(
    opened: Open, served: Served, pair: tuple[Path, Path]
) -> None:
    page = opened.page
    page.evaluate(
        """() => {
            window.phases = [];
            const note = () => window.phases.push(document.querySelector('#phase').textContent);
            new MutationObserver(note).observe(document.querySelector('#phase'), { childList: true });
        }"""
    )
    choose(page, *pair)
    page.locator("#presets label", has_text="Standard").click()
    page.get_by_role("button", name="Start").click()
    page.locator("#phase", has_text="Training").wait_for(timeout=MOMENT)
    card = page.locator("#runs img[src*='/views/live']")
    card.wait_for(timeout=MOMENT)
    assert page.locator("#runs .works").inner_text() == "in the making"
    phases = page.evaluate("window.phases")
    assert phases[0] == "Loading PyTorch"  # takes seconds; what is done in less than a tick may not be seen
    assert "Training" in phases[1:]
    page.get_by_role("link", name="New picture").click()
    before = card.get_attribute("src")
    wait_until(
        page, "source => document.querySelector('#runs img').getAttribute('src') !== source", before, 30
    )


def test_a_file_that_is_no_picture_gives_one_line(opened: Open, tmp_path: Path) -> None:
    (tmp_path / "letter.jpg").write_text("Dear reader, this is no picture.")
    opened.page.locator("#painting input").set_input_files(tmp_path / "letter.jpg")
    opened.page.locator("#fault", has_text="letter.jpg").wait_for()
    assert len(opened.page.locator("#fault").inner_text().splitlines()) == 1
    assert opened.page.get_by_role("button", name="Start").is_disabled()


def test_a_picture_of_the_folder_can_be_chosen_by_keyboard(
    browser: "sync_api.Browser", served: Served, pair: tuple[Path, Path]
) -> None:
    in_folder(served, *pair)
    opened = Open(browser, served)
    take_from_folder(opened.page, *pair)
    opened.page.get_by_role("button", name="Start").press("Enter")
    finished(opened.page)
    opened.context.close()
    assert opened.complaints == []


def test_the_page_opens_at_a_run_and_its_pictures_zoom_together(
    browser: "sync_api.Browser", served: Served, pair: tuple[Path, Path]
) -> None:
    in_folder(served, *pair)
    served.studio.start("monet.png", [pair[1].name], "draft")
    served.wait("monet-photo.sinct", "finished")
    opened = Open(browser, served, "#monet-photo.sinct")
    pictures_shown(opened.page)
    fitted = opened.page.locator("#panes .frame").first.evaluate(
        "frame => Math.min(frame.clientWidth / 160, frame.clientHeight / 120) * devicePixelRatio"
    )
    assert opened.page.locator("#zoom").inner_text() == f"Fit, {round(100 * fitted)} %"
    opened.page.locator("#panes").press("1")
    shown = "layers => layers.filter(layer => layer.offsetParent).map(layer => layer.style.transform)"
    places = opened.page.eval_on_selector_all(".pane .layer", shown)
    assert len(places) == 4  # painting; result, the painting below it, what the brush brings back above it
    assert len(set(places)) == 1
    opened.page.locator("#strength").fill("25")
    assert (
        opened.page.locator(".slider .blended").evaluate("layer => getComputedStyle(layer).opacity") == "0.25"
    )
    opened.page.get_by_role("link", name="New picture").click()
    assert opened.page.get_by_role("button", name="Start").is_visible()
    opened.context.close()


def test_what_the_brush_brings_back_is_the_paintings_own_in_the_download(
    browser: "sync_api.Browser", served: Served, pair: tuple[Path, Path], tmp_path: Path
) -> None:
    in_folder(served, *pair)
    served.studio.start("monet.png", [pair[1].name], "draft")
    served.wait("monet-photo.sinct", "finished")
    opened = Open(browser, served, "#monet-photo.sinct")
    page = opened.page
    pictures_shown(page)
    page.get_by_role("button", name="Brush").click()
    page.locator("#panes .frame").nth(1).scroll_into_view_if_needed()  # which waits until it has come to rest
    page.wait_for_timeout(500)
    box = page.locator("#canvas").bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] * 0.3, box["y"] + box["height"] * 0.5)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + box["height"] * 0.5, steps=5)
    with page.expect_response("**/mask"):
        page.mouse.up()
    for _ in range(3):  # from the middle, where the pointer left it, to the right
        page.locator("#panes").press("Shift+ArrowRight")
    with page.expect_response("**/mask"):
        page.locator("#panes").press(" ")
    page.reload()
    wait_until(page, "!document.querySelector('#clear').disabled")  # once the mask has come back
    with page.expect_download(timeout=MOMENT) as download:
        page.get_by_role("button", name="Download").click()
    download.value.save_as(tmp_path / "mine.png")
    opened.context.close()
    painting, mine, result = (
        np.asarray(Image.open(path).convert("RGB")).astype(int)
        for path in (pair[0], tmp_path / "mine.png", served.folder / "monet-photo.png")
    )
    for x in (48, 64, 128):  # of 160: along the stroke, and where the keyboard painted
        assert np.array_equal(mine[60, x], painting[60, x])
    assert np.array_equal(mine[:40], result[:40])
    assert not np.array_equal(painting[:40], result[:40])
    assert opened.complaints == []


def test_names_cannot_become_code(
    browser: "sync_api.Browser", served: Served, pair: tuple[Path, Path]
) -> None:
    names = ["<img src=x onerror=window.hacked=1>.png", "<b>photo.jpg"]
    for path, name in zip(pair, names, strict=True):
        (served.folder / name).write_bytes(path.read_bytes())
    served.studio.start(names[0], [names[1]], "draft")
    served.wait(f"{names[0][:-4]}-photo.sinct", "finished")
    opened = Open(browser, served)
    opened.page.locator("#runs .title").wait_for()
    opened.page.locator("#runs a").click()
    finished(opened.page)
    assert opened.page.evaluate("window.hacked ?? null") is None
    opened.context.close()
    assert opened.complaints == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_axe_finds_no_barrier_and_nothing_sticks_out(
    browser: "sync_api.Browser", served: Served, pair: tuple[Path, Path], scheme: str, width: int
) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed")
    served.studio.configs["draft"] = CONFIG
    opened = Open(browser, served, viewport={"width": width, "height": 800}, color_scheme=scheme)
    page, found = opened.page, []
    found.append(axe.Axe().run(page))
    choose(page, *pair)
    page.locator("#more summary").click()
    page.locator("#further-from").select_option("monet.png")
    page.get_by_label("Try variations first").select_option("2 seeds")
    wait_until(page, "!document.querySelector('#start').disabled")
    found.append(axe.Axe().run(page))
    wide = [page.evaluate("document.documentElement.scrollWidth")]
    page.get_by_role("button", name="Remove monet.png").click()
    page.get_by_role("button", name="Start").click()
    page.locator("#phase", has_text="Choose a candidate").wait_for(timeout=MOMENT)
    page.get_by_role("button", name="Go on with candidate").wait_for()
    found.append(axe.Axe().run(page))
    wide.append(page.evaluate("document.documentElement.scrollWidth"))
    page.get_by_role("button", name="Go on with candidate").click()
    finished(page)
    for part in ("losses", "longer", "candidates"):
        page.locator(f"#{part} summary").click()
    wait_until(page, "document.querySelector('.pane .blended').naturalWidth === 160")
    found.append(axe.Axe().run(page))
    wide.append(page.evaluate("document.documentElement.scrollWidth"))
    opened.context.close()
    assert [each.generate_report() for each in found if each.violations_count] == []
    assert max(wide) <= width
