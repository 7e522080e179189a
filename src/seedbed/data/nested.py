"""Inputs that are tensors in tuples and mappings: read, measured, put together to a batch."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from seedbed.data.row_form import VARIES, Leaf, Nest, RowForm, by_names, items, rebuilt

SAMPLE_LENGTH = 16
"""Of what stands for a row of varying length, to see what layers make of one."""


class NotTensorsError(Exception):
    """An input that is no tensor, nor tensors in tuples and mappings; the text says where."""


class Padded(NamedTuple):
    """Rows of unequal length, filled up to the longest.

    Args:
        x: tensors, nested as in a row; (rows, longest, …) where lengths differ.
        lengths: (rows,) int64; a mapping by name where the tensors of a row differ in length.
        mask: true where a row has a value, (rows, longest); a mapping likewise.
    """

    x: Any
    lengths: Any
    mask: Any


def mapped(change: Callable[[Tensor], Any], x: Any) -> Any:
    """The same nest of what `change` makes of each tensor."""
    if isinstance(x, Tensor):
        return change(x)
    if isinstance(x, Padded):
        return Padded(*(mapped(change, one) for one in x))
    if isinstance(x, dict):
        return {key: mapped(change, one) for key, one in x.items()}
    return tuple(mapped(change, one) for one in x)


def first_row(x: Any) -> Any:
    """A batch of the first row alone."""
    return mapped(lambda one: one[:1], x)


def tensors_in(x: Any) -> Iterator[Tensor]:
    """All tensors of a nest."""
    if isinstance(x, Tensor):
        yield x
    else:
        for one in x.values() if isinstance(x, dict) else x:
            yield from tensors_in(one)


def as_tensors(x: Any, name: str = "x") -> Any:
    """An input of a user's own as tensors in tuples and plain dictionaries; reals as they are.

    A list is an array of numbers, as in JSON; a tuple is several inputs.

    Args:
        x: what a Dataset gives.
        name: of it, for the error.

    Raises:
        NotTensorsError: naming what is none.
    """
    if isinstance(x, Tensor):
        return x
    if isinstance(x, Mapping):
        _refuse_empty(x, name)
        if other := [key for key in x if not isinstance(key, str)]:
            raise NotTensorsError(f"{name} with the key {other[0]!r}; keys have to be texts")
        return {key: as_tensors(one, f"{name}.{key}") for key, one in x.items()}
    if isinstance(x, tuple):
        _refuse_empty(x, name)
        return tuple(as_tensors(one, f"{name}.{place}") for place, one in enumerate(x))
    if not isinstance(x, np.ndarray | np.generic | list | int | float):
        raise NotTensorsError(f"{name} as a tensor, got {type(x).__name__}")
    array = np.asarray(x) if not isinstance(x, list) else _of_list(x, name)
    if any(step < 0 for step in array.strides):  # of rows that were turned round
        array = array.copy()
    try:
        return torch.from_numpy(array)
    except (TypeError, ValueError) as err:
        raise NotTensorsError(f"{name} as a tensor, got an array of {array.dtype}") from err


def _of_list(x: list[Any], name: str) -> np.ndarray[Any, Any]:
    """Numbers, or lists of them that are all alike.

    Raises:
        NotTensorsError: if there is something else in it.
    """
    try:
        array = np.asarray(x)
    except (TypeError, ValueError, RuntimeError):  # lists of different lengths, tensors of several
        array = np.empty(0, dtype=object)
    if array.dtype.kind not in "biufc":
        raise NotTensorsError(
            f"{name} as a tensor, got a list of something else than numbers; several inputs are a "
            "tuple, and one of unequal parts is a tensor"
        )
    return array


def _refuse_empty(x: Any, name: str) -> None:
    if not x:
        raise NotTensorsError(f"{name} as a tensor, got an empty {type(x).__name__}")


def in_lists(x: Any) -> Any:
    """A batch as JSON has it; padded rows with their lengths."""
    if isinstance(x, Padded):
        return {"x": in_lists(x.x), "lengths": in_lists(x.lengths)}
    lists = mapped(Tensor.tolist, x)
    return list(lists) if isinstance(lists, tuple) else lists


def nest_of(x: Any) -> Nest:
    """The form of one input."""
    if isinstance(x, Tensor):
        return Leaf(tuple(x.shape), str(x.dtype).removeprefix("torch."))
    parts = {key: nest_of(one) for key, one in items(x)}
    return parts if isinstance(x, Mapping) else tuple(parts.values())


def named_tensors(x: Any) -> dict[str, Tensor]:
    """The tensors of a nest by their names, as `row_form.by_names` has them."""
    return by_names(x, Tensor)


def batch_of(form: RowForm, rows: Sequence[Any]) -> Any:
    """Rows of a run put together, shorter ones filled up.

    Args:
        form: of the run's rows.
        rows: one or more.
    """
    columns = _columns(form.nest, rows)

    def together(name: str, leaf: Leaf) -> Tensor:
        if leaf.varies:
            return pad_sequence(columns[name], batch_first=True, padding_value=form.pad_value)
        return torch.stack(columns[name])

    x = rebuilt(form.nest, together)
    if not form.varying:
        return x
    lengths = {name: torch.tensor([*map(len, columns[name])]) for name in form.names_of_lengths}
    return padded(x, form, lengths, {name: int(one.max()) for name, one in lengths.items()})


def _columns(nest: Nest, rows: Sequence[Any], name: str = "") -> dict[str, list[Tensor]]:
    """The tensors of many rows by their names, which are not put together for each row."""
    if isinstance(nest, Leaf):
        return {name: [*rows]}
    found: dict[str, list[Tensor]] = {}
    for key, one in items(nest):
        inner = f"{name}.{key}" if name else str(key)
        found |= _columns(one, [row[key] for row in rows], inner)
    return found


def padded(
    x: Any, form: RowForm, lengths: Mapping[str, Tensor], longest: Mapping[str, int]
) -> Padded:
    """Rows that are filled up, with their lengths and masks.

    Args:
        x: tensors, nested as in a row.
        form: of the rows.
        lengths: by the names that `form.names_of_lengths` has, (rows,).
        longest: that each is filled up to.
    """
    masks = {name: mask_of(one, longest[name]) for name, one in lengths.items()}
    if not form.together:
        return Padded(x, lengths, masks)
    (name,) = form.names_of_lengths
    return Padded(x, lengths[name], masks[name])


@dataclass(frozen=True)
class Collation:
    """Puts rows and their targets together; for a process of a DataLoader, too.

    Args:
        form: of the rows.
    """

    form: RowForm

    def __call__(self, rows: Sequence[tuple[Any, Tensor]]) -> tuple[Any, Tensor]:
        """A batch of them."""
        return batch_of(self.form, [x for x, _ in rows]), torch.stack([y for _, y in rows])


def padded_further(x: Padded, form: RowForm, places: int) -> Padded:
    """The same rows, filled up by so many places more.

    Args:
        x: of rows of the form.
        form: says with what.
        places: at the end of each row.
    """

    def longer(tensor: Tensor, value: float) -> Tensor:
        return torch.cat(
            [tensor, tensor.new_full((len(tensor), places, *tensor.shape[2:]), value)], 1
        )

    tensors = named_tensors(x.x)

    def of_leaf(name: str, leaf: Leaf) -> Tensor:
        return longer(tensors[name], form.pad_value) if leaf.varies else tensors[name]

    mask = mapped(lambda one: longer(one, False), x.mask)
    return Padded(rebuilt(form.nest, of_leaf), x.lengths, mask)


def mask_of(lengths: Tensor, longest: int) -> Tensor:
    """True at the first places of each row.

    Shape:
        (rows,) -> (rows, longest)
    """
    return torch.arange(longest, device=lengths.device) < lengths[:, None]


def zeros(form: RowForm, rows: int) -> Any:
    """A batch that stands for rows of this form."""

    def of_leaf(_: str, leaf: Leaf) -> Tensor:
        shape = [SAMPLE_LENGTH if size == VARIES else size for size in leaf.shape]
        return torch.zeros((rows, *shape), dtype=getattr(torch, leaf.dtype))

    x = rebuilt(form.nest, of_leaf)
    if not form.varying:
        return x
    lengths = {name: torch.full((rows,), SAMPLE_LENGTH) for name in form.names_of_lengths}
    return padded(x, form, lengths, dict.fromkeys(lengths, SAMPLE_LENGTH))
