"""How often something is done: every N epochs, steps or seconds."""

import re
import time
from dataclasses import dataclass

MANY = 2**30
"""Steps; more than there are in an epoch."""


@dataclass
class Interval:
    """Says when it is time again.

    Args:
        every: how many.
        unit: of epochs, steps or seconds.
    """

    every: int
    unit: str

    def __post_init__(self) -> None:
        self._last = time.monotonic()

    def after_step(self, step: int) -> bool:
        """Whether it is time, `step` steps into the run; never for a unit of epochs."""
        if self.unit == "steps":
            return step % self.every == 0
        return self._seconds_passed()

    def steps_left(self, step: int) -> int:
        """Steps until it may be time, `step` steps into the run; many where time alone tells."""
        return self.every - step % self.every if self.unit == "steps" else MANY

    def after_epoch(self, epoch: int) -> bool:
        """Whether it is time, with `epoch` epochs finished."""
        return self.unit == "epochs" and epoch % self.every == 0

    def _seconds_passed(self) -> bool:
        if self.unit != "seconds" or time.monotonic() - self._last < self.every:
            return False
        self._last = time.monotonic()
        return True


def parsed_interval(written: int | str) -> Interval:
    """`3` or `3 epochs`, `100 steps`, `30 s`; the schema has checked the form."""
    number, unit = re.fullmatch(r"(\d+) ?([a-z]*)", str(written)).groups()  # type: ignore[union-attr]
    names = {"": "epochs", "epoch": "epochs", "step": "steps", "s": "seconds"}
    return Interval(int(number), names.get(unit, unit))
