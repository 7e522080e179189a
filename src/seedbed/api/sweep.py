"""A sweep, as Python sees it: its runs, in the order of its jobs."""

from collections import Counter
from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from seedbed.api.run import Run
from seedbed.api.wording import worded_for_python
from seedbed.errors import RunDirectoryError
from seedbed.runs.layout import SWEEP_JOBS
from seedbed.runs.status import Status
from seedbed.runs.stored import packs_of
from seedbed.sweep.job import Outcome, earlier_outcome
from seedbed.sweep.outcome import JobState, has_begun, read_sweep

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from torch import nn


class Sweep(Sequence[Run]):
    """The runs of a sweep directory that have begun.

    Args:
        path: of the directory.
        module: as `Run` takes it, for all runs.

    Raises:
        RunDirectoryError: if there is no sweep, or its list of jobs is damaged.
    """

    def __init__(self, path: str | Path, module: "nn.Module | None" = None) -> None:
        self.path = Path(path)
        self._module = module
        if not (self.path / SWEEP_JOBS).is_file():
            raise RunDirectoryError(
                f"'{self.path}' is no sweep: it has no {SWEEP_JOBS}; a run is opened by "
                "seedbed.load_run"
            )
        self.path = self.path.absolute()  # wherever the caller goes next
        self._jobs = list(read_sweep(self.path).jobs)
        with packs_of(self.path).steady():
            for job in self._jobs:
                outcome = earlier_outcome(self.path / job.directory)
                outcome = outcome or Outcome(Status.PENDING)  # not begun yet, or removed since
                job.status, job.error, job.metrics = outcome.status, outcome.error, outcome.metrics
                job.higher_is_better = outcome.higher_is_better
            self._begun = [job for job in self._jobs if has_begun(self.path, job)]
        self._runs: dict[int, Run] = {}

    @property
    def statuses(self) -> dict[str, int]:
        """How many jobs stand how; `pending` ones have not begun and are no runs yet."""
        return dict(Counter(job.status for job in self._jobs))

    @property
    def results(self) -> list[dict[str, Any]]:
        """A row for each job: its number, directory and status, its settings, and its metrics."""
        return [job.row for job in self._jobs]

    @property
    def failed(self) -> dict[str, str]:
        """Why jobs did not complete, by their directory."""
        return {
            job.directory: job.error or job.status
            for job in self._jobs
            if job.status != Status.COMPLETED
        }

    def plot(self, kind: str = "curves", metric: str | None = None, **how: Any) -> "Figure":
        """A picture of its runs; see `RunTable.plot`.

        Raises:
            ArgumentError: if it cannot be drawn.
        """
        from seedbed.api.run_table import RunTable
        from seedbed.catalog.table import table_of

        return RunTable(table_of([self.path])).plot(kind, metric, **how)

    @worded_for_python()
    def report(self, path: str | PathLike[str] | None = None) -> Path:
        """Writes one HTML page of its runs, as `seedbed report` does; where it was written to.

        Args:
            path: of the file; None for `report.html` in the sweep's directory.

        Raises:
            ArgumentError: if it has no run yet, or a file is there that is no report.
        """
        from seedbed.api.reporting import report_below

        return report_below(self.path, path)

    def __len__(self) -> int:
        return len(self._begun)

    @overload
    def __getitem__(self, index: int) -> Run: ...
    @overload
    def __getitem__(self, index: slice) -> list[Run]: ...
    def __getitem__(self, index: int | slice) -> Run | list[Run]:
        if isinstance(index, slice):
            return [self._run(job) for job in self._begun[index]]
        return self._run(self._begun[index])

    def _run(self, job: JobState) -> Run:
        if job.number not in self._runs:
            self._runs[job.number] = Run(self.path / job.directory, self._module)
        return self._runs[job.number]

    def __fspath__(self) -> str:
        return str(self.path)

    def __repr__(self) -> str:
        counts = ", ".join(f"{number} {status}" for status, number in self.statuses.items())
        return f"Sweep({str(self.path)!r}): {counts}"

    def _repr_html_(self) -> str:
        from seedbed.api.html import MOST_ROWS, html_lines, html_table
        from seedbed.views.run_text import columns_of

        return html_lines([repr(self)]) + html_table(columns_of(self.results[:MOST_ROWS]))
