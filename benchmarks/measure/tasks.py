"""The tasks: the same rows, network and optimizer for whoever trains them."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

LEARNING_RATE = 0.001
SEED = 0


@dataclass(frozen=True)
class Task:
    """A network of one hidden layer, MSE and SGD on rows in memory, shuffled.

    Args:
        x: (rows, features) float32.
        y: (rows, outputs) float32.
        hidden: width of the hidden layer.
        batch_size: in rows.
        overrides: what Seedbed is told of the data.
    """

    x: Tensor
    y: Tensor
    hidden: int
    batch_size: int
    overrides: tuple[str, ...] = ()

    @property
    def steps(self) -> int:
        """In an epoch."""
        return -(-len(self.x) // self.batch_size)


def article() -> Task:
    """2-8-1 on four rows, each target the sum of its row; Seedbed's default config."""
    x = torch.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0], [7.0, 8.0]])
    return Task(x, x.sum(dim=1, keepdim=True), hidden=8, batch_size=2)


def many_rows(folder: Path) -> Task:
    """20-64-1 on 100,000 rows."""
    return _random(folder / "many_rows.npz", rows=100_000, features=20, outputs=1, hidden=64)


def wide(folder: Path) -> Task:
    """1024-1024-1024, where the arithmetic is most of the time."""
    return _random(folder / "wide.npz", rows=4096, features=1024, outputs=1024, hidden=1024)


def _random(path: Path, *, rows: int, features: int, outputs: int, hidden: int) -> Task:
    random = np.random.default_rng(SEED)
    x = random.standard_normal((rows, features), dtype=np.float32)
    y = random.standard_normal((rows, outputs), dtype=np.float32)
    np.savez(path, x=x, y=y)
    overrides = (
        "data=npz",
        f"data.path={path}",
        "data.task=regression",
        "data.standardize=false",
        "data.split.validation=0",
        "data.split.test=0",
    )
    return Task(torch.from_numpy(x), torch.from_numpy(y), hidden, 256, overrides)
