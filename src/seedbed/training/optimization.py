"""The optimizer and the schedule of its learning rate."""

import inspect
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import nn
from torch.optim import Optimizer, SparseAdam
from torch.optim.lr_scheduler import CyclicLR, LRScheduler, OneCycleLR, ReduceLROnPlateau

from seedbed.components import AllowList, accepts
from seedbed.config.hints import counted
from seedbed.errors import NotAllowedError
from seedbed.process.torch_private import building_without_compiler, without_compiler


@dataclass(frozen=True)
class Schedule:
    """A learning-rate schedule, or none.

    Args:
        scheduler: torch's, or None.
    """

    scheduler: LRScheduler | None

    @property
    def moves_by_step(self) -> bool:
        """Whether it counts batches, and not epochs."""
        return isinstance(self.scheduler, OneCycleLR | CyclicLR)

    def after_batch(self) -> None:
        """Moves on those that count batches."""
        if isinstance(self.scheduler, OneCycleLR | CyclicLR):
            self.scheduler.step()

    def after_epoch(self, watched: float) -> None:
        """Moves on those that count epochs.

        Args:
            watched: the monitored value, for ReduceLROnPlateau, which does not see NaN: it would
                take it for an epoch that is no better.
        """
        if isinstance(self.scheduler, ReduceLROnPlateau):
            if not math.isnan(watched):
                self.scheduler.step(watched)
        elif self.scheduler is not None and not isinstance(self.scheduler, OneCycleLR | CyclicLR):
            self.scheduler.step()


def build_optimizer(
    spec: Mapping[str, Any], allow: AllowList, parameters: Sequence[nn.Parameter]
) -> Optimizer:
    """The optimizer of a config, over all of the parameters.

    Raises:
        NotAllowedError: if its class may not be built, refuses its arguments, asks for the loss
            more than once a step, or takes no dense gradients.
    """
    with building_without_compiler():
        built: Optimizer = allow.build(spec, "optimizer", params=list(parameters))
    optimizer = without_compiler(built)
    closure = inspect.signature(type(optimizer).step).parameters.get("closure")
    if closure is not None and closure.default is closure.empty:
        raise NotAllowedError(
            f"optimizer._target_: {type(optimizer).__name__} asks for the loss more than once a "
            "step, which a run does not do; type optimizer=adam, or another"
        )
    if isinstance(optimizer, SparseAdam):
        raise NotAllowedError(
            "optimizer._target_: SparseAdam takes no dense gradients, as all but embeddings "
            "have; type optimizer=adam, or another"
        )
    return optimizer


def build_schedule(
    spec: Mapping[str, Any],
    allow: AllowList,
    optimizer: Optimizer,
    *,
    steps: int,
    higher_is_better: bool,
) -> Schedule:
    """The schedule of a config.

    Args:
        spec: `scheduler`; a `_target_` of null is none.
        allow: what may be built.
        optimizer: whose rate it sets.
        steps: of the whole run, for those that need to know.
        higher_is_better: of the monitored value, for ReduceLROnPlateau.

    Raises:
        NotAllowedError: if its class may not be built, or refuses its arguments.
    """
    if spec["_target_"] is None:
        return Schedule(None)
    found = allow.find(str(spec["_target_"]), "scheduler._target_")
    extra: dict[str, Any] = {"optimizer": optimizer}
    if accepts(found, "total_steps"):
        extra["total_steps"] = _total_steps(spec, found, steps)
    if issubclass(found, ReduceLROnPlateau):
        extra["mode"] = "max" if higher_is_better else "min"
    return Schedule(allow.build(spec, "scheduler", **extra))


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


def learning_rate(optimizer: Optimizer) -> float:
    """Of the first group of parameters."""
    return float(optimizer.param_groups[0]["lr"])
