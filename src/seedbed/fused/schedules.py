"""The optimizers' numbers for every run of a stack, moved on by torch's own schedulers.

A scheduler needs an optimizer to act on; here that is one over a single number, whose settings are
then read. Runs whose schedules are the same share one, so a sweep over seeds has a single one.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from seedbed.components import AllowList
from seedbed.config.schema import RunConfig
from seedbed.fused.optimizers import numbers_of
from seedbed.runs.checkpoint import copied
from seedbed.training.arrays import Column
from seedbed.training.optimization import build_optimizer
from seedbed.training.parameter_groups import settings_of_groups
from seedbed.training.run_length import RunLength
from seedbed.training.schedule import Schedule, build_schedule

PLATEAU = "torch.optim.lr_scheduler.ReduceLROnPlateau"
"""It looks at the run's own losses, so that no two runs share one."""


@dataclass(frozen=True)
class SchedulerState:
    """A schedule and its optimizer's settings, for checkpoints; not changed afterwards.

    Args:
        scheduler: `Schedule.state_dict()`.
        groups: the optimizer's settings of each group, as torch's `state_dict()` has them.
    """

    scheduler: dict[str, Any] | None
    groups: list[dict[str, Any]]


SchedulerStates = NDArray[np.object_]
"""A `SchedulerState` of each slot."""


def as_array(states: Sequence[SchedulerState]) -> SchedulerStates:
    """The states of all slots."""
    found = np.empty(len(states), dtype=np.object_)
    found[:] = states
    return found


@dataclass
class _Shared:
    """One schedule, and the runs that follow it.

    Args:
        optimizer: over one number.
        schedule: of its settings.
        runs: places in the stack.
    """

    optimizer: torch.optim.Optimizer
    schedule: Schedule
    runs: list[int] = field(default_factory=list)


class Schedules:
    """Settings of the optimizers of a stack.

    Args:
        configs: of each run.
        allow: what they may name.
        updates: in an epoch.
        higher_is_better: of the monitored value.

    `moves_by_step` tells whether the next update of any run has a rate of its own.

    Raises:
        SeedbedError: if an optimizer or a scheduler cannot be built.
    """

    def __init__(
        self,
        configs: Sequence[RunConfig],
        allow: AllowList,
        *,
        updates: int,
        higher_is_better: bool,
    ) -> None:
        self._all: dict[str, _Shared] = {}
        self._states: SchedulerStates | None = None
        for place, config in enumerate(configs):
            key = _identity(config, place)
            if key not in self._all:
                length = RunLength.of(config.trainer, updates)
                self._all[key] = _built(config, allow, length, higher_is_better)
            self._all[key].runs.append(place)
        self._read_all(len(configs))

    @property
    def lr(self) -> NDArray[np.float64]:
        """The learning rate of each run, in its first group of parameters."""
        return self._numbers["lr"][:, 0]

    def after_batch(self) -> None:
        """Moves on those that count updates."""
        if self.moves_by_step:
            for one in self._moving:
                one.schedule.after_batch()
            self._reread()

    def after_epoch(self, watched: Column) -> None:
        """Moves on those that count epochs.

        Args:
            watched: the monitored value of each run.
        """
        if self._moving:
            for one in self._moving:
                one.schedule.after_epoch(float(watched[one.runs[0]]))
            self._reread()

    def keep(self, places: Sequence[int]) -> None:
        """Goes on with some of the runs; `places` may name the last one twice."""
        new: dict[int, list[int]] = {}
        for at, place in enumerate(places):
            new.setdefault(place, []).append(at)
        for one in self._all.values():
            one.runs = [at for place in one.runs for at in new.get(place, [])]
        self._all = {key: one for key, one in self._all.items() if one.runs}
        self._read_all(len(places))

    def states(self) -> SchedulerStates:
        """Of each run; shared where the schedule is, and made once until a schedule moves."""
        if self._states is None:
            self._states = np.empty(len(self.lr), dtype=np.object_)
            for one in self._all.values():
                state = copied(one.schedule.state_dict())
                groups = [_settings(group) for group in one.optimizer.param_groups]
                self._states[one.runs] = SchedulerState(state, groups)
        return self._states

    def restore(self, states: SchedulerStates) -> None:
        """Puts schedules where a checkpoint has them.

        Raises:
            KeyError, TypeError, ValueError: if they are of other schedulers.
        """
        for one in self._all.values():
            state = states[one.runs[0]]
            for own, saved in zip(one.optimizer.param_groups, state.groups, strict=True):
                own.update(saved)
            one.schedule.load_state_dict(state.scheduler)
        self._read_all(len(states))

    def _read_all(self, runs: int) -> None:
        self._moving = [one for one in self._all.values() if one.schedule.moves]
        groups = next(iter(self._all.values())).optimizer.param_groups
        self._numbers = {name: np.zeros((runs, len(groups))) for name in numbers_of(groups[0])}
        self._reread()

    def _reread(self) -> None:
        self._states = None
        self.moves_by_step = any(one.schedule.moves_by_step for one in self._moving)
        for one in self._all.values():
            for number, group in enumerate(one.optimizer.param_groups):
                for name, value in numbers_of(group).items():
                    if name in self._numbers:
                        self._numbers[name][one.runs, number] = value
        self.numbers: dict[str, Tensor] = {
            name: torch.from_numpy(values.copy()) for name, values in self._numbers.items()
        }


def _settings(group: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in group.items() if key != "params"}


def _identity(config: RunConfig, place: int) -> str:
    scheduler = config.scheduler
    own = place if scheduler["_target_"] == PLATEAU else None
    constant = all(value is None for value in scheduler.values())
    epochs = None if constant else config.trainer.epochs
    return json.dumps([config.optimizer, scheduler, epochs, own], sort_keys=True)


def _built(
    config: RunConfig, allow: AllowList, length: RunLength, higher_is_better: bool
) -> _Shared:
    groups = [
        ([nn.Parameter(torch.zeros(1))], settings)
        for settings in settings_of_groups(config.optimizer)
    ]
    optimizer = build_optimizer(config.optimizer, allow, groups)
    schedule = build_schedule(
        config.scheduler, allow, optimizer, length=length, higher_is_better=higher_is_better
    )
    optimizer.step()  # of no gradients: a scheduler warns if the optimizer made no step before
    return _Shared(optimizer, schedule)
