"""One method, in this process."""

import torch

from sinct.comparison import methods
from sinct.comparison.worker import Outcome, perform
from sinct.pictures.picture import read_picture
from tests.support.comparison import make_request


def test_worker_leaves_a_picture_of_the_paintings_size(tmp_path, pair):
    outcome = perform(make_request(tmp_path, pair, "colour_transfer"), tmp_path)
    assert Outcome.load(tmp_path / "outcome.json") == outcome
    assert outcome.reason is None
    assert outcome.seconds > 0
    assert read_picture(tmp_path / "output.png").pixels.shape == (3, 60, 72)


def test_worker_says_in_one_line_what_is_missing(tmp_path, pair):
    outcome = perform(make_request(tmp_path, pair, "gatys"), tmp_path)
    assert outcome.reason is not None
    assert "vgg19-dcbb9e9d.pth" in outcome.reason
    assert "\n" not in outcome.reason
    assert not (tmp_path / "output.png").exists()


def test_worker_reports_memory_that_runs_out(tmp_path, pair, monkeypatch):
    def run(painting, photo, job):
        raise torch.OutOfMemoryError

    monkeypatch.setattr(methods, "find", lambda name: methods.Method("x", "y", run))
    outcome = perform(make_request(tmp_path, pair, "painting"), tmp_path)
    assert outcome.reason == "out of memory on cpu; close other programs or give smaller pictures"


def test_worker_reports_a_fault_and_keeps_its_traceback(tmp_path, pair, monkeypatch, capsys):
    def run(painting, photo, job):
        raise ZeroDivisionError("a fault")

    monkeypatch.setattr(methods, "find", lambda name: methods.Method("x", "y", run))
    outcome = perform(make_request(tmp_path, pair, "painting"), tmp_path)
    assert outcome.reason == "failed with ZeroDivisionError: a fault"
    assert "Traceback" in capsys.readouterr().err
