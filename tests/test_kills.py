"""Commands killed at random moments: what they write is whole or absent, and they continue bit for bit.

Two of three moments are by the clock, from the start of a command to the end of one that was left alone; the third is
just before a random change of a file, since most changes are over too fast for the clock to meet them. Of the former,
some are signals that ask to stop.
"""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from sinct.inference import checkpoint
from sinct.training.run_directory import RunDirectory
from tests.support.batch_fake import TINY
from tests.support.forking import COUNTS, Death, Forked, dying, forking, parent_of, running

pytest.importorskip("pyvips")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs Linux's /proc and pidfds"),
]

MOMENTS = 6
"""Moments at which each command is killed; 30 take some minutes."""

SETTINGS = [
    f"--set={name}={json.dumps(value)}"
    for name, value in {**TINY, "detail": 0.5, "smoothing": 0.2, "ema_decay": 0.9, "patience": 0.9}.items()
]
TRAINING = ["--preset=paper", "--steps=16", "--device=cpu", *SETTINGS]
"""A short training with all that a checkpoint holds, the best state among it."""

MAIN, WORKER = "sinct_cli", "sinct.batch.worker"


@dataclass(frozen=True)
class Straight:
    """What a command does that is left alone.

    Attributes:
        out: folder of its results.
        seconds: how long it takes.
        changes: how many files it changes, by module.
    """

    out: Path
    seconds: float
    changes: Mapping[str, int]


@dataclass
class Place:
    """Pictures, a trained model, and the commands that are killed, each once left alone."""

    folder: Path
    environment: Mapping[str, str]
    straight: dict[str, Straight] = field(default_factory=dict)

    def command(self, kind: str, out: Path) -> list[str]:
        """The arguments of a command that writes into a folder."""
        large = [str(self.folder / "run"), str(self.folder / "large.png"), "-o"]
        photo = str(self.folder / "photo.png")
        return {
            "whole": ["apply", *large, str(out / "out.png")],
            "rows": ["apply", *large, str(out / "out.tif"), "--max-memory=700MB"],
            "train": ["train", str(self.folder / "painting.png"), photo, f"--run-dir={out}", *TRAINING],
            "batch": [
                "batch", str(self.folder / "paintings"), "--photo", photo, "-o", str(out), "--workers=2", *TRAINING,
            ],
        }[kind]  # fmt: skip

    def start(self, arguments: Sequence[str], **environment: str) -> Forked:
        """Start a command; its messages go to a file."""
        with (self.folder / "messages").open("w") as messages:
            command = [sys.executable, "-m", MAIN, *arguments, "--quiet"]
            return Forked(command, stderr=messages, env={**self.environment, **environment})

    def done(self, arguments: Sequence[str], **environment: str) -> None:
        """Run a command to its end, which must be good."""
        code = self.start(arguments, **environment).wait(120)
        assert (code, self.messages()) == (0, "")

    def messages(self) -> str:
        """What the last command said on standard error."""
        return (self.folder / "messages").read_text()

    def left_alone(self, kind: str) -> Straight:
        """The command's results, made when they are first asked for."""
        if kind not in self.straight:
            out, counts = self.folder / f"straight-{kind}", self.folder / f"counts-{kind}"
            counts.mkdir()
            if kind not in ("train", "batch"):
                out.mkdir()
            began = time.monotonic()
            self.done(self.command(kind, out), **{COUNTS: str(counts)})
            seconds = time.monotonic() - began
            found = {file.name: int(file.read_text()) for file in counts.iterdir()}
            changes = {
                module: max(
                    (number for name, number in found.items() if name.startswith(f"{module}-")), default=0
                )
                for module in (MAIN, WORKER)
            }
            self.straight[kind] = Straight(out, seconds, changes)
        return self.straight[kind]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("kills")
    (folder / "paintings").mkdir()
    sizes = {"painting": (60, 45), "photo": (64, 48), "large": (200, 300)}
    for seed, name in enumerate([*sizes, "paintings/p0", "paintings/p1"]):
        coarse = np.random.default_rng(seed).integers(0, 256, (4, 4, 3), dtype=np.uint8)
        picture = Image.fromarray(coarse).resize(sizes.get(name, (60, 45)), Image.Resampling.BICUBIC)
        picture.save(folder / f"{name}.png")
    with forking(folder, checkpoint_seconds=0.1, windows=[166, 204]) as environment:
        made = Place(folder, environment)
        made.done(made.command("train", folder / "run"))
        yield made


def files(folder: Path) -> set[str]:
    """Names of all files but thumbnails, which are named after where and when their pictures were written."""
    found = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    return {name for name in found if "thumbnails" not in Path(name).parts}


