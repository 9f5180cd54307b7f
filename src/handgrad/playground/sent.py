"""What the page has been sent already, so that each point of the curves, and each new leg, goes over the wire once."""

from typing import Any

from handgrad.playground.legs import Leg
from handgrad.playground.run import Run


class Sent:
    """Of one tab: `news` is what the next frame tells of a run beyond the last one."""

    def __init__(self) -> None:
        self.frames = 0
        self._points, self._age = 0, -1  # of the curves
        self._legs: tuple[Leg, ...] | None = None

    def forget(self) -> None:
        """The next frame tells all of it again."""
        self._points, self._age, self._legs = 0, -1, None

    def news(self, run: Run) -> dict[str, Any]:
        """The frame's number, the curves' points since the last frame, and the legs where there are others."""
        self.frames += 1
        if self._age != run.curves.age:
            self._points, self._age = 0, run.curves.age
        first, self._points = self._points, len(run.curves)
        return {
            "frame": self.frames,
            "curves": {"from": first, "columns": run.curves.since(first)},
            "legs": self._new_legs(run),
        }

    def _new_legs(self, run: Run) -> list[dict[str, Any]] | None:
        """The last of them goes on to the frame's epoch."""
        if self._legs is run.legs:
            return None
        self._legs = run.legs
        return [leg.to_json() for leg in run.told()]
