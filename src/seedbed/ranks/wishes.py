"""What one rank wants and all do after the same step: to stop, to save, to be done."""

from collections.abc import Callable, Sequence

from seedbed.training.interrupt import StopRequest
from seedbed.training.interval import Interval


class Wishes(Interval):
    """Carries wishes from rank to rank with the gradients of each step.

    It is the interval of checkpoints as well: where seconds tell, those of the first rank's clock.

    Args:
        stop: what this rank heard.
        interval: of checkpoints.
        is_first: whether this rank's clock counts.
    """

    NUMBER = 3

    def __init__(self, stop: StopRequest, interval: Interval, *, is_first: bool) -> None:
        super().__init__(interval.every, interval.unit)
        self.heard = stop
        self.is_first = is_first
        self.requested = False
        self._due = False
        self._late = False
        self._time_is_over: Callable[[], bool] = lambda: False

    def end_by(self, time_is_over: Callable[[], bool]) -> Callable[[], bool]:
        """Has the first rank's clock end the run; what tells it on this one."""
        self._time_is_over = time_is_over
        return lambda: self._late

    def own(self) -> list[float]:
        """What this rank wants, as numbers to be added over ranks."""
        wanted = [self.heard.requested]
        wanted += [self.is_first and self._seconds_passed(), self.is_first and self._time_is_over()]
        return [float(one) for one in wanted]

    def take(self, wanted: Sequence[float]) -> None:
        """Hears what any rank wants."""
        stop, save, late = wanted
        self.requested = self.requested or stop > 0
        self._due = save > 0
        self._late = self._late or late > 0

    def after_step(self, step: int) -> bool:
        """See `Interval`."""
        return self._due if self.unit == "seconds" else super().after_step(step)
