"""A real browser for tests of pages, which are skipped if Playwright or Chromium is not installed."""

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

sync_api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
if CHROMIUM is None:
    pytest.skip("no Chromium is installed", allow_module_level=True)

QUIET = [
    f"--{option}"
    for option in (
        "no-sandbox",
        "disable-gpu",
        "disable-quic",
        "no-first-run",
        "disable-background-networking",
        "disable-component-update",
        "disable-sync",
    )
]
HOSTILE = "</script><script>window.hacked = 1</script><img src=x onerror='window.hacked = 2'>"


@pytest.fixture(scope="module")
def browser() -> Iterator["sync_api.Browser"]:
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield browser
        browser.close()


class Watched:
    """A new page, with the errors and requests that it causes."""

    def __init__(self, browser: "sync_api.Browser", **options) -> None:
        self.context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **options})
        self.page = self.context.new_page()
        self.complaints: list[str] = []
        self.requests: list[str] = []
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))


class Visit(Watched):
    """A page opened from its file."""

    def __init__(self, browser: "sync_api.Browser", path: Path, **options) -> None:
        super().__init__(browser, **{"viewport": {"width": 1200, "height": 900}, **options})
        self.page.goto(path.as_uri())


def wait_until(page: "sync_api.Page", expression: str, arg: object = None, seconds: float = 30) -> None:
    """Wait until an expression is true in the page.

    Playwright's own `wait_for_function` calls `eval` in the page if the expression isn't true at once, which the
    page's Content Security Policy refuses.
    """
    end = time.monotonic() + seconds
    while not page.evaluate(expression, arg):
        assert time.monotonic() < end, f"still not true after {seconds} s: {expression}"
        page.wait_for_timeout(20)
