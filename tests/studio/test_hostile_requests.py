"""What does not come from the studio's own page, or asks for more than it may, is refused."""

import json
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from PIL import Image

from sinct.batch import State, Verdict, ledger_path, read_entries
from sinct.errors import InputError
from sinct.studio.batch_rows import id_of
from sinct.studio.folder import inside, plain_name
from tests.support.batch_example import make_entry
from tests.support.studio import TOKEN, Served, make_studio, serving
from tests.support.studio_batch import write_ledger
from tests.support.variations import CONFIG

SECRET = b"what lies outside of the folder"

# Routes by which a page reads something.
READS = (
    "/",
    "/static/studio.js",
    "/api/overview",
    "/api/pictures/painting.png",
    "/batch?of=batch",
    "/static/batch.js",
    f"/api/batch/picture?of=batch&job={id_of('made')}&role=painting",
    f"/api/batch/job?of=batch&job={id_of('made')}",
    "/api/batch/export?of=batch",
    "/zoom?picture=huge.dzi",
    "/vendored/openseadragon.js",
    "/api/tiles/result/8/0_0.jpg?picture=huge.dzi",
)


@pytest.fixture
def served(tmp_path, tiny) -> Iterator[Served]:
    folder = tmp_path / "folder"
    folder.mkdir()
    for name, seed in (("painting.png", 0), ("photo.png", 1)):
        Image.effect_noise((60, 45), 40 + seed).convert("RGB").save(folder / name)
    Image.new("RGB", (9, 9)).save(tmp_path / "outside.png")
    (tmp_path / "secret.txt").write_bytes(SECRET)
    make_tiles(folder / "huge.dzi")
    make_tiles(tmp_path / "outside.dzi")
    made = {"state": State.done, "attempts": 1}
    write_ledger(
        folder / "batch",
        [
            make_entry("made", str(folder / "painting.png"), (), str(folder / "photo.png"), **made),
            make_entry("deep", str(folder / "painting.png"), (), str(folder / "huge.dzi"), **made),
            make_entry("outside", str(tmp_path / "secret.txt"), (), str(tmp_path / "outside.dzi"), **made),
        ],
    )
    with serving(make_studio(folder, tiny), most_bytes=100_000) as served:
        yield served


def make_tiles(path: Path) -> None:
    """A Deep Zoom of which one tile is there."""
    path.write_text(
        '<Image xmlns="http://schemas.microsoft.com/deepzoom/2008" Format="jpg" Overlap="1" TileSize="254">'
        '<Size Width="200" Height="150"/></Image>'
    )
    tile = path.with_name(f"{path.stem}_files") / "8" / "0_0.jpg"
    tile.parent.mkdir(parents=True)
    Image.new("RGB", (200, 150)).save(tile)


def raw(served: Served, request: str) -> bytes:
    """Send a request as it is, which clients would tidy up, and return the whole answer."""
    with socket.create_connection(("127.0.0.1", served.port), timeout=10) as connection:
        connection.sendall(request.replace("\n", "\r\n").encode("latin-1"))
        answer = b""
        while part := connection.recv(65536):
            answer += part
    return answer


def get(served: Served, path: str) -> bytes:
    """Ask for a path exactly as it is written, with everything that the guard wants."""
    return raw(
        served,
        f"GET {path} HTTP/1.1\nHost: 127.0.0.1:{served.port}\nCookie: sinct-studio-{served.port}={TOKEN}\n"
        "Connection: close\n\n",
    )


# Who may ask ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", READS)
def test_the_pages_own_requests_are_answered(served, path):
    with served.client() as client:
        assert client.get(path).status_code == 200


@pytest.mark.parametrize("path", READS)
def test_without_a_token_nothing_is_answered(served, path):
    with served.client(Cookie="") as client:
        answer = client.get(path)
    assert answer.status_code == 403
    assert answer.text.strip().splitlines() == [
        "The token is missing; open the whole address that `sinct studio` printed."
    ]


@pytest.mark.parametrize("token", ["", "x", TOKEN[:-1], TOKEN + "x", TOKEN.upper(), "é"])
def test_a_wrong_token_is_refused(served, token):
    with served.client(Cookie="") as client:
        assert client.get("/", params={"token": token}).status_code == 403


