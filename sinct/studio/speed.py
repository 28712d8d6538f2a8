"""How long a step takes on this machine, measured in a process of its own: `python -m sinct.studio.speed`."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from sinct.errors import OutputError
from sinct.runtime.json_files import read_json, restored, write_json
from sinct.runtime.processes import Child, End, Report, Share, serve
from sinct.version import __version__


class Stopwatch:
    """Measures once, and remembers it for this version of sinct.

    Args:
        place: folder for what is remembered; None if nothing is to be measured.
    """

    def __init__(self, place: Path | None) -> None:
        self.step: float | None = None
        self._abandoned = False
        self._place, self._child = place, None if place is None else self._begin(place)

    def abandon(self) -> None:
        """Stop measuring, as something else now needs the machine."""
        if self._child is not None and self.step is None:
            self._child.kill()
            self._abandoned = True

    def go_on(self) -> None:
        """Measure after all if that was abandoned, as the machine is free again."""
        if self._abandoned and self._place is not None:
            self._abandoned, self._child = False, self._begin(self._place)

    def _begin(self, place: Path) -> Child | None:
        try:
            version, step = restored(tuple[str, float], read_json(place / "speed.json"), "speed.json")
            if version == __version__ and step > 0:
                self.step = step
                return None
        except (OSError, ValueError):
            pass
        try:
            return Child("sinct.studio.speed", None, place / "speed.log", self._hear)
        except OSError:
            return None

    def _hear(self, message: Share | End) -> None:
        if isinstance(message, End) and isinstance(message.outcome, float) and self._place is not None:
            self.step = message.outcome
            with suppress(OutputError):  # then it is measured again next time
                write_json(self._place / "speed.json", [__version__, self.step])


def _measure(request: Any, report: Report, should_stop: Callable[[], bool]) -> float:
    """Seconds that a step of our presets takes."""
    from sinct.doctor import TIMED, measure
    from sinct.presets import preset
    from sinct.runtime.device import choose_device

    device = choose_device("auto")
    return measure(preset(TIMED, device), device).step


if __name__ == "__main__":
    serve(_measure)
