"""Rows with their labels, to measure a run on; labels are read as those of a training file are.

A row without a label cannot be measured: it is left out and counted. A class that the run does not
know is refused, as it is in a file of test rows: without the rows that the model cannot get right,
it would look better than it is.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seedbed.config.hints import counted, did_you_mean, joined
from seedbed.config.task_names import RECONSTRUCTION
from seedbed.data.new_rows import NewRows
from seedbed.data.preprocessing import Preprocessing
from seedbed.data.row_groups import Groups
from seedbed.data.row_weights import checked_weights, with_weights
from seedbed.errors import DataError
from seedbed.runs.files import printable
from seedbed.tables.column_types import ColumnTypes, later_table
from seedbed.tables.row_names import RowNames
from seedbed.tables.table import Column, Table
from seedbed.tables.table_file import TableFile
from seedbed.tables.text_form import Kind


@dataclass(frozen=True)
class LabelledRows:
    """Rows that can be measured.

    Args:
        inputs: as the model takes them, see `NewRows`.
        targets: as `Preprocessing.targets`.
        groups: of these rows; None if nobody asks for groups.
        without_label: how many rows were left out.
        notes: what a person should know of the rows.
    """

    inputs: Any
    targets: NDArray[Any]
    groups: Groups | None
    without_label: int
    notes: Sequence[str]


def labelled_rows(
    rows: NewRows, labels: TableFile, preprocessing: Preprocessing, groups: Groups | None = None
) -> LabelledRows:
    """Puts rows and labels together, without the rows that have no label.

    Args:
        rows: as the model takes them.
        labels: has the columns of the run's targets.
        preprocessing: of the run.
        groups: of all the rows.

    Raises:
        DataError: if there is no such column, it does not fit the run, no row has a label, or one
            has a class that the run does not know.
    """
    if preprocessing.task == RECONSTRUCTION:
        return own_targets(rows, groups)
    targets, missing = _targets(labels, preprocessing)
    key, without_label = labels.key, int(missing.sum())
    if len(targets) != len(rows.inputs):
        raise DataError(
            f"{key} has {counted(len(targets), 'row')} of labels for "
            f"{counted(len(rows.inputs), 'row')}; they must be as many"
        )
    if groups is not None and len(groups.numbers) != len(targets):
        raise DataError(
            f"by: {counted(len(groups.numbers), 'value')} for {counted(len(targets), 'row')}"
        )
    named = joined([f"'{name}'" for name in preprocessing.target])
    if without_label == len(targets):
        raise DataError(
            f"{key}: no row of {labels.origin} has a value in {named}; there is nothing to measure "
            "against"
        )
    notes = list(rows.notes)
    if preprocessing.weight is not None:
        targets, told = _weighted(targets, missing, labels, preprocessing)
        notes += told
    if without_label:
        notes.append(
            f"{without_label} of {len(targets)} rows of {printable(labels.origin)} have no value "
            f"in {printable(named)}, and are left out"
        )
        if groups is not None:
            groups = Groups(groups.by, groups.names, groups.numbers[~missing])
    return LabelledRows(rows.inputs[~missing], targets[~missing], groups, without_label, notes)


def _weighted(
    targets: NDArray[Any],
    missing: NDArray[np.bool_],
    labels: TableFile,
    preprocessing: Preprocessing,
) -> tuple[NDArray[np.float32], list[str]]:
    """The targets with the weights that the file has, or with 1 and a note.

    Args:
        targets: of all rows.
        missing: rows without a label, of which no weight is asked.
        labels: that may have the column of weights.
        preprocessing: names that column.
    """
    name = str(preprocessing.weight)
    if name not in labels.names:
        note = (
            f"{printable(labels.origin)} has no column '{printable(name)}' (data.weight): every "
            "row counts as 1 in the loss"
        )
        return with_weights(targets, np.ones(len(targets)), "rows"), [note]
    table = later_table(labels, [name], ColumnTypes({name: "number"}, preprocessing.text))
    column = table.columns[name]
    filled = Column(column.kind, np.where(missing, 0.0, column.values))
    return with_weights(targets, checked_weights(name, filled, table.origin), "rows"), []


def own_targets(rows: NewRows, groups: Groups | None = None) -> LabelledRows:
    """Rows that are to be reconstructed: each is its own label, and none has a gap."""
    own = rows.inputs.reshape(len(rows.inputs), -1)
    return LabelledRows(rows.inputs, own, groups, 0, rows.notes)


def must_be_measurable(file: TableFile, preprocessing: Preprocessing) -> None:
    """Refuses a file, or a table in memory, without the columns that a run is measured by.

    Raises:
        DataError: if one of the run's targets is missing, or the run takes no columns.
    """
    if not preprocessing.features:
        raise DataError(
            f"{file.key}: the run was trained on a Dataset class, so {file.origin} has no columns "
            "for it; in Python seedbed.load_run(RUN).evaluate(X, targets) takes arrays"
        )
    _must_have_labels(file, preprocessing)


def _must_have_labels(file: TableFile, preprocessing: Preprocessing) -> None:
    """Refuses rows without a column of each of the run's targets.

    Raises:
        DataError: naming the nearest of the columns that there are.
    """
    for name in preprocessing.target:
        if name not in file.names:
            raise DataError(
                f"{file.key}: no column '{name}' in {file.origin}, which is what the run predicts "
                f"and is measured against; columns are {joined(file.names)}"
                f"{did_you_mean(name, file.names)}"
            )


def _targets(
    labels: TableFile, preprocessing: Preprocessing
) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """The targets of all rows, and which rows have none; theirs are any that the run knows."""
    _must_have_labels(labels, preprocessing)
    classes = preprocessing.classes
    kinds: dict[str, Kind] = dict.fromkeys(
        preprocessing.target, "category" if classes else "number"
    )  # of runs from before kinds were kept
    types = ColumnTypes({**kinds, **preprocessing.types.kinds}, preprocessing.text)
    table = later_table(labels, [], types, preprocessing.target)
    _refuse_other_shape(table, preprocessing)
    missing, columns = np.zeros(len(table), dtype=bool), {}
    for name in preprocessing.target:
        column, gaps = _filled(table.columns[name], classes)
        missing |= gaps
        columns[name] = column
    return preprocessing.targets(Table(columns, table.origin)), missing


def _filled(column: Column, classes: Sequence[str]) -> tuple[Column, NDArray[np.bool_]]:
    """The column with a value in every row, so that errors tell the rows as they are numbered."""
    if classes:
        names = column.names()
        places = np.where(names.missing, len(names.different), names.indices)
        return Column.of_names(RowNames.at(places, [*names.different, classes[0]])), names.missing
    if column.kind == "category":
        return column, np.zeros(len(column), dtype=bool)  # refused as names
    missing = np.isnan(column.values)
    filled = Column(column.kind, np.where(missing, 0.0, column.values))
    return filled, missing.reshape(len(column), -1).any(axis=1)


def _refuse_other_shape(table: Table, preprocessing: Preprocessing) -> None:
    """Refuses arrays of labels of another width: they would be measured against what they are not.

    Raises:
        DataError: naming the array.
    """
    widths = {}
    for name in preprocessing.target:
        values = table.columns[name].values
        widths[name] = int(np.prod(values.shape[1:]))
        if preprocessing.classes and values.ndim > 1:
            raise DataError(
                f"data.target: '{name}' of {table.origin} has labels of the shape "
                f"{values.shape[1:]} a row; a class is one value"
            )
    if not preprocessing.classes and sum(widths.values()) != preprocessing.outputs:
        told = joined([f"'{name}' {width}" for name, width in widths.items()])
        raise DataError(
            f"data.target: labels of {table.origin} have {counted(sum(widths.values()), 'value')} "
            f"a row ({told}); the run predicts {preprocessing.outputs}"
        )