def test_the_token_becomes_a_cookie_that_neither_scripts_nor_other_sites_get(served):
    with served.client(Cookie="") as client:
        cookie = client.get(served.address).headers["set-cookie"]
    assert {part.strip() for part in cookie.split(";")[1:]} == {"Path=/", "HttpOnly", "SameSite=Strict"}


def test_the_token_in_an_address_opens_the_page_alone(served):
    with served.client(Cookie="") as client:
        assert client.get("/api/overview", params={"token": TOKEN}).status_code == 403


@pytest.mark.parametrize("path", READS)
@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:{port}", "127.0.0.1", "127.0.0.1:1", "127.0.0.1.evil.example:{port}", "x"],
)
def test_another_host_is_refused_even_with_the_token(served, path, host):
    with served.client(Host=host.format(port=served.port), Origin="") as client:
        assert client.get(path, params={"token": TOKEN}).status_code == 403


def test_two_hosts_in_a_request_are_refused(served):
    answer = raw(
        served,
        f"GET / HTTP/1.1\nHost: 127.0.0.1:{served.port}\nHost: evil.example\n"
        f"Cookie: sinct-studio-{served.port}={TOKEN}\nConnection: close\n\n",
    )
    assert answer.split()[1] in (b"400", b"403")


@pytest.mark.parametrize(
    "origin",
    [
        "",
        "null",
        "http://evil.example",
        "https://127.0.0.1:{port}",
        "http://127.0.0.1:1",
        "http://localhost:{port}",
    ],
)
@pytest.mark.parametrize(
    "path",
    [
        "/api/runs",
        "/api/pictures?name=a.png",
        "/api/runs/x.sinct/stop",
        "/api/runs/x.sinct/resume",
        "/api/runs/x.sinct/longer",
        "/api/runs/x.sinct/choose",
        "/api/runs/x.sinct/picture",
        "/api/runs/x.sinct/mask",
        "/api/batches",
        "/api/batch/judge",
        "/api/batch/retry",
        "/api/batch/resume",
        "/api/batch/stop",
    ],
)
def test_another_origin_changes_nothing(served, path, origin):
    with served.client(Origin=origin.format(port=served.port)) as client:
        assert client.post(path, json={}).status_code == 403
    assert not list(served.folder.glob("*.sinct"))
    assert served.studio.working() is None


def test_another_site_is_refused_for_pictures_too(served):
    with served.client(**{"Origin": "", "Sec-Fetch-Site": "cross-site"}) as client:
        assert client.get("/api/pictures/painting.png").status_code == 403


@pytest.mark.parametrize("path", [*READS, "/nowhere", "/api/runs/none.sinct"])
def test_every_answer_forbids_foreign_scripts_frames_and_guesses(served, path):
    for cookie in (None, ""):
        with served.client(**({} if cookie is None else {"Cookie": cookie})) as client:
            headers = client.get(path).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "'unsafe" not in headers["content-security-policy"]
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert "access-control-allow-origin" not in headers


# Which files may be asked for ----------------------------------------------------------------------------

ESCAPES = (
    "../outside.png", "..%2Foutside.png", "..%2foutside.png", "%2e%2e/outside.png", "%2e%2e%2foutside.png",
    "..%5Coutside.png", "..%255C..%255Coutside.png", "..%252Foutside.png", "%252e%252e%252foutside.png",
    "....//outside.png", "..;/outside.png", "..%c0%afoutside.png", "..%ef%bc%8foutside.png", "/outside.png",
    "%2Ftmp%2Foutside.png", "painting.png%00/../../outside.png", "painting.png/../../outside.png", "..", "%2e%2e", ".",
    "~/outside.png", "file:///etc/passwd", "C:%5Coutside.png", "%00", "a" * 300, "%ff%fe.png", ".sinct-studio",
)  # fmt: skip

