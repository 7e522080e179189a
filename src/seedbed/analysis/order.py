"""The order of a table by its columns, and where that is no ranking."""

from collections.abc import Sequence

from seedbed.analysis.basis import measured
from seedbed.analysis.rows import rows_of
from seedbed.analysis.units import NOT_ONE_UNIT, differ_in_unit
from seedbed.catalog.record import RunRecord
from seedbed.catalog.sorting import known_names
from seedbed.catalog.table import RecordTable
from seedbed.catalog.values import is_nothing

NO_RANKING = "so that their order by it is no ranking"


def in_order(table: RecordTable, keys: str) -> RecordTable:
    """As `RecordTable.in_order`, with notes on metrics that do not rank the runs.

    Raises:
        ArgumentError: for a name that no run has.
    """
    names = [key.removeprefix("-") for key in known_names(table.records, keys, "--sort")]
    ordered = table.in_order(keys)
    notes = [note for name in dict.fromkeys(names) for note in _notes(table.records, name)]
    return RecordTable(ordered.records, ordered.left_out, [*ordered.notes, *notes])


def _notes(records: Sequence[RunRecord], metric: str) -> list[str]:
    """Why the values of a metric cannot be held against each other; of no metric, nothing."""
    having = [run for run in records if not is_nothing(measured(run, metric))]
    if len(having) < 2:
        return []
    tasks = sorted({str(run.facts["task"]) for run in having if "task" in run.facts})
    if len(tasks) > 1:
        return [f"{metric}: the runs have different tasks ({', '.join(tasks)}), {NO_RANKING}"]
    notes = []
    if differ_in_unit(having, metric):
        notes.append(f"{metric} {NOT_ONE_UNIT}, {NO_RANKING}")
    if len(set(rows_of(having))) > 1:
        notes.append(f"{metric}: the runs are measured on different rows, {NO_RANKING}")
    return notes
