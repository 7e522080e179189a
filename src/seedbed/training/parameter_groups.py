"""Groups of a model's parameters with settings of their own: `optimizer.groups` and `no_decay`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import nn

from seedbed.config.hints import joined
from seedbed.config.schema import RunConfig
from seedbed.errors import Attempts, ConfigError
from seedbed.models.parameter_names import names_found

PARAMS, GROUPS, NO_DECAY, DECAY = "params", "groups", "no_decay", "weight_decay"

NORMS: tuple[type[nn.Module], ...] = (
    nn.BatchNorm1d,
    nn.BatchNorm2d,
    nn.BatchNorm3d,
    nn.SyncBatchNorm,
    nn.InstanceNorm1d,
    nn.InstanceNorm2d,
    nn.InstanceNorm3d,
    nn.LayerNorm,
    nn.GroupNorm,
    nn.RMSNorm,
)
"""Layers whose parameters `optimizer.no_decay` leaves without weight decay, of any shape."""


ONE_RATE = ("OneCycleLR", "CyclicLR")
"""Schedules that set the rates of all groups anew."""


@dataclass(frozen=True)
class ParameterGroup:
    """Parameters that an optimizer moves by settings of their own.

    Args:
        names: of the parameters, in the model's order; none of a group that is empty.
        settings: that are not the optimizer's own.
    """

    names: list[str]
    settings: dict[str, Any]


def parameter_groups(spec: Mapping[str, Any], model: nn.Module) -> list[ParameterGroup]:
    """The groups of a model's parameters, those of no other group first.

    The first expression of `optimizer.groups` that is found in a name decides; what a group does
    not set is the optimizer's. With `no_decay` each group is followed by its part without weight
    decay: parameters of norms, biases by name, and what has one dimension at most. So runs of one
    config have the same groups, of which some may be empty.

    Args:
        spec: `optimizer`.
        model: whose parameters they are.

    Raises:
        ConfigError: for an expression that is found in no name, or in none that is left.
    """
    names = [name for name, _ in model.named_parameters()]
    left = names
    owned: list[list[str]] = []
    tried = Attempts()
    for label, group in (spec.get(GROUPS) or {}).items():
        key = f"optimizer.{GROUPS}.{label}.{PARAMS}"
        found = tried(names_found, [group[PARAMS]], names, key)
        if found is None:
            continue
        own = [name for name in found if name in left]
        if not own:
            taken = f"{key}: all that it matches ({joined(found)}) is in groups before it"
            tried.errors.append(ConfigError(taken))
        left = [name for name in left if name not in own]
        owned.append(own)
    if tried.errors:
        raise tried.error()
    owned = [left, *owned]
    if spec.get(NO_DECAY):
        spared = _spared(model)
        owned = [
            [name for name in own if (name in spared) == without_decay]
            for own in owned
            for without_decay in (False, True)
        ]
    settings = settings_of_groups(spec)
    return [ParameterGroup(*one) for one in zip(owned, settings, strict=True)]


def refuse_one_rate(config: RunConfig, groups: Sequence[tuple[object, Mapping[str, Any]]]) -> None:
    """Refuses rates of groups beside a schedule that gives all of them one.

    Raises:
        ConfigError: with what to type.
    """
    name = str(config.scheduler["_target_"]).rpartition(".")[2]
    if name in ONE_RATE and any("lr" in settings for _, settings in groups):
        raise ConfigError(
            f"optimizer.{GROUPS}: {name} gives all groups of parameters one rate; leave lr out of "
            "them, or type scheduler=cosine, or another"
        )


def _spared(model: nn.Module) -> set[str]:
    """The names of what `optimizer.no_decay` leaves without weight decay."""
    return {
        f"{above}.{name}" if above else name
        for above, module in model.named_modules()
        for name, one in module.named_parameters(recurse=False)
        if isinstance(module, NORMS) or "bias" in name or one.ndim <= 1
    }


def settings_of_groups(spec: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The settings of each group that `parameter_groups` has, told from the config alone."""
    named = [
        {name: value for name, value in group.items() if name != PARAMS}
        for group in (spec.get(GROUPS) or {}).values()
    ]
    settings = [{}, *named]
    if not spec.get(NO_DECAY):
        return settings
    return [part for one in settings for part in (one, {**one, DECAY: 0.0})]
