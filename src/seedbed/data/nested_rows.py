"""Rows to predict of a run whose inputs are no single tensor of real numbers of one shape."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from seedbed.config.hints import did_you_mean, joined, shortened
from seedbed.data.nested import batch_of
from seedbed.data.row_form import Leaf, Nest, RowForm, items, place_of
from seedbed.errors import DataError


@dataclass(frozen=True)
class NestedRows:
    """Rows of unequal length, or of several tensors each.

    Args:
        rows: one or more; each of the form.
        form: of the run's rows.
    """

    rows: Sequence[Any]
    form: RowForm

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, taken: NDArray[np.bool_]) -> "NestedRows":
        chosen = np.flatnonzero(taken).tolist()
        return NestedRows([self.rows[row] for row in chosen], self.form)

    def pieces(self, size: int) -> Iterator[Any]:
        """Batches of so many rows, in their order."""
        for start in range(0, len(self.rows), size):
            yield batch_of(self.form, self.rows[start : start + size])

    def whole(self) -> Any:
        """All rows as one batch."""
        return batch_of(self.form, self.rows)


def nested_rows(rows: Sequence[Any], form: RowForm, origin: str) -> NestedRows:
    """Rows from JSON, or from Python: mappings, lists or tuples, numbers, arrays and tensors.

    Args:
        rows: one or more.
        form: of the run's rows.
        origin: the argument that the rows were given by, for errors.

    Raises:
        DataError: naming the row, and what in it is not of the form.
    """
    found = []
    for number, row in enumerate(rows, 1):
        where = f"{origin}: row {number}"
        tensors: dict[str, Tensor] = {}
        found.append(_read(form.nest, row, "", where, tensors))
        if told := form.different_lengths({name: len(tensors[name]) for name in form.varying}):
            raise DataError(f"{where} has tensors of different lengths: {told}")
    return NestedRows(found, form)


def _read(nest: Nest, given: Any, name: str, where: str, tensors: dict[str, Tensor]) -> Any:
    if isinstance(nest, Leaf):
        tensors[name] = _tensor(nest, given, f"{where}: {place_of(name)}")
        return tensors[name]
    parts = _parts(nest, given, f"{where}: {place_of(name)}")
    read = {
        key: _read(one, parts[key], f"{name}.{key}" if name else str(key), where, tensors)
        for key, one in items(nest)
    }
    return read if isinstance(nest, Mapping) else tuple(read.values())


def _parts(nest: Nest, given: Any, where: str) -> Any:
    if isinstance(nest, Mapping):
        names = list(nest)
        if not isinstance(given, Mapping):
            raise DataError(
                f"{where} must be a mapping with the keys {joined(names)}, got {_told(given)}"
            )
        for key in given:
            if key not in nest:
                raise DataError(
                    f"{where} has the unknown key '{key}'; the run takes {joined(names)}"
                    f"{did_you_mean(str(key), names)}"
                )
        if missing := [key for key in names if key not in given]:
            raise DataError(f"{where} has no '{missing[0]}'; the run takes {joined(names)}")
        return given
    if not isinstance(given, list | tuple) or len(given) != len(nest):
        raise DataError(f"{where} must be a list of {len(nest)} inputs, got {_told(given)}")
    return given


def _tensor(leaf: Leaf, given: Any, where: str) -> Tensor:
    if isinstance(given, Tensor):
        given = given.detach().cpu().numpy()
    try:
        array = np.asarray(given)
    except ValueError as err:
        raise DataError(f"{where} must be nested lists of numbers, all alike: {err}") from err
    if array.dtype.kind not in "biufc":
        raise DataError(f"{where} must be {leaf}, got {_told(given)}")
    _refuse_other_values(leaf, array, where)
    fixed = array.ndim == len(leaf.shape) and all(
        size in (own, -1) for own, size in zip(array.shape, leaf.shape, strict=True)
    )
    if not fixed:
        raise DataError(f"{where} must be {leaf}, got the shape {tuple(array.shape)}")
    if leaf.varies and not len(array):
        raise DataError(f"{where} has the length 0, of which there is nothing to say")
    return torch.from_numpy(np.array(array, dtype=leaf.dtype))


def _refuse_other_values(leaf: Leaf, array: NDArray[Any], where: str) -> None:
    """Refuses numbers that the type does not hold.

    Raises:
        DataError: naming the first.
    """
    dtype = np.dtype(leaf.dtype)
    with np.errstate(over="ignore", invalid="ignore"):
        cast = array.astype(dtype)
        wrong = array != cast if dtype.kind in "biu" else np.isfinite(array) != np.isfinite(cast)
    if wrong.any():
        number = array[wrong].flat[0]
        raise DataError(f"{where} is {leaf.dtype}, which cannot be {number}")


def _told(given: Any) -> str:
    return shortened(repr(given))
