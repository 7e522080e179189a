"""One batch through a copy of the model by a step of the user's own, before anything is trained."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from seedbed.config.hints import did_you_mean, joined
from seedbed.errors import ConfigError, OwnCodeError
from seedbed.models.build import output_of
from seedbed.models.calling import forwarded
from seedbed.raised import reason
from seedbed.training.own_step import RESERVED, Given, OwnStep


@dataclass(frozen=True)
class TriedStep:
    """What a step gives, and what can be measured of its model.

    Args:
        names: that it gives beside the loss.
        misfit: why the task's metrics do not fit what `model(x)` gives; empty where they do.
        output: what it gives of the batch; None where they do not fit.
    """

    names: tuple[str, ...]
    misfit: str
    output: Tensor | None


def try_step(step: OwnStep, model: nn.Module, x: Any, y: Any) -> TriedStep:
    """Calls a step in training and in evaluation.

    Args:
        step: of a copy of the run's head.
        model: a copy, in training mode; it is changed.
        x: inputs of a batch.
        y: targets.

    Raises:
        OwnCodeError: if the step raises, or gives nothing that can be trained by.
        ConfigError: if a direction is told of a name that it does not give.
    """
    loss, beside = _called(step, model, x, y)
    _refuse_names(step, beside)
    _refuse_loss(step, model, loss)
    step = step.with_names(tuple(beside))
    model.zero_grad()
    model.eval()
    with torch.no_grad():
        _called(step, model, x, y)
        misfit, output = _on_its_own(step, model, x, y)
    return TriedStep(tuple(beside), misfit, output)


def _called(step: OwnStep, model: nn.Module, x: Any, y: Any) -> Given:
    before = {name: one._version for name, one in model.named_parameters()}
    try:
        given = step(model, x, y)
    except OwnCodeError:
        raise
    except (Exception, SystemExit) as err:
        kinds = ", ".join(str(tuple(one.shape)) for one in (x, y) if isinstance(one, Tensor))
        batch = f", given a batch of {kinds}" if kinds else ""
        raise OwnCodeError(f"step: {step.target} raises {reason(err)}{batch}") from err
    for name, one in model.named_parameters():
        if one.grad is not None:
            raise step.error("computes gradients itself; it has to give the loss, without backward")
        if one._version != before[name]:
            raise step.error(f"changes the weight '{name}'; the optimizer does")
    return given


def _refuse_names(step: OwnStep, beside: dict[str, Tensor]) -> None:
    taken = {*RESERVED, *step.head.metric_names}
    for name in beside:
        if not isinstance(name, str) or not name.isidentifier():
            raise step.error(
                f"gives {name!r}; a name has letters, digits and _ alone, as it is part of a column"
            )
        if name in taken:
            raise step.error(
                f"gives '{name}', which is a column of the run already; give it another name"
            )
    for name in step.higher_is_better:
        if name not in beside:
            raise ConfigError(
                f"step.higher_is_better: {step.target} gives no '{name}'; it gives "
                f"{joined(beside) or 'nothing beside the loss'}{did_you_mean(name, beside)}"
            )


def _refuse_loss(step: OwnStep, model: nn.Module, loss: Tensor) -> None:
    """Refuses a loss that no weight learns by."""
    if loss.requires_grad:
        try:
            loss.backward()
        except RuntimeError as err:
            raise step.error(f"gives a loss whose gradient raises {reason(err)}") from err
    own = [*model.parameters(), *step.head.trainable]
    if any(one.requires_grad for one in own) and all(one.grad is None for one in own):
        raise step.error(
            "gives a loss that has no gradient for any weight: it does not come from the model, or "
            "detach(), item() or no_grad() cut it off"
        )


def _on_its_own(step: OwnStep, model: nn.Module, x: Any, y: Any) -> tuple[str, Tensor | None]:
    """What the model gives for inputs, or why that is not what the task asks for."""
    try:
        output = output_of(forwarded(model, x))
    except (Exception, SystemExit) as err:
        return f"model(x) raises {reason(err)}", None
    wanted = (len(y), step.head.outputs)
    if tuple(output.shape) != wanted:
        told = f"model(x) gives {tuple(output.shape)} for {len(y)} rows"
        return f"{told}, the task asks for {wanted}", None
    return "", output
