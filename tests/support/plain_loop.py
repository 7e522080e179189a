"""The article's loop, written by hand in plain PyTorch: the oracle for ours."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import OneCycleLR, ReduceLROnPlateau

from seedbed.data.seeds import row_order


def train_by_hand(
    model: nn.Module,
    x: Tensor,
    y: Tensor,
    make_optimizer: Callable[[Any], Optimizer],
    *,
    epochs: int,
    batch_size: int,
    seed: int | None,
    make_schedule: Callable[[Optimizer], Any] | None = None,
    clip: float | None = None,
) -> list[float]:
    """Trains in place; the mean loss of each epoch.

    Args:
        seed: of the order of rows; None to take them as they stand.
    """
    loss_function = nn.MSELoss()
    optimizer = make_optimizer(model.parameters())
    schedule = make_schedule(optimizer) if make_schedule else None
    losses = []
    for epoch in range(epochs):
        order = (
            torch.arange(len(x))
            if seed is None
            else torch.from_numpy(row_order(seed, epoch, len(x)))
        )
        total = 0.0
        for rows in order.split(batch_size):
            optimizer.zero_grad()
            loss = loss_function(model(x[rows]), y[rows])
            loss.backward()
            if clip is not None:
                nn.utils.clip_grad_norm_(model.parameters(), clip)
            optimizer.step()
            if isinstance(schedule, OneCycleLR):
                schedule.step()
            total += loss.item() * len(rows)
        losses.append(total / len(x))
        if isinstance(schedule, ReduceLROnPlateau):
            schedule.step(losses[-1])
        elif schedule is not None and not isinstance(schedule, OneCycleLR):
            schedule.step()
    return losses
