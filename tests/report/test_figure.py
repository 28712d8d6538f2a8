"""The figure as papers print it."""

import dataclasses
import re
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sinct.report.crops import Place
from sinct.report.figure import COLOURS, WIDTH, draw_figure, write_figure
from sinct.report.pictures import Panel
from tests.support.report_results import result


def picture(width: int, height: int, seed: int = 0) -> Image.Image:
    coarse = np.random.default_rng(seed).integers(0, 256, (5, 6, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)


PAINTING, PHOTO = Panel("Painting", picture(160, 120)), Panel("Photo", picture(150, 100, 1))
PLACES = [Place(10, 20, 40), Place(90, 60, 40), Place(50, 0, 40)]


def results(count: int) -> list[Panel]:
    return [Panel(f"m{i}", picture(160, 120, i + 2), result(f"m{i}")) for i in range(count)]


def pdf_text(path: Path) -> bytes:
    """All of a PDF, with its streams unpacked."""
    data, parts = path.read_bytes(), []
    for stream in re.findall(rb"stream\r?\n(.*?)\r?\nendstream", data, re.S):
        try:
            parts.append(zlib.decompress(stream))
        except zlib.error:
            parts.append(stream)
    return data + b"".join(parts)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("figure")
    write_figure(folder, PAINTING, PHOTO, results(2), PLACES)
    return folder


def test_fonts_are_embedded_as_truetype(folder: Path) -> None:
    found = pdf_text(folder / "figure.pdf")
    assert b"/FontFile2" in found
    assert b"/Type3" not in found
    source = (folder / "figure.svg").read_text("utf-8")
    assert "<text" not in source  # letters are outlines
    assert "font-family" not in source


def test_figure_needs_no_other_file(folder: Path) -> None:
    source = (folder / "figure.svg").read_text("utf-8")
    links = re.findall(r'href="([^"]{0,30})', source)
    assert links
    assert all(link.startswith(("data:", "#")) for link in links)


def test_figure_is_as_wide_as_a_page(folder: Path) -> None:
    box = re.search(rb"/MediaBox \[ 0 0 ([\d.]+) ", (folder / "figure.pdf").read_bytes())
    assert box
    assert float(box[1]) == pytest.approx(WIDTH * 72)


def test_both_places_are_marked_in_every_picture_and_enlarged_below_it() -> None:
    figure = draw_figure(PAINTING, PHOTO, results(2), PLACES)
    whole = [axes for axes in figure.axes if len(axes.patches) == 4]  # two frames with a white rim each
    crops = [axes for axes in figure.axes if len(axes.patches) == 1]
    assert (len(whole), len(crops)) == (4, 8)
    corners = {tuple(round(v + 0.5) for v in patch.get_xy()) for patch in whole[0].patches}
    assert corners == {place[:2] for place in PLACES[:2]}
    shown = np.asarray(crops[0].images[0].get_array())
    assert (shown == np.asarray(PLACES[0].cut(PAINTING.picture))).all()


def test_marks_have_the_colours_of_their_crops() -> None:
    figure = draw_figure(PAINTING, PHOTO, results(1), PLACES)
    from matplotlib.colors import to_rgba

    crops = [axes.patches[0].get_edgecolor() for axes in figure.axes if len(axes.patches) == 1]
    assert crops[:2] == [to_rgba(colour) for colour in COLOURS]


@pytest.mark.parametrize(("count", "lines"), [(0, 1), (3, 1), (4, 2), (9, 3)])
def test_more_than_five_pictures_go_below_each_other(count: int, lines: int) -> None:
    figure = draw_figure(PAINTING, PHOTO, results(count), PLACES if count else [])
    assert len({round(text.get_position()[1], 4) for text in figure.texts}) == lines


def test_figure_without_places_has_whole_pictures_only(tmp_path: Path) -> None:
    write_figure(tmp_path, PAINTING, PHOTO, [], [])
    assert (tmp_path / "figure.pdf").stat().st_size > 1000


def test_undertrained_methods_are_named_so() -> None:
    short = dataclasses.replace(results(1)[0], result=result("m0", undertrained="only 1 of 9 steps"))
    figure = draw_figure(PAINTING, PHOTO, [short], PLACES)
    assert figure.texts[-1].get_text() == "m0 (undertrained)"


def test_a_long_name_is_shortened_and_the_mark_behind_it_is_not() -> None:
    named = Panel("a long name " * 9, picture(160, 120, 3), result("m0", undertrained="only 1 of 9 steps"))
    text = draw_figure(PAINTING, PHOTO, [*results(2), named], PLACES).texts[-1].get_text()
    assert text.startswith("a l")
    assert text.endswith("… (undertrained)")


@pytest.mark.parametrize("name", ["张大千 🎨", "$x^2", "a\nb", "long name " * 20, "<script>&amp;"])
def test_names_of_any_letters_can_be_drawn(tmp_path: Path, name: str) -> None:
    """A letter without a glyph would be a warning, which ends a test."""
    write_figure(tmp_path, PAINTING, PHOTO, [Panel(name, picture(160, 120, 3), result("m"))], PLACES)