PLACES = (
    "/api/pictures/{}",
    "/static/{}",
    "/api/runs/{}",
    "/api/runs/{}/views/painting",
    "/api/runs/{}/download",
    "/api/runs/x.sinct/views/{}",
    "/vendored/{}",
    "/batch?of={}",
    "/api/batch/events?of={}",
    "/api/batch/export?of={}",
    "/api/batch/job?of=batch&job={}",
    "/api/batch/picture?of=batch&role=painting&job={}",
    "/api/batch/picture?of=batch&job=" + id_of("made") + "&role={}",
    "/zoom?picture={}",
    "/zoom?of=batch&job={}",
    "/api/tiles/result/8/{}?picture=huge.dzi",
    "/api/tiles/result/{}/0_0.jpg?picture=huge.dzi",
    "/api/tiles/{}/8/0_0.jpg?picture=huge.dzi",
    "/api/tiles/result/8/0_0.jpg?picture={}",
    "/api/tiles/result/8/0_0.jpg?of=batch&job={}",
    "/api/runs/{}/candidates/1",
    "/api/runs/{}/candidates/1/photo",
    "/api/runs/x.sinct/candidates/{}",
    "/api/runs/x.sinct/candidates/{}/photo",
)


@pytest.mark.parametrize("place", PLACES)
def test_no_spelling_of_a_path_leads_out_of_the_folder(served, place):
    for escape in ESCAPES:
        answer = get(served, place.format(escape))
        assert answer.split()[1] in (b"400", b"404", b"405", b"422"), (escape, answer[:200])
        assert b"Traceback" not in answer


@pytest.mark.parametrize(
    "name",
    [
        "../secret.txt",
        "..",
        ".",
        "",
        ".hidden.png",
        "/etc/passwd",
        "sub/picture.png",
        "a\0b.png",
        "x" * 5000,
        "\udcff.png",
    ],
)
def test_only_plain_names_are_inside(tmp_path, name):
    (tmp_path / ".hidden.png").touch()
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "picture.png").touch()
    with pytest.raises(InputError, match="there is no"):
        inside(tmp_path, name)


def test_a_link_out_of_the_folder_is_neither_listed_nor_served(served, tmp_path):
    (served.folder / "link.png").symlink_to(tmp_path / "outside.png")
    (served.folder / "loop.png").symlink_to(served.folder / "loop.png")
    (tmp_path / "other.sinct").mkdir()
    (tmp_path / "other.sinct" / "config.json").write_text("{}")
    (served.folder / "link.sinct").symlink_to(tmp_path / "other.sinct")
    with served.client() as client:
        overview = client.get("/api/overview").json()
        codes = [
            client.get(f"/api/{place}").status_code
            for place in ("pictures/link.png", "pictures/loop.png", "runs/link.sinct")
        ]
        start = client.post(
            "/api/runs", json={"painting": "link.png", "photos": ["photo.png"], "preset": "draft"}
        )
    assert set(overview["pictures"]) == {"painting.png", "photo.png"}
    assert overview["runs"] == []
    assert codes == [422, 422, 422]
    assert start.status_code == 422


def test_a_run_made_to_lead_out_of_the_folder_is_not_followed(served, tmp_path):
    place = served.folder / "made.sinct" / "studio"
    place.mkdir(parents=True)
    (place / "job.json").write_text(
        '{"painting": "../outside.png", "photos": ["photo.png"], "output": "../../out.png", "preset": "draft"}'
    )
    (place / "picture.json").write_text('{"phase": "finished", "file": "../../../../secret.txt"}')
    (place / "download").mkdir()
    (place / "painting.png").symlink_to(tmp_path / "secret.txt")
    wish = {"suffix": ".png", "strength": 1, "masked": False}
    with served.client() as client:
        answers = [
            client.post("/api/runs/made.sinct/resume", json={}),
            client.post("/api/runs/made.sinct/picture", json=wish),
            client.get("/api/runs/made.sinct/download"),
            client.get("/api/runs/made.sinct/views/painting"),
        ]
    assert [answer.status_code for answer in answers] == [422, 422, 422, 404]
    assert all(SECRET not in answer.content for answer in answers)


def candidates_in(folder: Path) -> Path:
    """A folder of two candidates that were not trained, with a picture of the second; returns it."""
    place = folder / "varied.sinct" / "variations"
    place.mkdir(parents=True)
    entry = {"preset": "draft", "photos": [0], "settings": CONFIG.to_dict(), "until": 0.3}
    second = {**entry, "settings": CONFIG.replace(seed=1).to_dict()}
    record = {"painting": "painting.png", "photos": ["photo.png"], "hashes": ["a", "b"]}
    (place / "variations.json").write_text(json.dumps({**record, "candidates": [entry, second]}))
    Image.new("RGB", (6, 4)).save(place / "2.png")
    return place


