"""All runs below folders, as Python sees them: a sequence of runs, and what they tell."""

from collections.abc import Iterator, Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from seedbed.api.frames import frame_of, polars_frame_of
from seedbed.api.run import Run
from seedbed.api.table_arguments import listed, request_of, text_given
from seedbed.api.table_display import table_html, table_text
from seedbed.api.wording import worded_for_python
from seedbed.catalog.record import RunRecord
from seedbed.catalog.sorting import known_names
from seedbed.catalog.table import RecordTable
from seedbed.views.run_rows import machine_columns, rows_of

if TYPE_CHECKING:
    import pandas
    import polars
    from matplotlib.figure import Figure

    from seedbed.api.run_comparison import RunComparison


class RunTable(Sequence[Run]):
    """Runs, newest first; `rows` tells what they are without opening them.

    An item is a `Run`, a slice a `RunTable`. The table stands as the folders were looked at.

    Args:
        table: what was found.
    """

    def __init__(self, table: RecordTable) -> None:
        self._table = table

    @property
    def records(self) -> list[RunRecord]:
        """All that is told of each run."""
        return list(self._table.records)

    @property
    def columns(self) -> list[str]:
        """The names of `rows`: which run, the keys that differ, the metrics, times and tags."""
        return machine_columns(self._table)

    @property
    def rows(self) -> list[dict[str, Any]]:
        """A dictionary for each run: plain values by column, None where a run has none."""
        return rows_of(self._table, self.columns)

    @property
    def notes(self) -> list[str]:
        """What filters and orders left out or put last, and why."""
        return list(self._table.notes)

    @property
    def left_out(self) -> dict[str, str]:
        """Why folders that look like runs are none that can be read, by their path."""
        return {
            str(one.path): f"{one.status}: {one.problem or 'has not begun'}"
            for one in self._table.left_out
        }

    @worded_for_python()
    def column(self, name: str) -> list[Any]:
        """The values of all runs under a name: a column, any key of the config, a metric.

        Raises:
            ArgumentError: for a name that no run has.
        """
        (name,) = known_names(self._table.records, name, "column")
        return [row[name] for row in rows_of(self._table, [name])]

    def filter(self, text: str) -> "RunTable":
        """The runs that fulfil a filter, such as `"optimizer.lr<0.01 and status=completed"`.

        Args:
            text: as for `seedbed runs --filter`.

        Raises:
            ArgumentError: showing the place that cannot be read.
        """
        return RunTable(self._table.filtered(text_given(text, "filter", "seed=0")))

    @worded_for_python()
    def sort(self, keys: str) -> "RunTable":
        """The runs by columns, such as `"val/loss"` or `"-val/accuracy,seed"`.

        Where a metric does not rank the runs, as they are measured on different rows or in
        different units, `notes` says so.

        Args:
            keys: with commas between; `-` in front for the largest first. Runs without a value are
                last.

        Raises:
            ArgumentError: for a name that no run has.
        """
        from seedbed.analysis.order import in_order

        return RunTable(in_order(self._table, text_given(keys, "sort", "val/loss")))

    @worded_for_python()
    def best(
        self, metric: str | None = None, *, better: str | None = None, across_rows: bool = False
    ) -> Run:
        """The completed run with the best value of a metric at its end.

        Args:
            metric: its name; None for the one of validation rows that the runs are compared by.
            better: `"higher"` or `"lower"`, of a metric of your own.
            across_rows: whether to compare runs that are measured on different rows, such as those
                of a split that the seed draws.

        Raises:
            ArgumentError: if no run has a value, or the runs cannot be compared by it.
        """
        from seedbed.analysis.best_run import best_run

        return Run(best_run(self._table.records, metric, better, across_rows=across_rows).path)

    @worded_for_python()
    def compare(
        self,
        metric: str | None = None,
        *,
        over: str | Sequence[str] | None = None,
        better: str | None = None,
    ) -> "RunComparison":
        """Settings over their seeds, or the runs side by side, as `seedbed compare` does.

        Args:
            metric: its name; None for that of the validation rows.
            over: keys whose values are repetitions of one setting; None for the seed where seeds
                were swept, `[]` for the runs side by side.
            better: `"higher"` or `"lower"`, of a metric of your own.

        Raises:
            ArgumentError: if they cannot be compared so.
        """
        from seedbed.analysis.runs_compared import compare_runs
        from seedbed.api.run_comparison import RunComparison

        return RunComparison(compare_runs(self._table, request_of(metric, over, better)))

    @worded_for_python()
    def plot(
        self,
        kind: str = "curves",
        metric: str | None = None,
        *,
        over: str | Sequence[str] | None = None,
        better: str | None = None,
        keys: str | Sequence[str] | None = None,
        against: str | None = None,
    ) -> "Figure":
        """A picture of the runs, as a figure of matplotlib; as `seedbed plot` draws it.

        What that would print beside it is in `figure.notes`, and below the picture in a notebook.

        Args:
            kind: `"curves"`, a metric by epoch; `"slice"`, against a swept key;
                `"heatmap"`, against two; `"scatter"`, against another metric;
                `"importance"`, what mattered; `"parallel"`, all keys at once.
            metric: as `compare` takes it, and so the others.
            over: keys whose values are repetitions of one setting.
            better: `"higher"` or `"lower"`.
            keys: of a slice or a heatmap; None for those that differ.
            against: the other metric of a scatter.

        Raises:
            ArgumentError: if it cannot be drawn.
        """
        from seedbed.views.pictures import PictureRequest, picture

        compared = request_of(metric, over, better)
        return picture(self._table, PictureRequest(kind, compared, listed(keys), against))[0]

    @worded_for_python()
    def report(
        self,
        path: str | PathLike[str],
        metric: str | None = None,
        *,
        over: str | Sequence[str] | None = None,
        better: str | None = None,
    ) -> Path:
        """Writes one HTML page of the runs, as `seedbed report` does.

        Args:
            path: of the file; a report that is there is replaced.
            metric: as `compare` takes it, and so the others.
            over: keys whose values are repetitions of one setting.
            better: `"higher"` or `"lower"`.

        Returns:
            Where it was written to.

        Raises:
            ArgumentError: if there is no run, the runs cannot be compared as asked, or another
                file is there.
        """
        from seedbed.api.reporting import write_report
        from seedbed.views.report.content import Origin
        from seedbed.views.report.output import page_path

        file = page_path(Path(path), ())
        write_report(self._table, request_of(metric, over, better), Origin(file.stem), file)
        return file

    def to_pandas(self) -> "pandas.DataFrame":
        """The rows as a DataFrame of pandas.

        Raises:
            SeedbedError: if pandas is not installed.
        """
        return frame_of(self.rows, self.columns)

    def to_polars(self) -> "polars.DataFrame":
        """The rows as a DataFrame of polars, which must be installed.

        A column whose values are of several kinds, such as 4 and `all`, is one of texts.
        """
        return polars_frame_of(self.rows, self.columns)

    def __len__(self) -> int:
        return len(self._table)

    def __iter__(self) -> Iterator[Run]:
        return (Run(run.path) for run in self._table)

    @overload
    def __getitem__(self, at: int) -> Run: ...
    @overload
    def __getitem__(self, at: slice) -> "RunTable": ...
    def __getitem__(self, at: int | slice) -> "Run | RunTable":
        if isinstance(at, slice):
            return RunTable(self._table[at])
        return Run(self._table[at].path)

    def __repr__(self) -> str:
        return table_text(self._table)

    def _repr_html_(self) -> str:
        return table_html(self._table)
