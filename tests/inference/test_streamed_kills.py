"""A translation in rows in a process of its own: killed at any moment, and within its memory."""

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest
from PIL import Image

import sinct
from sinct.inference import streamed
from sinct.pictures.windows import Sides
from tests.support.platforms import needs_signals
from tests.support.streaming import make_model, run_stream

pyvips = pytest.importorskip("pyvips")

KILLED = """
import os, sys, time
import torch
sys.path.insert(0, {tests!r})
from tests.support.streaming import make_model, run_stream
from sinct import Config
from sinct.inference import streamed
from sinct.pictures.windows import Sides
torch.set_num_threads(1)
streamed.plan_sides = lambda *_, **__: Sides(166, 204)
model = make_model(Config(width=4, smoothing=0.2, detail=0.5, grain=0.05))
run_stream(model, {source!r}, {output!r}, resume=True, should_stop=lambda: time.sleep(0.15))
"""


@needs_signals
@pytest.mark.slow
def test_killed_at_any_moment_and_resumed_is_the_same_file(noisy, tmp_path, monkeypatch):
    source, output = noisy(width=200, height=300), tmp_path / "out.tif"
    monkeypatch.setattr(streamed, "plan_sides", lambda *_, **__: Sides(166, 204))
    model = make_model(sinct.Config(width=4, smoothing=0.2, detail=0.5, grain=0.05))
    run_stream(model, source, tmp_path / "straight.tif")
    code = KILLED.format(tests=str(Path(__file__).parents[2]), source=str(source), output=str(output))
    state = tmp_path / ".out.tif.sinct" / "state.json"
    for kill in range(3):
        process = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE)
        before = json.loads(state.read_text())["rows"] if state.exists() else 0
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and process.poll() is None:
            if state.exists() and json.loads(state.read_text())["rows"] > before:
                break
            time.sleep(0.005)
        time.sleep(0.05 * kill)
        assert process.poll() is None, process.stderr.read()
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        process.stderr.close()
        assert not output.exists()
    run_stream(model, source, output, resume=True)
    assert output.read_bytes() == (tmp_path / "straight.tif").read_bytes()


KILLED_WRITING = """
import os, signal, sys
import torch
sys.path.insert(0, {tests!r})
from tests.support.streaming import make_model, run_stream
from sinct import Config
from sinct.inference import streamed
from sinct.pictures import rows_to_file
from sinct.pictures.windows import Sides
torch.set_num_threads(1)
streamed.plan_sides = lambda *_, **__: Sides(166, 204)
def killed(path, tags):  # the picture is written, its tags are not
    os.kill(os.getpid(), signal.SIGKILL)
rows_to_file.add_tags = killed
model = make_model(Config(width=4, smoothing=0.2, detail=0.5, grain=0.05))
run_stream(model, {source!r}, {output!r}, resume=True)
"""


@needs_signals
@pytest.mark.slow
def test_killed_while_the_file_is_written_and_resumed_is_the_same_file(noisy, tmp_path, monkeypatch):
    exif = Image.Exif()
    exif[315] = "Monet"
    source, output = noisy(width=200, height=300, exif=exif), tmp_path / "out" / "out.tif"
    monkeypatch.setattr(streamed, "plan_sides", lambda *_, **__: Sides(166, 204))
    model = make_model(sinct.Config(width=4, smoothing=0.2, detail=0.5, grain=0.05))
    run_stream(model, source, tmp_path / "straight.tif")
    code = KILLED_WRITING.format(tests=str(Path(__file__).parents[2]), source=str(source), output=str(output))
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == -signal.SIGKILL
    assert not output.exists()
    assert list((tmp_path / "out" / ".out.tif.sinct").glob("*.part"))
    seen = []
    run_stream(model, source, output, resume=True, on_pixels=lambda done, total: seen.append(done))
    assert seen == []  # every row was kept
    assert output.read_bytes() == (tmp_path / "straight.tif").read_bytes()
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["out.tif"]


PEAK = """
import sys
import torch
sys.path.insert(0, {tests!r})
from tests.support.streaming import make_model, run_stream
from sinct import Config
torch.set_num_threads(1)
model = make_model(Config(width=2, detail=1.0))
run_stream(model, {source!r}, {output!r}, budget={budget})
status = open("/proc/self/status").read()  # getrusage would begin with what the parent held
print(status.split("VmHWM:")[1].split()[0])
"""


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs Linux's /proc")
def test_peak_memory_stays_in_the_budget_and_does_not_grow_with_the_picture(tmp_path):
    peaks = []
    for height in (4000, 12000):
        source = tmp_path / f"{height}.tif"
        pyvips.Image.black(2000, height, bands=3).copy(interpretation="srgb").tiffsave(str(source))
        code = textwrap.dedent(PEAK).format(
            tests=str(Path(__file__).parents[2]), source=str(source), output=str(tmp_path / f"{height}-out.tif"),
            budget=700_000_000,
        )  # fmt: skip
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        peaks.append(int(done.stdout.split()[-1]) * 1024)
    assert max(peaks) < 700_000_000 + 200_000_000  # the test itself imports much beside sinct
    assert peaks[1] - peaks[0] < 120_000_000