def test_candidates_are_served_and_nothing_beside_them(served):
    candidates_in(served.folder)
    with served.client() as client:
        codes = [
            client.get(f"/api/runs/varied.sinct/candidates/{number}").status_code
            for number in ("2", "1", "0", "3", "-1", "9" * 400, "2.png", "variations.json", "2/../1", "٢")
        ]
    assert codes == [200, 404, 404, 404, 404, 404, 404, 404, 404, 404]


def test_no_link_leads_from_candidates_out_of_the_folder(served, tmp_path):
    place = candidates_in(served.folder)
    (place / "1.png").symlink_to(tmp_path / "outside.png")
    place.rename(tmp_path / "moved")
    address = "/api/runs/varied.sinct/candidates"
    with served.client() as client:
        (served.folder / "varied.sinct" / "studio").mkdir()
        (served.folder / "varied.sinct" / "variations").symlink_to(tmp_path / "moved")
        assert client.get(f"{address}/2").status_code == 404
        assert client.get("/api/runs/varied.sinct").json()["variations"] is None
        (served.folder / "varied.sinct" / "variations").unlink()
        (tmp_path / "moved").rename(place)
        assert [client.get(f"{address}/{number}").status_code for number in (1, 2)] == [404, 200]


def test_names_in_candidates_lead_nowhere_else(served, tmp_path):
    place = candidates_in(served.folder)
    record = json.loads((place / "variations.json").read_text())
    record["painting"], record["photos"] = "../outside.png", ["../secret.txt"]
    record["candidates"][1]["continued"] = {
        "output": str(tmp_path / "outside.png"),
        "steps": 3,
        "finished": True,
    }
    (place / "variations.json").write_text(json.dumps(record))
    address = "/api/runs/varied.sinct"
    with served.client() as client:
        run = client.get(address).json()
        answers = [client.get(f"{address}/views/{view}") for view in ("painting", "photo", "result")]
        answers.append(client.get(f"{address}/candidates/2/photo"))
        answers.append(client.get(f"{address}/views/result", params={"keep": "light"}))
        choice = client.post(f"{address}/choose", json={"number": 2})
    assert run["views"] == dict.fromkeys(run["views"])
    assert [answer.status_code for answer in answers] == [404] * 5
    assert choice.status_code == 422


def test_a_picture_that_goes_while_it_is_asked_for_is_missing(served, monkeypatch, tmp_path):
    monkeypatch.setattr(served.studio, "view", lambda name, view: tmp_path / "gone.png")
    with served.client() as client:
        answer = client.get("/api/runs/varied.sinct/views/live")
    assert (answer.status_code, answer.json()) == (404, {"error": "there is nothing at this address"})


@pytest.mark.parametrize("text", ["", "{}", "[]", "[" * 100_000, "\0", '{"candidates": []}'])
def test_damaged_candidates_do_not_break_the_page(served, text):
    (candidates_in(served.folder) / "variations.json").write_text(text)
    with served.client() as client:
        assert client.get("/api/overview").json()["runs"][0]["name"] == "varied.sinct"
        assert client.get("/api/runs/varied.sinct").json()["variations"] is None
        answer = client.post("/api/runs/varied.sinct/choose", json={"number": 1})
    assert answer.status_code == 422


@pytest.mark.parametrize(
    ("route", "body", "said"),
    [
        ("choose", {}, "the request must be JSON with number"),
        ("choose", {"number": "1"}, "the request must be JSON with number"),
        ("choose", {"number": True}, "the request must be JSON with number"),
        ("choose", {"number": 1}, "candidate 1 has not been trained yet"),
        ("choose", {"number": 3}, "there is no candidate 3; choose one of 1 to 2"),
        ("choose", {"number": 10**30}, "there is no candidate"),
        ("longer", {}, "the request must be JSON with steps"),
        ("longer", {"steps": 1.5}, "the request must be JSON with steps"),
        ("longer", {"steps": 0}, "Give 1 step or more"),
        ("longer", {"steps": -3}, "Give 1 step or more"),
        ("longer", {"steps": 10**9}, "must lie between 1 and 1,000,000"),
        ("longer", {"steps": 5}, "there is nothing to train longer yet"),
    ],
)
def test_a_wrong_choice_gives_one_line(served, route, body, said):
    candidates_in(served.folder)
    with served.client() as client:
        answer = client.post(f"/api/runs/varied.sinct/{route}", json=body)
    assert answer.status_code == 422
    assert said.lower() in answer.json()["error"].lower()
    assert not (served.folder / "varied.sinct" / "studio").exists()


