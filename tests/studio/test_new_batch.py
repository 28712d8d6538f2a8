"""Beginning a batch with pictures of the studio's folder, without a browser."""

import json
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from sinct.batch import Settings, State, ledger_path, read_collection, read_entries
from sinct.errors import ConfigError, InputError, OutputError
from sinct.studio.batch_start import Asked, begin, outputs
from sinct.studio.batches import Batches
from sinct.studio.processes import Busy
from sinct.studio.run import Choices
from tests.support.studio import Served, make_studio, serving

ALIKE = ("monet.png", "turner.png")


@pytest.fixture
def folder(tmp_path, make_picture) -> Path:
    (tmp_path / "folder").mkdir()
    for seed, name in enumerate((*ALIKE, "photo.png", "other.png")):
        make_picture(f"folder/{name}", seed=seed)
    (tmp_path / "outside.png").write_bytes((tmp_path / "folder" / "photo.png").read_bytes())
    return tmp_path / "folder"


@pytest.fixture
def served(folder, tiny) -> Iterator[Served]:
    with serving(make_studio(folder, tiny)) as served:
        yield served


@pytest.fixture
def started(studio, monkeypatch) -> list:
    """What processes would be started for, in place of starting them."""
    found: list = []
    monkeypatch.setattr(studio.processes, "start_batch", lambda *given: found.append(given))
    return found


def asked(*names: str, photo: str = "photo.png") -> list[Asked]:
    return [Asked(name, (photo,)) for name in names]


def entries(folder: Path, batch: str = "batch-1") -> list:
    return read_entries(ledger_path(folder / batch))


# What is begun ---------------------------------------------------------------------------------------------


def test_the_jobs_are_those_of_the_command_line(folder, studio, started, tmp_path):
    studio.settings = {"draft": Settings("draft")}
    choices = Choices(seed=7, faithful=0.25)
    name = begin(studio, Batches(studio), asked(*ALIKE), "draft", choices)
    manifest = folder / "list.csv"
    manifest.write_text("painting,photo\nmonet.png,photo.png\nturner.png,photo.png\n")
    settings = Settings("draft", seed=7, changes={"faithful": 0.25})
    theirs = read_collection(str(manifest), str(folder / name), settings, cache=tmp_path / "cache.json")
    assert [entry.job for entry in entries(folder, name)] == theirs
    assert {entry.state for entry in entries(folder)} == {State.waiting}
    [(called, request, _)] = started
    assert (called, request["folder"], request["again"]) == ("the batch batch-1", str(folder / "batch-1"), [])


def test_each_painting_may_have_photos_of_its_own(folder, studio, started):
    pictures = [Asked("monet.png", ("photo.png", "other.png")), Asked("turner.png", ("other.png",))]
    begin(studio, Batches(studio), pictures, "draft", Choices())
    assert [[Path(place).name for place in entry.job.photos] for entry in entries(folder)] == [
        ["photo.png", "other.png"],
        ["other.png"],
    ]


def test_the_next_batch_gets_a_folder_of_its_own(folder, studio, started):
    batches = Batches(studio)
    names = [begin(studio, batches, asked("monet.png"), "draft", Choices()) for _ in range(3)]
    assert names == ["batch-1", "batch-2", "batch-3"]
    assert batches.names() == names


@pytest.mark.parametrize(
    ("paintings", "found"),
    [
        (["a.png", "a.jpg", "A.tif"], ["a.png", "a-2.png", "A-3.png"]),
        ([" a.png", "a.png"], ["a.png", "a-2.png"]),
        (["a.b.png"], ["a.b.png"]),
        (["x" * 251 + ".png", "x" * 250 + ".png"], ["x" * 150 + ".png", "x" * 150 + "-2.png"]),
        (["  .png"], ["picture.png"]),
    ],
)
def test_results_have_names_that_fit_and_differ(paintings, found):
    assert outputs(paintings) == found


ODD = (
    " leading.png", "quo'te\".png", "<script>alert(1)</script>.png".replace("/", "_"), "🖼️ emoji.png", "semi;colon.png",
    "comma,s.png", "new\nline.png", "-o.png", "%41.png", "shared-model.png", "s3:__x.png", "x" * 200 + ".png",
)  # fmt: skip


def test_odd_names_of_paintings_and_photos_stay_what_they_are(folder, studio, started):
    for name in ODD:
        os.link(folder / "monet.png", folder / name)
    pictures = [Asked(name, (ODD[i - 1],)) for i, name in enumerate(ODD)]
    begin(studio, Batches(studio), pictures, "draft", Choices())
    found = entries(folder)
    assert [entry.job.fault for entry in found] == [None] * len(ODD)
    assert [Path(entry.painting).name for entry in found] == list(ODD)
    assert [Path(entry.job.photos[0]).name for entry in found] == [ODD[i - 1] for i in range(len(ODD))]
    assert all(Path(entry.job.output).parent == folder / "batch-1" for entry in found)


