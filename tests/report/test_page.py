"""The page of a comparison."""

import dataclasses
import math
import re
from pathlib import Path

import pytest

from sinct.errors import InputError, OutputError
from sinct.report import write_report
from tests.support.report_example import EXAMPLE, make_example
from tests.support.report_results import Outline


def test_report_writes_its_files_and_leaves_nothing_else(folder: Path) -> None:
    written = {path.name for path in folder.iterdir()} - {r.file for r in EXAMPLE.results}
    assert written - {"in-painting.png", "in-photo.png"} == {
        "report.html", "contact-sheet.png", "figure.pdf", "figure.svg", "table.csv", "table.tex"
    }  # fmt: skip


def test_the_same_input_gives_the_same_bytes(folder: Path) -> None:
    names = ("report.html", "contact-sheet.png", "figure.pdf", "figure.svg", "table.csv", "table.tex")
    before = [(folder / name).read_bytes() for name in names]
    write_report(folder, EXAMPLE)
    assert [(folder / name).read_bytes() for name in names] == before


def test_page_names_no_address_but_data_and_its_own_places(page: str) -> None:
    for tag, attributes in Outline(page).tags:
        for name in ("src", "href", "srcset", "action", "data", "poster"):
            assert (attributes.get(name) or "#").startswith(("#", "data:")), tag
    assert not re.search(r"url\((?!data:)|@import", page)


def test_page_forbids_requests_and_foreign_scripts(page: str) -> None:
    policy = next(a["content"] for a in Outline(page).all("meta") if a.get("http-equiv"))
    assert policy is not None
    assert policy.startswith("default-src 'none'; img-src data:;")
    assert "unsafe" not in policy
    assert not any("style" in attributes for _, attributes in Outline(page).tags)


def test_every_link_within_the_page_leads_somewhere(page: str) -> None:
    outline = Outline(page)
    places = {attributes["id"] for _, attributes in outline.tags if "id" in attributes}
    assert {a["href"][1:] for a in outline.all("a") if a["href"]} <= places


def test_ids_are_unique(page: str) -> None:
    found = [attributes["id"] for _, attributes in Outline(page).tags if "id" in attributes]
    assert len(found) == len(set(found))


def test_page_warns_of_random_weights_and_failures(page: str) -> None:
    banner = page[page.index('class="banner"') : page.index("<nav")]
    assert "WCT2" in banner
    assert "out of memory" in banner


def test_no_banner_where_all_went_well(tmp_path: Path) -> None:
    make_example(tmp_path)
    good = [r for r in EXAMPLE.results if r.file and not r.random_weights]
    page = write_report(tmp_path, dataclasses.replace(EXAMPLE, results=tuple(good)))
    assert 'class="banner"' not in page.read_text(encoding="utf-8")


def test_page_tells_which_measures_are_missing_and_why(page: str) -> None:
    assert "LPIPS" in page
    assert "weights were not found" in page


def test_every_picture_has_a_text(page: str) -> None:
    assert all("alt" in attributes for attributes in Outline(page).all("img"))


def test_controls_that_are_the_inputs_are_not_shown_twice(page: str) -> None:
    assert page.count('<figure class="pane">') == 2 + 5  # painting, photo, contenders with pictures


def test_hostile_names_come_out_as_text(tmp_path: Path) -> None:
    hostile = "</script><script>alert(1)</script>\"'><img src=x onerror=alert(2)>"
    comparison = make_example(tmp_path)
    every = dataclasses.replace(
        comparison,
        painting=dataclasses.replace(comparison.painting, name=hostile),
        photo=dataclasses.replace(comparison.photo, name=hostile),
        environment={hostile: hostile},
        unavailable={hostile: hostile},
        measures=tuple(
            dataclasses.replace(m, title=hostile, definition=hostile) for m in comparison.measures
        ),
        results=tuple(
            dataclasses.replace(
                r,
                title=hostile,
                source=hostile,
                device=hostile,
                warnings=(hostile,),
                facts={hostile: [hostile]},
                reason=None if r.file else hostile,
            )
            for r in comparison.results
        ),
    )
    outline = Outline(write_report(tmp_path, every).read_text(encoding="utf-8"))
    assert len(outline.all("script")) == 1
    assert not any("onerror" in attributes for _, attributes in outline.tags)