@pytest.mark.parametrize("keep", ["light,../x", "x", "light, texture", "," * 3 + "y", "colours\0"])
def test_only_parts_that_there_are_are_kept(served, keep):
    candidates_in(served.folder)
    with served.client() as client:
        answer = client.get("/api/runs/varied.sinct/views/result", params={"keep": keep})
    assert answer.status_code == 422
    assert "is no part of a picture; choose among colours, light, texture" in answer.json()["error"]


@pytest.mark.parametrize(
    "text", ["[]", "{", '{"phase": 3}', "[" * 100_000, '{"phase": "training", "step": "many"}', "\0"]
)
@pytest.mark.parametrize("name", ["job.json", "state.json", "picture.json"])
def test_damaged_files_of_a_run_do_not_break_the_page(served, name, text):
    place = served.folder / "made.sinct" / "studio"
    place.mkdir(parents=True)
    (place / "job.json").write_text("{}")
    (place / name).write_text(text)
    with served.client() as client:
        assert client.get("/api/overview").json()["runs"][0]["name"] == "made.sinct"
        assert client.get("/api/runs/made.sinct").json()["job"] is None


# Batches and Deep Zooms ---------------------------------------------------------------------------------


def test_no_file_comes_as_it_is_by_way_of_a_ledger_only_pictures_made_of_it(served):
    with served.client() as client:
        ask = {"of": "batch", "job": id_of("outside"), "role": "painting"}
        answers = [client.get("/api/batch/picture", params={**ask, "size": size}) for size in ("", "large")]
    assert [answer.status_code for answer in answers] == [422, 422]
    assert all(SECRET not in answer.content for answer in answers)


def test_tiles_outside_of_the_folder_are_not_served(served):
    with served.client() as client:
        page = client.get("/zoom", params={"of": "batch", "job": id_of("outside")})
        tile = client.get("/api/tiles/result/8/0_0.jpg", params={"of": "batch", "job": id_of("outside")})
        inside_ = client.get("/api/tiles/result/8/0_0.jpg", params={"of": "batch", "job": id_of("deep")})
    assert [page.status_code, tile.status_code, inside_.status_code] == [422, 422, 200]
    assert "lies outside of this folder" in tile.json()["error"]


@pytest.mark.parametrize(
    "name", ["photo.png", "huge_files", ".sinct", "missing.dzi", "..", "", "huge.dzi/8/0_0.jpg"]
)
def test_only_deep_zooms_are_opened_as_such(served, name):
    with served.client() as client:
        assert client.get("/zoom", params={"picture": name}).status_code == 422
        assert client.get("/api/tiles/result/8/0_0.jpg", params={"picture": name}).status_code == 422


@pytest.mark.parametrize(
    "tile",
    [
        "8/0_1.jpg", "8/0_0.png", "8/0_0.jpg.txt", "8/-1_0.jpg", "9/0_0.jpg", "-1/0_0.jpg", "999/0_0.jpg", "8/0_0",
        "8/٣_0.jpg", "8/" + "9" * 5000 + "_0.jpg", "9" * 5000 + "/0_0.jpg",
    ],
)  # fmt: skip
def test_tiles_that_there_are_not_give_one_line(served, tile):
    with served.client() as client:
        answer = client.get(f"/api/tiles/result/{tile}", params={"picture": "huge.dzi"})
    assert answer.status_code == 422
    assert len(answer.json()["error"].splitlines()) == 1


def test_links_among_tiles_are_not_followed(served, tmp_path):
    tiles = served.folder / "huge_files" / "8"
    (tiles / "1_0.jpg").symlink_to(tmp_path / "secret.txt")
    (served.folder / "link.dzi").symlink_to(tmp_path / "outside.dzi")
    (served.folder / "stolen.dzi").write_text((served.folder / "huge.dzi").read_text())
    (served.folder / "stolen_files").symlink_to(tmp_path / "outside_files")
    with served.client() as client:
        answers = [
            client.get(f"/api/tiles/result/8/{tile}", params={"picture": picture})
            for picture, tile in (("huge.dzi", "1_0.jpg"), ("link.dzi", "0_0.jpg"), ("stolen.dzi", "0_0.jpg"))
        ]
    assert [answer.status_code for answer in answers] == [422, 422, 422]


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "POST"])
@pytest.mark.parametrize(
    "path", ["/batch", "/zoom", "/api/batch/events", "/api/batch/export", "/api/tiles/result/8/0_0.jpg"]
)
def test_what_is_read_takes_no_other_method(served, method, path):
    with served.client() as client:
        assert client.request(method, path, params={"picture": "huge.dzi"}).status_code == 405


