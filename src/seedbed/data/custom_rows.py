"""The rows of a user's own Dataset, each held to the form that training needs when it is read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset, Subset, TensorDataset

from seedbed.data.custom_labels import Label, LabelError, Labels, label_of
from seedbed.data.custom_split import CustomSplit
from seedbed.data.forms_compared import differ_in_length, difference, fits, merged
from seedbed.data.generators import generators_seeded
from seedbed.data.nested import mapped, nest_of
from seedbed.data.packing import PackedRows
from seedbed.data.row_form import Leaf, Nest, RowForm, by_names, named_twice, place_of
from seedbed.errors import DataError
from seedbed.raised import reason


@dataclass(frozen=True)
class Inspected:
    """What was found by looking at rows.

    Args:
        indices: of the rows that were looked at, ascending.
        nest: the form of all inputs.
        labels: of each row.
        sizes: of each row the first size of every tensor in it, by name; empty where all rows have
            the same.
        inputs: of each row, where they are kept.
    """

    indices: Sequence[int]
    nest: Nest
    labels: list[Label]
    sizes: Sequence[Mapping[str, int]] = ()
    inputs: Sequence[Any] = ()


def inspect_rows(
    part: CustomSplit, most: int | None, seed: int, *, pads: bool, keeps: bool = False
) -> Inspected:
    """Reads the rows of a part once.

    Args:
        part: of one row or more.
        most: rows to read, evenly spaced; None for all.
        seed: of the generators that the Dataset may draw from.
        pads: whether the tensors of rows may differ in length.
        keeps: whether inputs are kept.

    Raises:
        DataError: if a row cannot be read, or is not as the first.
    """
    rows = len(part)
    if part.is_tensors and not pads:
        return _inspect_tensors(part)
    indices = range(rows) if most is None else spaced(rows, most)
    labels: list[Label] = []
    sizes: list[Mapping[str, int]] = []
    inputs: list[Any] = []
    nest: Nest | None = None
    with generators_seeded(seed):
        for index in indices:
            x, y = _read(part, index)
            own = nest_of(x)
            nest = own if nest is None else _merged(part, (indices[0], nest), (index, own), pads)
            if keeps:
                inputs.append(mapped(Tensor.clone, x))  # whose memory may be used again
            if pads:
                sizes.append(_sizes(part, index, own))
            try:
                label = label_of(y)
                labels.append(label.copy() if isinstance(label, np.ndarray) else label)
            except LabelError as err:
                raise part.error(index, str(err)) from err
    _refuse_other_names(part, indices[0], nest)
    return Inspected(indices, nest, labels, sizes, inputs)


def _refuse_other_names(part: CustomSplit, index: int, nest: Nest) -> None:
    """Refuses tensors without a number, and two of one name, of which one would be the other.

    Raises:
        DataError: naming the tensor.
    """
    if name := named_twice(nest):
        raise part.error(
            index,
            f"has two inputs that are {place_of(name)}, as a point stands for an input within "
            "another; rename a key that has one",
        )
    for name, leaf in by_names(nest, Leaf).items():
        if 0 in leaf.shape:
            raise part.error(
                index,
                f"gives {place_of(name)} without a number: its shape is {leaf.shape}; leave it out",
            )


def _merged(part: CustomSplit, before: tuple[int, Nest], row: tuple[int, Nest], pads: bool) -> Nest:
    """The form of rows that were looked at, with one more.

    Raises:
        DataError: naming both rows, if they have none in common.
    """
    (first, nest), (index, own) = before, row
    found = merged(nest, own, pads=pads)
    if found is None:
        name, one, other = difference(nest, own)
        hint = ""
        if differ_in_length(nest, own):
            hint = "; type loader.collate=pad to fill shorter rows up to the longest of a batch"
        raise part.error(index, f"gives {name} {other}, row {first} {one}{hint}")
    return found


def _sizes(part: CustomSplit, index: int, nest: Nest) -> Mapping[str, int]:
    """The first size of each tensor of a row.

    Raises:
        DataError: if one is 0.
    """
    sizes = {name: leaf.shape[0] for name, leaf in by_names(nest, Leaf).items() if leaf.shape}
    for name, size in sizes.items():
        if not size:
            raise part.error(
                index,
                f"gives {place_of(name)} of length 0, which holds nothing to learn from; leave the "
                "row out",
            )
    return sizes


def spaced(rows: int, most: int) -> list[int]:
    """Numbers of rows, evenly spaced, the first and the last among them."""
    picked = np.linspace(0, rows - 1, min(rows, most)).round().astype(int)
    return list(dict.fromkeys(picked.tolist()))


def _inspect_tensors(part: CustomSplit) -> Inspected:
    """Of a part that is two tensors, without reading its rows one by one."""
    if len(part.dataset.tensors) != 2:
        raise part.error(0, f"must be (x, y), got {len(part.dataset.tensors)} tensors")
    _, y = part.dataset.tensors
    x, _ = part.row(0)
    _refuse_other_names(part, 0, nest_of(x))
    one_each = y.numel() == len(y)
    labels = y.reshape(-1).tolist() if one_each else [label_of(one) for one in y]
    return Inspected(range(len(y)), nest_of(x), labels)


def _read(part: CustomSplit, index: int) -> tuple[Any, Any]:
    try:
        return part.row(index)
    except DataError:
        raise
    except (Exception, SystemExit) as err:  # of any kind: the class is the user's
        raise part.error(index, f"raises {reason(err)}") from err


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
        return len(self.part) if self.rows is None else len(self.rows)

    def __getitem__(self, index: int) -> tuple[Any, torch.Tensor]:
        row = index if self.rows is None else self.rows[index]
        x, y = self.part.row(row)
        if not isinstance(x, Tensor) or (x.shape, x.dtype) != self._single:
            nest = nest_of(x)
            self._refuse_other_form(row, nest)
            if self.form.varying:
                self._refuse_other_lengths(row, nest)
        return x, self._encoded(row, y)

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
        if told := self.form.different_lengths(_sizes(self.part, index, nest)):
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
        rows = torch.arange(len(y)) if self.rows is None else torch.tensor(self.rows)
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
    return [data.lengths[row] for row in data.rows] if data.rows is not None else [*data.lengths]
