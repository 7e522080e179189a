"""Rows of unequal length and of several tensors, and models that take them."""

from collections import UserDict
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence
from torch.utils.data import Dataset


class Named(NamedTuple):
    steps: Any
    age: float


class Sequences(Dataset[Any]):
    """Steps that rise or fall: one tensor, or beside a number in a tuple or a mapping."""

    def __init__(
        self,
        rows: int = 40,
        kind: str = "alone",
        odd: int = -1,
        longest: int = 9,
        bad: bool = False,
        low: int = -1,
    ) -> None:
        drawn = np.random.default_rng(0)
        self.lengths = drawn.integers(1, longest + 1, rows)
        self.steps = [drawn.normal(size=(n, 3)) + (i % 2) for i, n in enumerate(self.lengths)]
        self.kind, self.odd = kind, odd
        if bad:
            self.steps[20][0] = np.nan
        if low >= 0:  # in this row alone all numbers are below 0
            self.steps = [np.abs(one) + 1 for one in self.steps]
            self.steps[low] *= -1

    def __len__(self) -> int:
        return len(self.steps)

    def __getitem__(self, index: int) -> Any:
        steps, y = self.steps[index], "down" if index % 2 == 0 else "up"
        if index == self.odd and self.kind != "both":
            return self._odd(steps, y)
        if self.kind == "alone":
            return torch.from_numpy(steps), y
        if self.kind == "tuple":
            return (steps, index / 10), y
        if self.kind == "named tuple":
            return Named(steps, index / 10), y
        if self.kind == "user dict":
            return UserDict(steps=steps, age=index / 10, label=y)
        if self.kind == "targets":
            return steps, steps[:, 0]
        if self.kind == "learnt":
            return torch.from_numpy(steps).requires_grad_(), y
        if self.kind == "both":
            return {"steps": steps, "again": steps[: -1 if index == self.odd else None], "label": y}
        if self.kind == "points":
            return {"more": {"age": 1.0}, "more.age": 2.0, "label": y}
        if self.kind == "no numbers":
            return {"steps": [1.0, 2.0], "more": torch.zeros(3, 0), "label": y}
        if self.kind == "self":
            return {"self": steps, "label": y}
        if self.kind == "turned":
            return steps[::-1], y
        if self.kind == "list":
            return {"tokens": [*range(1 + index % 4)], "label": y}
        if self.kind == "large":
            return {"steps": steps, "tokens": [2**53 + 1 if index == 2 else 1], "label": y}
        if self.kind == "two":
            return {"steps": steps, "tokens": [*range(1 + index % 4)], "label": y}
        return {"steps": steps, "more": {"age": index / 10, "flag": index % 3 == 0}, "label": y}

    def _odd(self, steps: Any, y: str) -> Any:
        if self.kind == "alone":
            return steps[:0], y
        if self.kind == "tuple":
            return (steps, "ten"), y
        return {"steps": steps, "label": y}


class Points(Dataset[Any]):
    """Rows of one shape, which are drawn anew whenever they are read."""

    def __len__(self) -> int:
        return 30

    def __getitem__(self, index: int) -> Any:
        x = torch.randn(3)
        return x, float(x.sum())


class Pairs(Dataset[Any]):
    """Two tensors of one shape in each row."""

    def __len__(self) -> int:
        return 30

    def __getitem__(self, index: int) -> Any:
        one, two = torch.linspace(0, index, 3).sin(), torch.linspace(index, 1, 2).cos()
        return (one, two), float(one.sum() * two.sum())


class Packed(nn.Module):
    """A GRU that is told where each row ends."""

    def __init__(self, out_features: int, input_shape: Any = None) -> None:
        super().__init__()
        self.input_shape = input_shape
        self.gru = nn.GRU(3, 6, batch_first=True)
        self.head = nn.Linear(6, out_features)

    def forward(
        self, steps: Tensor, age: Any = None, more: Any = None, *, lengths: Tensor
    ) -> Tensor:
        if more is not None:
            age = more["age"] + more["flag"]
        if age is not None:
            steps = steps + age[:, None, None]
        packed = pack_padded_sequence(steps, lengths.cpu(), batch_first=True, enforce_sorted=False)
        return self.head(self.gru(packed)[1][0])


class Masked(nn.Module):
    """The mean of what there is of each row; steps are tokens in some rows."""

    def __init__(self, out_features: int) -> None:
        super().__init__()
        self.body = nn.Linear(3, 6)
        self.head = nn.Linear(6, out_features)

    def forward(self, steps: Tensor, mask: Tensor, more: Any = None) -> Tensor:
        values = torch.tanh(self.body(steps)) * mask[:, :, None]
        return self.head(values.sum(1) / mask.sum(1)[:, None])


class Normed(Masked):
    """In training, what fills rows is a part of the mean of a batch."""

    def __init__(self, out_features: int) -> None:
        super().__init__(out_features)
        self.norm = nn.BatchNorm1d(3)

    def forward(self, steps: Tensor, mask: Tensor, more: Any = None) -> Tensor:
        return super().forward(self.norm(steps.mT).mT, mask)


class Careless(Masked):
    """Takes what fills rows for a part of them."""

    def forward(self, steps: Tensor) -> Tensor:  # type: ignore[override]
        return self.head(torch.tanh(self.body(steps + 1)).mean(1))


class Highest(Masked):
    """Pools without a mask: what fills a row counts where the row has less."""

    def forward(self, steps: Tensor) -> Tensor:  # type: ignore[override]
        return self.head(self.body(steps).amax(1))


class Peaks(Masked):
    """Pools without a mask, which shows in rows that have no number above 0."""

    def forward(self, steps: Tensor) -> Tensor:  # type: ignore[override]
        return self.head(self.body(steps.amax(1)))


class Both(Masked):
    def forward(self, steps: Tensor, again: Tensor, mask: Any) -> Tensor:  # type: ignore[override]
        own, other = (mask["steps"], mask["again"]) if isinstance(mask, dict) else (mask, mask)
        return super().forward(steps, own) + super().forward(again, other)


class Tokens(nn.Module):
    def __init__(self, out_features: int) -> None:
        super().__init__()
        self.names = nn.Embedding(5, out_features)

    def forward(self, tokens: Tensor, mask: Tensor) -> Tensor:
        return (self.names(tokens) * mask[:, :, None]).sum(1)


class TwoLengths(nn.Module):
    """Steps and tokens of other lengths in each row."""

    def __init__(self, out_features: int) -> None:
        super().__init__()
        self.names = nn.Embedding(5, 3)
        self.head = nn.LazyLinear(out_features)

    def forward(self, steps: Tensor, tokens: Tensor, lengths: Any, mask: Any) -> Tensor:
        names = (self.names(tokens) * mask["tokens"][:, :, None]).sum(1)
        means = (steps * mask["steps"][:, :, None]).sum(1) / lengths["steps"][:, None]
        return self.head(torch.cat([means, names], 1))


def step(model: nn.Module, batch: Any, loss: Any) -> dict[str, Tensor]:
    """Of padded rows."""
    x, y = batch
    return {"loss": loss(model(x.x, mask=x.mask), y), "longest": x.lengths.max()}


def careless_step(model: nn.Module, batch: Any, loss: Any) -> dict[str, Tensor]:
    x, y = batch
    fit = loss(model(x.x, mask=x.mask), y)
    return {"loss": fit + (x.x + 1).square().mean() * model.head.weight.square().mean()}