def test_what_changes_a_batch_is_not_done_by_reading(served):
    with served.client() as client:
        for path in ("judge", "retry", "resume", "stop"):
            assert client.get(f"/api/batch/{path}").status_code == 405


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"jobs": "made", "verdict": "accepted", "note": ""}, "must be JSON with jobs, verdict, note"),
        ({"jobs": [3], "verdict": "accepted", "note": ""}, "jobs must be their ids"),
        ({"jobs": ["made"], "verdict": "accepted", "note": ""}, "no such job any more"),
        ({"jobs": [id_of("made")], "verdict": "good", "note": ""}, "there is no verdict good"),
        ({"jobs": [id_of("made")], "verdict": "accepted", "note": 3}, "must be JSON"),
        ({"jobs": [id_of("made")], "verdict": "accepted", "note": "x" * 1001}, "write at most 1000"),
        ({"jobs": [id_of("made"), "x"], "verdict": "accepted", "note": ""}, "no such job any more"),
    ],
)
def test_a_verdict_with_wrong_values_gives_one_line_and_is_not_kept(served, values, said):
    with served.client() as client:
        answer = client.post("/api/batch/judge?of=batch", json=values)
    assert answer.status_code == 422
    assert said in answer.json()["error"]
    assert {entry.verdict for entry in read_entries(ledger_path(served.folder / "batch"))} == {None}


def test_a_verdict_of_the_page_is_kept(served):
    with served.client() as client:
        values = {"jobs": [id_of("made")], "verdict": "rejected", "note": "too dark"}
        assert client.post("/api/batch/judge?of=batch", json=values).status_code == 200
    entry = read_entries(ledger_path(served.folder / "batch"))[0]
    assert (entry.verdict, entry.note) == (Verdict.rejected, "too dark")


def test_a_huge_verdict_is_cut_off(served):
    with served.client() as client:
        assert client.post("/api/batch/judge", content=b" " * 1_000_000).status_code == 413


def test_a_list_is_a_file_to_keep_whatever_it_holds(served):
    with served.client() as client:
        answer = client.get("/api/batch/export", params={"of": "batch", "kind": ".csv"})
    assert answer.headers["content-disposition"] == "attachment; filename*=UTF-8''batch-jobs.csv"
    assert answer.headers["content-type"] == "application/octet-stream"


def test_names_in_pages_are_text(tmp_path, tiny):
    name = "<img src=x onerror=alert(1)>"
    folder = tmp_path / "folder" / name
    folder.mkdir(parents=True)
    write_ledger(folder, [make_entry("a", output="a.png")])
    make_tiles(tmp_path / "folder" / f"{name}.dzi")
    with serving(make_studio(tmp_path / "folder", tiny)) as served, served.client() as client:
        pages = [client.get("/"), client.get("/batch", params={"of": name})]
        pages.append(client.get("/zoom", params={"picture": f"{name}.dzi"}))
    assert [page.status_code for page in pages] == [200, 200, 200]
    assert all("<img src=x" not in page.text and "&lt;img src=x" in page.text for page in pages)


# Uploads -------------------------------------------------------------------------------------------------


def left_over(served: Served) -> list[str]:
    """Names of temporary files of uploads."""
    return [path.name for path in served.studio.place.iterdir() if path.suffix == ".part"]


def test_an_upload_that_says_it_is_huge_is_refused_at_once(served):
    head = (
        f"POST /api/pictures?name=a.png HTTP/1.1\nHost: 127.0.0.1:{served.port}\nOrigin: {served.base}\n"
        f"Cookie: sinct-studio-{served.port}={TOKEN}\nContent-Length: 10000000000000\nConnection: close\n\n"
    )
    answer = raw(served, head)
    assert answer.split()[1] == b"413"
    assert b"is larger than the 0.0001 GB that are taken" in answer
    assert left_over(served) == []


