"""The page and the table of a batch."""

import csv
import io
import os
from collections.abc import Mapping
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pytest
from PIL import Image

from sinct.batch import report, thumbnails
from sinct.batch.ledger import Entry, State, Verdict
from sinct.batch.report import COLUMNS, to_csv, write_batch_report
from sinct.batch.settings import Settings
from sinct.errors import OutputError
from tests.support.batch_example import make_batch, make_entry, make_picture

HOSTILE = "</script><script>alert(1)</script><img src=x onerror='alert(2)'>\"&"


class Outline(HTMLParser):
    """Tags and text of a page, outside its style and script."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, Mapping[str, str | None]]] = []
        self.text = ""
        self._open = ""
        self.feed(page)
        self.text = " ".join(self.text.split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._open = tag
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if self._open not in ("style", "script"):
            self.text += f"{data} "

    def all(self, tag: str) -> list[Mapping[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture(scope="module")
def batch(tmp_path_factory) -> tuple[Path, list[Entry]]:
    folder = tmp_path_factory.mktemp("batch")
    entries = make_batch(folder)
    assert write_batch_report(folder / "out", entries) == folder / "out" / "report.html"
    return folder / "out", entries


@pytest.fixture(scope="module")
def outline(batch) -> Outline:
    return Outline((batch[0] / "report.html").read_text(encoding="utf-8"))


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline="")))


# The page


def test_the_head_counts_jobs_and_adds_up_their_time(outline):
    for text in ("10 jobs", "7 of 10", "Time of all jobs together 7 min 14 s", "With warnings 1"):
        assert text in outline.text


def test_each_job_is_there_with_its_state_reason_and_warnings(batch, outline):
    for entry in batch[1]:
        assert f"{entry.name} {entry.state.value}" in outline.text
        for text in (*entry.warnings, entry.error or ""):
            assert text in outline.text


def test_verdicts_are_shown_and_counted_where_there_are_any(tmp_path, outline):
    assert "Accepted" not in outline.text
    judged = [
        make_entry("a", state=State.done, verdict=Verdict.accepted),
        make_entry("b", state=State.done, verdict=Verdict.rejected),
        make_entry("c", state=State.done),
    ]
    write_batch_report(tmp_path, judged)
    text = Outline((tmp_path / "report.html").read_text(encoding="utf-8")).text
    for told in ("Accepted 1 Rejected 1", "a done accepted", "b done rejected"):
        assert told in text
    assert [row["verdict"] for row in rows(to_csv(judged))] == ["accepted", "rejected", ""]


def test_paintings_results_and_photos_are_shown_from_the_page_itself(outline):
    images = {image["alt"]: image["src"] or "" for image in outline.all("img")}
    assert {"Painting märz & sea.png", "Result märz & sea.png", "Photo photo 0.jpg"} <= set(images)
    assert all(source.startswith("data:image/jpeg;base64,") for source in images.values())


def test_pictures_link_to_their_files_from_the_page(batch, outline):
    links = {unquote(link["href"] or "") for link in outline.all("a")}
    assert {"./sub/märz & sea.png", "./../in/märz & sea.png", "./huge.dzi"} <= links
    for link in links - {""}:
        if link.startswith("."):
            assert (batch[0] / link).exists() or link == "./report.csv"


def test_the_page_asks_for_nothing_and_says_so(outline):
    policy = next(meta["content"] for meta in outline.all("meta") if "http-equiv" in meta)
    assert policy is not None
    assert policy.startswith("default-src 'none'; img-src data:;")
    assert not outline.all("link")


def test_what_cannot_be_shown_has_a_word_in_its_place(outline):
    for text in (
        "not on this machine Result s3://out/sea.png",
        "not on this machine Photo https://photos.example/a.jpg",
        "Deep Zoom, in many small pictures Result huge.dzi",
        "not there Result gone.png",
        "not there Painting missing.png",
        "no picture Result",
        "a model for the other jobs Result",
        "running Result",
        "waiting Result",
    ):
        assert text in outline.text


def test_of_many_photos_some_are_shown_and_the_others_counted(outline):
    assert "Photo photo 2.jpg and 2 more" in outline.text
    assert "Painting märz & sea.png and 2 more" in outline.text


@pytest.mark.parametrize("content", [b"", b"no picture", b"\x89PNG\r\n\x1a\n"])
def test_a_picture_that_cannot_be_read_is_no_error(tmp_path, content):
    painting = make_picture(tmp_path / "a.png")
    (tmp_path / "b.png").write_bytes(content)
    entry = make_entry("b", painting, (), str(tmp_path / "b.png"), state=State.done)
    write_batch_report(tmp_path, [entry])
    assert "cannot be read Result b.png" in Outline((tmp_path / "report.html").read_text("utf-8")).text


def test_names_and_reasons_are_escaped(tmp_path):
    entry = make_entry(
        HOSTILE, HOSTILE, (HOSTILE,), HOSTILE, state=State.failed, error=HOSTILE, warnings=(HOSTILE,)
    )
    write_batch_report(tmp_path, [entry])
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "<script>alert" not in page
    assert "<img src=x" not in page
    assert Outline(page).all("img") == []


@pytest.mark.skipif(os.name == "nt", reason="names are Unicode there")
def test_file_names_that_are_no_text_are_no_error(tmp_path):
    name = os.fsdecode(b"caf\xe9.png")
    try:
        painting = make_picture(tmp_path / name)
    except OSError:
        pytest.skip("the file system knows only Unicode names")
    write_batch_report(tmp_path, [make_entry(name, painting, (), str(tmp_path / name), state=State.done)])
    assert "caf%E9.png" in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_a_relative_folder_is_understood(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    make_picture(Path("out") / "a.png")
    write_batch_report(Path("out"), [make_entry("a", "in/a.png", (), "out/a.png", state=State.done)])
    assert './a.png"' in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")


def test_many_jobs_link_to_their_pictures_and_the_page_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(report, "MOST_SHOWN", 2)
    entries = make_batch(tmp_path)
    write_batch_report(tmp_path / "out", entries)
    outline = Outline((tmp_path / "out" / "report.html").read_text(encoding="utf-8"))
    assert outline.all("img") == []
    assert "./warned.png" in {link["href"] for link in outline.all("a")}
    assert "more than 2 jobs: their pictures are linked" in outline.text


def test_many_failures_are_told_in_part(tmp_path):
    entries = [make_entry(f"job {i}", "", (), "", state=State.failed, error="why") for i in range(13)]
    write_batch_report(tmp_path, entries)
    text = Outline((tmp_path / "report.html").read_text(encoding="utf-8")).text
    assert text.count("Failed: job") == 10
    assert "And 3 more" in text


def test_no_jobs_are_no_error(tmp_path):
    write_batch_report(tmp_path, [])
    assert "There are no jobs" in (tmp_path / "report.html").read_text(encoding="utf-8")
    assert rows((tmp_path / "report.csv").read_text(encoding="utf-8")) == []


def test_the_same_batch_gives_the_same_bytes(batch):
    folder, entries = batch
    before = [(folder / name).read_bytes() for name in ("report.html", "report.csv")]
    write_batch_report(folder, entries)
    assert [(folder / name).read_bytes() for name in ("report.html", "report.csv")] == before


def test_a_folder_that_cannot_be_written_to_is_said_in_one_line(tmp_path):
    with pytest.raises(OutputError, match="cannot write"):
        write_batch_report(tmp_path / "missing", [])


# Thumbnails


def test_only_changed_pictures_are_read_again(tmp_path, monkeypatch):
    read: list[str] = []
    small = thumbnails.read_small
    monkeypatch.setattr(
        thumbnails, "read_small", lambda path, side: read.append(path.name) or small(path, side)
    )
    entries = [
        make_entry(name, make_picture(tmp_path / f"{name}.png", i), (), "")
        for i, name in enumerate(("kept", "other"))
    ]
    write_batch_report(tmp_path, entries)
    before = (tmp_path / "report.html").read_bytes()
    make_picture(tmp_path / "other.png", 5)
    os.utime(tmp_path / "other.png", ns=(1, 1))
    write_batch_report(tmp_path, entries)
    assert read == ["kept.png", "other.png", "other.png"]
    assert (tmp_path / "report.html").read_bytes() != before


def test_pictures_for_which_there_is_no_time_are_linked_and_come_later(tmp_path):
    entries = [make_entry("a", make_picture(tmp_path / "a.png"), (), "")]
    write_batch_report(tmp_path, entries, seconds=0)
    hurried = Outline((tmp_path / "report.html").read_text(encoding="utf-8"))
    assert "no thumbnail yet Painting a.png" in hurried.text
    assert "./a.png" in {link["href"] for link in hurried.all("a")}
    write_batch_report(tmp_path, entries)
    assert "no thumbnail yet" not in (tmp_path / "report.html").read_text(encoding="utf-8")
    write_batch_report(tmp_path, entries, seconds=0)  # those that are there are shown
    assert "no thumbnail yet" not in (tmp_path / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("size", [(1000, 500), (500, 1000), (2000, 3), (10, 10)])
def test_thumbnails_fit_a_square(tmp_path, monkeypatch, size):
    shown: list[Image.Image] = []
    embed = thumbnails.embed_thumbnail

    def watch(picture: Image.Image, width: int) -> str:
        shown.append(picture.resize((width, max(1, round(picture.height * width / picture.width)))))
        return embed(picture, width)

    monkeypatch.setattr(thumbnails, "embed_thumbnail", watch)
    painting = make_picture(tmp_path / "a.png", size=size)
    write_batch_report(tmp_path, [make_entry("a", painting, (), "")])
    [thumbnail] = shown
    assert max(thumbnail.size) in (240, min(240, max(size)))


# The table for programs


def test_the_csv_has_a_row_for_each_job(batch):
    data = (batch[0] / "report.csv").read_bytes()
    assert data.startswith(b"\xef\xbb\xbf")
    found = rows(data.decode("utf-8"))
    assert [row["name"] for row in found] == [entry.name for entry in batch[1]]
    assert tuple(found[0]) == COLUMNS
    first, warned, failed = found[0], found[1], found[5]
    assert first | {
        "state": "done", "painting": batch[1][0].painting, "photos": batch[1][0].job.photos[0], "attempts": "1",
        "whole_seconds": "84.2", "steps": "500", "width_px": "160", "height_px": "120",
        "peak_memory_bytes": "1250000000",
        "warnings": "", "error": "", "seed": "7", "preset": "standard",
    } == first  # fmt: skip
    assert warned["warnings"] == "the result is much darker than the painting | speckle in flat areas"
    assert (failed["state"], failed["whole_seconds"], failed["attempts"]) == ("failed", "", "3")
    assert failed["error"] == "missing.png does not exist; a picture file is needed"


def test_several_photos_stand_in_one_cell(batch):
    assert rows(to_csv(batch[1]))[6]["photos"] == " | ".join(batch[1][6].job.photos)


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_no_cell_of_the_csv_is_a_formula(start):
    evil = f'{start}HYPERLINK("http://evil.example")'
    entry = make_entry(evil, evil, (evil,), evil, state=State.failed, error=evil, warnings=(evil,))
    [row] = rows(to_csv([entry]))
    assert {row[name] for name in ("name", "painting", "photos", "output", "error", "warnings")} == {
        "'" + evil
    }


def test_numbers_stay_numbers(batch):
    [row] = rows(to_csv([make_entry("a", settings=Settings("draft", seed=-3))]))
    assert (row["seed"], row["preset"]) == ("-3", "draft")
