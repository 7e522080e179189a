"""The rows of one split of arrays in files, as the model takes them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset, TensorDataset

from seedbed.data.preprocessing import Preprocessing
from seedbed.tables.npy_folder import MappedArray
from seedbed.tables.raw_column import RawColumn
from seedbed.tables.table import Column, Table
from seedbed.tables.table_file import CellSource
from seedbed.tables.text_form import CellForm, Kind

Batch = tuple[Tensor, Tensor]


@dataclass
class NpyRows(Dataset[Batch]):
    """The rows of one split.

    Args:
        file: they are of, for errors.
        arrays: features that stay in their files.
        columns: the other features, in memory; of all rows of the files.
        rows: which rows of the files the split has.
        preprocessing: of the run.
        y: their targets; None where the inputs are.
    """

    file: CellSource
    arrays: Mapping[str, MappedArray]
    columns: Mapping[str, Column]
    rows: NDArray[np.int64]
    preprocessing: Preprocessing
    y: Tensor | None

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> Batch:
        x, y = self.gathered(torch.tensor([index]))
        return x[0], y[0]

    @property
    def row_bytes(self) -> int:
        """Of the input of a row."""
        return 4 * int(np.prod(self.preprocessing.input_shape))

    def gathered(self, rows: Tensor) -> Batch:
        """Rows by their numbers within the split, read for the caller.

        Raises:
            DataError: if a file changed, or a value cannot be used.
        """
        which = self.rows[rows.numpy()]
        columns = {name: one.taken(which) for name, one in self.columns.items()}
        columns |= {
            name: typed(self.file, name, one.rows(which)) for name, one in self.arrays.items()
        }
        x = torch.from_numpy(self.preprocessing.inputs(Table(columns, self.file.origin)))
        if self.y is None:
            return x, x.reshape(len(x), -1).clone()
        return x, self.y.index_select(0, rows)

    def taken(self, rows: Tensor) -> TensorDataset:
        """A few rows, in memory."""
        return TensorDataset(*self.gathered(rows))


def kind_of(file: CellSource, name: str, array: MappedArray) -> Kind:
    """What an array holds, by its first row.

    Raises:
        DataError: as `typed`; or if its rows hold nothing.
    """
    rows = slice(0, 1) if array.values.size else slice(None)  # so that an error tells its shape
    return typed(file, name, array.rows(rows)).kind


def typed(file: CellSource, name: str, values: NDArray[Any]) -> Column:
    """Rows of an array as a column.

    Raises:
        DataError: if these are neither numbers nor booleans.
    """
    return RawColumn(file, name, values, CellForm(), False).of_array()
