"""A step of the user's own: `step._target_` names a function that makes the loss of a batch.

def my_step(model, batch, alpha=0.1):
    x, y = batch
    return {"loss": …, "penalty": …}

What it gives beside the loss is averaged over an epoch as the loss is. Here is what it is called
with, and what is looked at in what it gives, by whichever engine and in whichever mode.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from numbers import Real
from typing import Any

import torch
from torch import Tensor, nn

from seedbed.components import AllowList
from seedbed.config.fitting import as_float
from seedbed.config.hints import joined
from seedbed.config.own_code import DIRECTIONS, TARGET
from seedbed.config.schema import RunConfig
from seedbed.errors import ConfigError, NotAllowedError, OwnCodeError
from seedbed.models.build import output_of
from seedbed.raised import defined_at
from seedbed.signatures import refuse_uncallable, signature_of
from seedbed.tasks.head import TaskHead
from seedbed.training.averaging import SWA, has_batch_norm

LOSS = "loss"
"""Of what a step gives; and the argument by which it is handed the config's loss."""

FORM = "{'loss': a tensor, …}"

RESERVED = ("lr", "running_loss", "seconds")
"""Names that columns and curves of a run have already."""

Given = tuple[Tensor, dict[str, Tensor]]
"""The loss of a batch, and what the step gives beside it; each ()."""


@dataclass(frozen=True)
class OwnStep:
    """A step that is ready to be called.

    Args:
        target: its dotted name.
        function: of the user's own.
        arguments: that it takes beside the model and the batch.
        head: of the run; its loss is handed to a step that asks for it.
        higher_is_better: of names that it gives, as the config tells.
        names: that it gives beside the loss, in order; None until a batch was tried.
        misfit: why the task's metrics do not fit what `model(x)` gives; empty where they do.
    """

    target: str
    function: Callable[..., Any]
    arguments: Mapping[str, Any]
    head: TaskHead
    higher_is_better: Mapping[str, bool]
    names: tuple[str, ...] | None = None
    misfit: str = ""

    @cached_property
    def takes_loss(self) -> bool:
        """Whether it asks for the config's loss."""
        return _takes_loss(self.function) and LOSS not in self.arguments

    def __call__(self, model: nn.Module, x: Any, y: Any) -> Given:
        """The loss of a batch, and what else the step gives.

        Raises:
            OwnCodeError: if that is nothing that can be trained by, or not what it gave before.
            Exception: whatever it raises.
        """
        given = self.function(model, self._batch(x, y), **self._handed)
        return self._looked_at(given)

    def _batch(self, x: Any, y: Any) -> tuple[Any, ...]:
        """Inputs and targets; behind these the weights of the rows, where they have any."""
        targets, weights = self.head.taken_apart(y)
        return (x, targets) if weights is None else (x, targets, weights)

    @cached_property
    def _handed(self) -> Mapping[str, Any]:
        return {**self.arguments, LOSS: self._loss} if self.takes_loss else self.arguments

    def _loss(self, output: Any, y: Tensor, weight: Tensor | None = None) -> Tensor:
        """The config's loss, of what the model gave and the targets."""
        loss: Tensor = self.head.loss_of(output_of(output), y, weight)
        return loss

    def _looked_at(self, given: Any) -> Given:
        if not isinstance(given, Mapping):
            raise self.error(f"gives a {type(given).__name__}; it has to give {FORM}")
        if LOSS not in given:
            what = joined(map(str, given)) or "nothing"
            raise self.error(f"gives a mapping with {what}; it has to give {FORM}")
        names = tuple(name for name in given if name != LOSS)
        if self.names is not None and set(names) != set(self.names):
            raise self.error(
                f"gives {_listed(names)} beside the loss, and gave {_listed(self.names)} for its "
                "first batch; it has to give the same names for every batch, in training and in "
                "evaluation"
            )
        loss = given[LOSS]
        if not isinstance(loss, Tensor) or loss.numel() != 1 or not loss.is_floating_point():
            raise self.error(
                f"gives {_kind(loss)} as the loss of a batch, training takes one real number; "
                "loss.mean() makes one"
            )
        ordered = names if self.names is None else self.names
        device = loss.device
        return loss.reshape(()), {name: self._number(name, given[name], device) for name in ordered}

    def _number(self, name: str, value: object, device: torch.device) -> Tensor:
        """What is kept of a value: no gradient, and a real number, as exact as it was."""
        exact = torch.float32 if device.type == "mps" else torch.float64
        if isinstance(value, Real):
            number = as_float(value)  # type: ignore[arg-type]  # any number that Python has
            return torch.tensor(number, dtype=exact, device=device)
        if not isinstance(value, Tensor) or value.numel() != 1 or value.is_complex():
            raise self.error(
                f"gives {_kind(value)} as '{name}'; what it gives is one number for each name"
            )
        value = value.detach().reshape(())
        return value if value.is_floating_point() else value.to(exact)

    def error(self, what: str) -> OwnCodeError:
        """Says what the step does, and where it stands."""
        return OwnCodeError(f"step: {self.target}{defined_at(self.function)} {what}")


