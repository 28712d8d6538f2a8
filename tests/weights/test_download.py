"""Weights are fetched whole or not at all."""

import errno
import io
import os
import socket

import pytest

from sinct.errors import WeightsError
from sinct.weights import store as weights
from sinct.weights.store import checksum, fetch, locate
from tests.support.weights import DATA, SHA256, names


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
        WeightsError, match=f"/whole gave sha256 {SHA256} instead of 0123, so nothing was kept"
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
        WeightsError, match=r"ended after 0 of 100 bytes \(.*reset by peer\), so nothing was kept"
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
    with pytest.raises(
        WeightsError, match=r"cannot write .*tiny.pth: No space left on device; .*free some space"
    ):
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
    with pytest.raises(WeightsError, match=f"instead of {SHA256}"):
        locate("tiny", folder)


def test_recorded_checksum_holds_for_the_next_download(add, server, folder) -> None:
    add(server.url + "/whole", sha256=None, size=None)
    (folder / "tiny.pth.sha256").write_text("0123  tiny.pth\n")
    with pytest.raises(WeightsError, match=f"gave sha256 {SHA256} instead of 0123"):
        fetch("tiny", folder)


def test_file_put_there_by_hand_is_taken_where_no_checksum_is_known(add, folder) -> None:
    add(sha256=None, size=None)
    (folder / "tiny.pth").write_bytes(DATA)
    assert locate("tiny", folder) == folder / "tiny.pth"
