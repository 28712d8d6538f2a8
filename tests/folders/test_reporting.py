"""Grids and tables of folders, from trainings and from finished translations."""

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import sinct
from sinct import folders, semantics
from sinct.folders import reporting
from sinct.pictures.picture import read_picture
from tests.support.folder_pictures import draw, drawn_domains, tiny_cut, tiny_cycle
from tests.support.street_scenes import draw_scenes

PICTURES = ("grid.pdf", "grid.png", "report.html", "results.json", "table.csv", "table.tex")


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """Discs and squares, two trainings on them, and discs made blue by another program."""
    folder = tmp_path_factory.mktemp("folders")
    domains = drawn_domains(folder)
    folders.train(domains, folder / "cut", config=tiny_cut())
    folders.train(domains, folder / "cut-1", config=tiny_cut(seed=1))
    folders.train(domains, folder / "cyclegan", method="cyclegan", config=tiny_cycle())
    draw(folder / "elsewhere", shape="disc", colour=(40, 60, 200))
    return folder


def report(made: Path, output: Path, **options) -> Path | None:
    given = {
        "CUT": [made / "cut", made / "cut-1"], "CycleGAN": [made / "cyclegan"], "Paint": [made / "elsewhere"]
    }  # fmt: skip
    places = {"source": made / "discs", "target": made / "squares", "weights_dir": output / "no weights"}
    return folders.report(options.pop("methods", given), output, **{**places, "device": "cpu", **options})


@pytest.fixture(scope="module")
def written(made, tmp_path_factory) -> Path:
    output = tmp_path_factory.mktemp("report")
    assert report(made, output, rows=3) == output / "report.html"
    return output


def rows_of(output: Path) -> list[dict[str, str]]:
    return list(csv.DictReader((output / "table.csv").read_text("utf-8").splitlines()))


def test_a_report_has_grid_table_and_page(written):
    assert {path.name for path in written.iterdir() if path.is_file()} == set(PICTURES)
    with Image.open(written / "grid.png") as grid:
        assert grid.width == 2100
    page = (written / "report.html").read_text("utf-8")
    assert all(f'<th scope="col">{name}</th>' in page for name in ("Source", "CUT", "CycleGAN", "Paint"))


def test_the_table_has_a_row_for_each_method_and_one_for_doing_nothing(written):
    assert [row["method"] for row in rows_of(written)] == ["Source, unchanged", "CUT", "CycleGAN", "Paint"]
    assert [row["control"] for row in rows_of(written)] == ["true", "false", "false", "false"]


def test_the_scores_are_those_of_score_with_their_spread_over_seeds(made, written):
    found = [path for path in (written / "translations").rglob("*") if path.is_dir() and path.name in "01"]
    scored = folders.score(
        sorted(found), made / "squares", source=made / "discs", weights_dir=written / "none", device="cpu"
    )
    cut = sorted(value["distance"] for place, value in scored.sets.items() if "/CUT-" in place)
    assert len(cut) == 2
    row = rows_of(written)[1]
    assert float(row["colours_and_textures_delta_e"]) == pytest.approx(np.mean(cut))
    assert float(row["colours_and_textures_delta_e_deviation"]) == pytest.approx(np.std(cut, ddof=1))
    assert row["folders"] == "2"
    assert rows_of(written)[2]["colours_and_textures_delta_e_deviation"] == ""
    unchanged = float(rows_of(written)[0]["colours_and_textures_delta_e"])
    assert unchanged == pytest.approx(scored.unchanged["distance"])


def test_the_nearest_to_the_target_is_bold_in_the_paper(written):
    source = (written / "table.tex").read_text()
    assert source.count(r"\textbf{") == 1
    assert r"Paint & \textbf{" in source


def test_scores_without_weights_are_said_to_be_missing(written):
    assert "FID, clean-FID and KID:" in (written / "report.html").read_text("utf-8")


