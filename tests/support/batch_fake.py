"""Batch workers that only pretend to work."""

from dataclasses import replace
from pathlib import Path

from sinct.batch.collection import read_collection
from sinct.batch.jobs import Outcome
from sinct.batch.places import Event
from sinct.batch.settings import Settings
from sinct.batch.storage import sha256

TINY = {
    "warm_start": False,
    "width": 4, "discriminator_widths": [4, 8, 8], "projection_dimensions": 8, "crops": 2, "identity_crops": 2,
    "crop_size": 32, "tile_size": 16, "min_width": 32, "max_width": 48, "queries": 4, "r1_interval": 2,
    "mixed_precision": False,
}  # fmt: skip
"""The smallest possible training, as changes to a preset."""

SETTINGS = Settings("draft", steps=4, changes=TINY)


def make_collection(make_picture, folder, name):
    """Write three paintings, named by a pattern such as p{}, and photo.png."""
    (folder / "paintings").mkdir()
    for number in range(3):
        make_picture(f"paintings/{name.format(number)}.png", seed=number)
    make_picture("photo.png", seed=9)


class Fake:
    """Workers that return the outcomes they are given and write a line of text for each picture.

    Args:
        replies: name -> outcomes of its attempts, one after another; a job without any succeeds.
        places: number of jobs at a time.
        free: bytes of free memory.
    """

    def __init__(self, replies=None, places=1, free=None, stopped=False):
        self.replies, self.places, self.sharing, self.free = replies or {}, places, 1, free
        self.stopped = stopped
        self.requests, self.events, self.most, self.together = [], [], 0, []

    def start(self, request, need):
        self.requests.append(request)
        self.events.append(Event(request.job.name, 0.5, 10.0))
        reply = self.replies.get(request.job.name) or [None]
        outcome = reply.pop(0) if len(reply) > 1 else reply[0]
        if outcome is None:
            outcome = Outcome(request.key, figures={"seconds": 1.0})
            if request.job.output:
                Path(request.job.output).parent.mkdir(parents=True, exist_ok=True)
                Path(request.job.output).write_text(f"{request.job.name} {request.key}")
                outcome = replace(outcome, output_sha256=sha256(request.job.output))
        self.events.append(
            Event(request.job.name, 1.0, outcome=None if self.stopped else outcome, ended=True)
        )
        self.together.append(len([event for event in self.events if event.ended]))

    def wait(self, seconds):
        found, self.events = self.events, []
        return found

    def room(self):
        return self.free

    def stop(self):
        pass


def failing(reason="no luck", **values):
    return Outcome("", reason, **values)


def states(summary):
    return {entry.name: entry.state.value for entry in summary.entries}


def jobs_of(collection, tmp_path, settings=None, **options):
    return read_collection(
        str(collection), str(tmp_path / "out"), settings or Settings("draft", steps=4), cache=tmp_path / "cache.json",
        **options,
    )  # fmt: skip
