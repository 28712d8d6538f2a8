"""Small comparisons, for their tests."""

from pathlib import Path

from sinct.comparison.compare import Compared, compare
from sinct.comparison.worker import Outcome, Request

CONTROLS = ["painting", "photo", "colour_transfer"]


def quick(pair, output, **options) -> Compared:
    """A comparison in this process, in which every stage is one iteration."""
    return compare(*pair, output, **{"iterations": 1, "isolate": False, "device": "cpu", **options})


def make_request(tmp_path: Path, pair, method: str, **changes) -> Request:
    """What a method is asked for, with one iteration a stage."""
    values = {
        "method": method,
        "painting": str(pair[0]),
        "photo": str(pair[1]),
        "sha256": ("", ""),
        "seconds": None,
        "iterations": 1,
        "seed": 0,
        "device": "cpu",
        "weights_dir": str(tmp_path / "no weights"),
        "random_weights": False,
        "regions": None,
    }
    return Request(**{**values, **changes})


def stand_in(picture: Path, asked: list[str] | None = None):
    """Something in place of `perform` that gives a picture out for the result; `asked` takes the methods' names."""

    def perform(request: Request, folder: Path, **_options) -> Outcome:
        if asked is not None:
            asked.append(request.method)
        (folder / "output.png").write_bytes(picture.read_bytes())
        outcome = Outcome(None, 1.0, None, "cpu")
        outcome.save(folder / "outcome.json")
        return outcome

    return perform
