import errno
import hashlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from sinct.errors import InputError, OutputError
from sinct.runtime.files import file_sha256, printable, replacing
from tests.support.platforms import needs_links, needs_signals


@pytest.fixture
def old(tmp_path: Path) -> Path:
    path = tmp_path / "result.txt"
    path.write_text("old")
    return path


def write(path: Path, text: str) -> None:
    with replacing(path) as temporary:
        temporary.write_text(text)


def write_half(path: Path, error: BaseException) -> None:
    with replacing(path) as temporary:
        temporary.write_text("half")
        raise error


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def test_new_file_is_written(tmp_path: Path) -> None:
    write(tmp_path / "new.txt", "new")
    assert (tmp_path / "new.txt").read_text() == "new"


def test_old_file_is_replaced(old: Path) -> None:
    write(old, "new")
    assert old.read_text() == "new"


def test_old_file_is_whole_until_the_end(old: Path) -> None:
    with replacing(old) as temporary:
        temporary.write_text("new")
        assert old.read_text() == "old"


def test_temporary_file_lies_in_the_same_folder(old: Path) -> None:
    """Only within one file system is the renaming atomic."""
    with replacing(old) as temporary:
        assert temporary.parent == old.parent


def test_nothing_but_the_file_is_left(old: Path) -> None:
    write(old, "new")
    assert names(old.parent) == ["result.txt"]


@pytest.fixture(params=["links", "no links"])
def system(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """File systems with and without second names for a file."""
    if request.param == "no links":

        def refuse(*names: object) -> None:
            raise OSError(errno.EPERM, "no links here")

        monkeypatch.setattr(os, "link", refuse)


@pytest.mark.usefixtures("system")
def test_new_file_has_no_name_before_its_bytes_are_on_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, synced, there = tmp_path / "new.txt", os.fsync, []
    monkeypatch.setattr(os, "fsync", lambda number: (there.append(path.exists()), synced(number)))
    with replacing(path, new=True) as temporary:
        temporary.write_text("new")
    assert there == [False]
    assert path.read_text() == "new"
    assert [file.name for file in tmp_path.iterdir()] == ["new.txt"]


@pytest.mark.usefixtures("system")
def test_file_that_appears_meanwhile_stays(tmp_path: Path) -> None:
    path = tmp_path / "new.txt"

    def write_beside_another() -> None:
        with replacing(path, new=True) as temporary:
            temporary.write_text("new")
            path.write_text("another's")

    with pytest.raises(OutputError, match="exists"):
        write_beside_another()
    assert path.read_text() == "another's"


@pytest.mark.parametrize("error", [KeyError, KeyboardInterrupt])
def test_error_inside_leaves_the_old_file_alone(old: Path, error: type[BaseException]) -> None:
    with pytest.raises(error):
        write_half(old, error())
    assert old.read_text() == "old"
    assert names(old.parent) == ["result.txt"]


def test_full_disk_is_an_output_error(old: Path) -> None:
    with pytest.raises(OutputError, match=r"cannot write .*result\.txt: No space left on device; choose"):
        write_half(old, OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))
    assert old.read_text() == "old"
    assert names(old.parent) == ["result.txt"]


def test_missing_folder_is_an_output_error(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"cannot write .*no.txt: No such file or directory; choose"):
        write(tmp_path / "missing" / "no.txt", "new")


def test_folder_in_the_way_is_an_output_error(tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    with pytest.raises(OutputError, match=r"cannot write .*taken: Is a directory; choose"):
        write(tmp_path / "taken", "new")
    assert names(tmp_path) == ["taken"]


@pytest.mark.parametrize("umask", [0o022, 0o077])
def test_file_gets_the_usual_permissions(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        write(tmp_path / "new.txt", "new")
        assert os.umask(umask) == umask  # read, and left as it was
    finally:
        os.umask(before)
    assert (tmp_path / "new.txt").stat().st_mode & 0o777 == 0o666 & ~umask


@needs_links
def test_device_behind_a_link_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "out.png").symlink_to("/dev/null")
    with pytest.raises(OutputError, match="is a device or a pipe, which is not replaced; give a file name"):
        write(tmp_path / "out.png", "new")
    assert (tmp_path / "out.png").is_symlink()
    assert names(tmp_path) == ["out.png"]


@needs_links
def test_pipe_is_not_replaced(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OutputError, match="is a device or a pipe"):
        write(tmp_path / "pipe", "new")
    assert (tmp_path / "pipe").is_fifo()


def test_names_are_shown_on_one_line() -> None:
    assert printable("m\udcfcller\n\x1b[1mé.png") == r"m\xfcller\n\x1b[1mé.png"
    assert printable("\ud800") == r"\ud800"


KILLED = """
import os, signal, sys
from pathlib import Path
from sinct.runtime.files import replacing
with replacing(Path(sys.argv[1])) as temporary:
    temporary.write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""


@needs_signals
def test_what_a_kill_left_is_removed_by_the_next_writing_of_the_file_alone(old: Path) -> None:
    subprocess.run([sys.executable, "-c", KILLED, str(old)], check=False)
    assert old.read_text() == "old"
    assert len(names(old.parent)) == 2
    write(old.with_name("other.txt"), "new")
    assert len(names(old.parent)) == 3
    write(old, "new")
    assert names(old.parent) == ["other.txt", "result.txt"]


@needs_signals
def test_two_that_write_one_file_leave_each_others_part_alone(old: Path) -> None:
    with replacing(old) as first:
        first.write_text("first")
        write(old, "second")
        assert first.read_text() == "first"
    assert old.read_text() == "first"


@needs_signals
def test_temporary_file_that_another_process_takes_for_left_behind_is_made_anew(
    old: Path, monkeypatch
) -> None:
    make = tempfile.mkstemp

    def robbed(**options):
        descriptor, name = make(**options)
        monkeypatch.setattr(tempfile, "mkstemp", make)
        os.unlink(name)
        return descriptor, name

    monkeypatch.setattr(tempfile, "mkstemp", robbed)
    write(old, "new")
    assert old.read_text() == "new"


def test_a_hash_is_that_of_the_bytes(tmp_path: Path) -> None:
    path = tmp_path / "any.bin"
    path.write_bytes(b"sinct" * 1000)
    assert file_sha256(path) == hashlib.sha256(b"sinct" * 1000).hexdigest()


@pytest.mark.parametrize("name", ["missing.png", "folder", "bad\0name.png", "x" * 300])
def test_what_cannot_be_hashed_is_one_line(name: str, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(InputError, match=r"^cannot read .*; check the path and your permissions$"):
        file_sha256(tmp_path / name)


@pytest.mark.skipif(sys.platform == "win32", reason="there are no named pipes")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError, match="is a pipe or a device; save it as a file first"):
        file_sha256(tmp_path / "pipe")
