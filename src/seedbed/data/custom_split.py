"""A part of the data as a class of the user's own gives it, row by row."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch.utils.data import TensorDataset

from seedbed.config.hints import did_you_mean, joined
from seedbed.data.nested import NotTensorsError, as_tensors, mapped
from seedbed.errors import DataError

READING = ("__getitem__", "__len__", "__getattribute__")


@dataclass(frozen=True)
class CustomSplit:
    """A part of the data as the user's class gives it.

    Args:
        key: that names it in the config.
        dataset: the user's.
        target: key of what is to be predicted, where a row is a mapping.
    """

    key: str
    dataset: Any
    target: str = "y"

    def __len__(self) -> int:
        return len(self.dataset)

    @property
    def is_tensors(self) -> bool:
        """Whether its rows are known to be those of its tensors: nobody has overridden how."""
        own = type(self.dataset)
        return isinstance(self.dataset, TensorDataset) and all(
            getattr(own, name) is getattr(TensorDataset, name) for name in READING
        )

    def row(self, index: int) -> tuple[Any, Any]:
        """The input, whose real numbers are in float32, and the label as it is.

        A tensor that was computed with gradients is given without: nothing learns through a row,
        and no worker can send one.

        Raises:
            DataError: if the row is no pair, and no mapping with a target, or its input is neither
                a tensor nor tensors in tuples and mappings.
        """
        x, y = self._pair(index, self.dataset[index])
        try:
            tensors = as_tensors(x)
        except NotTensorsError as err:
            raise self.error(index, f"must give {err}") from err
        return mapped(lambda one: self._single(one, lambda _: index), tensors), y

    def _pair(self, index: int, row: Any) -> tuple[Any, Any]:
        if isinstance(row, Mapping):
            if self.target in row:
                return {key: one for key, one in row.items() if key != self.target}, row[
                    self.target
                ]
            keys = [str(key) for key in row]
            raise self.error(
                index,
                f"gives a mapping without '{self.target}', what is to be predicted; it has "
                f"{joined(keys)}{did_you_mean(self.target, keys)}; type data.target=KEY",
            )
        if not isinstance(row, tuple | list) or len(row) != 2:
            raise self.error(index, f"must be (x, y), got {_type_text(row)}")
        return row[0], row[1]

    def inputs(self, rows: torch.Tensor) -> torch.Tensor:
        """As `row`, the inputs of many rows of a part that is tensors.

        Raises:
            DataError: naming the first row with a number beyond float32.
        """

        def first(lost: torch.Tensor) -> int:
            return int(rows[lost.reshape(len(rows), -1).any(1).cpu()][0])

        return self._single(self.dataset.tensors[0][rows], first)

    def _single(self, x: torch.Tensor, row_of: Callable[[torch.Tensor], int]) -> torch.Tensor:
        """Real numbers in float32; `row_of` tells the row of one that is beyond it."""
        if x.requires_grad:
            x = x.detach()
        if not x.is_floating_point() or x.dtype == torch.float32:
            return x
        single = x.float()
        finite, kept = x.isfinite(), single.isfinite()
        if not torch.equal(finite, kept):
            raise self.error(row_of(finite != kept), "gives an x with a number beyond float32")
        return single

    def error(self, index: int, message: str) -> DataError:
        """Names the row that something is wrong with."""
        return DataError(f"{self.named(index)} {message}")

    def named(self, index: int) -> str:
        """What a row is called: `data.train: Rows[7]`."""
        return f"{self.key}: {type(self.dataset).__name__}[{index}]"


def _type_text(row: Any) -> str:
    if isinstance(row, dict):
        return f"dict with the keys {', '.join(map(repr, list(row)[:5]))}"
    if isinstance(row, tuple | list):
        return f"{type(row).__name__} of {len(row)}"
    return type(row).__name__