def test_an_upload_that_does_not_say_so_is_cut_off(served):
    def chunks():
        for _ in range(100):
            yield bytes(10_000)

    with served.client() as client:
        answer = client.post("/api/pictures?name=a.png", content=chunks())
    assert answer.status_code == 413
    assert left_over(served) == []


@pytest.mark.parametrize("length", ["-5", "many", "1e3", "99999999999999999999999999"])
def test_a_length_that_is_no_length_breaks_nothing(served, length):
    answer = raw(
        served,
        f"POST /api/pictures?name=a.png HTTP/1.1\nHost: 127.0.0.1:{served.port}\nOrigin: {served.base}\n"
        f"Cookie: sinct-studio-{served.port}={TOKEN}\nContent-Length: {length}\nConnection: close\n\n",
    )
    assert answer.split()[1] in (b"400", b"413")


def test_an_upload_cut_off_leaves_nothing(served):
    with socket.create_connection(("127.0.0.1", served.port)) as connection:
        connection.sendall(
            f"POST /api/pictures?name=a.png HTTP/1.1\r\nHost: 127.0.0.1:{served.port}\r\nOrigin: {served.base}\r\n"
            f"Cookie: sinct-studio-{served.port}={TOKEN}\r\nContent-Length: 5000\r\n\r\nonly this".encode()
        )
    with served.client() as client:
        for _ in range(50):
            client.get("/api/overview")
            if not left_over(served):
                break
    assert left_over(served) == []
    assert not (served.folder / "a.png").exists()


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("notes.txt", b"text", "files of the kind .txt are not read"),
        ("script.html", b"<script>", "files of the kind .html are not read"),
        ("nothing", b"", "files without a suffix are not read"),
        ("notes.png", b"this is no picture", "notes.png"),
        ("empty.png", b"", "empty.png"),
        (
            "bomb.png",
            b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\x7f\xff\xff\xff\x7f\xff\xff\xff\x08\x02\0\0\0",
            "bomb.png",
        ),
    ],
)
def test_what_is_no_picture_gives_one_line_and_is_not_kept(served, name, content, said):
    with served.client() as client:
        answer = client.post("/api/pictures", params={"name": name}, content=content)
    assert answer.status_code == 422
    assert said in answer.json()["error"]
    assert len(answer.json()["error"].splitlines()) == 1
    assert left_over(served) == []
    assert sorted(path.name for path in served.folder.iterdir()) == [
        ".sinct-studio",
        "batch",
        "huge.dzi",
        "huge_files",
        "painting.png",
        "photo.png",
    ]


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("../../outside.png", "outside.png"),
        ("..\\..\\outside.png", "outside.png"),
        ("/etc/a.png", "a.png"),
        ("C:\\pictures\\a.png", "a.png"),
        (".hidden.png", "hidden.png"),
        ("...png", "picture.png"),
        (".png", "picture.png"),
        ("a\nb\0c.png", "a_b_c.png"),
        ("étretat.JPG", "étretat.JPG"),
        ("x" * 400 + ".png", "x" * 150 + ".png"),
        ("画" * 400 + ".png", "画" * 50 + ".png"),
    ],
)
def test_an_uploaded_file_gets_a_plain_name(name, kept):
    assert plain_name(name) == kept


def test_an_upload_replaces_nothing_and_the_same_file_is_kept_once(served):
    own, other = (served.folder / "painting.png").read_bytes(), (served.folder / "photo.png").read_bytes()
    with served.client() as client:
        names = [
            client.post("/api/pictures?name=painting.png", content=content).json()["name"]
            for content in (other, own, other)
        ]
    assert names == ["painting-2.png", "painting.png", "painting-2.png"]
    assert (served.folder / "painting.png").read_bytes() == own


# Starting ------------------------------------------------------------------------------------------------

START = {"painting": "painting.png", "photos": ["photo.png"], "preset": "standard"}


