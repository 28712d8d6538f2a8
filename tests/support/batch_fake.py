"""Workers of a batch that only pretend to work."""

from dataclasses import replace
from pathlib import Path

from sinct.batch.local_workers import Event
from sinct.batch.perform import Outcome
from sinct.batch.storage import sha256


def make_collection(make_picture, folder, name):
    """Write three paintings, named by a pattern such as p{}, and photo.png."""
    (folder / "paintings").mkdir()
    for number in range(3):
        make_picture(f"paintings/{name.format(number)}.png", seed=number)
    make_picture("photo.png", seed=9)


class Fake:
    """Workers that write no picture of worth but do as they are told.

    Args:
        replies: name -> outcomes of its attempts, one after another; without one it succeeds.
        places: jobs at a time.
        free: bytes that are free.
    """

    def __init__(self, replies=None, places=1, free=None, stopped=False):
        self.replies, self.places, self.sharing, self.free = replies or {}, places, 1, free
        self.stopped = stopped
        self.requests, self.events, self.most, self.together = [], [], 0, []

    def start(self, request, need):
        self.requests.append(request)
        self.events.append(Event(request.name, 0.5, 10.0))
        reply = self.replies.get(request.name) or [None]
        outcome = reply.pop(0) if len(reply) > 1 else reply[0]
        if outcome is None:
            outcome = Outcome(request.key, figures={"seconds": 1.0})
            if request.output:
                Path(request.output).parent.mkdir(parents=True, exist_ok=True)
                Path(request.output).write_text(f"{request.name} {request.key}")
                outcome = replace(outcome, output_sha256=sha256(request.output))
        self.events.append(Event(request.name, 1.0, outcome=None if self.stopped else outcome, ended=True))
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
