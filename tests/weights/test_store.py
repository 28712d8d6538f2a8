import errno
import hashlib
import io
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import platformdirs
import pytest
import torch
from platformdirs.api import PlatformDirsABC
from platformdirs.macos import MacOS
from platformdirs.unix import Unix
from platformdirs.windows import Windows

from sinct.errors import WeightsError
from sinct.weights import registry
from sinct.weights import store as weights
from sinct.weights.registry import FILES, WeightFile
from sinct.weights.store import Weights, cache_folder, checksum, fetch, locate

STATE = {"features.0.weight": torch.arange(6.0).view(2, 3), "features.0.bias": torch.ones(2)}


def saved(state: object, **options) -> bytes:
    buffer = io.BytesIO()
    torch.save(state, buffer, **options)
    return buffer.getvalue()


DATA = saved(STATE)
SHA256 = hashlib.sha256(DATA).hexdigest()


class Server(ThreadingHTTPServer):
    """Answers /whole, /half (as many bytes announced), and 404 to the rest; counts the requests."""

    url: str
    requests: int


@pytest.fixture(scope="module")
def module_server() -> Iterator[Server]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            server.requests += 1
            if self.path not in ("/whole", "/half"):
                self.send_error(404)
                return
            self.send_response(200)
            self.send_header("Content-Length", str(len(DATA)))
            self.end_headers()
            self.wfile.write(DATA if self.path == "/whole" else DATA[: len(DATA) // 2])

        def log_message(self, *arguments: object) -> None:
            pass

    server = Server(("127.0.0.1", 0), Handler)
    server.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def server(module_server: Server) -> Server:
    module_server.requests = 0
    return module_server


@pytest.fixture
def add(monkeypatch: pytest.MonkeyPatch):
    """Put a row named tiny into the table."""

    def add(url: str = "http://127.0.0.1:9/tiny.pth", **changes) -> WeightFile:
        values = {"size": len(DATA), "sha256": SHA256, **changes}
        row = WeightFile(
            "tiny", "tiny.pth", url, licence="CC0-1.0", source="a test", used_for="tests", **values
        )
        monkeypatch.setattr(registry, "FILES", {**FILES, "tiny": row})
        return row

    return add


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "weights"
    folder.mkdir()
    return folder


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


# The table


@pytest.mark.parametrize("row", FILES.values(), ids=FILES)
def test_every_row_is_complete(row: WeightFile) -> None:
    assert all((row.name, row.file, row.licence, row.source, row.used_for))
    assert row.url.startswith("https://")
    assert row.url.endswith("/" + row.file)
    assert row.sha256 is None or set(row.sha256) <= set("0123456789abcdef")


@pytest.mark.parametrize("name", ["vgg16", "vgg19"])
def test_checksum_begins_as_the_name_of_torchvisions_file_says(name: str) -> None:
    row = FILES[name]
    assert row.file == f"{name}-{(row.sha256 or '')[:8]}.pth"


@pytest.mark.parametrize("name", ["vgg16", "vgg19"])
def test_url_is_torchvisions(name: str) -> None:
    from sinct.networks.torchvision_compat import import_torchvision

    models = import_torchvision().models
    assert FILES[name].url == models.get_model_weights(name).IMAGENET1K_V1.url


@pytest.mark.parametrize("name", ["vgg16", "vgg19"])
def test_size_is_that_of_torchvisions_parameters_and_some_thousand_bytes(name: str) -> None:
    """Four bytes a parameter; the file format adds names and shapes."""
    from sinct.networks.torchvision_compat import import_torchvision

    parameters = import_torchvision().models.get_model_weights(name).IMAGENET1K_V1.meta["num_params"]
    assert 0 < (FILES[name].size or 0) - 4 * parameters < 10_000


def test_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(WeightsError, match="unknown weights 'vgg11'; there are vgg16, vgg19, wct2_encoder"):
        locate("vgg11")


# The folder


def test_folder_is_the_one_the_environment_names(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SINCT_WEIGHTS", str(tmp_path))
    assert cache_folder() == tmp_path


def test_tilde_in_the_environment_is_the_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SINCT_WEIGHTS", "~/weights")
    assert cache_folder() == Path.home() / "weights"


@pytest.mark.skipif(os.name == "nt", reason="there the system says where caches belong, not the environment")
@pytest.mark.parametrize(
    ("system", "variables", "expected"),
    [
        (Unix, {}, "home/.cache/sinct/weights"),
        (Unix, {"XDG_CACHE_HOME": "xdg"}, "xdg/sinct/weights"),
        (MacOS, {}, "home/Library/Caches/sinct/weights"),
        (Windows, {}, "local/sinct/weights"),
    ],
)
def test_folder_is_the_platforms_cache(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    system: type[PlatformDirsABC],
    variables: dict[str, str],
    expected: str,
) -> None:
    for variable in ("SINCT_WEIGHTS", "XDG_CACHE_HOME"):
        monkeypatch.delenv(variable, raising=False)
    for variable, value in {"HOME": "home", **variables}.items():
        monkeypatch.setenv(variable, str(tmp_path / value))
    monkeypatch.setattr("platformdirs.windows.get_win_folder", lambda name: str(tmp_path / "local"))
    monkeypatch.setattr(platformdirs, "PlatformDirs", system)
    assert cache_folder() == tmp_path / expected


def test_files_are_looked_for_in_the_cache_folder(add, folder, monkeypatch) -> None:
    add()
    (folder / "tiny.pth").write_bytes(DATA)
    monkeypatch.setenv("SINCT_WEIGHTS", str(folder))
    assert locate("tiny") == folder / "tiny.pth"


# Downloads


def test_fetched_file_is_whole_and_alone(add, server, folder) -> None:
    add(server.url + "/whole")
    path = fetch("tiny", folder)
    assert path == folder / "tiny.pth"
    assert path.read_bytes() == DATA
    assert names(folder) == ["tiny.pth"]


def test_fetch_makes_the_folder(add, server, tmp_path) -> None:
    add(server.url + "/whole")
    assert fetch("tiny", tmp_path / "a" / "b").is_file()


def test_fetch_takes_file_urls(add, tmp_path, folder) -> None:
    source = tmp_path / "source.pth"
    source.write_bytes(DATA)
    add(source.as_uri())
    assert fetch("tiny", folder).read_bytes() == DATA


def test_fetch_reports_the_bytes(add, server, folder, monkeypatch) -> None:
    monkeypatch.setattr(weights, "_BLOCK", len(DATA) // 2 + 1)
    add(server.url + "/whole", size=None)
    told: list[tuple[int, int | None]] = []
    fetch("tiny", folder, lambda done, total: told.append((done, total)))
    assert told == [(len(DATA) // 2 + 1, len(DATA)), (len(DATA), len(DATA))]


def test_whole_file_is_not_fetched_again(add, server, folder) -> None:
    add(server.url + "/whole")
    fetch("tiny", folder)
    fetch("tiny", folder)
    assert server.requests == 1


def test_damaged_file_is_replaced(add, server, folder) -> None:
    add(server.url + "/whole")
    (folder / "tiny.pth").write_bytes(DATA[:-1])
    assert fetch("tiny", folder).read_bytes() == DATA


def test_beginning_of_a_checksum_is_enough(add, server, folder) -> None:
    add(server.url + "/whole", sha256=SHA256[:8])
    assert fetch("tiny", folder).is_file()


def test_wrong_checksum_says_both_and_leaves_nothing(add, server, folder) -> None:
    add(server.url + "/whole", sha256="0123")
    with pytest.raises(
        WeightsError, match=f"/whole gave sha256 {SHA256}, 0123 is expected; nothing was kept"
    ):
        fetch("tiny", folder)
    assert names(folder) == []


def test_truncated_download_says_how_much_came_and_leaves_nothing(add, server, folder) -> None:
    add(server.url + "/half")
    half, whole = len(DATA) // 2, len(DATA)
    with pytest.raises(WeightsError, match=f"/half ended after {half} of {whole} bytes.*nothing was kept"):
        fetch("tiny", folder)
    assert names(folder) == []


def test_truncated_download_keeps_the_old_file(add, server, folder) -> None:
    add(server.url + "/half")
    (folder / "tiny.pth").write_bytes(b"old")
    with pytest.raises(WeightsError):
        fetch("tiny", folder)
    assert (folder / "tiny.pth").read_bytes() == b"old"


def test_interrupted_download_leaves_nothing(add, server, folder) -> None:
    def interrupt(done: int, total: int | None) -> None:
        raise KeyboardInterrupt

    add(server.url + "/whole")
    with pytest.raises(KeyboardInterrupt):
        fetch("tiny", folder, interrupt)
    assert names(folder) == []


def test_broken_connection_says_so_and_leaves_nothing(add, server, folder, monkeypatch) -> None:
    class Breaking(io.BytesIO):
        headers = {"Content-Length": "100"}  # noqa: RUF012

        def read(self, size: int | None = -1) -> bytes:
            raise ConnectionResetError(errno.ECONNRESET, "Connection reset by peer")

    monkeypatch.setattr(weights, "urlopen", lambda url, timeout: Breaking())
    add()
    with pytest.raises(
        WeightsError, match=r"ended after 0 of 100 bytes \(.*reset by peer\); nothing was kept"
    ):
        fetch("tiny", folder)
    assert names(folder) == []


def test_page_that_is_not_there_is_named_with_its_status(add, server, folder) -> None:
    add(server.url + "/gone")
    with pytest.raises(WeightsError, match=r"/gone answered 404 Not Found; tiny\.pth may have moved"):
        fetch("tiny", folder)
    assert names(folder) == []


def test_no_network_says_what_to_do(add, folder) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))  # bound but not listening: nobody else answers there
        add(f"http://127.0.0.1:{free.getsockname()[1]}/tiny.pth")
        with pytest.raises(WeightsError, match=r"cannot reach http.*refused.*another machine.*`weights_dir`"):
            fetch("tiny", folder)
    assert names(folder) == []


def test_server_that_does_not_answer_is_given_up(add, folder, monkeypatch) -> None:
    monkeypatch.setattr(weights, "_PATIENCE", 0.05)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        add(f"http://127.0.0.1:{silent.getsockname()[1]}/tiny.pth")
        with pytest.raises(WeightsError, match=r"cannot reach http.*timed out"):
            fetch("tiny", folder)


def test_full_disk_says_so(add, server, folder, monkeypatch) -> None:
    def full(*arguments: object) -> str:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(weights, "_download", full)
    add(server.url + "/whole")
    with pytest.raises(WeightsError, match=r"cannot write .*tiny.pth: No space left on device; .*make room"):
        fetch("tiny", folder)
    assert names(folder) == []


def test_folder_that_cannot_be_made_is_named(add, server, tmp_path) -> None:
    add(server.url + "/whole")
    (tmp_path / "file").write_text("")
    with pytest.raises(WeightsError, match=r"cannot make the folder .*file.inner .*`weights_dir`"):
        fetch("tiny", tmp_path / "file" / "inner")


# Checksums that are not published


def test_first_download_records_its_checksum(add, server, folder) -> None:
    add(server.url + "/whole", sha256=None, size=None)
    assert checksum("tiny", folder) is None
    fetch("tiny", folder)
    assert checksum("tiny", folder) == SHA256
    assert (folder / "tiny.pth.sha256").read_text() == f"{SHA256}  tiny.pth\n"


def test_recorded_checksum_holds_from_there_on(add, server, folder) -> None:
    add(server.url + "/whole", sha256=None, size=None)
    fetch("tiny", folder).write_bytes(b"other")
    with pytest.raises(WeightsError, match=f"{SHA256} is expected"):
        locate("tiny", folder)


def test_recorded_checksum_holds_for_the_next_download(add, server, folder) -> None:
    add(server.url + "/whole", sha256=None, size=None)
    (folder / "tiny.pth.sha256").write_text("0123  tiny.pth\n")
    with pytest.raises(WeightsError, match=f"gave sha256 {SHA256}, 0123 is expected"):
        fetch("tiny", folder)


def test_file_put_there_by_hand_is_taken_where_no_checksum_is_known(add, folder) -> None:
    add(sha256=None, size=None)
    (folder / "tiny.pth").write_bytes(DATA)
    assert locate("tiny", folder) == folder / "tiny.pth"


# Files that are there, and those that are not


def test_missing_file_is_named_with_source_size_checksum_and_remedy(add, folder) -> None:
    add(size=1_234_567, sha256="0123")
    with pytest.raises(WeightsError) as caught:
        locate("tiny", folder)
    assert str(caught.value) == (
        f"tiny.pth (1.2 MB, sha256 0123) is not in {folder}; run `sinct weights fetch tiny --weights-dir {folder}` "
        "where there is a network, or get http://127.0.0.1:9/tiny.pth and give its folder as `weights_dir`"
    )


def test_remedy_without_a_folder_names_none(add, folder, monkeypatch) -> None:
    add()
    monkeypatch.setenv("SINCT_WEIGHTS", str(folder))
    with pytest.raises(WeightsError, match="run `sinct weights fetch tiny` where"):
        locate("tiny")


def test_missing_file_without_known_size_and_checksum_says_so(add, folder) -> None:
    add(size=None, sha256=None)
    with pytest.raises(
        WeightsError, match=r"tiny.pth \(size not published, sha256 not published\) is not in"
    ):
        locate("tiny", folder)


def test_file_of_another_size_says_both(add, folder) -> None:
    add()
    (folder / "tiny.pth").write_bytes(DATA[:-1])
    with pytest.raises(
        WeightsError, match=f"has {len(DATA) - 1} bytes, {len(DATA)} are expected.*replaces it"
    ):
        locate("tiny", folder)


def test_file_with_another_checksum_says_both(add, folder) -> None:
    add()
    other = bytes(len(DATA))
    (folder / "tiny.pth").write_bytes(other)
    found = hashlib.sha256(other).hexdigest()
    with pytest.raises(WeightsError, match=f"has sha256 {found}, {SHA256} is expected.*replaces it"):
        locate("tiny", folder)


def test_unreadable_file_says_so(add, folder, monkeypatch) -> None:
    def refuse(*arguments: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    add()
    (folder / "tiny.pth").write_bytes(DATA)
    monkeypatch.setattr(hashlib, "file_digest", refuse)
    with pytest.raises(WeightsError, match=r"cannot be read \(Permission denied\); check its permissions"):
        locate("tiny", folder)


# Loading


def written(folder: Path, add, data: bytes) -> None:
    add(sha256=None, size=None)
    (folder / "tiny.pth").write_bytes(data)


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "before torch 1.6"])
def test_loaded_state_is_what_was_saved(add, folder, zipped: bool) -> None:
    written(folder, add, saved(STATE, _use_new_zipfile_serialization=zipped))
    state = Weights(folder).load("tiny")
    assert state is not None
    assert list(state) == list(STATE)
    for name, value in state.items():
        torch.testing.assert_close(value, STATE[name], rtol=0, atol=0)


def test_random_weights_need_no_file(tmp_path: Path) -> None:
    assert Weights(tmp_path / "nowhere", random=True).load("vgg19") is None


def test_missing_weights_are_not_downloaded_in_passing(add, server, folder) -> None:
    add(server.url + "/whole")
    with pytest.raises(WeightsError, match="sinct weights fetch tiny"):
        Weights(folder).load("tiny")
    assert server.requests == 0


class Code:
    """Makes a folder when it is unpickled without care."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self):
        return os.mkdir, (str(self.folder),)


def test_file_that_wants_to_run_code_is_refused(add, folder) -> None:
    written(folder, add, saved({"weight": Code(folder / "made")}))
    with pytest.raises(
        WeightsError, match=r"tiny.pth cannot be read as tensors.*wants to run code"
    ) as caught:
        Weights(folder).load("tiny")
    assert "\n" not in str(caught.value)
    assert names(folder) == ["tiny.pth"]


@pytest.mark.parametrize("data", [b"", b"version https://git-lfs", DATA[:300]], ids=["empty", "text", "cut"])
def test_file_that_is_no_pickle_is_refused(add, folder, data: bytes) -> None:
    written(folder, add, data)
    with pytest.raises(WeightsError, match=r"tiny.pth cannot be read as tensors by name .*delete it and run"):
        Weights(folder).load("tiny")


@pytest.mark.parametrize(
    ("content", "kind"), [([1, 2], "list"), ({"step": 3}, "dict")], ids=["list", "numbers"]
)
def test_file_without_tensors_is_refused(add, folder, content: object, kind: str) -> None:
    written(folder, add, saved(content))
    with pytest.raises(
        WeightsError, match=f"holds a {kind} that is not tensors by name; a state dict is needed"
    ):
        Weights(folder).load("tiny")


def test_table_is_read_without_torch() -> None:
    code = "import sys, sinct.weights.store; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