# What is refused -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pictures", "preset", "choices", "error", "said"),
    [
        ([], "draft", Choices(), InputError, "choose one painting or more"),
        (asked("monet.png", "monet.png"), "draft", Choices(), InputError, "monet.png is there twice"),
        (asked("gone.png"), "draft", Choices(), InputError, "there is no gone.png in this folder"),
        (asked("monet.png", photo="../outside.png"), "draft", Choices(), InputError, "there is no ../outside.png"),
        (asked("../outside.png"), "draft", Choices(), InputError, "there is no ../outside.png"),
        (asked(".sinct-studio"), "draft", Choices(), InputError, "there is no .sinct-studio"),
        ([Asked("monet.png", ())], "draft", Choices(), InputError, "choose a photo as well"),
        ([Asked("monet.png", ("photo.png",) * 2)], "draft", Choices(), InputError, "one photo is there twice"),
        (asked(*map(str, range(1001))), "draft", Choices(), InputError, "1001 paintings are too many"),
        (asked("monet.png"), "paper", Choices(), ConfigError, "there is no preset paper"),
        (asked("monet.png"), "draft", Choices(seeds=3), ConfigError, "variations are tried on one painting"),
        (asked("monet.png"), "draft", Choices(each_photo=True), ConfigError, "variations are tried on one"),
        (asked("monet.png"), "draft", Choices(seed=-1), ConfigError, "seed must"),
        (asked("monet.png"), "draft", Choices(faithful=7), ConfigError, "faithful must"),
    ],
)  # fmt: skip
def test_what_cannot_be_begun_gives_one_line_and_leaves_nothing(
    folder, studio, started, pictures, preset, choices, error, said
):
    before = sorted(folder.iterdir())
    with pytest.raises(error, match=said):
        begin(studio, Batches(studio), pictures, preset, choices)
    assert sorted(folder.iterdir()) == before
    assert started == []


def test_a_batch_that_cannot_be_started_leaves_no_folder(folder, studio, monkeypatch):
    def refuse(*given):
        raise OutputError("no process can be started")

    monkeypatch.setattr(studio.processes, "start_batch", refuse)
    with pytest.raises(OutputError, match="no process can be started"):
        begin(studio, Batches(studio), asked("monet.png"), "draft", Choices())
    assert not (folder / "batch-1").exists()


def test_one_thing_is_done_at_a_time(folder, studio, monkeypatch):
    def busy():
        raise Busy("it works")

    monkeypatch.setattr(studio.processes, "check_idle", busy)
    with pytest.raises(Busy):
        begin(studio, Batches(studio), asked("monet.png"), "draft", Choices())
    assert not (folder / "batch-1").exists()


# Requests --------------------------------------------------------------------------------------------------

BODY = {"pictures": [{"painting": "monet.png", "photos": ["photo.png"]}], "preset": "draft"}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"pictures": "monet.png"}, "the request must be JSON with pictures, preset"),
        ({"pictures": None}, "the request must be JSON with pictures, preset"),
        ({"preset": 3}, "the request must be JSON with pictures, preset"),
        ({"pictures": ["monet.png"]}, "the pictures are no pictures"),
        ({"pictures": [{"painting": "monet.png"}]}, "the pictures are no pictures"),
        ({"pictures": [{"painting": "monet.png", "photos": "photo.png"}]}, "the pictures are no pictures"),
        ({"pictures": [{"painting": ["monet.png"], "photos": []}]}, "the pictures are no pictures"),
        ({"pictures": [{**BODY["pictures"][0], "output": "../../x.png"}]}, "the pictures are no pictures"),
        ({"pictures": [{"painting": "x" * 5000, "photos": ["photo.png"]}]}, "there is no xxx"),
        ({"pictures": [{"painting": "a\0.png", "photos": ["photo.png"]}]}, "there is no a"),
        ({"pictures": [{"painting": "\udcff.png", "photos": ["photo.png"]}]}, "there is no"),
        ({"choices": {"changes": {}}}, "the choices are no choices"),
        ({"choices": 3}, "the choices are no choices"),
    ],
)
def test_a_request_with_wrong_values_gives_one_line(served, changes, said):
    before = sorted(served.folder.iterdir())
    with served.client() as client:
        answer = client.post("/api/batches", content=json.dumps({**BODY, **changes}))
    assert answer.status_code == 422
    assert said in answer.json()["error"]
    assert len(answer.json()["error"].splitlines()) == 1
    assert sorted(served.folder.iterdir()) == before


def test_a_link_out_of_the_folder_is_no_painting(served, tmp_path):
    (served.folder / "link.png").symlink_to(tmp_path / "outside.png")
    pictures = [{"painting": "link.png", "photos": ["photo.png"]}]
    with served.client() as client:
        assert client.post("/api/batches", json={**BODY, "pictures": pictures}).status_code == 422


@pytest.mark.parametrize("headers", [{"Cookie": ""}, {"Origin": "http://evil.example"}, {"Origin": ""}])
def test_only_the_studios_own_page_begins_a_batch(served, headers):
    with served.client(**headers) as client:
        assert client.post("/api/batches", json=BODY).status_code == 403
        assert client.get("/api/batches").status_code in (403, 405)
    assert not (served.folder / "batch-1").exists()


def test_of_several_begun_at_once_one_is_begun(served):
    def start(number):
        with served.client() as client:
            if number % 2:
                return client.post("/api/batches", json={**BODY, "preset": "standard"})
            run = {"painting": "monet.png", "photos": ["photo.png"], "preset": "standard"}
            return client.post("/api/runs", json=run)

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(start, range(4)))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409]
    begun = [*served.folder.glob("batch*"), *served.folder.glob("*.sinct")]
    assert len(begun) == 1


def test_more_pictures_than_are_listed_are_told(folder, tiny, monkeypatch):
    monkeypatch.setattr("sinct.studio.studio.MOST_PICTURES", 3)
    found = make_studio(folder, tiny).overview()
    assert (len(found["pictures"]), found["unlisted"]) == (3, 1)
