"""The data of a run whose features are arrays in files: `data=npy`.

Targets, and what else has one value a row, are in memory and go the way of every table; arrays are
looked at once, and their rows are read again whenever they are used.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from hashlib import file_digest, sha256
from typing import Any

import numpy as np

from seedbed.config.schema import NpyConfig
from seedbed.config.task_names import RECONSTRUCTION
from seedbed.data.fitted_column import FittedColumn
from seedbed.data.fitted_table import Columns
from seedbed.data.like_spellings import notes_on_spellings
from seedbed.data.measurable import refuse_infinite
from seedbed.data.npy.files import Files, beside, folder_of, opened
from seedbed.data.npy.fitting import look_at
from seedbed.data.npy.rows import NpyRows, kind_of
from seedbed.data.prepared import ColumnsSeen, PreparedData
from seedbed.data.preprocessing import Preprocessing
from seedbed.data.row_notes import held_out_notes
from seedbed.data.row_parts import refuse_shared
from seedbed.data.run_columns import (
    checked_targets,
    drawn_parts,
    fit_or_take,
    own_files,
    refuse_targets,
    targets_of,
)
from seedbed.data.splits import refuse_few_rows, refuse_few_to_train
from seedbed.tables.column_types import ColumnTypes
from seedbed.tables.configured_columns import left_out
from seedbed.tables.sources import UsedColumns, used_columns
from seedbed.tables.table import Table
from seedbed.tables.text_form import TextForm


def prepare_npy(config: NpyConfig, seed: int, known: Preprocessing | None = None) -> PreparedData:
    """Looks at all rows, splits and fits them; arrays are read again in every epoch.

    Args:
        config: the group `data`.
        seed: of the run.
        known: of another run, which is taken over as far as its columns are the same.

    Raises:
        DataError: if anything about the data cannot be used.
    """
    folder = folder_of(config.path, "data.path")
    used = used_columns(config, folder)
    whole = opened(folder, used)
    refuse_few_rows(whole.rows, folder.origin)
    columns, whole = _columns(config, whole, used)
    files = {
        name: beside(path, f"data.{name}_path", whole, columns)
        for name, path in own_files(config).items()
    }
    parts = _parts(config, seed, whole, columns, files)
    fitted, whole = _looked_at(config, whole, parts["train"])
    tables = {name: whole.table.taken(rows) for name, rows in parts.items()}
    tables |= {name: one.table for name, one in files.items()}
    refuse_shared(config.split, tables, {name: tables[name] for name in files})
    preprocessing, notes = fit_or_take(config, tables["train"], columns, known, fitted)
    rows = {name: _rows(whole, tables[name], preprocessing, parts[name], name) for name in parts}
    for name, one in files.items():
        rows[name] = _rows(one, one.table, preprocessing, np.arange(one.rows), name)
    return PreparedData(
        train=rows["train"],
        validation=rows.get("validation"),
        test=rows.get("test"),
        preprocessing=preprocessing,
        fingerprint=_fingerprint([whole, *files.values()], columns, rows),
        columns=_seen(config, whole, used),
        notes=[
            *used.notes,
            *whole.table.notes,
            *notes,
            *notes_on_spellings(preprocessing, folder.origin),
            *held_out_notes(preprocessing.features, whole.table, tables),
        ],
    )


def _columns(config: NpyConfig, files: Files, used: UsedColumns) -> tuple[Columns, Files]:
    """What the columns are, and the files with a table that has no more than is needed.

    Raises:
        DataError: if the targets, or plain features, cannot be used.
    """
    table, targets, task, classes = checked_targets(config, files.table)
    plain = [name for name in used.features if name not in files.arrays]
    refuse_targets(plain, targets)
    refuse_infinite({name: table.columns[name] for name in plain}, table.origin)
    kinds = {name: column.kind for name, column in table.columns.items()}
    kinds |= {name: kind_of(files.folder, name, one) for name, one in files.arrays.items()}
    types = ColumnTypes(kinds, table.text or TextForm())
    return Columns(used.features, targets, task, classes, types), replace(files, table=table)


def _parts(
    config: NpyConfig, seed: int, whole: Files, columns: Columns, files: Mapping[str, Files]
) -> dict[str, Any]:
    """The numbers of the rows of each part that is taken from the split rows."""
    parts = drawn_parts(config, seed, whole.table, whole.rows, columns, files)
    refuse_few_to_train(len(parts["train"]), whole.folder.origin)
    return {name: rows for name, rows in parts.items() if len(rows)}


def _looked_at(config: NpyConfig, whole: Files, rows: Any) -> tuple[dict[str, FittedColumn], Files]:
    """What was measured of each array, and the files with what stands in for arrays."""
    train = np.zeros(whole.rows, dtype=bool)
    train[rows] = True
    seen = {
        name: look_at(whole.folder, name, one, train, standardize=config.standardize)
        for name, one in whole.arrays.items()
    }
    fitted = {name: one.fitted for name, one in seen.items() if one.fitted is not None}
    return fitted, whole.standing_in(seen)


def _rows(
    files: Files, table: Table, preprocessing: Preprocessing, rows: Any, part: str
) -> NpyRows:
    """The rows of a part.

    Args:
        files: that they are in.
        table: of them.
        preprocessing: of the run.
        rows: their numbers in the files.
        part: its name.
    """
    y = None
    if preprocessing.task != RECONSTRUCTION:
        y = targets_of(preprocessing, table, part)
    own = [one.name for one in preprocessing.features if one.name not in files.arrays]
    columns = {name: files.table.columns[name] for name in own}
    return NpyRows(files.folder, files.arrays, columns, rows, preprocessing, y)


def _seen(config: NpyConfig, whole: Files, used: UsedColumns) -> ColumnsSeen:
    """What the features hold, by what stands in for those that are arrays."""
    missing, names = {}, {}
    for name in used.features:
        column = whole.table.columns[name]
        if column.kind == "category":
            names[name] = len(column.names().held())
            missing[name] = int(column.names().missing.sum())
        else:
            missing[name] = int(np.isnan(column.values).reshape(len(column), -1).any(axis=1).sum())
    unused = left_out(config, whole.folder, [*used.features, *used.targets])
    return ColumnsSeen(missing, names, unused)


def _fingerprint(
    files: Sequence[Files], columns: Columns, rows: Mapping[str, NpyRows]
) -> dict[str, Any]:
    """As of a table in memory, but that the digest is one of the files, not of what they became."""
    found: dict[str, str] = {}
    names = sorted(columns.types.kinds)
    for one in files:
        for name in names:
            with one.folder.files[name].open("rb") as file:
                found[str(one.folder.files[name])] = file_digest(file, "sha256").hexdigest()
    content = [[found[str(one.folder.files[name])] for name in names] for one in files]
    return {
        "sha256": sha256(repr((names, content)).encode()).hexdigest(),
        "rows": {name: len(part) for name, part in rows.items()},
        "files": found,
    }
