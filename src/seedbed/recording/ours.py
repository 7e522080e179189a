"""Whether runs in training are this process's still, and its heartbeat while they are."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress

from seedbed.errors import RunDirectoryError, RunTakenError
from seedbed.recording.recorded_run import RecordedRun
from seedbed.runs.heartbeat import beat, is_due


class Ours:
    """Runs that this process makes, until another one has gone on with them.

    Args:
        runs: by number.
    """

    def __init__(self, runs: Mapping[int, RecordedRun]) -> None:
        self.runs = runs
        self._heartbeat = next(iter(runs.values())).directory.status

    def beat(self) -> None:
        """Tells now and then that the runs go on.

        Raises:
            RunTakenError: if the first that has not ended is another process's by now.
        """
        if is_due():
            left = [number for number, run in self.runs.items() if run.result is None]
            self.refuse_taken(left[:1])
            beat(self._heartbeat)

    def refuse_taken(self, numbers: Iterable[int]) -> None:
        """Before files are written of runs.

        Raises:
            RunTakenError: if one of them is another process's by now.
        """
        for number in numbers:
            self.runs[number].directory.refuse_if_taken()

    @contextmanager
    def written(self, numbers: Iterable[int]) -> Iterator[None]:
        """Around the writing of files of runs, which may be taken before or meanwhile.

        Who goes on with a run removes what was half written: its files are missing then.

        Raises:
            RunTakenError: if one of them is another process's by now.
            RunDirectoryError: if a file cannot be written for another reason.
        """
        numbers = list(numbers)
        self.refuse_taken(numbers)
        try:
            yield
        except RunDirectoryError:
            self.refuse_taken(numbers)
            raise

    def not_taken(self, runs: Mapping[int, RecordedRun]) -> dict[int, RecordedRun]:
        """Those that are not known to be another process's."""
        left = {}
        for number, run in runs.items():
            with suppress(RunTakenError):
                run.directory.refuse_if_taken()
                left[number] = run
        return left