def test_a_report_does_not_name_the_users_home(made, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    shutil.copytree(made / "elsewhere", tmp_path / "paint")
    report(made, tmp_path / "report", methods={"Paint": [tmp_path / "paint"]})
    texts = [(tmp_path / "report" / name).read_text("utf-8") for name in ("report.html", "results.json")]
    assert [text for text in texts if str(tmp_path) in text] == []
    assert all("~/paint" in text and "~/report/no weights" in text for text in texts)


def test_a_second_call_keeps_translations_of_the_same_model_only(made, tmp_path):
    run = tmp_path / "run"
    shutil.copytree(made / "cut", run)
    chosen = {"methods": {"CUT": [run]}, "rows": 1}
    report(made, tmp_path / "out", **chosen)
    (first,) = (tmp_path / "out" / "translations").rglob("0.png")
    Image.new("RGB", (32, 32)).save(first)
    report(made, tmp_path / "out", **chosen)
    assert not read_picture(first).pixels.gt(-1).any()
    shutil.copyfile(made / "cut-1" / "model.safetensors", run / "model.safetensors")
    report(made, tmp_path / "out", **chosen)
    assert read_picture(first).pixels.gt(-1).any()


def test_chosen_pictures_are_the_rows_in_their_order(made, tmp_path):
    report(made, tmp_path, pictures=["3", "1.png"], methods={"Paint": [made / "elsewhere"]})
    page = (tmp_path / "report.html").read_text("utf-8")
    assert page.index('data-name="3.png"') < page.index('data-name="1.png"')
    assert page.count("data-name=") == 2
    assert "as chosen" in page


def test_rows_are_drawn_by_the_seed(made):
    sources = sorted((made / "discs").iterdir())
    all_ = {"a": {path: path for path in sources}}

    def drawn(seed: int) -> list[str]:
        return [row.name for row in reporting._rows(all_, sources, 2, [], seed)]

    assert drawn(0) == drawn(0)
    assert len({tuple(drawn(seed)) for seed in range(8)}) > 1


def test_only_pictures_that_all_have_translated_are_drawn(made, tmp_path):
    few = tmp_path / "few"
    few.mkdir()
    for name in ("0.png", "2.png"):
        shutil.copyfile(made / "elsewhere" / name, few / name)
    report(made, tmp_path / "out", methods={"Few": [few], "Paint": [made / "elsewhere"]})
    page = (tmp_path / "out" / "report.html").read_text("utf-8")
    assert page.count("data-name=") == 2


def test_random_weights_are_not_ranked(made, tmp_path):
    pytest.importorskip("torch_fidelity", reason="torch-fidelity is not installed")
    report(made, tmp_path, random_weights=True, methods={"a": [made / "elsewhere"], "b": [made / "squares"]})
    assert "network is random, so FID, clean-FID and KID mean nothing" in (
        tmp_path / "report.html"
    ).read_text("utf-8")
    lines = [
        line for line in (tmp_path / "table.tex").read_text().splitlines() if line.startswith(("a &", "b &"))
    ]
    assert [line.count("textbf") for line in lines] == [0, 1]  # the distance alone


def test_stopping_leaves_no_report(made, tmp_path):
    assert report(made, tmp_path / "out", should_stop=lambda: True) is None
    assert not (tmp_path / "out" / "report.html").exists()


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"methods": {}}, sinct.ConfigError, "nothing to compare"),
        ({"methods": {"": ["elsewhere"]}}, sinct.ConfigError, "cannot name a method; give 1 to 40 letters"),
        ({"methods": {"Source, unchanged": ["elsewhere"]}}, sinct.ConfigError, "cannot name a method"),
        ({"rows": 0}, sinct.ConfigError, "rows must be 1 or more, got 0"),
        ({"pictures": ["nine"]}, sinct.InputError, "no source picture named nine; the first is 0.png"),
        ({"methods": {"a": ["nowhere"]}}, sinct.InputError, "cannot read the folder .*nowhere"),
        ({"output": "elsewhere/report"}, sinct.OutputError, "lies in .*elsewhere, whose pictures are compared"),
        ({"output": "discs"}, sinct.OutputError, "lies in .*discs, whose pictures"),
    ],
)  # fmt: skip
def test_faults_are_one_line(options, error, message, made, tmp_path):
    options = dict(options)
    output = made / options.pop("output") if "output" in options else tmp_path / "out"
    if "methods" in options:
        options["methods"] = {n: [made / place for place in p] for n, p in options["methods"].items()}
    else:
        options["methods"] = {"Paint": [made / "elsewhere"]}
    with pytest.raises(error, match=message) as caught:
        report(made, output, **options)
    assert "\n" not in str(caught.value)
    assert not output.exists() or output == made / "discs"


