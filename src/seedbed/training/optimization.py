"""The optimizer of a run, over groups of parameters, with the schedule of its rate."""

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

from torch import nn
from torch.optim import Optimizer, SparseAdam

from seedbed.components import AllowList
from seedbed.config.hints import joined
from seedbed.config.schema import RunConfig, TrainerConfig
from seedbed.config.target_keys import arguments_of
from seedbed.errors import ConfigError, NotAllowedError
from seedbed.process.no_compiler import building_without_compiler, without_compiler
from seedbed.training.interval import MANY
from seedbed.training.parameter_groups import parameter_groups, refuse_one_rate
from seedbed.training.run_length import RunLength
from seedbed.training.schedule import Schedule, build_schedule
from seedbed.training.state import Monitor

OneGroup = tuple[Sequence[nn.Parameter], Mapping[str, Any]]
"""Parameters, and their settings that are not the optimizer's own."""


def build_optimizer(
    spec: Mapping[str, Any], allow: AllowList, groups: Sequence[OneGroup]
) -> Optimizer:
    """The optimizer of a config, over all of the parameters.

    Args:
        spec: `optimizer`.
        allow: what may be built.
        groups: the parameters of each group, with the settings that are not the optimizer's own.

    Raises:
        NotAllowedError: if its class may not be built, refuses its arguments, asks for the loss
            more than once a step, or takes no dense gradients; or if a group has a setting that it
            has not.
    """
    _refuse_vectors(spec, [one for parameters, _ in groups for one in parameters])
    params: list[Any] = list(groups[0][0])
    if len(groups) > 1:
        params = [{"params": list(parameters), **settings} for parameters, settings in groups]
    with building_without_compiler():
        own = arguments_of("optimizer", spec)
        built: Optimizer = allow.build(own, "optimizer", params=params)
    _refuse_unknown_settings(built, [settings for _, settings in groups])
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


def optimizer_and_schedule(
    config: RunConfig,
    allow: AllowList,
    groups: Sequence[OneGroup],
    *,
    length: RunLength | None,
    monitor: Monitor | None,
) -> tuple[Optimizer, Schedule]:
    """What moves the weights of a run.

    Args:
        config: of the run.
        allow: what it may name.
        groups: see `build_optimizer`.
        length: of the run; None where the rows are what is wrong.
        monitor: what decides the best epoch; None where it is not known.

    Raises:
        NotAllowedError, ConfigError: see `build_optimizer`, `refuse_one_rate`, `build_schedule`.
    """
    optimizer = build_optimizer(config.optimizer, allow, groups)
    refuse_one_rate(config, groups)
    schedule = build_schedule(
        config.scheduler,
        allow,
        optimizer,
        length=length or RunLength.of(config.trainer, MANY),
        higher_is_better=monitor is not None and monitor.higher_is_better,
    )
    return optimizer, schedule


def grouped(config: RunConfig, model: nn.Module, beside: Sequence[nn.Parameter]) -> list[OneGroup]:
    """The parameters of each group; those of the loss are in the first, as none has their names.

    Args:
        config: of the run.
        model: whose parameters they are.
        beside: those of the loss.

    Raises:
        ConfigError: see `parameter_groups`.
    """
    named = dict(model.named_parameters())
    groups = parameter_groups(config.optimizer, model)
    found: list[OneGroup] = [([named[name] for name in one.names], one.settings) for one in groups]
    return [([*found[0][0], *beside], found[0][1]), *found[1:]]


def refuse_unbounded(trainer: TrainerConfig, model: nn.Module) -> None:
    """Refuses to bound each value of a gradient that is complex, and so has no order.

    Raises:
        ConfigError: with what to type.
    """
    value = trainer.gradient_clip_value
    learning = [(name, one) for name, one in model.named_parameters() if one.requires_grad]
    name = next((name for name, one in learning if one.is_complex()), None)
    if value is not None and name is not None:
        raise ConfigError(
            f"trainer.gradient_clip_value bounds each value of a gradient, and '{name}' is "
            f"complex; type trainer.gradient_clip={value:g}, which bounds the norm of all"
        )


def stand_in() -> list[OneGroup]:
    """For the parameters of a model that could not be built, so that its optimizer is tried."""
    return [([*nn.Linear(1, 1).parameters()], {})]


def _refuse_unknown_settings(built: Optimizer, settings: Sequence[Mapping[str, Any]]) -> None:
    """Refuses what torch would carry along, and never look at.

    Raises:
        NotAllowedError: naming the first.
    """
    name, there = type(built).__name__, built.defaults
    for key in (key for one in settings for key in one if key not in there):
        raise NotAllowedError(
            f"optimizer: {name} has no '{key}' for a group of parameters to set; there are "
            f"{joined(there)}"
        )


def _refuse_vectors(spec: Mapping[str, Any], parameters: Sequence[nn.Parameter]) -> None:
    """Refuses Muon over anything but matrices.

    Raises:
        NotAllowedError: naming the first shape.
    """
    other = next((one for one in parameters if one.ndim != 2), None)
    if spec["_target_"] == "torch.optim.Muon" and other is not None:
        raise NotAllowedError(
            "optimizer._target_: Muon takes matrices alone, and a parameter has the shape "
            f"{tuple(other.shape)}; type model.bias=false, or optimizer=adamw"
        )


def learning_rate(optimizer: Optimizer) -> float:
    """Of the first group of parameters."""
    return float(optimizer.param_groups[0]["lr"])
