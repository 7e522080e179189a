"""The rows of a user's own Dataset, each held to the form that training needs when it is read."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset, Subset, TensorDataset

from seedbed.data.custom_inspection import Inspected, sizes_of
from seedbed.data.custom_labels import LabelError, Labels
from seedbed.data.custom_split import CustomSplit
from seedbed.data.forms_compared import difference, fits
from seedbed.data.nested import nest_of
from seedbed.data.packing import PackedRows
from seedbed.data.row_form import Nest, RowForm


@dataclass(frozen=True, eq=False)
class CustomRows(Dataset[tuple[Any, torch.Tensor]]):
    """Rows as training takes them; each is checked when it is read.

    Args:
        part: as the user's class gives it.
        labels: of the training rows.
        form: of each input.
        rows: which of the part's; None for all.
        lengths: of all rows of the part, of which each is that of its longest tensor; empty where
            none varies, or not all were looked at.
    """

    part: CustomSplit
    labels: Labels
    form: RowForm
    rows: Sequence[int] | None = None
    lengths: Sequence[int] = ()

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, index: int) -> tuple[Any, torch.Tensor]:
        row = self.numbers[index]
        x, y = self.part.row(row)
        if not isinstance(x, Tensor) or (x.shape, x.dtype) != self._single:
            nest = nest_of(x)
            self._refuse_other_form(row, nest)
            if self.form.varying:
                self._refuse_other_lengths(row, nest)
        return x, self._encoded(row, y)

    @cached_property
    def numbers(self) -> Sequence[int]:
        """Of its rows within the part."""
        return range(len(self.part)) if self.rows is None else self.rows

    @cached_property
    def _single(self) -> tuple[torch.Size, torch.dtype] | None:
        """What a row is that is one tensor of one shape, which is looked at quickly."""
        nest = self.form.nest
        if not self.form.is_single:
            return None
        return torch.Size(nest.shape), getattr(torch, nest.dtype)

    def refuse_other(self, inspected: Inspected) -> None:
        """Refuses a part whose rows are not as those of the training part.

        Raises:
            DataError: naming the first row that is not.
        """
        self._refuse_other_form(inspected.indices[0], inspected.nest)
        for index, label in zip(inspected.indices, inspected.labels, strict=True):
            self._encoded(index, label)

    def _refuse_other_form(self, index: int, nest: Nest) -> None:
        if not fits(self.form.nest, nest):
            name, own, other = difference(self.form.nest, nest)
            raise self.part.error(index, f"gives {name} {other}, data.train gives {own}")

    def _refuse_other_lengths(self, index: int, nest: Nest) -> None:
        if told := self.form.different_lengths(sizes_of(self.part, index, nest)):
            raise self.part.error(
                index,
                f"has tensors of different lengths ({told}), which no row has that was looked at; "
                "type data.check_rows=null",
            )

    def _encoded(self, index: int, label: Any) -> torch.Tensor:
        try:
            return self.labels.encoded(label)
        except LabelError as err:
            raise self.part.error(index, str(err)) from err

    def in_memory(self) -> TensorDataset | None:
        """The same rows as two tensors, where the user's Dataset is nothing more; or None."""
        if not self.part.is_tensors or not self.form.is_single:
            return None
        _, y = self.part.dataset.tensors
        rows = torch.from_numpy(np.asarray(self.numbers))
        targets = torch.stack([self.labels.encoded(one) for one in y[rows]])
        return TensorDataset(self.part.inputs(rows), targets)


def form_of_data(data: Dataset[Any]) -> RowForm | None:
    """The form of the rows of a Dataset of the user's own; None of any other rows."""
    while isinstance(data, Subset):
        data = data.dataset
    if isinstance(data, PackedRows):
        return data.packing.form
    return data.form if isinstance(data, CustomRows) else None


def lengths_of_data(data: Dataset[Any]) -> list[int]:
    """The length of each row of a Dataset of the user's own, whose rows differ in length."""
    if isinstance(data, Subset):
        of_all = lengths_of_data(data.dataset)
        return [of_all[row] for row in data.indices]
    if isinstance(data, PackedRows):
        return data.lengths
    assert isinstance(data, CustomRows)
    return [data.lengths[row] for row in data.numbers]
