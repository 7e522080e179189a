"""The best of many runs by a metric, where it ranks them."""

from collections.abc import Sequence

from seedbed.analysis.basis import best_first, chosen_metric
from seedbed.analysis.rows import rows_of
from seedbed.catalog.record import RunRecord
from seedbed.errors import ArgumentError
from seedbed.runs.status import Status


def best_run(
    records: Sequence[RunRecord], metric: str | None, better: str | None, *, across_rows: bool
) -> RunRecord:
    """The completed run with the best value at its end; see `RunTable.best`.

    Raises:
        ArgumentError: if no run has a value, or the runs cannot be compared by it.
    """
    if not records:
        raise ArgumentError("best: the table has no runs")
    done = [run for run in records if run.status == Status.COMPLETED]
    chosen = chosen_metric(done, metric, better)
    ranked, _ = best_first(done, chosen)
    if not ranked:
        raise ArgumentError(f"best: no completed run has a value of '{chosen.name}'")
    if not across_rows and len(set(rows_of(ranked))) > 1:
        raise ArgumentError(
            f"best: the runs are measured on different rows, so {chosen.name} does not rank "
            "them; filter them, or type best(across_rows=True)"
        )
    return ranked[0]
