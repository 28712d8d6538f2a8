import base64
import csv
import dataclasses
import io
import math
import re
from collections.abc import Mapping
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from sinct.errors import InputError, OutputError
from sinct.measures import Measure
from sinct.report import write_report, write_summary
from sinct.report.aggregate import aggregate, leaders_by_mean, statistic
from sinct.report.contact_sheet import contact_sheet
from sinct.report.crops import choose_places, disagreement, highest_places, similar_place
from sinct.report.pictures import Panel, embed
from sinct.report.plots import Box, default_axes, pareto_front, place_labels, points, scatter
from sinct.report.ranking import best_two, contest, leaders, ranks
from sinct.report.results import Comparison, MethodResult
from sinct.report.tables import escape_latex, to_csv, to_latex
from sinct.report.wording import duration, memory, number_format
from tests.support.report_example import EXAMPLE, example, make_example

GRAM, SWD, SSIM, CLIPPED = EXAMPLE.measures


def result(name: str, **values) -> MethodResult:
    given = {"title": name, "source": "", "control": False, "file": f"{name}.png", **values}
    return MethodResult(name=name, **given)


def valued(**values: float) -> list[MethodResult]:
    return [result(name, measures={"gram": value}) for name, value in values.items()]


def blobs(width: int, height: int, seed: int = 0) -> Image.Image:
    coarse = np.random.default_rng(seed).integers(0, 256, (5, 6, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)


# Ranking


def test_contest_leaves_out_controls_random_weights_failures_own_measures_and_values_that_are_not_finite() -> (
    None
):
    values = {"gram": 1.0}
    results = [
        result("good", measures=values),
        result("control", measures=values, control=True),
        result("random", measures=values, random_weights=True),
        result("failed", measures=values, file=None),
        result("own", measures=values, optimises=("gram",)),
        result("infinite", measures={"gram": math.inf}),
        result("missing"),
    ]
    assert contest(results, GRAM) == {"good": 1.0}


def test_ranks_of_equal_values_are_the_mean_of_their_places() -> None:
    assert ranks([3, 1, 3, 2], higher_is_better=True) == [1.5, 4, 1.5, 3]
    assert ranks([3, 1, 3, 2], higher_is_better=False) == [3.5, 1, 3.5, 2]


def test_ranks_add_up_to_the_same_sum_whatever_the_ties() -> None:
    random = np.random.default_rng(0)
    for _ in range(20):
        values = random.integers(0, 4, 9).tolist()
        assert sum(ranks(values, higher_is_better=True)) == pytest.approx(45)


def test_best_two_follow_the_direction() -> None:
    values = {"a": 1.0, "b": 2.0, "c": 3.0}
    assert best_two(values, higher_is_better=True) == ({"c"}, {"b"})
    assert best_two(values, higher_is_better=False) == ({"a"}, {"b"})


def test_equal_values_share_the_best_place() -> None:
    assert best_two({"a": 1.0, "b": 1.0, "c": 3.0}, higher_is_better=False) == ({"a", "b"}, {"c"})


@pytest.mark.parametrize(("count", "best", "second"), [(0, 0, 0), (1, 0, 0), (2, 1, 0), (3, 1, 1)])
def test_the_last_of_few_is_not_marked(count: int, best: int, second: int) -> None:
    found = best_two({str(i): float(i) for i in range(count)}, higher_is_better=True)
    assert tuple(map(len, found)) == (best, second)


def test_a_method_that_minimises_a_measure_does_not_lead_there() -> None:
    results = [*valued(a=2, b=3, c=4), result("own", measures={"gram": 0.0}, optimises=("gram",))]
    assert leaders(results, GRAM) == ({"a"}, {"b"})


# Numbers


@pytest.mark.parametrize(
    ("values", "texts"),
    [
        ((0.1234, 0.5678, 0), ["0.123", "0.568", "0.000"]),
        ((1234.5, 2000), ["1234", "2000"]),
        ((1.5e-7, 2e-7), ["1.50e\N{MINUS SIGN}07", "2.00e\N{MINUS SIGN}07"]),
        (
            (-0.25, math.nan, math.inf, -math.inf),
            ["\N{MINUS SIGN}0.250", "not a number", "∞", "\N{MINUS SIGN}∞"],
        ),
        ((0.0,), ["0.00"]),
    ],
)
def test_numbers_of_a_column_have_the_same_decimals(values: tuple[float, ...], texts: list[str]) -> None:
    assert [number_format(values)(value) for value in values] == texts


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "\N{EN DASH}"),
        (0.04, "0 s"),
        (9.94, "9.9 s"),
        (9.96, "10 s"),
        (59.6, "1 min"),
        (61, "1 min 1 s"),
        (7320, "2 h 2 min"),
    ],
)
def test_durations_read_naturally(seconds: float | None, text: str) -> None:
    assert duration(seconds) == text


