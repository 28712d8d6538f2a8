"""Small comparisons for tests."""

from pathlib import Path

from sinct.comparison.compare import Compared, compare
from sinct.comparison.worker import Outcome, Request

CONTROLS = ["painting", "photo", "colour_transfer"]


def quick(pair, output, **options) -> Compared:
    """A comparison in this process, with one iteration in every stage."""
    return compare(*pair, output, **{"iterations": 1, "isolate": False, "device": "cpu", **options})


def make_request(tmp_path: Path, pair, method: str, **changes) -> Request:
    """A request with one iteration in every stage."""
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
    """A replacement for `perform` that returns a given picture as the result; `asked` collects the methods' names."""

    def perform(request: Request, folder: Path, **_options) -> Outcome:
        if asked is not None:
            asked.append(request.method)
        (folder / "output.png").write_bytes(picture.read_bytes())
        outcome = Outcome(None, 1.0, None, "cpu")
        outcome.save(folder / "outcome.json")
        return outcome

    return perform
