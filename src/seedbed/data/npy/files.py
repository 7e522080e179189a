"""The files of arrays of one part of the data, opened: what stays in them, and what is read."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from seedbed.data.fitted_table import Columns
from seedbed.data.npy.fitting import Seen, look_at
from seedbed.data.run_columns import refuse_targets
from seedbed.errors import DataError
from seedbed.remote.urls import is_url
from seedbed.tables.column_types import later_table
from seedbed.tables.npy_folder import MappedArray, NpyFolder, npy_folder
from seedbed.tables.sources import UsedColumns
from seedbed.tables.table import Table
from seedbed.tables.training_table import first_table


@dataclass(frozen=True)
class Files:
    """Arrays of one folder: those of the split rows, or those of a part of its own.

    Args:
        folder: of them.
        arrays: features that stay in their files.
        table: all else; once the arrays were looked at, also what stands in for them.
    """

    folder: NpyFolder
    arrays: Mapping[str, MappedArray]
    table: Table

    @property
    def rows(self) -> int:
        """Of each array."""
        one = next(iter(self.arrays.values()), None)
        return len(self.table) if one is None else len(one.values)

    def standing_in(self, seen: Mapping[str, Seen]) -> "Files":
        """The same, with what stands in for arrays that were looked at."""
        stand_ins = {name: one.stand_in for name, one in seen.items()}
        return replace(self, table=replace(self.table, columns={**self.table.columns, **stand_ins}))


def opened(folder: NpyFolder, used: UsedColumns) -> Files:
    """The files that a run reads: features of several numbers a row stay where they are.

    Args:
        folder: of them.
        used: columns.

    Raises:
        DataError: if one is damaged, no numbers, or they differ in their rows.
    """
    found = folder.mapped([*used.features, *used.beside, *used.targets])
    wide = [name for name in used.features if found[name].values.ndim > 1]
    refuse_targets(wide, used.targets)
    plain = [name for name in [*used.features, *used.beside] if name not in wide]
    table = first_table(folder, plain, used.targets, used.types)
    return Files(folder, {name: found[name] for name in wide}, table)


def folder_of(path: str, key: str) -> NpyFolder:
    """The folder that a key of the config names.

    Raises:
        DataError: if it is not on this machine, or has no arrays.
    """
    if is_url(path):
        raise DataError(
            f"{key}: .npy files are read where they lie, and '{path}' is a URL; bring them here, "
            "or write them into one .npz and type data=npz"
        )
    return npy_folder(Path(path), key)


def beside(path: str, key: str, whole: Files, columns: Columns) -> Files:
    """The files of a part of its own, by the types of the run; its arrays are looked at.

    Args:
        path: of the folder.
        key: that names it.
        whole: the files that are split.
        columns: of the run.

    Raises:
        DataError: if one is not there, has no rows, or holds something else.
    """
    folder = folder_of(path, key)
    kinds = columns.types.kinds
    for name in kinds:
        folder.must_have(name, key)
    arrays = folder.mapped([*kinds])
    if not len(next(iter(arrays.values())).values):
        raise DataError(f"{key}: '{path}' has no rows; name a folder that has, or null")
    plain = [name for name in kinds if name not in {*whole.arrays, *columns.targets}]
    table = later_table(folder, plain, columns.types, columns.targets)
    files = Files(folder, {name: arrays[name] for name in whole.arrays}, table)
    for name, one in files.arrays.items():
        shape, trained = one.values.shape[1:], whole.arrays[name].values.shape[1:]
        if shape != trained:
            raise DataError(
                f"{key}: rows of '{name}' have the shape {shape}, those of data.path {trained}"
            )
    return files.standing_in({name: look_at(folder, name, arrays[name]) for name in files.arrays})
