"""Pictures that come through pipes."""

import io
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from sinct_cli.inputs import stored

import sinct
from tests.support.platforms import needs_links, needs_signals

pytestmark = needs_links


@pytest.fixture
def pipe(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    return tmp_path / "pipe"


def test_pipe_is_copied_and_the_copy_goes(pipe):
    threading.Thread(target=pipe.write_bytes, args=(b"picture",)).start()
    with stored([Path("a.png"), pipe]) as [first, copy]:
        assert first == Path("a.png")
        assert copy.read_bytes() == b"picture"
    assert not copy.exists()


def test_standard_input_is_copied(monkeypatch):
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"picture")))
    with stored([Path("-")]) as [copy]:
        assert copy.read_bytes() == b"picture"


@pytest.mark.parametrize(
    ("paths", "message"),
    [(["-", "-"], "standard input, -, holds one file"), (["/dev/zero"], "is a device or a socket")],
)
def test_what_has_no_end_or_comes_twice_is_refused(paths, message):
    with pytest.raises(sinct.InputError, match=message), stored(list(map(Path, paths))):
        pass


def test_library_refuses_a_pipe(pipe, make_picture, tmp_path):
    with pytest.raises(sinct.InputError, match="is a pipe or a device; save it as a file first"):
        sinct.train(make_picture(), pipe, tmp_path / "run")
    with pytest.raises(sinct.InputError, match="is a pipe or a device; save it as a file first"):
        sinct.apply(tmp_path / "run", pipe, tmp_path / "out.png")


@needs_signals
def test_pipe_without_a_writer_is_left_at_the_first_signal(pipe):
    process = subprocess.Popen(
        [sys.executable, "-m", "sinct_cli", "apply", "run", str(pipe), "-o", "o.png"],
        stderr=subprocess.DEVNULL,
    )
    time.sleep(3)
    assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=10) != 0
