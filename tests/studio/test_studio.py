"""What the studio does with a folder, its runs and their processes, without a browser."""

import json
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path

import httpx
import numpy as np
import psutil
import pytest
from PIL import Image

import sinct
from sinct.errors import ConfigError, InputError, OutputError
from sinct.studio import serve
from sinct.studio.processes import Busy
from sinct.studio.run import Made, State, StudioRun, Wish
from sinct.studio.speed import Stopwatch
from sinct.studio.wording import in_words
from tests.support.studio import DEADLINE, Served, make_studio


@pytest.fixture
def folder(make_picture, tmp_path) -> Path:
    (tmp_path / "folder").mkdir()
    make_picture("folder/painting.png")
    make_picture("folder/photo.png", 64, 50, seed=1)
    return tmp_path / "folder"


def trained(folder: Path, tiny, **options) -> sinct.Translation:
    """A run of the command line."""
    return sinct.translate(
        folder / "painting.png", folder / "photo.png", folder / "out.png", config=tiny, **options
    )


# Without a process ---------------------------------------------------------------------------------------


def test_a_run_of_the_command_line_is_found_with_its_pictures(folder, tiny, studio):
    trained(folder, tiny)
    run = studio.describe("out.sinct")
    assert (run["job"]["painting"], run["job"]["photos"], run["job"]["output"]) == (
        "painting.png",
        ("photo.png",),
        "out.png",
    )
    assert (run["state"]["phase"], run["state"]["step"], run["trained"]) == ("finished", 4, True)


def test_a_run_of_the_command_line_says_which_picture_it_is_for(folder, tiny, studio):
    (folder / "elsewhere").mkdir()
    for number, (output, found) in enumerate(
        {"out.tif": "out.tif", "elsewhere/photo.png": "run1.png"}.items()
    ):
        run = folder / f"run{number}.sinct"
        sinct.translate(
            folder / "painting.png",
            folder / "photo.png",
            folder / output,
            config=tiny,
            run_dir=run,
            device="cpu",
        )
        assert studio.describe(run.name)["job"]["output"] == found


@pytest.mark.parametrize(("steps", "phase"), [(4, "finished"), (100, "stopped")])
def test_a_training_of_the_command_line_is_finished_when_its_steps_are_done(
    folder, tiny, studio, steps, phase
):
    trained(folder, tiny.replace(steps=steps), should_stop=lambda: steps == 100)
    assert studio.describe("out.sinct")["state"]["phase"] == phase


def test_results_are_not_offered_as_paintings(folder, tiny, studio):
    trained(folder, tiny)
    assert sorted(studio.overview()["pictures"]) == ["painting.png", "photo.png"]


def test_presets_tell_how_long_they_take(studio):
    assert [(each["name"], each["seconds"]) for each in studio.presets()] == [
        ("draft", 4 * 0.02),
        ("standard", 2000.0),
    ]


def test_a_training_whose_process_vanished_says_so_and_can_be_continued(folder, tiny, studio):
    trained(folder, tiny)
    StudioRun(folder / "out.sinct").write_state(State("training", step=2))
    state = studio.describe("out.sinct")["state"]
    assert state["phase"] == "failed"
    assert "ended before it was done" in state["message"]


def test_a_download_whose_process_vanished_says_so(folder, tiny, studio):
    trained(folder, tiny)
    StudioRun(folder / "out.sinct").write_made(Made("writing"))
    assert studio.describe("out.sinct")["made"]["phase"] == "failed"


def test_a_picture_is_not_made_without_a_model(folder, studio):
    (folder / "new.sinct" / "studio").mkdir(parents=True)
    (folder / "new.sinct" / "studio" / "job.json").write_text(
        json.dumps(
            {"painting": "painting.png", "photos": ["photo.png"], "output": "new.png", "preset": "draft"}
        )
    )
    with pytest.raises(InputError, match="nothing to make a picture with yet"):
        studio.make_picture("new.sinct", Wish())


def test_a_run_whose_painting_is_gone_says_so(folder, tiny, studio):
    trained(folder, tiny)
    (folder / "painting.png").unlink()
    with pytest.raises(InputError, match=r"there is no painting\.png in this folder"):
        studio.resume("out.sinct")