def test_memory_is_in_decimal_units() -> None:
    assert [memory(x) for x in (None, 5e6, 1.25e9)] == ["\N{EN DASH}", "5 MB", "1.2 GB"]


# Places


def test_places_lie_where_the_pictures_differ() -> None:
    painting = blobs(160, 120)
    other = np.array(painting)
    other[20:50, 100:130] = np.random.default_rng(1).integers(0, 256, (30, 30, 3))
    place = choose_places(painting, [painting, Image.fromarray(other)])[0]
    assert place.left <= 100 <= 130 <= place.left + place.size
    assert place.top <= 20 <= 50 <= place.top + place.size


def test_one_picture_is_held_against_the_painting() -> None:
    painting = blobs(160, 120)
    other = np.array(painting)
    other[80:110, 10:40] = 255
    place = choose_places(painting, [Image.fromarray(other)])[0]
    assert place.left < 25 < place.left + place.size
    assert place.top < 95 < place.top + place.size


def test_pictures_that_differ_in_tone_only_hardly_disagree() -> None:
    picture = torch.rand((3, 60, 80), generator=torch.Generator().manual_seed(0)) - 0.5
    toned = disagreement([picture, 0.8 * picture + 0.2])
    drawn = disagreement([picture, picture.flip(1)])
    assert toned.mean() < 0.01 * drawn.mean()


