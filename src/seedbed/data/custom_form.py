"""The form of the inputs of a user's own Dataset, and what shorter rows are filled with."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import torch
from torch.utils.data import TensorDataset

from seedbed.config.schema import LoaderConfig
from seedbed.data.custom_inspection import Inspected
from seedbed.data.custom_rows import CustomRows
from seedbed.data.custom_split import CustomSplit
from seedbed.data.packing import PackedRows, Packing, too_large
from seedbed.data.row_form import VARIES, Leaf, RowForm, place_of
from seedbed.errors import DataError


def form_of_rows(
    part: CustomSplit, rows: Inspected, loader: LoaderConfig, sizes: Sequence[Mapping[str, int]]
) -> RowForm:
    """The form that all rows of a run are held to.

    Args:
        part: of training.
        rows: of it that were looked at.
        loader: says whether they may differ in length.
        sizes: of the rows of all parts that were looked at, as `Inspected` has them.

    Raises:
        DataError: if rows are to be padded and none is shorter than another, or the value that they
            are padded with is none of theirs.
    """
    if not loader.pads:
        return RowForm(rows.nest)
    nest = rows.nest
    if isinstance(nest, Leaf) and nest.shape:  # one tensor: its first size is the length
        nest = replace(nest, shape=(VARIES, *nest.shape[1:]))
    value = loader.pad_value
    form = RowForm(nest, pad_value=int(value) if value == int(value) else value)
    if not form.varying:
        raise part.error(
            rows.indices[0],
            "is as long as every other row that was looked at, so that loader.collate=pad has "
            "nothing to fill up; type loader.collate=null",
        )
    for name in form.varying:
        _refuse_other_value(form, name)
    lengths = [{one[name] for name in form.varying if name in one} for one in sizes]
    return replace(form, together=all(len(one) <= 1 for one in lengths))


def row_lengths(form: RowForm, rows: Inspected) -> list[int]:
    """Of each row that was looked at, that of its longest tensor; empty where none varies."""
    return [max(sizes[name] for name in form.varying) for sizes in rows.sizes if form.varying]


def kept(rows: CustomRows, looked: Inspected, packing: Packing | None) -> TensorDataset:
    """Rows that were read, in memory.

    Args:
        rows: of a split.
        looked: all rows of the part that they are of, as they were read.
        packing: of rows that are no single tensors.

    Raises:
        DataError: if a whole number is too large to be kept.
    """
    inputs = [looked.inputs[row] for row in rows.numbers]
    y = torch.stack([rows.labels.encoded(looked.labels[row]) for row in rows.numbers])
    if packing is None:
        return TensorDataset(torch.stack(inputs), y)
    for row, one in zip(rows.numbers, inputs, strict=True):
        if (name := too_large(one)) is not None:
            raise rows.part.error(
                row,
                f"gives {place_of(name)} with a whole number beyond 2**53, which "
                "data.in_memory=true does not keep; type data.in_memory=false",
            )
    return PackedRows(packing, torch.stack([packing.packed(one) for one in inputs]), y)


def _refuse_other_value(form: RowForm, name: str) -> None:
    """Refuses a value that a tensor cannot hold.

    Raises:
        DataError: naming the tensor.
    """
    value, dtype = form.pad_value, np.dtype(form.leaves[name].dtype)
    if dtype.kind in "fc":
        return
    low, high = (0, 1) if dtype.kind == "b" else (np.iinfo(dtype).min, np.iinfo(dtype).max)
    if type(value) is not int or not low <= value <= high:
        raise DataError(
            f"loader.pad_value={value} is no value of {place_of(name)}, which is {dtype.name}; "
            "type loader.pad_value=0"
        )
