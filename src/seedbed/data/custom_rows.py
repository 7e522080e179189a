"""The rows of a user's own Dataset, each held to the form that training needs when it is read."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from torch.utils.data import Dataset, TensorDataset

from seedbed.data.custom_labels import Label, LabelError, Labels, label_of
from seedbed.data.generators import generators_seeded
from seedbed.errors import DataError
from seedbed.raised import reason

READING = ("__getitem__", "__len__", "__getattribute__")


class Form(NamedTuple):
    """Of one input."""

    shape: torch.Size
    dtype: torch.dtype

    def __str__(self) -> str:
        return f"{tuple(self.shape)} {str(self.dtype).removeprefix('torch.')}"


def form_of(x: torch.Tensor) -> Form:
    """The form of an input."""
    return Form(x.shape, x.dtype)


@dataclass(frozen=True)
class CustomSplit:
    """A part of the data as the user's class gives it.

    Args:
        key: that names it in the config.
        dataset: the user's.
    """

    key: str
    dataset: Any

    def __len__(self) -> int:
        return len(self.dataset)

    @property
    def is_tensors(self) -> bool:
        """Whether its rows are known to be those of its tensors: nobody has overridden how."""
        own = type(self.dataset)
        return isinstance(self.dataset, TensorDataset) and all(
            getattr(own, name) is getattr(TensorDataset, name) for name in READING
        )

    def row(self, index: int) -> tuple[torch.Tensor, Any]:
        """The input in float32 where it is real, and the label as it is.

        Raises:
            DataError: if the row is no pair, or its input no tensor.
        """
        row = self.dataset[index]
        if not isinstance(row, tuple | list) or len(row) != 2:
            raise self.error(index, f"must be (x, y), got {_type_text(row)}")
        x = torch.from_numpy(row[0]) if isinstance(row[0], np.ndarray) else row[0]
        if not isinstance(x, torch.Tensor):
            raise self.error(index, f"must give x as a tensor, got {type(x).__name__}")
        return self._single(index, x), row[1]

    def _single(self, index: int, x: torch.Tensor) -> torch.Tensor:
        if not x.is_floating_point() or x.dtype == torch.float32:
            return x
        single = x.float()
        if not torch.equal(single.isfinite(), x.isfinite()):
            raise self.error(index, "gives an x with a number beyond float32")
        return single

    def error(self, index: int, message: str) -> DataError:
        """Names the row that something is wrong with."""
        return DataError(f"{self.key}: {type(self.dataset).__name__}[{index}] {message}")


@dataclass(frozen=True)
class Inspected:
    """What was found by looking at rows.

    Args:
        indices: of the rows that were looked at, ascending.
        form: of each input.
        labels: of each row.
    """

    indices: Sequence[int]
    form: Form
    labels: list[Label]


def inspect_rows(part: CustomSplit, most: int | None, seed: int) -> Inspected:
    """Reads the rows of a part once.

    Args:
        part: of one row or more.
        most: rows to read, evenly spaced; None for all.
        seed: of the generators that the Dataset may draw from.

    Raises:
        DataError: if a row cannot be read, or is not as the first.
    """
    rows = len(part)
    if part.is_tensors:
        return _inspect_tensors(part)
    indices = range(rows) if most is None else spaced(rows, most)
    labels: list[Label] = []
    form = None
    with generators_seeded(seed):
        for index in indices:
            x, y = _read(part, index)
            form = form or form_of(x)
            if form_of(x) != form:
                raise part.error(index, f"gives x {form_of(x)}, row {indices[0]} {form}")
            try:
                labels.append(label_of(y))
            except LabelError as err:
                raise part.error(index, str(err)) from err
    assert form is not None
    return Inspected(indices, form, labels)


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
    one_each = y.numel() == len(y)
    labels = y.reshape(-1).tolist() if one_each else [label_of(one) for one in y]
    return Inspected(range(len(y)), form_of(x), labels)


def _read(part: CustomSplit, index: int) -> tuple[torch.Tensor, Any]:
    try:
        return part.row(index)
    except DataError:
        raise
    except (Exception, SystemExit) as err:  # of any kind: the class is the user's
        raise part.error(index, f"raises {reason(err)}") from err


@dataclass(frozen=True, eq=False)
class CustomRows(Dataset[tuple[torch.Tensor, torch.Tensor]]):
    """Rows as training takes them; each is checked when it is read.

    Args:
        part: as the user's class gives it.
        labels: of the training rows.
        form: of each input.
        rows: which of the part's; None for all.
    """

    part: CustomSplit
    labels: Labels
    form: Form
    rows: Sequence[int] | None = None

    def __len__(self) -> int:
        return len(self.part) if self.rows is None else len(self.rows)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, torch.Tensor]:
        row = index if self.rows is None else self.rows[index]
        x, y = self.part.row(row)
        self._refuse_other_form(row, form_of(x))
        return x, self._encoded(row, y)

    def refuse_other(self, inspected: Inspected) -> None:
        """Refuses a part whose rows are not as those of the training part.

        Raises:
            DataError: naming the first row that is not.
        """
        self._refuse_other_form(0, inspected.form)
        for index, label in zip(inspected.indices, inspected.labels, strict=True):
            self._encoded(index, label)

    def _refuse_other_form(self, index: int, form: Form) -> None:
        if form != self.form:
            raise self.part.error(index, f"gives x {form}, data.train gives {self.form}")

    def _encoded(self, index: int, label: Any) -> torch.Tensor:
        try:
            return self.labels.encoded(label)
        except LabelError as err:
            raise self.part.error(index, str(err)) from err

    def in_memory(self) -> TensorDataset | None:
        """The same rows as two tensors, where the user's Dataset is nothing more; or None."""
        if not self.part.is_tensors:
            return None
        x, y = self.part.dataset.tensors
        rows = torch.arange(len(x)) if self.rows is None else torch.tensor(self.rows)
        targets = torch.stack([self.labels.encoded(one) for one in y[rows]])
        x = x[rows]
        return TensorDataset(x.float() if x.is_floating_point() else x, targets)


def _type_text(row: Any) -> str:
    if isinstance(row, dict):
        return f"dict with the keys {', '.join(map(repr, list(row)[:5]))}"
    if isinstance(row, tuple | list):
        return f"{type(row).__name__} of {len(row)}"
    return type(row).__name__