def build_step(config: RunConfig, allow: AllowList, head: TaskHead) -> OwnStep | None:
    """The step of a config; None where the task's loss is all.

    Raises:
        NotAllowedError: if it may not be named, is no function, or does not take its arguments.
        ConfigError: if the loss that is handed to it is none that a step can use.
    """
    spec = config.own_step
    if spec is None:
        return None
    target = str(spec[TARGET])
    function = allow.find_part(target, f"step.{TARGET}")
    if isinstance(function, type):
        raise NotAllowedError(
            f"step.{TARGET}: {target} is a class, a step is a function (model, batch) -> "
            "{'loss': …}"
        )
    own = {key: one for key, one in spec.items() if key not in (TARGET, DIRECTIONS)}
    arguments = allow.arguments(own, "step")
    handed = {LOSS: None} if _takes_loss(function) else {}
    refuse_uncallable(function, {**handed, **arguments}, "step", ("the model", "the batch"))
    if getattr(head.loss_function, "reduction", None) == "sum":
        raise ConfigError(
            "loss.reduction=sum: the loss of a step counts as the mean over the rows of its batch; "
            "type loss.reduction=mean, and have the step give a mean"
        )
    return OwnStep(target, function, arguments, head, spec.get(DIRECTIONS) or {})


def refuse_misfit(config: RunConfig, step: OwnStep | None, model: nn.Module) -> None:
    """Refuses metrics and statistics of batches that need `model(x)`, where there is none.

    Raises:
        ConfigError: with what to type.
    """
    if step is None or not step.misfit:
        return
    if config.metrics:
        raise ConfigError(f"metrics are of what model(x) gives, and {step.misfit}; leave them out")
    if config.trainer.select == SWA and has_batch_norm(model):
        raise ConfigError(
            "trainer.select=swa measures the batch statistics of averaged weights by model(x), "
            f"and {step.misfit}; type trainer.select=ema"
        )


def step_notes(config: RunConfig, step: OwnStep | None) -> list[str]:
    """What a person should know of a step: what of the config it leaves aside."""
    if step is None:
        return []
    notes = []
    if config.loss["_target_"] is not None and not step.takes_loss:
        notes.append(
            f"step: {step.target} has no argument 'loss', so that the loss of the config only says "
            "what the model's outputs mean"
        )
    if step.misfit:
        notes.append(f"step: the task's metrics are left out, as {step.misfit}")
    return notes


def _takes_loss(function: Callable[..., Any]) -> bool:
    return LOSS in signature_of(function).parameters


def _listed(names: Sequence[str]) -> str:
    return joined(map(str, names)) or "nothing"


def _kind(value: Any) -> str:
    if isinstance(value, Tensor):
        kind = str(value.dtype).removeprefix("torch.")
        return f"{kind} numbers of shape {tuple(value.shape)}"
    return f"a {type(value).__name__}"