def test_disagreement_is_the_variance_of_locally_normalised_colours() -> None:
    pictures = torch.rand((3, 3, 9, 7), generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    normal = []
    for picture in pictures:  # the neighbourhood of 31 px covers these pictures whole
        mean = picture.mean(dim=(1, 2), keepdim=True)
        deviation = picture.std(dim=(1, 2), keepdim=True, correction=0)
        normal.append((picture - mean) / (deviation + 0.1))
    expected = torch.stack(normal).var(dim=0, correction=0).mean(dim=0)
    torch.testing.assert_close(disagreement(pictures), expected)


def test_equal_pictures_do_not_disagree() -> None:
    picture = torch.rand((3, 20, 30), generator=torch.Generator().manual_seed(0))
    assert disagreement([picture, picture]).max() < 1e-5  # rounding of float32


@pytest.mark.parametrize(("width", "height"), [(161, 97), (64, 200), (33, 33)])
def test_places_stay_inside_and_do_not_overlap(width: int, height: int) -> None:
    score = torch.rand((height, width), generator=torch.Generator().manual_seed(0))
    places = highest_places(score, 16, 4)
    assert 1 <= len(places) <= 4
    for index, a in enumerate(places):
        assert 0 <= a.left <= width - a.size
        assert 0 <= a.top <= height - a.size
        assert all(abs(a.left - b.left) >= 16 or abs(a.top - b.top) >= 16 for b in places[:index])


def test_places_come_in_the_order_of_their_score() -> None:
    score = torch.zeros(90, 90)
    score[0:10, 0:10], score[60:70, 60:70] = 1, 2
    places = highest_places(score, 10, 2)
    assert [(round(p.left, -1), round(p.top, -1)) for p in places] == [(60, 60), (0, 0)]


def test_similar_place_finds_the_same_colour() -> None:
    photo = np.zeros((90, 120, 3), np.uint8)
    photo[40:80, 64:104] = (10, 200, 30)
    place = similar_place(Image.fromarray(photo), [Image.new("RGB", (32, 32), (10, 200, 30))], 32)
    assert 64 <= place.left <= 72
    assert 40 <= place.top <= 48


def test_a_picture_of_one_pixel_has_no_places() -> None:
    assert choose_places(Image.new("RGB", (1, 1)), [Image.new("RGB", (1, 1))]) == []


# Pictures


def test_pictures_are_embedded_without_loss() -> None:
    picture = blobs(40, 30)
    (source,), lossless = embed([picture])
    assert lossless
    assert source.startswith("data:image/webp;base64,")
    assert decode(source).convert("RGB").tobytes() == picture.tobytes()


def test_pictures_too_large_together_are_embedded_as_jpeg(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sinct.report.pictures.LOSSLESS_BYTES", 10)
    sources, lossless = embed([blobs(40, 30), blobs(40, 30, seed=1)])
    assert not lossless
    assert [decode(source).format for source in sources] == ["JPEG", "JPEG"]


def test_pictures_too_long_for_webp_are_embedded_as_jpeg() -> None:
    sources, lossless = embed([blobs(4, 3), Image.new("RGB", (16384, 1))])
    assert not lossless
    assert [decode(source).size for source in sources] == [(4, 3), (16384, 1)]


def decode(source: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(source.split(",")[1])))


@pytest.mark.parametrize("count", [0, 1, 7, 15])
def test_contact_sheet_is_at_most_3000_pixels_wide(count: int) -> None:
    painting, photo = Panel("Painting", blobs(900, 60)), Panel("Photo", blobs(60, 40, seed=1))
    results = [Panel("a long name " * 20, painting.picture, result(str(i))) for i in range(count)]
    assert contact_sheet(painting, photo, results).width <= 3000


def test_contact_sheet_has_the_photo_at_the_top_left_of_results_only() -> None:
    grey = Image.new("RGB", (200, 100), (128, 128, 128))
    red = Image.new("RGB", (200, 100), (255, 0, 0))
    sheet = np.array(
        contact_sheet(Panel("Painting", grey), Panel("Photo", red), [Panel("m", grey, result("m"))])
    )
    assert (sheet[56 + 5, 16 + 5] == 128).all()
    assert tuple(sheet[56 + 156 + 5, 16 + 5]) == (255, 0, 0)
    assert (sheet[56 + 156 + 50, 16 + 100] == 128).all()


# Plot


def test_pareto_front_equals_a_slow_search() -> None:
    random = np.random.default_rng(0)
    values = [tuple(pair) for pair in random.integers(0, 6, (30, 2)).tolist()]
    expected = set()
    for i, (x, y) in enumerate(values):
        if not any((a >= x and b >= y) and (a > x or b > y) for a, b in values):
            expected.add(i)
    front = pareto_front(values)
    assert set(front) == expected
    assert [values[i][0] for i in front] == sorted(values[i][0] for i in front)


@pytest.mark.parametrize("seed", range(5))
def test_labels_of_15_points_overlap_no_label_and_no_mark(seed: int) -> None:
    random = np.random.default_rng(seed)
    area = Box(70, 20, 740, 420)
    marks = [(float(x), float(y)) for x, y in random.uniform((90, 40), (500, 400), (15, 2))]
    boxes = place_labels(marks, random.uniform(30, 120, 15).tolist(), area)
    for index, box in enumerate(boxes):
        assert area.left <= box.left <= box.right <= area.right
        assert area.top <= box.top <= box.bottom <= area.bottom
        assert not any(box.overlap(other) for other in boxes[:index])
        assert not any(box.overlap(Box(x - 4, y - 4, x + 4, y + 4)) for x, y in marks)


def test_labels_of_methods_with_equal_values_do_not_overlap() -> None:
    boxes = place_labels([(300.0, 200.0)] * 6, [80.0] * 6, Box(0, 0, 700, 400))
    assert not any(a.overlap(b) for i, a in enumerate(boxes) for b in boxes[:i])


def test_points_tell_contenders_from_controls_and_from_what_is_not_ranked() -> None:
    both = {"gram": 1.0, "ssim": 0.5}
    results = [
        result("a", measures=both),
        result("b", measures=both, control=True),
        result("c", measures=both, random_weights=True),
        result("d", measures=both, optimises=("ssim",)),
        result("e", measures={"gram": 1.0}),
        result("f", measures={"gram": 1.0, "ssim": math.nan}),
    ]
    assert [(p.title, p.kind) for p in points(results, GRAM, SSIM)] == [
        ("a", "contender"),
        ("b", "control"),
        ("c", "apart"),
        ("d", "apart"),
    ]


def test_better_is_up_and_to_the_right_for_either_direction() -> None:
    results = [
        result("worse", measures={"gram": 2.0, "ssim": 0.1}),
        result("better", measures={"gram": 1.0, "ssim": 0.9}),
    ]
    (x0, y0), (x1, y1) = re.findall(r'cx="([\d.]+)" cy="([\d.]+)"', scatter(results, GRAM, SSIM))
    assert float(x1) > float(x0)
    assert float(y1) < float(y0)  # SVG counts downwards


def test_axes_are_the_first_measures_of_structure_and_of_style() -> None:
    assert default_axes(EXAMPLE) == (SSIM, GRAM)


def test_no_axes_for_one_measure() -> None:
    assert default_axes(dataclasses.replace(EXAMPLE, measures=(GRAM,))) is None


def test_plot_without_values_says_so() -> None:
    assert "No method has" in scatter([], GRAM, SSIM)


def test_plot_of_one_point_has_finite_coordinates() -> None:
    svg = scatter([result("a", measures={"gram": 0.0, "ssim": 0.0})], GRAM, SSIM)
    assert "nan" not in svg
    assert 'cx="' in svg


# CSV and LaTeX


def test_csv_holds_full_precision_and_says_why_a_method_failed() -> None:
    rows = {row["method"]: row for row in csv.DictReader(io.StringIO(to_csv(EXAMPLE)))}
    assert float(rows["sinct"]["gram"]) == EXAMPLE.results[2].measures["gram"]
    assert rows["gpnn"]["status"].startswith("failed: out of memory")
    assert rows["gpnn"]["gram"] == ""
    assert rows["wct2"]["random_weights"] == "true"


def test_latex_marks_best_and_second_and_what_is_not_ranked() -> None:
    source = to_latex(EXAMPLE)
    assert re.search(r"sinct & \\textbf\{", source)
    assert re.search(r"GPDM & \\underline\{", source)
    assert re.search(r"Gatys et al\. & [\d.]+\$\^\\dagger\$", source)
    assert "WCT2*" in source
    assert "GPNN (failed)" in source


def test_latex_has_as_many_cells_as_columns_in_every_row() -> None:
    for columns, body in re.findall(
        r"\\begin\{tabular\}\{(l(?:r)*)\}(.*?)\\end\{tabular\}", to_latex(EXAMPLE), re.S
    ):
        rows = [line for line in body.split("\n") if line.endswith(r"\\") and "multicolumn" not in line]
        assert rows
        assert {row.count(" & ") + 1 for row in rows} == {len(columns)}


def test_latex_without_measures_has_no_tabular() -> None:
    assert "tabular" not in to_latex(dataclasses.replace(EXAMPLE, measures=()))


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("50 % & more_#1", r"50 \% \& more\_\#1"),
        ("a\\b{c}", r"a\textbackslash{}b\{c\}"),
        ("~^<>|", r"\textasciitilde{}\textasciicircum{}\textless{}\textgreater{}\textbar{}"),
        ("two\nlines\t\x07", "two lines"),
    ],
)
def test_latex_escapes_names(text: str, escaped: str) -> None:
    assert escape_latex(text) == escaped