def test_of_two_starts_at_once_one_is_refused(served):
    def start(_):
        with served.client() as client:
            return client.post("/api/runs", json=START)

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(start, range(4)))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409]
    refused = next(answer for answer in answers if answer.status_code == 409)
    assert "one thing is done at a time" in refused.json()["error"]
    assert len(list(served.folder.glob("*.sinct"))) == 1


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"preset": "paper"}, "there is no preset paper; choose one of draft, standard"),
        ({"photos": []}, "choose a photo as well"),
        ({"photos": [3]}, "photos must be names of files"),
        ({"photos": "photo.png"}, "the request must be JSON with painting, photos, preset"),
        ({"painting": "missing.png"}, "there is no missing.png in this folder"),
        ({"painting": None}, "the request must be JSON"),
        ({"choices": []}, "the choices are no choices"),
        ({"choices": {"seeds": "4"}}, "the choices are no choices: seeds is of another type, str"),
        ({"choices": {"seeds": True}}, "the choices are no choices"),
        ({"choices": {"config": {}}}, "the choices are no choices"),
        ({"choices": {"seeds": 10**20}}, "variations are too many"),
        ({"choices": {"seeds": -4}}, "one variation leaves nothing to choose"),
        ({"choices": {"seed": 2**63}}, "seed must be below"),
        ({"choices": {"faithful": 7}}, "faithful must"),
    ],
)
def test_a_start_with_wrong_values_gives_one_line(served, changes, said):
    with served.client() as client:
        answer = client.post("/api/runs", json={**START, **changes})
    assert answer.status_code == 422
    assert said in answer.json()["error"]
    assert not list(served.folder.glob("*.sinct"))


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"[" * 90_000, b"\xff"])
def test_a_body_that_is_no_json_gives_one_line(served, body):
    with served.client() as client:
        assert client.post("/api/runs", content=body).status_code == 422


def test_a_body_without_end_is_cut_off(served):
    with served.client() as client:
        assert client.post("/api/runs", content=b" " * 1_000_000).status_code == 413


def test_a_run_that_is_not_being_trained_cannot_be_stopped(served):
    (served.folder / "idle.sinct").mkdir()
    (served.folder / "idle.sinct" / "config.json").write_text("{}")
    with served.client() as client:
        answer = client.post("/api/runs/idle.sinct/stop", json={})
    assert (answer.status_code, answer.json()["error"]) == (422, "idle.sinct is not being trained")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"suffix": ".dzi"}, ".dzi is not written; choose one of .png"),
        ({"suffix": "/../x.png"}, "/../x.png is not written"),
        ({"strength": 1.5}, "strength must lie between 0 and 1, got 1.5"),
        ({"strength": float("inf")}, "strength must lie between 0 and 1"),
        ({"strength": float("nan")}, "strength must lie between 0 and 1"),
        ({"strength": 10**400}, "strength must lie between 0 and 1"),
        ({"strength": True}, "the request must be JSON"),
        ({"masked": 1}, "the request must be JSON"),
        ({"keep": "light"}, "keep must be names of parts"),
        ({"keep": [1]}, "keep must be names of parts"),
        ({"keep": ["../x"]}, "is no part of a picture; choose among colours, light, texture"),
        ({"masked": True}, "there is no mask; paint one first"),
    ],
)
def test_a_download_of_what_there_is_not_gives_one_line(served, changes, said):
    (served.folder / "idle.sinct").mkdir()
    facts = {"painting": "painting.png", "photos": ["photo.png"]}
    (served.folder / "idle.sinct" / "config.json").write_text(json.dumps(facts))
    with served.client() as client:
        wish = {"suffix": ".png", "strength": 1, "masked": False, **changes}
        answer = client.post("/api/runs/idle.sinct/picture", content=json.dumps(wish))
    assert answer.status_code == 422
    assert said in answer.json()["error"]


def test_a_mask_must_be_a_small_png_and_an_empty_one_removes_it(served):
    (served.folder / "idle.sinct").mkdir()
    (served.folder / "idle.sinct" / "config.json").write_text("{}")
    mask = served.folder / "idle.sinct" / "studio" / "mask.png"
    with served.client() as client:

        def send(content: bytes) -> int:
            return client.post("/api/runs/idle.sinct/mask", content=content).status_code

        assert [send(b"GIF89a"), send(b"\x89PNG\r\n\x1a\n"), send(bytes(200_000))] == [422, 422, 413]
        assert not mask.exists()
        assert send((served.folder / "painting.png").read_bytes()) == 201
        assert mask.exists()
        assert send(b"") == 201
        assert not mask.exists()
    assert left_over(served) == []
