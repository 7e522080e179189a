"""The state of the runs of a stack, and each run's as a single run's checkpoint has it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from seedbed.fused.averaging import averaged
from seedbed.fused.flat import Layout, Named
from seedbed.fused.kept_state import PER_GROUP, KeptState
from seedbed.fused.optimizers import numbers_of, stacked_states
from seedbed.fused.schedules import SchedulerState, SchedulerStates, as_array
from seedbed.runs.checkpoint import Checkpoint
from seedbed.training.arrays import Mask
from seedbed.training.averaging import read_average


@dataclass
class FlatState:
    """All that training changes, of every slot.

    Args:
        weights: flat, (slots, num_params).
        buffers: and parameters that are not trained, each (slots, …).
        optimizer: what it keeps for each parameter, by name, each (slots, num_params).
        schedules: of each slot.
        steps: that each slot has made.
        average: of the weights, as they lie, where `trainer.select` is one.
        averaged: how many weights each slot's average holds.
    """

    weights: Tensor
    buffers: Named
    optimizer: Named
    schedules: SchedulerStates
    steps: NDArray[np.int64]
    average: Tensor | None = None
    averaged: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))

    def clone(self) -> "FlatState":
        """A copy that later steps do not change."""
        return self._each(Tensor.clone, Tensor.clone, np.copy)

    def measured(self) -> "FlatState":
        """With the averages for weights, where there are some: what is measured and kept."""
        if self.average is None:
            return self
        return replace(self, weights=averaged(self.weights, self.average, self.averaged))

    def without_optimizer(self) -> "FlatState":
        """The same tensors, but for what the optimizer keeps."""
        return replace(self, optimizer={})

    def copy(self, slots: Mask, now: "FlatState") -> None:
        """Takes over what some slots have now."""
        if not slots.any():
            return
        for name, rows in now.optimizer.items():
            if name not in self.optimizer:
                self.optimizer[name] = torch.zeros_like(rows)
        pairs = [(self.weights, now.weights)]
        pairs += [(self.buffers[name], tensor) for name, tensor in now.buffers.items()]
        pairs += [(self.optimizer[name], rows) for name, rows in now.optimizer.items()]
        if self.average is not None and now.average is not None:
            pairs.append((self.average, now.average))
            np.copyto(self.averaged, now.averaged, where=slots)
        np.copyto(self.schedules, now.schedules, where=slots)
        np.copyto(self.steps, now.steps, where=slots)
        if slots.all():
            for mine, theirs in pairs:
                mine.copy_(theirs)
            return
        taken = torch.from_numpy(slots).to(self.weights.device)
        for mine, theirs in pairs:
            _copy_some(mine, theirs, taken)

    def select(self, layout: Layout, slots: Sequence[int]) -> "FlatState":
        """Of some slots alone."""
        index = torch.tensor(slots, device=self.weights.device)
        return self._each(
            lambda rows: layout.arranged(rows[index]),
            lambda tensor: tensor[index],
            lambda values: values[list(slots)],
        )

    def _each(
        self,
        rows: Callable[[Tensor], Tensor],
        buffers: Callable[[Tensor], Tensor],
        arrays: Callable[[NDArray[Any]], NDArray[Any]],
    ) -> "FlatState":
        """What functions make of the rows of weights, of the buffers, and of arrays of slots."""
        return FlatState(
            rows(self.weights),
            {name: buffers(tensor) for name, tensor in self.buffers.items()},
            {name: rows(one) for name, one in self.optimizer.items()},
            arrays(self.schedules),
            arrays(self.steps),
            None if self.average is None else rows(self.average),
            self.averaged if self.average is None else arrays(self.averaged),
        )

    def state_dict(self, layout: Layout, slot: int) -> dict[str, Tensor]:
        """The `state_dict` of one run's model, on the CPU; its parameters lie in one storage."""
        named = layout.packed(self.weights[slot].cpu())
        named |= {name: tensor[slot].to("cpu", copy=True) for name, tensor in self.buffers.items()}
        return {name: named[one] for name, one in layout.saved.items()}

    def checkpoint(self, layout: Layout, optimizer: KeptState, slot: int, seed: int) -> Checkpoint:
        """The engine's part of a run's checkpoint.

        Args:
            layout: of the parameters.
            optimizer: that made the steps.
            slot: of the run.
            seed: of what the run would draw if it went on by itself.
        """
        schedule = self.schedules[slot]
        average: Checkpoint = {}
        if self.average is not None:
            count = int(self.averaged[slot])
            mean = layout.packed(self.average[slot].cpu()) if count else {}
            average["average"] = {"count": count, "weights": mean}
        return {
            **average,
            "model": self.state_dict(layout, slot),
            "optimizer": self._optimizer_state(layout, optimizer, slot, schedule.groups),
            "scheduler": schedule.scheduler,
            "scaler": {},
            "random": {"cpu": torch.Generator().manual_seed(seed).get_state()},
        }

    def _optimizer_state(
        self,
        layout: Layout,
        optimizer: KeptState,
        slot: int,
        groups: Sequence[Mapping[str, Any]],
    ) -> dict[str, Any]:
        """As `torch.optim.Optimizer.state_dict` has it."""
        steps, numbers = int(self.steps[slot]), [numbers_of(group) for group in groups]
        rows = {name: one[slot].cpu() for name, one in self.optimizer.items()} if steps else {}
        rows = rows or {
            name: _filled(layout, [one[start] for one in numbers], self.weights.dtype)
            for name, start in optimizer.from_start.items()
        }
        known = [optimizer.names_of(one) for one in numbers]
        wanted = {name for names in known for name in names if name in rows}
        views = {name: _of_each(layout, name, rows[name]) for name in rows if name in wanted}
        state: dict[int, dict[str, Tensor]] = {}
        for parameter in layout.trainable:
            names = known[layout.group_of[parameter]]
            own = {name: views[name][parameter] for name in names if name in views}
            if own:
                counted = {"step": torch.tensor(float(steps))} if optimizer.counts_steps else {}
                state[layout.numbers[parameter]] = {**counted, **own}
        params = [[layout.numbers[name] for name in names] for names in layout.groups]
        told = [{**group, "params": own} for group, own in zip(groups, params, strict=True)]
        return {"state": state, "param_groups": told}


