"""Results for tests of the report."""

from collections.abc import Mapping
from html.parser import HTMLParser

from sinct.report.results import MethodResult
from tests.support.report_example import EXAMPLE

GRAM, SWD, SSIM, CLIPPED = EXAMPLE.measures


def result(name: str, **values) -> MethodResult:
    given = {"title": name, "source": "", "control": False, "file": f"{name}.png", **values}
    return MethodResult(name=name, **given)


def valued(**values: float) -> list[MethodResult]:
    return [result(name, measures={"gram": value}) for name, value in values.items()]


class Outline(HTMLParser):
    """The tags of a page with their attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, Mapping[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def all(self, tag: str) -> list[Mapping[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]
