"""A callback of the user's own: what it hears of a run, and what it may ask of it.

A class has a method for each event that it hears, a function is called at those that `on` names.
Each is called with an `Event`, which tells and changes nothing, and may return a text: the reason
for which the run is to stop. What they are handed are copies, and the generators of random numbers
stand afterwards where they stood, so that a run's numbers do not depend on who listens.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import chdir, contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from seedbed.config.own_code import EPOCH_END, STEP_END
from seedbed.errors import OwnCodeError
from seedbed.process.generators import devices_generators_put_back
from seedbed.raised import reason
from seedbed.runs.checkpoint import PLAIN, copied

STOPPING = (STEP_END, EPOCH_END)
"""Events from which a run may be asked to stop."""

LONGEST_REASON = 200
"""Characters that a callback may give as a reason to stop."""


@dataclass(frozen=True)
class Event:
    """What a callback is told; nothing in it leads back into the run.

    Args:
        name: run_start, step_end, epoch_end, checkpoint or run_end.
        run: the directory of the run.
        epoch: finished epochs.
        step: updates of the weights.
        metrics: of the epoch that ended last, by column; at step_end `train/loss` of the epoch so
            far, and what a step of your own gives; at run_end those of `result.json`.
        status: running; at run_end completed, diverged or interrupted.
        lent: makes the model.
    """

    name: str
    run: Path
    epoch: int
    step: int
    metrics: Mapping[str, float]
    status: str
    lent: "LentModel" = field(repr=False)

    @property
    def model(self) -> nn.Module:
        """A copy of the model as it is, on the CPU and in evaluation mode.

        It is made when it is asked for. At run_end it has the weights of `model.pth`.
        """
        return self.lent.model


class LentModel:
    """A copy of a model, of which is seen whether its weights were changed.

    Args:
        make: the copy.
    """

    def __init__(self, make: Callable[[], nn.Module]) -> None:
        self._make = make
        self._versions: dict[str, int] = {}

    @cached_property
    def model(self) -> nn.Module:
        """The copy, made once."""
        made = self._make()
        self._versions = {name: one._version for name, one in made.named_parameters()}
        return made

    def changed(self) -> str | None:
        """The first parameter that was written since, or None."""
        if "model" not in vars(self):
            return None
        named = self.model.named_parameters()
        return next((name for name, one in named if one._version != self._versions[name]), None)


@dataclass(frozen=True)
class OwnCallback:
    """A callback that is built.

    Args:
        target: its dotted name.
        place: of it in the config, as callbacks[0].
        heard: what is called at each event that it hears.
        instance: that keeps a state; None for a function.
    """

    target: str
    place: str
    heard: Mapping[str, Callable[[Event], Any]]
    instance: Any = None

    def __call__(self, event: Event) -> str | None:
        """Tells it of an event; why it asks for the run to stop, or None.

        Raises:
            OwnCodeError: if it returns something else, or changes the model's weights.
            Exception: whatever it raises.
        """
        listener = self.heard.get(event.name)
        if listener is None:
            return None
        with _undisturbed():
            try:
                returned = listener(event)
            except SystemExit as err:
                raise OwnCodeError(f"{self._named} raises {reason(err)}") from err
        self._refuse_changed(event)
        if returned is None:
            return None
        if event.name not in STOPPING:
            raise OwnCodeError(
                f"{self._named} returns {returned!r:.80} at {event.name}; a run is asked to stop "
                f"from {' or '.join(STOPPING)}"
            )
        if not isinstance(returned, str) or not returned.strip():
            raise OwnCodeError(
                f"{self._named} returns {returned!r:.80} at {event.name}; a callback returns "
                "nothing, or a text: why the run is to stop"
            )
        return f"{self.target}: {' '.join(returned.split())[:LONGEST_REASON]}"

    @property
    def _named(self) -> str:
        return f"{self.place}: {self.target}"

    def _refuse_changed(self, event: Event) -> None:
        """Refuses weights that were changed in the copy: the run's would not be."""
        if (name := event.lent.changed()) is not None:
            raise OwnCodeError(
                f"{self._named} changes '{name}' of event.model at {event.name}, which is a copy "
                "to look at: the run goes on without that; the optimizer alone changes weights"
            )

    def state(self) -> Any:
        """A copy of its `state_dict`, for checkpoints; None if it has none.

        Raises:
            OwnCodeError: if it holds what no checkpoint can.
        """
        if not hasattr(self.instance, "state_dict"):
            return None
        state = copied(self.instance.state_dict())
        if (found := _strange(state)) is not None:
            raise OwnCodeError(
                f"{self._named}: its state_dict holds {found}; a checkpoint holds numbers, texts, "
                "tensors, and lists, tuples and dicts of them"
            )
        return state

    def load(self, state: Any) -> None:
        """Goes on with a state."""
        if hasattr(self.instance, "state_dict"):
            self.instance.load_state_dict(state)


@contextmanager
def _undisturbed() -> Iterator[None]:
    """What a callback draws, how it computes, and what it sets for the process, leaves no trace."""
    with devices_generators_put_back(), torch.enable_grad(), chdir("."), _settings_put_back():
        yield


@contextmanager
def _settings_put_back() -> Iterator[None]:
    """Torch's default type and its threads: the run's numbers go by them."""
    dtype, threads = torch.get_default_dtype(), torch.get_num_threads()
    try:
        yield
    finally:
        if torch.get_default_dtype() != dtype:
            torch.set_default_dtype(dtype)
        if torch.get_num_threads() != threads:
            torch.set_num_threads(threads)


def _strange(value: Any) -> str | None:
    """The first thing that no checkpoint holds, or None."""
    if isinstance(value, Mapping):
        inside = [*value.keys(), *value.values()]
        kinds = type(value) is dict
    elif isinstance(value, list | tuple):
        inside, kinds = list(value), type(value) in (list, tuple)
    else:
        is_plain = type(value) in PLAIN or isinstance(value, Tensor)
        return None if is_plain else f"a {type(value).__name__}"
    if not kinds:
        return f"a {type(value).__name__}"
    return next(filter(None, map(_strange, inside)), None)