def test_another_process_of_the_same_number_does_not_count(folder, studio):
    own = psutil.Process()
    record = {"pid": own.pid, "created": own.create_time() - 100, "run": "out.sinct", "task": "train"}
    (studio.place / "process.json").write_text(json.dumps(record))
    assert studio.working() is None
    (studio.place / "process.json").write_text(json.dumps({**record, "created": own.create_time()}))
    assert studio.working() == "out.sinct"
    with pytest.raises(Busy, match=r"out\.sinct is being trained, and one thing is done at a time"):
        studio.start("painting.png", ["photo.png"], "draft")
    (studio.place / "process.json").unlink()


def test_a_process_is_found_after_the_clock_was_set(studio):
    command = [sys.executable, "-m", "sinct.studio.worker"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL) as child:
        process = psutil.Process(child.pid)
        while not process.cmdline():  # Linux tells it a moment after the process has begun
            time.sleep(0.01)
        created = process.create_time() - 3600
        record = {"pid": child.pid, "created": created, "run": "out.sinct", "task": "train"}
        (studio.place / "process.json").write_text(json.dumps(record))
        assert studio.working() == "out.sinct"
        child.kill()
    assert studio.working() is None


@pytest.mark.parametrize(
    "line", ['{"step": 2, "nce": NaN}', '{"step": 2, "nce": Infinity}', '{"step": true}']
)
def test_losses_that_no_plot_shows_are_left_out(folder, line):
    (folder / "odd.sinct").mkdir()
    (folder / "odd.sinct" / "log.jsonl").write_text('{"step": 1, "nce": 1.0}\n' + line)
    assert StudioRun(folder / "odd.sinct").losses() == [{"step": 1, "nce": 1.0}]


def test_losses_are_thinned_evenly_and_cut_lines_left_out(folder):
    (folder / "long.sinct").mkdir()
    lines = [json.dumps({"step": step, "nce": 1.0}) for step in range(1, 5001)]
    (folder / "long.sinct" / "log.jsonl").write_text("\n".join(lines) + '\n{"step": 50')
    steps = [entry["step"] for entry in StudioRun(folder / "long.sinct").losses()]
    assert 200 < len(steps) <= 400
    assert set(np.diff(steps)) == {steps[1] - steps[0]}


def test_what_was_measured_is_remembered_for_this_version_alone(tmp_path, monkeypatch):
    monkeypatch.setattr("sinct.studio.speed.Child", lambda *_: None)
    (tmp_path / "speed.json").write_text(json.dumps([sinct.__version__, 1.5]))
    assert Stopwatch(tmp_path).step == 1.5
    (tmp_path / "speed.json").write_text(json.dumps(["0.0.1", 1.5]))
    assert Stopwatch(tmp_path).step is None


def test_an_abandoned_measurement_is_made_when_the_machine_is_free_again(tmp_path, monkeypatch):
    begun = []

    class Child:
        def __init__(self, *_):
            begun.append("begun")

        def kill(self):
            begun.append("killed")

    monkeypatch.setattr("sinct.studio.speed.Child", Child)
    watch = Stopwatch(tmp_path)
    watch.go_on()
    assert begun == ["begun"]
    watch.abandon()
    watch.go_on()
    watch.go_on()
    assert begun == ["begun", "killed", "begun"]


def test_a_missing_extra_gives_one_line(studio, monkeypatch):
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    monkeypatch.delitem(sys.modules, "sinct.studio.server", raising=False)
    with pytest.raises(ConfigError, match=r'the studio needs uvicorn.*pip install "\.\[studio\]"'):
        serve(studio, opened=print)


def test_a_port_that_is_taken_gives_one_line(studio):
    import socket

    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(OutputError, match=f"port {port} cannot be used: .*give another `port`"):
            serve(studio, port=port, opened=print)


def test_a_folder_that_is_a_file_gives_one_line(folder, tiny):
    with pytest.raises(OutputError, match=r"cannot write .*painting\.png"):
        make_studio(folder / "painting.png", tiny)


def test_pictures_of_a_run_of_the_command_line_are_made_when_they_are_asked_for(folder, tiny, studio):
    trained(folder, tiny)
    views = studio.describe("out.sinct")["views"]
    assert {view for view, version in views.items() if version} == {"painting", "photo", "result"}
    for view, name in (("painting", "painting.png"), ("photo", "photo.png"), ("result", "out.png")):
        made, source = (
            np.asarray(Image.open(path)) for path in (studio.view("out.sinct", view), folder / name)
        )
        assert np.array_equal(made, source)


