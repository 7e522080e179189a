"""One batch through a copy of the model by a step of the user's own, before anything is trained."""

from collections.abc import Mapping, Set
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from seedbed.config.hints import did_you_mean, joined
from seedbed.errors import ConfigError, OwnCodeError
from seedbed.models.build import output_of
from seedbed.models.calling import forwarded
from seedbed.raised import reason
from seedbed.tasks.metrics import METRICS
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
    step = replace(step, names=tuple(beside))
    model.zero_grad()
    model.eval()
    with torch.no_grad():
        _called(step, model, x, y)
        misfit, output = _on_its_own(step, model, x, y)
    return TriedStep(tuple(beside), misfit, output)


def _called(step: OwnStep, model: nn.Module, x: Any, y: Any) -> Given:
    before = _Before.of(model)
    try:
        given = step(model, x, y)
    except OwnCodeError:
        raise
    except (Exception, SystemExit) as err:
        kinds = ", ".join(str(tuple(one.shape)) for one in (x, y) if isinstance(one, Tensor))
        batch = f", given a batch of {kinds}" if kinds else ""
        raise OwnCodeError(f"step: {step.target} raises {reason(err)}{batch}") from err
    if (what := before.changed_in(model)) is not None:
        raise step.error(what)
    return given


@dataclass(frozen=True)
class _Before:
    """A model as a step finds it; what it may not leave otherwise, as no run would go on with it.

    Args:
        names: of its parameters and buffers.
        versions: of its parameters.
        learning: those of them that are trained.
        training: whether it is in training mode.
    """

    names: Set[str]
    versions: Mapping[str, int]
    learning: Set[str]
    training: bool

    @classmethod
    def of(cls, model: nn.Module) -> "_Before":
        named = dict(model.named_parameters())
        return cls(
            names={*named, *(name for name, _ in model.named_buffers())},
            versions={name: one._version for name, one in named.items()},
            learning={name for name, one in named.items() if one.requires_grad},
            training=model.training,
        )

    def changed_in(self, model: nn.Module) -> str | None:
        """What a step did to the model, and what to do instead; None if nothing."""
        now = _Before.of(model)
        if any(one.grad is not None for one in model.parameters()):
            return "computes gradients itself; it has to give the loss, without backward"
        if other := sorted(now.names ^ self.names):
            come = "adds" if other[0] in now.names else "removes"
            return (
                f"{come} '{other[0]}', a parameter or a buffer of the model, which the config does "
                "not build so; make them in the model's __init__"
            )
        for name, version in now.versions.items():
            if version != self.versions[name]:
                return f"changes the weight '{name}'; the optimizer does"
        if other := sorted(now.learning ^ self.learning):
            return (
                f"changes requires_grad of '{other[0]}', which no checkpoint holds; type "
                f"'init.freeze=[{other[0]}]' to train the others alone, or put it back"
            )
        if now.training != self.training:
            found, left = ("training", "evaluation")[:: 1 if self.training else -1]
            back = "train" if self.training else "eval"
            return (
                f"finds the model in {found} mode and leaves it in {left} mode, in which the next "
                f"batch would be; call model.{back}() before it returns"
            )
        return None


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
    for name, higher in step.higher_is_better.items():
        if name in METRICS and METRICS[name].higher_is_better != higher:
            raise ConfigError(
                f"step.higher_is_better.{name}: '{name}' is a metric of Seedbed's, of which that "
                f"is not so; have {step.target} give it another name, such as my_{name}"
            )
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
