"""Rows of several tensors, or of unequal length, held in one tensor: a row of numbers for each.

So they are kept, gathered and shared as all other rows in memory are, by one run and by a stack of
many. They are taken apart where a model is called.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import TensorDataset

from seedbed.config.hints import counted
from seedbed.data.nested import Padded, mapped, named_tensors, padded
from seedbed.data.row_form import Leaf, RowForm, place_of, rebuilt
from seedbed.data.trimming import trimmed
from seedbed.errors import DataError
from seedbed.process.memory import free_memory_bytes

SINGLE = ("float32", "bool", "uint8", "int8", "int16")
"""Types whose every number float32 holds; float64 holds those of all others up to `MOST`."""

MOST = 2**53

MOST_OF_MEMORY = 0.5
"""Of what is free, that rows may take."""


@dataclass(frozen=True)
class Packing:
    """Where the tensors of a row lie: one after the other, then the lengths.

    Args:
        form: of a row.
        longest: the length of each tensor that varies; shorter ones are filled up.
    """

    form: RowForm
    longest: Mapping[str, int]

    @cached_property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Of each tensor, as it is kept."""
        return {
            name: (self.longest[name], *leaf.shape[1:]) if leaf.varies else leaf.shape
            for name, leaf in self.form.leaves.items()
        }

    @cached_property
    def dtype(self) -> torch.dtype:
        """Of the numbers that all are kept as."""
        single = all(leaf.dtype in SINGLE for leaf in self.form.leaves.values())
        return torch.float32 if single else torch.float64

    @property
    def row_bytes(self) -> int:
        """Of one row."""
        numbers = sum(map(prod, self.shapes.values())) + len(self.form.names_of_lengths)
        return numbers * self.dtype.itemsize

    def packed(self, row: Any) -> Tensor:
        """A row, as it is kept.

        Shape:
            tensors in tuples and mappings -> (numbers,)
        """
        tensors = named_tensors(row)
        parts = [self._filled(name, tensors[name]) for name in self.form.leaves]
        lengths = [len(tensors[name]) for name in self.form.names_of_lengths]
        return torch.cat([*parts, torch.tensor(lengths, dtype=self.dtype)])

    def _filled(self, name: str, tensor: Tensor) -> Tensor:
        values = tensor.to(self.dtype).reshape(-1)
        left = prod(self.shapes[name]) - values.numel()
        return torch.cat([values, values.new_full((left,), self.form.pad_value)])

    def unpacked(self, rows: Tensor) -> Any:
        """Rows as a model is called with them, filled up to the longest there is.

        Shape:
            (rows, numbers) -> (rows, …) in tuples and mappings
        """
        sizes = [prod(shape) for shape in self.shapes.values()]
        *parts, ends = rows.split([*sizes, len(self.form.names_of_lengths)], dim=1)
        named = {
            name: part.unflatten(1, shape) if shape else part.squeeze(1)
            for (name, shape), part in zip(self.shapes.items(), parts, strict=True)
        }

        def of_leaf(name: str, leaf: Leaf) -> Any:
            return named[name].to(getattr(torch, leaf.dtype))

        x = rebuilt(self.form.nest, of_leaf)
        if not self.form.varying:
            return x
        pairs = zip(self.form.names_of_lengths, ends.unbind(1), strict=True)
        return padded(x, self.form, {name: one.long() for name, one in pairs}, self.longest)

    def trimmed(self, rows: Tensor) -> Any:
        """As `unpacked`, filled up to the longest of these rows alone, as they come from a Dataset.

        Shape:
            as `unpacked`
        """
        x = self.unpacked(rows)
        if not isinstance(x, Padded):
            return mapped(Tensor.contiguous, x)
        return trimmed(x, self.form)


class PackedRows(TensorDataset):
    """Rows in memory, packed, with their targets.

    Args:
        packing: of the rows.
        x: (rows, numbers).
        y: targets, (rows, …).
    """

    def __init__(self, packing: Packing, x: Tensor, y: Tensor) -> None:
        super().__init__(x, y)
        self.packing = packing

    def __getitem__(self, index: int) -> tuple[Any, Tensor]:
        """A row as it was before it was packed."""
        x, y = self.tensors
        rows = self.packing.trimmed(x[index : index + 1])
        return mapped(lambda one: one[0], rows.x if isinstance(rows, Padded) else rows), y[index]

    @property
    def sizes(self) -> Tensor:
        """The lengths of each row, (rows, tensors of varying length)."""
        return self.tensors[0][:, -len(self.packing.form.names_of_lengths) :]

    @property
    def lengths(self) -> list[int]:
        """Of each row, that of its longest tensor."""
        found: list[int] = self.sizes.amax(dim=1).long().tolist()
        return found

    def taken(self, rows: Tensor) -> "PackedRows":
        """Some of the rows."""
        return PackedRows(self.packing, *(tensor[rows] for tensor in self.tensors))


def packing_of(form: RowForm, sizes: Sequence[Mapping[str, int]], rows: int) -> Packing:
    """How rows are packed.

    Args:
        form: of the rows.
        sizes: of each row of every part, the first size of each tensor; none where none varies.
        rows: of all parts.

    Raises:
        DataError: if a tensor is of a type that is not kept so, or there is not the memory for all.
    """
    for name, leaf in form.leaves.items():
        if leaf.dtype.startswith("complex"):
            raise DataError(
                f"data.in_memory=true keeps real numbers, and {place_of(name)} is {leaf.dtype}; "
                "type data.in_memory=false"
            )
    packing = Packing(form, {name: max(one[name] for one in sizes) for name in form.varying})
    needed, free = packing.row_bytes * rows, free_memory_bytes()
    if needed > MOST_OF_MEMORY * free:
        longest = (
            f", each as long as the longest ({max(packing.longest.values())})" if sizes else ""
        )
        raise DataError(
            f"data.in_memory=true would take {needed / 1e9:.3g} GB for {counted(rows, 'row')}"
            f"{longest}; {free / 1e9:.3g} GB are free; type data.in_memory=false"
        )
    return packing


def too_large(row: Any) -> str | None:
    """The name of a tensor with a whole number that is not kept; None if all are."""
    for name, tensor in named_tensors(row).items():
        if tensor.dtype in (torch.int64, torch.uint64) and tensor.numel():
            values = tensor.cpu().numpy()  # as float64, the first number that is lost is not
            if int(values.max()) > MOST or int(values.min()) < -MOST:
                return name
    return None
