"""A page of runs: compares them as `compare` does, and writes what that says and what they hold."""

from os import PathLike
from pathlib import Path

from seedbed.analysis.basis import best_first
from seedbed.analysis.rows import rows_of
from seedbed.analysis.runs_compared import Request, RunsCompared, compare_runs
from seedbed.api.run_comparison import RunComparison
from seedbed.catalog.record import RunRecord
from seedbed.catalog.table import RecordTable, table_of
from seedbed.errors import ArgumentError
from seedbed.runs.outputs import write_output
from seedbed.views.report.content import Order, Origin, Told, content
from seedbed.views.report.output import page_path
from seedbed.views.report.page import page


def write_report(table: RecordTable, request: Request, origin: Origin, output: Path) -> Told:
    """Writes the page.

    Args:
        table: the runs, the newest first.
        request: how they are compared. Where nothing is asked for and they cannot be compared, the
            page says why.
        origin: of the page.
        output: the file; one that is there is replaced.

    Returns:
        What the page says of the runs.

    Raises:
        ArgumentError: if there is no run, or the runs cannot be compared as asked.
    """
    if not table.records:
        raise ArgumentError(f"no run to report{_only_others(table)}")
    told, records = _compared(table, request)
    ordered = RecordTable(records, table.left_out, table.notes)
    write_output(output, page(content(ordered, told, origin)).encode())
    return told


def report_below(folder: Path, output: str | PathLike[str] | None) -> Path:
    """The page of the runs in a folder, as they themselves suggest; where it was written to.

    Args:
        folder: a run or a sweep.
        output: the file; None for `report.html` in the folder.
    """
    path = page_path(None if output is None else Path(output), [str(folder)])
    write_report(table_of([folder]), Request(), Origin(folder.name), path)
    return path


def _compared(table: RecordTable, request: Request) -> tuple[Told, list[RunRecord]]:
    try:
        compared = compare_runs(table, request)
    except ArgumentError as err:
        if request != Request():
            raise
        return Told(reason=err.problems[0], notes=table.notes), table.records
    comparison = RunComparison(compared)
    records, ranked = _ordered(compared, comparison)
    return _told(comparison, ranked), records


def _told(comparison: RunComparison, ranked: int) -> Told:
    reason = "" if comparison.sentences else _no_verdict(comparison)
    return Told(
        comparison.metric,
        comparison.higher_is_better,
        comparison.over,
        comparison.keys,
        comparison.rows if comparison.over and comparison.metric else [],
        comparison.importance,
        comparison.sentences,
        [note for note in comparison.notes if note != reason],
        comparison.verdict if comparison.sentences else None,
        reason,
        ranked,
        _order(comparison, ranked),
    )


def _order(comparison: RunComparison, ranked: int) -> Order:
    if ranked:
        return "run"
    return "setting" if comparison.is_ranked and comparison.metric else "found"


def _no_verdict(comparison: RunComparison) -> str:
    if len(comparison.records) == 1:
        return "one run, and nothing to compare it with"
    if not comparison.is_ranked:
        return "the runs are measured on rows of their own, and are not ranked"
    if comparison.over:
        return f"one setting alone: the runs differ in nothing but {', '.join(comparison.over)}"
    return (
        "runs side by side: no setting was run with several seeds, which would tell a win from luck"
    )


def _ordered(compared: RunsCompared, comparison: RunComparison) -> tuple[list[RunRecord], int]:
    """The runs, the best first, and how many of them are ranked by their own values.

    Where each seed draws other validation rows, a run is not better than that of another seed, and
    they stand in the order of their settings.
    """
    if not comparison.is_ranked or not comparison.metric:
        return compared.table.records, 0
    ranked, others = best_first(compared.table.records, compared.metric)
    if len(set(rows_of(ranked))) > 1:
        return comparison.records, 0
    return [*ranked, *others], len(ranked)


def _only_others(table: RecordTable) -> str:
    if not table.left_out:
        return ": the folder holds none; train some with seedbed train"
    first = table.left_out[0]
    return f": {len(table.left_out)} folders are none, such as '{first.name}' ({first.problem})"