def test_translations_of_other_pictures_are_refused(made, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    shutil.copyfile(made / "elsewhere" / "0.png", other / "zebra.png")
    with pytest.raises(sinct.InputError, match=r"no picture in .*other, given for Z, is named after one in"):
        report(made, tmp_path / "out", methods={"Z": [other]})


def test_of_several_samples_the_first_is_shown(made, tmp_path):
    (tmp_path / "samples").mkdir()
    for number, colour in ((1, "blue"), (2, "red")):
        for path in (made / "discs").iterdir():
            Image.new("RGB", (40, 44), colour).save(tmp_path / "samples" / f"{path.stem}-{number}.png")
    found = reporting._by_source(
        tmp_path / "samples", sorted((made / "discs").iterdir()), "MUNIT", "the source"
    )
    assert [path.name for path in found.values()] == ["0-1.png", "1-1.png", "2-1.png", "3-1.png"]
    assert report(made, tmp_path / "report", methods={"MUNIT": [tmp_path / "samples"]})


def test_a_picture_whose_name_ends_in_a_number_is_no_sample_of_another(tmp_path):
    for name in ("a-1", "b"):
        (tmp_path / "made").mkdir(exist_ok=True)
        Image.new("RGB", (40, 44)).save(tmp_path / "made" / f"{name}.png")
    sources = [Path(f"{name}.png") for name in ("a", "a-1", "b")]
    found = reporting._by_source(tmp_path / "made", sources, "CUT", "the source")
    assert [path.stem for path in found] == ["a-1", "b"]


def test_another_report_is_not_replaced_unasked(made, tmp_path):
    (tmp_path / "report.html").write_text("mine")
    (tmp_path / "results.json").write_text(json.dumps({"painting": "x"}))
    with pytest.raises(sinct.OutputError, match="already holds another report; give `overwrite=True`"):
        report(made, tmp_path, methods={"Paint": [made / "elsewhere"]})
    assert (tmp_path / "report.html").read_text() == "mine"
    assert report(made, tmp_path, methods={"Paint": [made / "elsewhere"]}, overwrite=True)


def test_scores_of_street_scenes_have_columns(tmp_path):
    photographs, coloured, labels = draw_scenes(tmp_path / "scenes", count=3)
    network = tmp_path / "drn.safetensors"
    tiny = {"width": 2, "crop_size": 32, "batch_size": 2}
    semantics.train_segmenter(
        photographs, labels, network, epochs=1, changes=tiny, from_scratch=True, device="cpu"
    )
    output = tmp_path / "report"
    folders.report(
        {"Paint": [coloured]}, output, source=coloured, target=photographs, labels=labels, segmenter=network,
        weights_dir=tmp_path, device="cpu",
    )  # fmt: skip
    row = next(row for row in rows_of(output) if row["method"] == "Paint")
    for column in ("miou_percent", "pixel_accuracy_percent", "class_accuracy_percent"):
        assert 0 <= float(row[column]) <= 100
    assert "printed as mAP by Park et al. 2020" in (output / "report.html").read_text("utf-8")
