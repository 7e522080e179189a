"""The optimizer of a run, and the rate that it takes."""

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

from torch import nn
from torch.optim import Optimizer, SparseAdam

from seedbed.components import AllowList
from seedbed.config.hints import joined
from seedbed.config.target_keys import arguments_of
from seedbed.errors import NotAllowedError
from seedbed.process.torch_private import building_without_compiler, without_compiler

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
