"""What is found by looking at the rows of a user's own Dataset before training."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import Tensor

from seedbed.data.custom_labels import Label, LabelError, label_of
from seedbed.data.custom_split import CustomSplit
from seedbed.data.forms_compared import differ_in_length, difference, merged
from seedbed.data.generators import generators_seeded
from seedbed.data.nested import mapped, nest_of
from seedbed.data.row_form import Leaf, Nest, by_names, named_twice, place_of
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
                sizes.append(sizes_of(part, index, own))
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


def sizes_of(part: CustomSplit, index: int, nest: Nest) -> Mapping[str, int]:
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
