"""The schedule of a run's learning rates: torch's, or one of the user's own, with a warm-up."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch.optim import Optimizer
from torch.optim.lr_scheduler import (
    CyclicLR,
    LambdaLR,
    LRScheduler,
    MultiplicativeLR,
    OneCycleLR,
    ReduceLROnPlateau,
)

from seedbed.components import AllowList
from seedbed.config.fitting import as_typed
from seedbed.config.hints import counted
from seedbed.config.target_keys import arguments_of
from seedbed.errors import ConfigError, NotAllowedError
from seedbed.process.torch_private import has_stepped, schedulers_in
from seedbed.signatures import accepts
from seedbed.training.joined_schedules import JOINED, built_parts
from seedbed.training.run_length import RunLength
from seedbed.training.warm_up import WarmUp


@dataclass(frozen=True)
class Schedule:
    """A learning-rate schedule, or none.

    Args:
        scheduler: torch's, or None.
        warm_up: in front of it, or None.
    """

    scheduler: LRScheduler | None
    warm_up: WarmUp | None = None

    @property
    def moves(self) -> bool:
        """Whether any rate is ever another than the optimizer's own."""
        return self.scheduler is not None or self.warm_up is not None

    @property
    def moves_by_step(self) -> bool:
        """Whether the next update has a rate of its own."""
        warming = self.warm_up is not None and not self.warm_up.over
        return warming or counts_updates(self.scheduler)

    def after_batch(self) -> None:
        """Moves on those that count updates."""
        if self.warm_up is None:
            self._count_update()
        elif self.moves_by_step:
            with self.warm_up.aside(updates=1):
                self._count_update()

    def _count_update(self) -> None:
        if self.scheduler is not None and counts_updates(self.scheduler):
            self.scheduler.step()

    def after_epoch(self, watched: float) -> None:
        """Moves on those that count epochs.

        Args:
            watched: the monitored value, for ReduceLROnPlateau, which does not see NaN: it would
                take it for an epoch that is no better. Nor does it see epochs that end in the
                warm-up, as rates that small show no plateau.
        """
        if self.warm_up is None:
            self._count_epoch(watched)
        elif self.warm_up.over or not isinstance(self.scheduler, ReduceLROnPlateau):
            with self.warm_up.aside():
                self._count_epoch(watched)

    def _count_epoch(self, watched: float) -> None:
        if isinstance(self.scheduler, ReduceLROnPlateau):
            if not math.isnan(watched):
                self.scheduler.step(watched)
        elif self.scheduler is not None and not counts_updates(self.scheduler):
            self.scheduler.step()

    def state_dict(self) -> dict[str, Any] | None:
        """What a checkpoint keeps of it: torch's own `state_dict`, None where there is nothing."""
        own = self.scheduler.state_dict() if self.scheduler is not None else None
        if self.warm_up is None:
            return own
        return {"warm_up": self.warm_up.state_dict(), "scheduler": own}

    def load_state_dict(self, state: Mapping[str, Any] | None) -> None:
        """Goes on where a checkpoint stands; the optimizer's own is loaded already.

        Raises:
            KeyError, TypeError, ValueError: if it is of another schedule.
        """
        saved: Any = state or {}
        if self.warm_up is not None:
            self.warm_up.load_state_dict(saved["warm_up"])
            saved = saved["scheduler"] or {}
        if self.scheduler is not None:
            if not _alike(saved, self.scheduler.state_dict()):
                raise ValueError("the scheduler is another")  # it would take any attribute
            self.scheduler.load_state_dict(saved)
            has_stepped(self.scheduler.optimizer)


def _alike(saved: Mapping[str, Any], own: Mapping[str, Any]) -> bool:
    """Whether two states are of schedulers of one form, and so are those that these are made of."""
    if set(saved) != set(own):
        return False
    parts, ours = (one.get("_schedulers", []) for one in (saved, own))
    return len(parts) == len(ours) and all(map(_alike, parts, ours))


def counts_updates(scheduler: LRScheduler | None) -> bool:
    """Whether a scheduler moves after each update of the weights, not after each epoch.

    One that is made of others does if they do.
    """
    parts = schedulers_in(scheduler)
    return isinstance(scheduler, OneCycleLR | CyclicLR) or (
        bool(parts) and all(map(counts_updates, parts))
    )