# Report


class Outline(HTMLParser):
    """What is in a page: texts of table cells, tags, and every address that it names."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, Mapping[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def all(self, tag: str) -> list[Mapping[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("comparison")
    write_report(folder, make_example(folder))
    return folder


@pytest.fixture(scope="module")
def page(folder: Path) -> str:
    return (folder / "report.html").read_text(encoding="utf-8")


def test_report_writes_four_files_and_leaves_nothing_else(folder: Path) -> None:
    written = {path.name for path in folder.iterdir()} - {r.file for r in EXAMPLE.results}
    assert written - {"in-painting.png", "in-photo.png"} == {
        "report.html", "contact-sheet.png", "table.csv", "table.tex"
    }  # fmt: skip


def test_the_same_input_gives_the_same_bytes(folder: Path) -> None:
    names = ("report.html", "contact-sheet.png", "table.csv", "table.tex")
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


# Several pairs


def test_statistic_is_mean_and_sample_deviation() -> None:
    found = statistic([1.0, 2.0, 4.0, math.nan])
    assert found is not None
    assert found.mean == pytest.approx(7 / 3)
    assert found.deviation == pytest.approx(math.sqrt(((4 / 3) ** 2 + (1 / 3) ** 2 + (5 / 3) ** 2) / 2))
    assert found.pairs == 3


def test_statistic_of_one_value_has_no_deviation() -> None:
    found = statistic([3.0])
    assert found is not None
    assert found.deviation is None


def test_statistic_of_nothing_is_none() -> None:
    assert statistic([math.inf]) is None


def pairs(*rows: list[MethodResult], measures: tuple[Measure, ...] = (GRAM,)) -> list[Comparison]:
    return [dataclasses.replace(EXAMPLE, measures=measures, results=tuple(row)) for row in rows]


def test_aggregate_takes_means_and_mean_ranks_over_pairs() -> None:
    rows = {row.name: row for row in aggregate(pairs(valued(a=1, b=2, c=2), valued(a=5, b=2, c=3)))}
    assert rows["a"].measures["gram"].mean == 3
    assert [rows[name].measures["gram"].rank for name in "abc"] == [(1 + 3) / 2, (2.5 + 1) / 2, (2.5 + 2) / 2]
    assert rows["b"].ranks == {"style": 1.75}


def test_aggregate_counts_pairs_with_a_value_only() -> None:
    failed = result("a", file=None, reason="no memory")
    rows = {row.name: row for row in aggregate(pairs([*valued(a=1, b=2)], [failed, *valued(b=4)]))}
    assert (rows["a"].measures["gram"].pairs, rows["a"].pairs, rows["a"].failed) == (1, 1, 1)
    assert rows["b"].measures["gram"].mean == 3


def test_aggregate_leaves_random_weights_out() -> None:
    random = result("a", random_weights=True, measures={"gram": 0.0})
    row = aggregate(pairs([*valued(a=1, b=2)], [random, *valued(b=4)]))[0]
    assert (row.measures["gram"].mean, row.random, row.pairs) == (1, 1, 1)


def test_aggregate_does_not_rank_a_method_by_what_it_minimises() -> None:
    own = result("own", measures={"gram": 0.0}, optimises=("gram",))
    rows = {row.name: row for row in aggregate(pairs([own, *valued(a=1, b=2)]))}
    assert rows["own"].measures["gram"].rank is None
    assert rows["a"].measures["gram"].rank == 1


def test_aggregate_joins_measures_that_only_some_pairs_have() -> None:
    one, two = pairs(valued(a=1))[0], pairs([result("a", measures={"ssim": 0.5})], measures=(SSIM,))[0]
    row = aggregate([one, two])[0]
    assert {name: value.pairs for name, value in row.measures.items()} == {"gram": 1, "ssim": 1}


def test_mean_over_fewer_pairs_does_not_lead() -> None:
    rows = aggregate(pairs(valued(a=1, b=2, c=3, d=4), valued(b=2, c=3, d=4)))
    assert leaders_by_mean(rows, GRAM, 2) == ({"b"}, {"c"})


def test_summary_links_to_the_reports_by_relative_addresses(tmp_path: Path) -> None:
    page = write_summary(tmp_path, {"javascript:alert(1)": EXAMPLE, "a b/c": EXAMPLE})
    links = [a["href"] for a in Outline(page.read_text(encoding="utf-8")).all("a")]
    assert links[1:] == ["./javascript%3Aalert%281%29/report.html", "./a%20b/c/report.html"]


def test_summary_writes_page_and_tables(tmp_path: Path) -> None:
    write_summary(tmp_path, {"one": EXAMPLE, "two": example(seed=1)})
    assert {p.name for p in tmp_path.iterdir()} == {"summary.html", "summary.csv", "summary.tex"}
    text = (tmp_path / "summary.csv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(io.StringIO(text)))
    mean = sum(c.results[2].measures["gram"] for c in (EXAMPLE, example(seed=1))) / 2
    found = next(row for row in rows if (row["method"], row["measure"]) == ("sinct", "gram"))
    assert float(found["mean"]) == pytest.approx(mean, rel=1e-12)
    assert found["pairs"] == "2"
    assert r"$\pm$" in (tmp_path / "summary.tex").read_text(encoding="utf-8")


def test_summary_of_no_pairs_is_a_page(tmp_path: Path) -> None:
    assert "0 pairs" in write_summary(tmp_path, {}).read_text(encoding="utf-8")