def test_the_result_is_shown_anew_when_a_command_has_written_it_again(folder, tiny, studio):
    trained(folder, tiny)
    studio.view("out.sinct", "result")
    before = studio.describe("out.sinct")["views"]["result"]
    Image.open(folder / "photo.png").resize((60, 45)).save(folder / "out.png")
    assert studio.describe("out.sinct")["views"]["result"] >= before
    shown, now = (
        np.asarray(Image.open(path)) for path in (studio.view("out.sinct", "result"), folder / "out.png")
    )
    assert np.array_equal(shown, now)


def test_what_is_kept_is_shown_as_apply_would_write_it(folder, tiny, studio):
    trained(folder, tiny)
    sinct.apply(folder / "out.sinct", folder / "painting.png", folder / "kept.png", keep=["texture", "light"])
    data = studio.kept("out.sinct", "light,texture")
    shown, written = (
        np.asarray(Image.open(source)).astype(int) for source in (BytesIO(data), folder / "kept.png")
    )
    assert np.abs(shown - written).max() <= 1  # the page mixes pictures of 8 bits
    plain = np.asarray(Image.open(folder / "out.png")).astype(int)
    assert np.abs(plain - written).max() > 10


def test_what_nobody_waits_for_any_more_is_not_computed(folder, tiny, studio, monkeypatch):
    trained(folder, tiny)
    computed = []

    def compute(painting, _painted, result, _made, keep):
        computed.append(keep)
        time.sleep(0.2)
        return b""

    monkeypatch.setattr("sinct.studio.views._mixed", compute)
    studio.view("out.sinct", "result")
    with ThreadPoolExecutor(3) as pool:
        asked = []
        for parts in ("light", "texture", "colours"):
            asked.append(pool.submit(studio.kept, "out.sinct", parts))
            time.sleep(0.05)
    assert [each.result() for each in asked] == [b"", None, b""]
    assert computed == [("light",), ("colours",)]


@pytest.mark.parametrize(("options", "told"), [({}, 0), ({"strength": 0.5}, 1), ({"keep": ["light"]}, 1)])
def test_a_result_that_a_command_has_mixed_says_so(folder, tiny, studio, options, told):
    trained(folder, tiny, **options)
    warnings = studio.describe("out.sinct")["state"]["warnings"]
    assert sum("was written with a strength" in text for text in warnings) == told


def test_training_longer_counts_from_what_is_done(folder, tiny, studio, monkeypatch):
    trained(folder, tiny)
    asked = []
    monkeypatch.setattr(studio.processes, "start", lambda run, task, request: asked.append(request))
    studio.resume("out.sinct", more=10)
    assert asked == [{"resume": True, "steps": 14}]


@pytest.mark.parametrize("more", [-1, 1_000_001])
def test_training_longer_has_bounds(folder, tiny, studio, more):
    trained(folder, tiny)
    with pytest.raises(ConfigError, match="the steps to add must lie between 1 and 1,000,000"):
        studio.resume("out.sinct", more=more)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("train longer, with `steps=1000` or more", "train longer, with 1000 steps or more"),
        ("try another `seed`", "try another seed"),
        ("set `tile_size=64`,\n or `device='cpu'`", "set tile size 64, or device cpu"),
        ("run `pip install x`", "run `pip install x`"),
    ],
)
def test_advice_has_no_arguments_on_the_page(text, words):
    assert in_words(text) == words


# With a process ------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_what_a_training_makes_is_what_translate_makes(folder, tiny, studio, tmp_path):
    name = studio.start("painting.png", ["photo.png"], "draft")
    run = Served(studio, 0).wait(name, "finished", "failed")
    assert run["state"]["phase"] == "finished", run["state"]["message"]
    sinct.translate(folder / "painting.png", folder / "photo.png", tmp_path / "same.png", config=tiny)
    mine, theirs = (
        np.asarray(Image.open(path)) for path in (folder / "painting-photo.png", tmp_path / "same.png")
    )
    assert np.array_equal(mine, theirs)
    assert run["state"]["doing"] == "taking the first steps"
    assert run["state"]["pace"] > 0
    assert {curve["name"] for curve in run["state"]["curves"]} >= {"nce", "adversarial_g"}
    assert {view for view, version in run["views"].items() if version} == {
        "painting",
        "photo",
        "live",
        "result",
    }