def test_a_file_name_that_is_no_unicode_can_be_written(tmp_path: Path) -> None:
    comparison = make_example(tmp_path)
    odd = dataclasses.replace(
        comparison, painting=dataclasses.replace(comparison.painting, name="caf\udce9.jpg")
    )
    assert "caf?.jpg" in write_report(tmp_path, odd).read_text(encoding="utf-8")


@pytest.mark.parametrize("count", [0, 1, 15])
def test_page_works_with_few_and_many_methods(tmp_path: Path, count: int) -> None:
    make_example(tmp_path)
    some = tuple(
        dataclasses.replace(EXAMPLE.results[2], name=f"m{i}", title=f"A rather long name of method {i}")
        for i in range(count)
    )
    page = write_report(tmp_path, dataclasses.replace(EXAMPLE, results=some)).read_text(encoding="utf-8")
    assert page.count('<figure class="pane">') == 2 + count
    assert ("There are no crops" in page) == (count == 0)


def test_page_without_contenders_and_measures(tmp_path: Path) -> None:
    make_example(tmp_path)
    controls = tuple(r for r in EXAMPLE.results if r.control)
    page = write_report(tmp_path, dataclasses.replace(EXAMPLE, results=controls, measures=()))
    assert "Nothing was measured" in page.read_text(encoding="utf-8")


def test_values_that_are_not_finite_are_shown_and_not_ranked(tmp_path: Path) -> None:
    make_example(tmp_path)
    odd = [
        dataclasses.replace(r, measures={**r.measures, "gram": math.nan, "swd": math.inf})
        for r in EXAMPLE.results
    ]
    page = write_report(tmp_path, dataclasses.replace(EXAMPLE, results=tuple(odd))).read_text(
        encoding="utf-8"
    )
    assert "not a number" in page
    assert "∞" in page
    assert 'data-value="nan"' not in page
    assert 'data-value="inf"' not in page


@pytest.mark.parametrize(
    ("methods", "said"),
    [
        (
            2,
            "2 methods translated the painting so that it takes on the look of the photo, each in up to 10 min.",
        ),
        (1, "1 method translated the painting so that it takes on the look of the photo, in up to 10 min."),
    ],
)
def test_page_begins_with_what_was_compared_in_sentences(tmp_path: Path, methods: int, said: str) -> None:
    example = make_example(tmp_path)
    controls = [result for result in example.results if result.control]
    contenders = [result for result in example.results if not result.control and result.file]
    other = dataclasses.replace(contenders[0], name="other", title="Other", elsewhere=True)
    results = (*controls, *contenders[:methods], other)
    page = write_report(tmp_path, dataclasses.replace(example, results=results)).read_text(encoding="utf-8")
    lead = re.search(r'<p class="lead">(.*?)</p>', page, re.DOTALL)
    assert lead is not None
    sentences = " ".join(lead[1].split())
    assert sentences.startswith(f"{said} 1 picture was made elsewhere. {len(controls)} control")


def test_a_missing_picture_is_named(tmp_path: Path) -> None:
    comparison = make_example(tmp_path)
    (tmp_path / "sinct.png").unlink()
    with pytest.raises(InputError, match=r"sinct\.png does not exist"):
        write_report(tmp_path, comparison)


def test_a_page_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    comparison = make_example(tmp_path)
    (tmp_path / "report.html").mkdir()
    with pytest.raises(OutputError, match=r"cannot write .*report\.html"):
        write_report(tmp_path, comparison)
