"""The optimizer of a run, and the rate that it takes."""

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

from torch import nn
from torch.optim import Optimizer, SparseAdam

from seedbed.components import AllowList
from seedbed.errors import NotAllowedError
from seedbed.process.torch_private import building_without_compiler, without_compiler


def build_optimizer(
    spec: Mapping[str, Any], allow: AllowList, parameters: Sequence[nn.Parameter]
) -> Optimizer:
    """The optimizer of a config, over all of the parameters.

    Raises:
        NotAllowedError: if its class may not be built, refuses its arguments, asks for the loss
            more than once a step, or takes no dense gradients.
    """
    _refuse_vectors(spec, parameters)
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
