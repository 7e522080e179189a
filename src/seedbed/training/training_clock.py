"""The seconds that training takes, of which runs in one step have equal parts."""

import time


class TrainingClock:
    """Runs while an epoch is trained, and adds up what passes between epochs."""

    def __init__(self) -> None:
        self._began = time.perf_counter()
        self._closed: float | None = None
        self.between = 0.0
        """Each run's part of the seconds between epochs."""

    def begin_epoch(self, runs: int) -> None:
        """Starts an epoch of so many runs, or what is left of it."""
        now = time.perf_counter()
        if self._closed is not None:
            self.between += (now - self._closed) / runs
        self._began = now

    def leave_out(self, seconds: float) -> None:
        """Takes time that was no training off the epoch."""
        self._began += seconds

    def share(self, runs: int) -> float:
        """Each run's part of the seconds since the epoch began."""
        return (time.perf_counter() - self._began) / runs

    def close_epoch(self) -> None:
        """Ends an epoch."""
        self._closed = time.perf_counter()
