"""A run of a stack in the form of a single run's checkpoint, and back."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from seedbed.data.seeds import stream_seed
from seedbed.fused.optimizers import numbers_of, stacked_states
from seedbed.fused.schedules import Standing
from seedbed.fused.stack import Stack
from seedbed.runs import checkpoint
from seedbed.runs.checkpoint import Snapshot
from seedbed.training.state import HistoryRow, TrainingState

ENGINE = "fused"
"""What a checkpoint of a stack says of itself: going on from it singly gives other bits."""


def last_snapshot(stack: Stack, place: int, standing: Standing) -> Snapshot:
    """As `Recorder.snapshot` makes it of a single run, without `events`."""
    state = TrainingState(
        stack.best_of(place),
        epoch=stack.epoch,
        batch=stack.batch,
        step=stack.step,
        loss_sum=float(stack.loss_sum[place]),
        rows_seen=_count(float(stack.rows_seen[place])),
        lr=float(stack.rates[place]),
        history=history_rows(stack, stack.runs[place], stack.epoch),
    )
    tensors = (stack.weights, stack.kept, stack.optimizer.state)
    snapshot = _snapshot(stack, place, tensors, stack.step, standing, state)
    if stack.plan.model.randomness != "error":
        shared = checkpoint.random_state(stack.plan.device)
        snapshot["random"] |= {checkpoint.SHARED + device: one for device, one in shared.items()}
    return snapshot


def best_snapshot(stack: Stack, place: int) -> Snapshot:
    """Of the best epoch so far, or of the latest while none is; of the start where none ended."""
    good = stack.good
    epoch = int(good.copied_at[place])
    history = history_rows(stack, stack.runs[place], epoch)
    state = TrainingState(
        stack.best_of(place, at_best=True),
        epoch=epoch,
        step=epoch * stack.plan.batches.batches,
        lr=history[-1]["lr"] if history else 0.0,
        history=history,
    )
    tensors = (good.weights, good.kept, good.state if epoch else {})
    return _snapshot(stack, place, tensors, state.step, good.standings[place], state)


def history_rows(stack: Stack, run: int, epochs: int) -> list[HistoryRow]:
    """The rows of `history.csv`."""
    batches = stack.plan.batches.batches
    columns = [stack.history[name][:epochs, run].tolist() for name in stack.columns]
    names = ["epoch", "step", *stack.columns]
    return [
        dict(zip(names, (epoch + 1, (epoch + 1) * batches, *values), strict=True))
        for epoch, values in enumerate(zip(*columns, strict=True))
    ]


def state_dict(stack: Stack, row: Tensor, kept: Mapping[str, Tensor], place: int) -> Any:
    """The `state_dict` of one run, on the CPU; its parameters lie in one storage.

    Args:
        stack: whose layout it is.
        row: the run's weights, (width,).
        kept: of all runs.
        place: of the run in `kept`.
    """
    layout = stack.plan.layout
    named = layout.views(row.to("cpu", copy=True))
    named |= {name: tensor[place].to("cpu", copy=True) for name, tensor in kept.items()}
    return {name: named[one] for name, one in layout.saved.items()}


def _snapshot(
    stack: Stack,
    place: int,
    tensors: tuple[Tensor, Mapping[str, Tensor], Mapping[str, Tensor]],
    steps: int,
    standing: Standing,
    state: TrainingState,
) -> Snapshot:
    weights, kept, rows = tensors
    seed = stream_seed(stack.configs[place].seed, "training")
    return {
        "format": checkpoint.FORMAT,
        "engine": ENGINE,
        "model": state_dict(stack, weights[place], kept, place),
        "optimizer": _optimizer_state(stack, place, rows, steps, standing.group),
        "scheduler": standing.scheduler,
        "scaler": {},
        "random": {"cpu": torch.Generator().manual_seed(seed).get_state()},
        "state": state.to_plain(),
    }


def _optimizer_state(
    stack: Stack, place: int, rows: Mapping[str, Tensor], steps: int, group: Mapping[str, Any]
) -> dict[str, Any]:
    """As `torch.optim.Optimizer.state_dict` has it."""
    layout, optimizer = stack.plan.layout, stack.optimizer
    rows = rows or {name: torch.zeros_like(stack.weights) for name in optimizer.from_start}
    names = [name for name in optimizer.names_of(numbers_of(group)) if name in rows]
    views = {name: layout.views(rows[name][place].to("cpu", copy=True)) for name in names}
    counted = {"step": torch.tensor(float(steps))} if optimizer.counts_steps and rows else {}
    state: dict[int, dict[str, Tensor]] = {}
    for number, parameter in enumerate(layout.order):
        if parameter in layout.shapes and (views or counted):
            own = {name: view[parameter] for name, view in views.items()}
            state[number] = {**{key: one.clone() for key, one in counted.items()}, **own}
    numbers = list(range(len(layout.order)))
    return {"state": state, "param_groups": [{**group, "params": numbers}]}


def restore(stack: Stack, last: Sequence[Snapshot], best: Sequence[Snapshot]) -> None:
    """Puts checkpoints, one of each place and all of one step, into a fresh stack.

    Raises:
        KeyError, TypeError, ValueError, RuntimeError: if they are not of these runs.
    """
    layout, device, good = stack.plan.layout, stack.plan.device, stack.good
    first = last[0]["state"]
    stack.epoch, stack.batch, stack.step = first["epoch"], first["batch"], first["step"]
    stack.loss_sum, stack.rows_seen = (
        torch.tensor([one["state"][name] for one in last], dtype=torch.float64, device=device)
        for name in ("loss_sum", "rows_seen")
    )
    stack.rates = np.array([one["state"]["lr"] for one in last], dtype=np.float64)
    stack.weights = _rows(stack, last).to(device)
    good.weights = _rows(stack, best).to(device)
    for target, source in ((stack.kept, last), (good.kept, best)):
        for name in layout.kept:
            if name in source[0]["model"]:
                target[name] = torch.stack([one["model"][name] for one in source]).to(device)
    optimizers = [one["optimizer"] for one in last]
    rows, _ = stacked_states(optimizers, layout.width)
    stack.optimizer.state = {name: tensor.to(device) for name, tensor in rows.items()}
    stack.optimizer.steps = stack.step
    rows, _ = stacked_states([one["optimizer"] for one in best], layout.width)
    good.state = {name: tensor.to(device) for name, tensor in rows.items()}
    stack.plan.schedules.restore([_standing(one) for one in last])
    good.standings = [_standing(one) for one in best]
    for place, one in enumerate(last):
        told = one["state"]["best"]
        good.value[place], good.epoch[place] = told["value"], told["epoch"]
        good.since[place] = told["epochs_since"]
        good.copied_at[place] = best[place]["state"]["epoch"]
        if place < stack.real:
            for epoch, row in enumerate(one["state"]["history"]):
                for name in stack.columns:
                    stack.history[name][epoch, place] = row[name]


def restore_random(last: Sequence[Snapshot], device: torch.device) -> None:
    """Puts the generators where the stack had them, if it drew from any."""
    length = len(checkpoint.SHARED)
    shared = {
        name[length:]: one
        for name, one in last[0]["random"].items()
        if name.startswith(checkpoint.SHARED)
    }
    if "cpu" in shared:
        checkpoint.restore_random(shared, device)


def _count(rows: float) -> float:
    """As a single run tells it."""
    return int(rows) if rows.is_integer() else rows


def _rows(stack: Stack, snapshots: Sequence[Snapshot]) -> Tensor:
    return torch.stack([stack.plan.layout.row(one["model"]) for one in snapshots])


def _standing(snapshot: Snapshot) -> Standing:
    group = {k: v for k, v in snapshot["optimizer"]["param_groups"][0].items() if k != "params"}
    return Standing(snapshot["scheduler"], group)
