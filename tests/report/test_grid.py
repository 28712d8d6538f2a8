"""Grids of translations as papers print them, and the tables beside them."""

import dataclasses
import itertools
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from PIL import Image, ImageDraw

import sinct
from sinct.measures.folder_scores import FOLDER_SCORES
from sinct.report.figure import WIDTH
from sinct.report.folder_results import FolderComparison, FolderResult, GridRow
from sinct.report.folder_tables import to_csv, to_latex
from sinct.report.grid import differing_place, draw_grid, write_grid

LATEX = shutil.which("pdflatex")


def picture(seed: int, size: tuple[int, int] = (64, 48)) -> Image.Image:
    coarse = np.random.default_rng(seed).integers(0, 256, (5, 6, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC)


def row(name: str, *seeds: int, size: tuple[int, int] = (64, 48)) -> GridRow:
    return GridRow(name, [picture(seed, size) for seed in seeds])


def scores(value: float) -> dict[str, float]:
    return {score.name: value for score in FOLDER_SCORES}


COMPARISON = FolderComparison(
    "horses & co",
    "zebras",
    120,
    (
        FolderResult("Source, unchanged", ("a",), control=True, scores=scores(1.0)),
        FolderResult("CUT", ("b", "c"), scores=scores(45.5), deviations=scores(0.5)),
        FolderResult("CycleGAN", ("d",), scores=scores(77.2)),
        FolderResult("GcGAN", ("e",), scores=scores(86.7)),
        FolderResult("Other_1", ("f",), scores={"distance": 90.0}),
    ),
    FOLDER_SCORES,
)


def test_each_row_has_the_shape_of_its_first_picture():
    figure = draw_grid(["Input", "CUT"], [row("a", 0, 1), row("b", 2, 3, size=(40, 80))])
    boxes = [axes.get_position() for axes in figure.axes]
    whole = figure.get_size_inches()
    shapes = [(box.width * whole[0]) / (box.height * whole[1]) for box in boxes]
    assert shapes == pytest.approx([64 / 48, 64 / 48, 0.5, 0.5])
    assert whole[0] == WIDTH


def test_columns_have_their_titles_and_rows_all_pictures():
    figure = draw_grid(["Input", "CUT", "CycleGAN"], [row("a", 0, 1, 2), row("b", 3, 4, 5)])
    assert [text.get_text() for text in figure.texts] == ["Input", "CUT", "CycleGAN"]
    assert len(figure.axes) == 6


def test_titles_of_many_columns_are_smaller_and_whole():
    titles = ["Input", "Self-DistanceGAN", *(f"MUNIT {number}" for number in range(9))]
    figure = draw_grid(titles, [row("a", *range(len(titles)))])
    assert [text.get_text() for text in figure.texts] == titles
    assert {4 < text.get_fontsize() < 5 for text in figure.texts} == {True}
    renderer = FigureCanvasAgg(figure).get_renderer()
    boxes = [text.get_window_extent(renderer) for text in figure.texts]
    assert all(left.x1 <= right.x0 for left, right in itertools.pairwise(boxes))


def test_the_inset_lies_where_the_translations_differ():
    first = picture(0, (100, 100))
    second = first.copy()
    ImageDraw.Draw(second).rectangle((70, 10, 84, 24), fill="red", outline="blue")
    place = differing_place(GridRow("a", [picture(9, (100, 100)), first, second]))
    assert place is not None
    assert place.size == 20
    assert abs(place.left + 10 - 77) <= 6
    assert abs(place.top + 10 - 17) <= 6


def test_an_inset_shows_the_place_enlarged_in_every_picture():
    figure = draw_grid(["Input", "A", "B"], [row("a", 0, 1, 2, size=(100, 80))], insets=True)
    insets = [child for axes in figure.axes for child in axes.child_axes]
    assert len(insets) == 3
    assert {inset.get_images()[0].get_array().shape for inset in insets} == {(16, 16, 3)}


def test_the_same_pictures_give_the_same_bytes(tmp_path: Path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        write_grid(tmp_path / name, ["Input", "CUT"], [row("a", 0, 1)], insets=True)
    for file in ("grid.pdf", "grid.png"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()


def test_pixels_of_the_print_are_those_of_the_pictures(tmp_path: Path):
    solid = [Image.new("RGB", (32, 32), colour) for colour in ("#ff0000", "#00ff00")]
    write_grid(tmp_path, ["Input", "CUT"], [GridRow("a", solid)])
    with Image.open(tmp_path / "grid.png") as grid:
        assert grid.convert("RGB").getpixel((500, 600)) == (255, 0, 0)
        assert grid.convert("RGB").getpixel((1600, 600)) == (0, 255, 0)


@pytest.mark.parametrize("rows", [[], [row("a", 0)]], ids=["none", "one picture too few"])
def test_rows_that_do_not_fit_the_columns_are_refused(rows: list[GridRow]):
    with pytest.raises(sinct.ConfigError, match="needs rows of 2 pictures each"):
        draw_grid(["Input", "CUT"], rows)


def test_the_source_as_it_is_does_not_compete():
    best, second = COMPARISON.leaders(FOLDER_SCORES[0])
    assert (best, second) == ({"CUT"}, {"CycleGAN"})


def test_a_random_network_ranks_nobody():
    random = dataclasses.replace(COMPARISON, random=True)
    assert random.leaders(FOLDER_SCORES[0]) == (set(), set())


def test_the_table_for_programs_has_values_in_full_and_their_spread():
    head, *lines = to_csv(COMPARISON).splitlines()
    assert head == (
        "method,control,folders,fid,clean_fid,kid,colours_and_textures_delta_e,"
        "fid_deviation,clean_fid_deviation,kid_deviation,colours_and_textures_delta_e_deviation"
    )
    assert lines[1] == "CUT,false,2,45.5,45.5,45.5,45.5,0.5,0.5,0.5,0.5"
    assert lines[4] == "Other_1,false,1,,,,90.0,,,,"


def test_the_table_for_papers_marks_the_best_two():
    source = to_latex(COMPARISON)
    assert re.search(r"CUT & \\textbf\{45\.5\} \{\\tiny\$\\pm\$ 0\.5\}", source)
    assert re.search(r"CycleGAN & \\underline\{77\.2\}", source)
    assert r"Other\_1 & -- & -- & --" in source
    assert "Source, unchanged & 1.0" in source


@pytest.mark.skipif(LATEX is None, reason="no TeX is installed")
def test_the_table_for_papers_compiles(tmp_path: Path):
    (tmp_path / "table.tex").write_text(to_latex(COMPARISON), "ascii")
    (tmp_path / "paper.tex").write_text(
        "\\documentclass{article}\n\\usepackage{booktabs}\n\\begin{document}\n\\input{table}\n\\end{document}\n"
    )
    command = [str(LATEX), "-interaction=nonstopmode", "-halt-on-error", "paper.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout[-3000:]
    assert "Overfull" not in done.stdout