def build_schedule(
    spec: Mapping[str, Any],
    allow: AllowList,
    optimizer: Optimizer,
    *,
    length: RunLength,
    higher_is_better: bool,
) -> Schedule:
    """The schedule of a config.

    Args:
        spec: `scheduler`; a `_target_` of null is none.
        allow: what may be built.
        optimizer: whose rate it sets.
        length: of the run.
        higher_is_better: of the monitored value, for ReduceLROnPlateau.

    Raises:
        NotAllowedError: if its class may not be built, or refuses its arguments.
        ConfigError: if its warm-up takes the whole run, or goes before one that has its own.
    """
    scheduler = None
    plain = arguments_of("scheduler", spec)
    if spec["_target_"] is not None:
        found = allow.find(str(spec["_target_"]), "scheduler._target_")
        _refuse_functions(found)
        extra: dict[str, Any] = {"optimizer": optimizer}
        if issubclass(found, JOINED):
            extra["schedulers"] = built_parts(plain, allow, optimizer, counts_updates)
            plain = {key: value for key, value in plain.items() if key != "schedulers"}
        if accepts(found, "total_steps"):
            extra["total_steps"] = _total_steps(plain, found, length.steps)
        if issubclass(found, ReduceLROnPlateau):
            extra["mode"] = "max" if higher_is_better else "min"
        scheduler = allow.build(plain, "scheduler", **extra)
    return Schedule(scheduler, _warm_up(spec, scheduler, optimizer, length))


def _refuse_functions(found: type) -> None:
    """Of torch's schedules that are made of a function.

    Raises:
        NotAllowedError: with what to do instead.
    """
    if found in (LambdaLR, MultiplicativeLR):
        raise NotAllowedError(
            f"scheduler._target_: {found.__name__} takes a function, which a config does not hold; "
            "write a class derived from torch.optim.lr_scheduler.LRScheduler, and type "
            "scheduler._target_=my_package.Mine 'allow=[my_package]'"
        )


def _warm_up(
    spec: Mapping[str, Any],
    scheduler: LRScheduler | None,
    optimizer: Optimizer,
    length: RunLength,
) -> WarmUp | None:
    written = spec.get("warmup")
    if written is None:
        return None
    if isinstance(scheduler, OneCycleLR):
        raise ConfigError(
            f"scheduler.warmup={as_typed(written)}: OneCycleLR begins with a rise of its own; type "
            "scheduler.warmup=null, and scheduler.pct_start for the part of the run that it takes"
        )
    updates = length.updates_in(written)
    if updates >= length.steps and not length.is_tried_out:
        raise ConfigError(
            f"scheduler.warmup={as_typed(written)}: {counted(updates, 'update')} leave none of the "
            f"run's {length.steps} after them ({counted(length.epochs, 'epoch')} of "
            f"{length.updates}); type scheduler.warmup=0.1 for a part of the run, or more "
            "trainer.epochs"
        )
    return WarmUp(optimizer, updates)


def total_steps(scheduler: Mapping[str, Any]) -> int | None:
    """The length that a config gives to a schedule of steps; None if it is the run's."""
    total = scheduler.get("total_steps")
    if total is None and isinstance(scheduler.get("epochs"), int):
        each = scheduler.get("steps_per_epoch")
        total = scheduler["epochs"] * each if isinstance(each, int) else None
    return total if isinstance(total, int) else None


def _total_steps(spec: Mapping[str, Any], found: type, steps: int) -> int:
    """The length of a schedule of steps: what the config says, or the run's.

    Raises:
        NotAllowedError: if it would end before the run, where torch would stop it.
    """
    told = total_steps(spec)
    if told is not None and told < steps and issubclass(found, OneCycleLR):
        raise NotAllowedError(
            f"scheduler: {found.__name__} ends after {counted(told, 'step')}, and the run "
            f"makes {steps}; "
            "leave total_steps, epochs and steps_per_epoch out, or type fewer trainer.epochs"
        )
    return steps if told is None else told