def ended(
    place: Place, arguments: Sequence[str], moment: int, straight: Straight, chance: random.Random
) -> None:
    """Start a command and end it at a random moment."""
    if moment % 3 == 2:
        death = Death(MAIN, chance.randint(1, straight.changes[MAIN]), str(place.folder / "token"))
        code = place.start(arguments, **dying(death)).wait(120)
        assert code in (-signal.SIGKILL, 0)  # it may have had fewer changes to make
        return
    number = {6: signal.SIGTERM, 7: signal.SIGINT}.get(moment % 10, signal.SIGKILL)
    process = place.start(arguments)
    time.sleep(chance.uniform(0, straight.seconds))
    process.send_signal(number)
    assert process.wait(120) in (0, -number, 128 + number)
    assert "Traceback" not in place.messages()


# A picture -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("moment", range(MOMENTS))
@pytest.mark.parametrize("kind", ["whole", "rows"])
def test_killed_apply_leaves_a_whole_picture_or_none_and_continues(place, kind, moment, tmp_path):
    straight, chance = place.left_alone(kind), random.Random(f"{kind} {moment}")
    command = place.command(kind, tmp_path)
    output = Path(command[4])
    expected, former = (straight.out / output.name).read_bytes(), None
    if replaces := moment % 2 == 1:
        former = b"an older picture"
        output.write_bytes(former)
    ended(place, [*command, *(["--overwrite"] if replaces else [])], moment, straight, chance)
    found = output.read_bytes() if output.exists() else None
    assert found in (former, expected)
    left = files(tmp_path) - {output.name}
    assert all(name.startswith((f".{output.name}.sinct/", ".sinct-")) for name in left), left
    place.done([*command, "--resume"])
    assert output.read_bytes() == expected
    assert [path.name for path in tmp_path.iterdir()] == [output.name]


# A training ------------------------------------------------------------------------------------------


def tensors(path: Path) -> dict[str, torch.Tensor]:
    return checkpoint.load(path).tensors


def losses(run: Path) -> list[dict[str, Any]]:
    """Of each step of the log; warnings are found in previews, which are drawn by the clock."""
    others = ("seconds", "warnings", "resumed")
    return [
        {name: value for name, value in entry.items() if name not in others}
        for entry in RunDirectory(run).read_log()
    ]


@pytest.mark.parametrize("moment", range(MOMENTS))
def test_killed_training_keeps_whole_files_and_continues_bit_for_bit(place, moment, tmp_path):
    straight, chance = place.left_alone("train"), random.Random(f"train {moment}")
    run = tmp_path / "run"
    command = place.command("train", run)
    ended(place, command, moment, straight, chance)
    states = [run / f"{name}.safetensors" for name in ("checkpoint", "model")]
    begun = [checkpoint.load(path) for path in states if path.exists()]  # a half one would be refused
    again = not (run / "config.json").exists() or (not begun and moment % 2 == 0)
    place.done([*command, *([] if again else ["--resume"])])
    for path in states:
        expected, found = tensors(straight.out / path.name), tensors(path)
        assert found.keys() == expected.keys()
        assert [name for name in found if not found[name].equal(expected[name])] == []
    assert losses(run) == losses(straight.out)
    assert (run / "preview.png").read_bytes() == (straight.out / "preview.png").read_bytes()
    assert files(run) == files(straight.out)


# A batch ---------------------------------------------------------------------------------------------


def workers(process: Forked) -> list[int]:
    """What runs beside a coordinator."""
    try:
        server = parent_of(process.pid)
    except FileNotFoundError:
        return []
    return [number for number in running(server) if number != process.pid]


def kill(process: Forked, whom: str, chance: random.Random) -> None:
    """End a coordinator, one of its workers, or all at once, as a power cut does."""
    found = workers(process)
    chosen = {
        "coordinator": [process.pid],
        "worker": found and [chance.choice(found)],
        "all": [process.pid, *found],
    }[whom]
    for number in chosen:
        try:
            os.kill(number, signal.SIGKILL)
        except ProcessLookupError:
            continue


@pytest.mark.parametrize("moment", range(MOMENTS))
def test_killed_batch_keeps_whole_pictures_and_continues_bit_for_bit(place, moment, tmp_path):
    straight, chance = place.left_alone("batch"), random.Random(f"batch {moment}")
    whom = ("all", "coordinator", "worker")[moment // 3 % 3]
    out = tmp_path / "out"
    command = place.command("batch", out)
    if moment % 3 == 2 and whom != "all":
        module = WORKER if whom == "worker" else MAIN
        death = Death(module, chance.randint(1, straight.changes[module]), str(place.folder / "token"))
        process = place.start(command, **dying(death))
    else:
        process = place.start(command)
        time.sleep(chance.uniform(0, straight.seconds))
        kill(process, whom, chance)
    try:
        code = process.wait(120)
    except subprocess.TimeoutExpired:
        pytest.fail("the coordinator hangs")
    assert code == 0 or (code == -signal.SIGKILL and whom != "worker")
    expected = {path.name: path.read_bytes() for path in straight.out.glob("*.png")}
    assert {path.name: path.read_bytes() for path in out.glob("*.png")}.items() <= expected.items()
    place.done(command)
    assert {path.name: path.read_bytes() for path in out.glob("*.png")} == expected
    assert files(out) == files(straight.out)
