"""Runs on many ranks, which are forks of this process, and rows that note when they are read."""

import os
import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import torch
from support.single_runs import Trained, train
from torch import Tensor, nn
from torch.utils.data import Dataset

from seedbed.errors import RunFailedError
from seedbed.process import threads
from seedbed.ranks.engine import RankEngine

MODULE = __name__


def fork_always(patch: pytest.MonkeyPatch) -> None:
    """Other tests of this process may have left threads, which no rank of these needs."""
    may_fork = threads.may_fork
    patch.setattr("seedbed.process.threads.may_fork", lambda: may_fork() or True)


SHARDED = ("trainer.strategy=fsdp", "trainer.shard=1")
"""Every layer of a model is split, and gathered by itself."""


def on_ranks(path: Path, ranks: int, *words: str) -> Trained:
    """Trains one run on so many ranks."""
    strategy = [] if SHARDED[0] in words else ["trainer.strategy=ddp"]
    return train(path, *words, *strategy, f"trainer.devices={ranks}")


@contextmanager
def rank_killed_at(number: int) -> Iterator[None]:
    """Inside, the second rank is killed in a step, and the run is told of it."""
    step, made = RankEngine.step, count(1)

    def dying(engine: RankEngine, *args: Any) -> Any:
        if next(made) == number and not engine.group.is_first:
            os.kill(os.getpid(), signal.SIGKILL)
        return step(engine, *args)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(RankEngine, "step", dying)
        with pytest.raises(RunFailedError, match="rank 1 died: signal SIGKILL"):
            yield


def assert_alike(one: Trained, other: Trained, tolerance: float = 1e-5) -> None:
    """History, metrics and weights agree, but for rounding."""
    assert list(one.history) == list(other.history)
    for name, values in one.history.items():
        assert other.history[name] == pytest.approx(values, rel=tolerance, abs=tolerance), name
    assert other.result["metrics"] == pytest.approx(
        one.result["metrics"], rel=tolerance, abs=tolerance
    )
    assert (one.result["best"]).keys() == (other.result["best"]).keys()
    assert list(one.weights) == list(other.weights)
    for name, weight in one.weights.items():
        torch.testing.assert_close(other.weights[name], weight, rtol=tolerance, atol=tolerance)


class NotedRows(Dataset[tuple[Tensor, Tensor]]):
    """Appends the number of each row that is read to a file, whichever process reads it."""

    file: Path | None = None

    def __len__(self) -> int:
        return 23

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        if NotedRows.file is not None:
            noted = os.open(NotedRows.file, os.O_APPEND | os.O_WRONLY | os.O_CREAT)
            os.write(noted, f"{index}\n".encode())
            os.close(noted)
        return torch.tensor([index / 23, (index % 5) / 5]), torch.tensor(index % 7 / 7)


def noted(file: Path) -> Counter[int]:
    """How often each row was read."""
    return Counter(map(int, file.read_text().split()))


class Dropping(nn.Module):
    """Notes the sum of what its ranks were given, in a buffer that it writes into itself."""

    seen: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(2, 1)
        self.unused = nn.Parameter(torch.ones(3))
        self.register_buffer("seen", torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        if self.training:
            self.seen += x.detach().sum()
        output: Tensor = self.layer(nn.functional.dropout(x, 0.3, self.training))
        return output


class DyingOnOne(nn.Linear):
    """Raises in the third step of the second rank, and of no other."""

    steps = 0

    def forward(self, x: Tensor) -> Tensor:
        if self.training and torch.is_grad_enabled() and torch.distributed.is_initialized():
            self.steps += 1
            if self.steps == 3 and torch.distributed.get_rank() == 1:
                return self.broken(x)
        return super().forward(x)

    def broken(self, x: Tensor) -> Tensor:
        raise ArithmeticError("only here")


class DivergingOnOne(DyingOnOne):
    """Gives NaN there."""

    def broken(self, x: Tensor) -> Tensor:
        return super(DyingOnOne, self).forward(x) * torch.nan


class AllKinds(nn.Module):
    """Layers in a row, tied, called twice, called by none, and numbers that are in no layer."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(2, 6)
        self.blocks = nn.ModuleList([Block(), Block()])
        self.again = nn.Linear(6, 6)
        self.tied = nn.Linear(6, 6)
        self.tied.weight = self.again.weight
        # A bias of keys has no gradient but for rounding, which Adam would make a step of.
        self.attention = nn.TransformerEncoderLayer(6, 2, 5, 0.0, batch_first=True, bias=False)
        self.gru = nn.GRU(1, 3, batch_first=True)
        self.unused = nn.Linear(2, 2)
        self.frozen = nn.Linear(6, 6)
        self.frozen.weight.requires_grad_(False)
        self.scale = nn.Parameter(torch.tensor(1.5))
        self.shift = nn.Parameter(torch.zeros(5, dtype=torch.float64))
        self.last = nn.Linear(9, 1)

    def forward(self, x: Tensor) -> Tensor:
        steps, _ = self.gru(x.unflatten(1, (-1, 1)))
        rows = self.again(torch.tanh(self.again(self.first(x))))
        for block in self.blocks:
            rows = block(rows) * self.scale
        rows = self.tied(rows)
        rows = self.attention(torch.stack([rows, rows.flip(1) * 2], 1))[:, 0]
        rows = self.frozen(rows) + self.shift.mean().float()
        output: Tensor = self.last(torch.cat([rows, steps[:, -1]], 1))
        return output


class Block(nn.Sequential):
    """Two layers and what goes around them."""

    def __init__(self) -> None:
        super().__init__(nn.Linear(6, 7), nn.LayerNorm(7), nn.ReLU(), nn.Linear(7, 6))

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = x + super().forward(x)
        return found


class Routing(nn.Module):
    """Has each rank's rows go through a layer of its own, while they are measured."""

    def __init__(self) -> None:
        super().__init__()
        self.ways = nn.ModuleList([nn.Linear(2, 1), nn.Linear(2, 1)])

    def forward(self, x: Tensor) -> Tensor:
        apart = torch.distributed.is_initialized() and not self.training
        output: Tensor = self.ways[torch.distributed.get_rank() if apart else 0](x)
        return output


class LookedInto(nn.Module):
    """Takes a layer's weight without calling the layer."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(2, 1)

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.linear(x, self.layer.weight)


class Hooked(nn.Linear):
    """Looks at a gradient."""

    def __init__(self) -> None:
        super().__init__(2, 1)
        self.weight.register_hook(lambda gradient: gradient)


class Normalised(nn.Sequential):
    """Looks at the rows of a batch together."""

    def __init__(self) -> None:
        super().__init__(nn.Linear(2, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Linear(4, 1))


class Bounding(nn.BatchNorm1d):
    """Is derived from a layer that looks at the rows together, and looks at each by itself."""

    def forward(self, x: Tensor) -> Tensor:
        return self.weight * torch.tanh(x) + self.bias


class Bounded(nn.Sequential):
    """With a layer that is derived from batch normalisation, and one that is it."""

    def __init__(self) -> None:
        super().__init__(nn.Linear(2, 4), Bounding(4), nn.BatchNorm1d(4), nn.Linear(4, 1))
