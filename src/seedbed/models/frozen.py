"""Parameters that are not trained, and the layers that have no others."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

import torch
from torch import nn

from seedbed.config.hints import joined
from seedbed.errors import ModelError
from seedbed.models.calling import forwarded
from seedbed.models.parameter_names import names_found
from seedbed.process.torch_private import batch_norm, dropout_base, norm_base


def freeze(model: nn.Module, patterns: Sequence[str]) -> list[str]:
    """Takes parameters out of training: no gradient, no decay, no momentum moves them.

    Args:
        model: whose parameters they are.
        patterns: `init.freeze`; regular expressions on their names.

    Returns:
        Their names.

    Raises:
        ConfigError: if an expression is none, or matches nothing.
        ModelError: if it leaves nothing to train.
    """
    parameters = dict(model.named_parameters())
    names = names_found(patterns, list(parameters), "init.freeze")
    learning = [name for name, one in parameters.items() if one.requires_grad]
    if names and set(learning) <= set(names):
        raise ModelError(
            f"init.freeze: {joined(patterns, 4)} freezes all {len(learning)} parameters of the "
            "model; leave one out of it that is to be trained"
        )
    for name in names:
        parameters[name].requires_grad_(False)
    return names


def refuse_frozen(model: nn.Module, parameters: Sequence[nn.Parameter]) -> None:
    """Refuses a run in which nothing learns.

    Args:
        model: to be named.
        parameters: its own, and those of the loss.

    Raises:
        ModelError: if there is no parameter, or none with `requires_grad`.
    """
    if any(one.requires_grad for one in parameters):
        return
    name = type(model).__name__
    if parameters:
        raise ModelError(
            f"model: all {len(parameters)} parameters of {name} are frozen (requires_grad is "
            "False); let one learn: parameter.requires_grad_()"
        )
    raise ModelError(f"model: {name} has no parameters, so there is nothing to train")


def set_training(model: nn.Module, *, frozen_eval: bool) -> None:
    """Puts a model into training mode.

    Args:
        model: to be trained.
        frozen_eval: whether layers without a trainable parameter stay in evaluation mode, with all
            that is in them.
    """
    model.train()
    if frozen_eval:
        for module in frozen_layers(model):
            module.eval()


def frozen_layers(model: nn.Module) -> list[nn.Module]:
    """The modules that have parameters, in them or below, of which none is trained."""
    found = []
    for module in model.modules():
        parameters = list(module.parameters())
        if parameters and not any(one.requires_grad for one in parameters):
            found.append(module)
    return found


def measured_anew(batches: Iterable[Any], model: nn.Module, *, frozen_eval: bool) -> None:
    """Measures the statistics of batches anew.

    Args:
        batches: pairs, of which the first goes into the model.
        model: that has them.
        frozen_eval: whether those of frozen layers stay, which are in evaluation mode then.

    Source: `torch.optim.swa_utils.update_bn`, of all layers.
    """
    set_training(model, frozen_eval=frozen_eval)
    norms = [one for one in model.modules() if isinstance(one, batch_norm) and one.training]
    before = [one.momentum for one in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # the mean over all batches
    with torch.no_grad():
        for x, _ in batches:
            forwarded(model, x)
    for norm, momentum in zip(norms, before, strict=True):
        norm.momentum = momentum


def restless(model: nn.Module) -> list[str]:
    """Names of torch's layers in frozen ones that training mode goes on changing, or draws in."""
    below: Collection[int] = {id(one) for layer in frozen_layers(model) for one in layer.modules()}
    return [
        name or type(module).__name__
        for name, module in model.named_modules()
        if id(module) in below and _moves(module)
    ]


def _moves(module: nn.Module) -> bool:
    if isinstance(module, norm_base):
        return bool(module.track_running_stats)
    return isinstance(module, dropout_base) and module.p > 0