def flat_state(layout: Layout, checkpoints: Sequence[Checkpoint], fresh: FlatState) -> FlatState:
    """The state in checkpoints, one of each slot.

    Args:
        layout: of the parameters.
        checkpoints: as single runs have them.
        fresh: state of the same runs, for buffers that no checkpoint holds.

    Raises:
        KeyError, TypeError, ValueError, RuntimeError: if they are not of these runs.
    """
    device = fresh.weights.device
    buffers = dict(fresh.buffers)
    for name in layout.kept:
        if name in checkpoints[0]["model"]:
            stacked = torch.stack([one["model"][name] for one in checkpoints])
            buffers[name] = stacked.to(device)
    average, averaged = None, fresh.averaged
    if fresh.average is not None:
        average, averaged = _averages(layout, checkpoints, fresh.average)
    numbers = [layout.numbers[name] for name in layout.trainable]
    sizes = dict(zip(numbers, layout.sizes, strict=True))
    rows, _ = stacked_states([one["optimizer"] for one in checkpoints], sizes, layout.leaders)
    return FlatState(
        layout.arranged(torch.stack([layout.row(one["model"]) for one in checkpoints]).to(device)),
        buffers,
        {name: _of_all(layout, name, one).to(device) for name, one in rows.items()},
        as_array([_schedule(one) for one in checkpoints]),
        np.array([one["state"]["step"] for one in checkpoints], dtype=np.int64),
        average,
        averaged,
    )


def _averages(
    layout: Layout, checkpoints: Sequence[Checkpoint], fresh: Tensor
) -> tuple[Tensor, NDArray[np.int64]]:
    """The averages in checkpoints, and how many weights each holds."""
    rows, counts = fresh.clone(), []
    for slot, one in enumerate(checkpoints):
        like = {name: view[0] for name, view in layout.views(fresh).items()}
        count, weights = read_average(one["average"], like)
        if count:
            rows[slot] = layout.row(weights).to(rows.device)
        counts.append(count)
    return rows, np.array(counts, dtype=np.int64)


def _of_each(layout: Layout, name: str, row: Tensor) -> Named:
    """An optimizer's state of one run, as each parameter has it."""
    if name in PER_GROUP:
        return {name: row[layout.group_of[name]].clone() for name in layout.trainable}
    return layout.packed(row)


def _filled(layout: Layout, values: Sequence[float], dtype: torch.dtype) -> Tensor:
    """A row with a number of each of the optimizer's groups."""
    filled = torch.tensor(values, dtype=dtype)
    return filled.expand(layout.width) if layout.columns is None else filled[layout.columns]


def _of_all(layout: Layout, name: str, rows: Tensor) -> Tensor:
    """State of all runs, as the stack has it."""
    return rows if name in PER_GROUP else layout.arranged(layout.padded(rows))


def _copy_some(mine: Tensor, theirs: Tensor, slots: Tensor) -> None:
    """Copies what belongs to some slots; where the runs lie inside, at one go along them."""
    if mine.stride(0) == 1:
        chosen = slots.reshape(-1, *[1] * (mine.ndim - 1))
        torch.where(chosen, theirs, mine, out=mine)
    else:
        index = slots.nonzero()[:, 0]
        mine[index] = theirs[index]


def _schedule(checkpoint: Checkpoint) -> SchedulerState:
    groups = checkpoint["optimizer"]["param_groups"]
    plain = [{k: v for k, v in group.items() if k != "params"} for group in groups]
    return SchedulerState(checkpoint["scheduler"], plain)