@pytest.mark.slow
def test_a_training_outlives_its_studio_and_another_one_stops_it(folder, tiny, studio):
    name = studio.start("painting.png", ["photo.png"], "standard")
    other = make_studio(folder, tiny)
    assert other.working() == name
    with pytest.raises(Busy):
        other.start("painting.png", ["photo.png"], "draft")
    other.stop(name)
    run = Served(other, 0).wait(name, "stopped", "failed")
    assert run["state"]["phase"] == "stopped", run["state"]["message"]
    assert (folder / "painting-photo.png").exists()


@pytest.mark.slow
def test_a_killed_training_is_continued(folder, tiny, studio):
    name = studio.start("painting.png", ["photo.png"], "draft")
    studio.processes.kill()
    assert studio.describe(name)["state"]["phase"] == "failed"
    studio.resume(name)
    assert Served(studio, 0).wait(name, "finished", "failed")["state"]["phase"] == "finished"


@pytest.mark.slow
def test_a_photo_that_is_cut_off_gives_one_line(folder, studio):
    whole = (folder / "photo.png").read_bytes()
    (folder / "photo.png").write_bytes(whole[: len(whole) // 2])
    name = studio.start("painting.png", ["photo.png"], "draft")
    state = Served(studio, 0).wait(name, "finished", "failed")["state"]
    assert state["phase"] == "failed"
    assert "photo.png" in state["message"]
    assert len(state["message"].splitlines()) == 1


@pytest.mark.slow
def test_training_longer_is_resuming_with_a_new_length(folder, tiny, studio, tmp_path):
    trained(folder, tiny)
    studio.resume("out.sinct", more=3)
    run = Served(studio, 0).wait("out.sinct", "finished", "failed")
    assert run["state"]["phase"] == "finished", run["state"]["message"]
    assert run["state"]["step"] == 7
    shorter = tmp_path / "shorter.png"
    sinct.translate(folder / "painting.png", folder / "photo.png", shorter, config=tiny)
    sinct.translate(
        folder / "painting.png", folder / "photo.png", shorter, config=tiny.replace(steps=7), resume=True
    )
    assert np.array_equal(np.asarray(Image.open(folder / "out.png")), np.asarray(Image.open(shorter)))


@pytest.mark.slow
def test_a_download_is_what_apply_writes_byte_for_byte(folder, tiny, studio):
    trained(folder, tiny)
    run = studio.run("out.sinct")
    run.place.mkdir(exist_ok=True)
    Image.linear_gradient("L").resize((60, 45)).save(run.mask)
    studio.make_picture("out.sinct", Wish(".png", 0.7, True, ("light", "colours")))
    made = Served(studio, 0).wait_made("out.sinct")["made"]
    assert (made["phase"], made["file"]) == ("finished", "out-colours-light-70.png"), made["message"]
    sinct.apply(
        run.path, folder / "painting.png", folder / "same.png", profile="keep", strength=0.7, mask=run.mask,
        keep=["colours", "light"],
    )  # fmt: skip
    assert run.download().read_bytes() == (folder / "same.png").read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize(("suffix", "kind"), [(".tif", "TIFF"), (".jpg", "JPEG")])
def test_a_download_is_of_the_kind_asked_for(folder, tiny, studio, suffix, kind):
    trained(folder, tiny)
    studio.make_picture("out.sinct", Wish(suffix, 0.5))
    made = Served(studio, 0).wait_made("out.sinct")["made"]
    assert (made["phase"], made["file"]) == ("finished", f"out-50{suffix}"), made["message"]
    with Image.open(studio.run("out.sinct").download()) as picture:
        assert (picture.format, picture.size) == (kind, (60, 45))


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C is a signal of POSIX")
def test_the_command_prints_an_address_that_works_and_ends_with_ctrl_c(folder):
    command = [sys.executable, "-m", "sinct_cli", "studio", str(folder), "--no-open"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        address = line.split()[-1]
        end = time.monotonic() + DEADLINE
        while True:
            try:
                assert httpx.get(address).status_code == 200
                break
            except httpx.TransportError:
                assert time.monotonic() < end
        second = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE)
        process.send_signal(signal.SIGINT)
        err = process.communicate(timeout=DEADLINE)[1]
    assert line.startswith("the studio is at http://127.0.0.1:")
    assert (process.returncode, err) == (0, "")
    assert second.returncode == 1
    assert "close the other studio" in second.stderr
