"""The columns that a run uses: chosen, checked and fitted, for tables and for arrays in files."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import torch

from seedbed.config.schema import ColumnsConfig, FilesConfig
from seedbed.config.task_names import RECONSTRUCTION, TaskName
from seedbed.data.fitted_column import FittedColumn
from seedbed.data.fitted_table import Columns, fit_table
from seedbed.data.fitted_target import target_names
from seedbed.data.measurable import refuse_infinite
from seedbed.data.preprocessing import Preprocessing
from seedbed.data.row_parts import told_of
from seedbed.data.row_weights import weights_of, with_weights
from seedbed.data.splits import parts_of, rest_of
from seedbed.data.target_values import class_names, refuse_other_numbers, target_matrix
from seedbed.data.task_choice import task_of
from seedbed.errors import DataError
from seedbed.tables.column_types import ColumnTypes
from seedbed.tables.table import Table
from seedbed.tables.text_form import TextForm


def checked_columns(config: ColumnsConfig, table: Table) -> tuple[Table, Columns]:
    """The columns that a run uses; the table without its spelling, where no class needs it.

    Raises:
        DataError: if one of them cannot be used.
    """
    table, targets, task, classes = checked_targets(config, table)
    names = feature_names(config, table, targets)
    refuse_infinite({name: table.columns[name] for name in names}, table.origin)
    kinds = {name: column.kind for name, column in table.columns.items()}
    types = ColumnTypes(kinds, table.text or TextForm())
    return table, Columns(names, targets, task, classes, types)


def checked_targets(
    config: ColumnsConfig, table: Table
) -> tuple[Table, list[str], TaskName, list[str]]:
    """The targets, the task that they pose and its classes, while row numbers are the file's.

    Returns:
        The table without its spelling, where no class needs it, and these.

    Raises:
        DataError: if a target, or a weight, cannot be used.
    """
    targets = target_names(config, table)
    for name in targets:
        table.column(name, "data.target")
    task, classes = task_of(config.task, table, targets) if targets else (RECONSTRUCTION, [])
    if targets and not classes:
        refuse_other_numbers(task, target_matrix(table, targets), table.origin)
    if not classes:
        table = table.without_spelling()
    if config.weight is not None:
        weights_of(config.weight, table)  # refuses wrong ones by the rows of the file
    return table, targets, task, classes


def fit_or_take(
    config: ColumnsConfig,
    train: Table,
    columns: Columns,
    known: Preprocessing | None,
    fitted: Mapping[str, FittedColumn] | None = None,
) -> tuple[Preprocessing, list[str]]:
    """As `fit_table`, but what another run knows is taken over as far as the columns are the same.

    Args:
        config: of the data.
        train: the training rows.
        columns: that are used.
        known: of the other run; None where the run starts from none.
        fitted: features that were measured already, by name.
    """
    preprocessing, notes = fit_table(config, train, columns, fitted)
    if known is not None:
        from seedbed.data.taken_preprocessing import taken_over  # few runs start from another

        preprocessing, said = taken_over(preprocessing, known)
        notes += [f"the preprocessing is {said}"] if said else []
    return preprocessing, notes


def feature_names(config: ColumnsConfig, table: Table, targets: Sequence[str]) -> list[str]:
    """The columns that a model takes, of those that were read.

    Raises:
        DataError: if there is none, or one is the target.
    """
    hidden = {*targets, *table.targets, *config.beside}
    names = config.features or [name for name in table.columns if name not in hidden]
    for name in names:
        table.column(name, "data.features")
        refuse_targets([name], targets)
    if not names:
        raise DataError(f"data.features: {table.origin} has no column beside the target")
    return list(names)


def refuse_targets(features: Sequence[str], targets: Collection[str]) -> None:
    """Raises DataError for a feature that is a target too."""
    for name in features:
        if name in targets:
            raise DataError(f"data.features: '{name}' is the target; it cannot be a feature too")


def drawn_parts(
    config: ColumnsConfig,
    seed: int,
    table: Table,
    rows: int,
    columns: Columns,
    own: Collection[str],
) -> dict[str, Any]:
    """The numbers of the rows of each part, as `parts_of`, by what a table says of its rows.

    Args:
        config: of the data.
        seed: of the run.
        table: of the rows that are split.
        rows: how many there are; a table of none but arrays in files does not tell.
        columns: that are used.
        own: parts that have files of their own.
    """
    split = rest_of(config.split, own)
    strata = class_names(table, columns.targets[0]).ranks() if columns.classes else None
    return parts_of(config, split, seed, rows, told_of(split, table, strata))


def own_files(config: ColumnsConfig) -> dict[str, Any]:
    """The parts that have files of their own, and what names these."""
    if not isinstance(config, FilesConfig):
        return {}
    paths = {"validation": config.validation_path, "test": config.test_path}
    return {name: path for name, path in paths.items() if path is not None}


def targets_of(preprocessing: Preprocessing, table: Table, part: str) -> torch.Tensor:
    """The targets of rows, with their weights where they have some.

    Args:
        preprocessing: of the run.
        table: of the rows.
        part: its name, for errors.

    Raises:
        DataError: if a target or a weight cannot be used.
    """
    targets, name = preprocessing.targets(table), preprocessing.weight
    if name is not None:
        targets = with_weights(targets, weights_of(name, table), f"{part} rows")
    return torch.from_numpy(targets)
