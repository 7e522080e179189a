"""The callbacks of runs in training; each is lent a copy of the model."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from torch import Tensor, nn

from seedbed.config.own_code import STEP_END
from seedbed.errors import CheckpointError, OwnCodeError
from seedbed.models.copies import copied_model
from seedbed.raised import reason
from seedbed.training.own_callback import Event, LentModel, OwnCallback


def copied_for_callbacks(model: nn.Module) -> Callable[[], nn.Module]:
    """What makes a copy of a model that is trained, on the CPU."""

    def copy() -> nn.Module:
        try:
            return copied_model(model).cpu()
        except Exception as err:  # of any kind: the class is the user's
            raise OwnCodeError(
                f"event.model: {type(model).__name__} cannot be copied: {reason(err)}"
            ) from err

    return copy


class Callbacks:
    """The callbacks of runs in training.

    Args:
        of_runs: of each run, by its number.
        paths: of their directories.
        copy: makes the model that they are lent; it is that of all runs but for its weights.
    """

    def __init__(
        self,
        of_runs: Mapping[int, Sequence[OwnCallback]],
        paths: Mapping[int, Path],
        copy: Callable[[], nn.Module],
    ) -> None:
        self.of_runs = of_runs
        self.paths = paths
        self._copy = copy

    @property
    def hear_steps(self) -> bool:
        """Whether one of them hears of every step."""
        return any(STEP_END in one.heard for own in self.of_runs.values() for one in own)

    def tell(
        self,
        run: int,
        name: str,
        *,
        epoch: int,
        step: int,
        metrics: Callable[[], Mapping[str, float]],
        weights: Callable[[], Mapping[str, Tensor]],
        status: str = "running",
    ) -> str | None:
        """Tells a run's callbacks of an event; the first reason to stop, or None.

        Args:
            run: number of it.
            name: of the event.
            epoch: finished epochs.
            step: steps made.
            metrics: told where somebody hears of it.
            weights: the `state_dict` of the run.
            status: of the run.
        """
        if not any(name in one.heard for one in self.of_runs[run]):
            return None

        def model() -> nn.Module:
            made = self._copy()
            made.load_state_dict(weights())
            return made.eval()

        told = MappingProxyType(dict(metrics()))
        answers = [
            one(Event(name, self.paths[run], epoch, step, told, status, LentModel(model)))
            for one in self.of_runs[run]
        ]
        return next(filter(None, answers), None)

    def states(self, run: int) -> list[Any]:
        """What a checkpoint keeps of a run's callbacks."""
        return [one.state() for one in self.of_runs[run]]

    def load(self, run: int, states: Any) -> None:
        """Goes on with what a checkpoint has.

        Raises:
            CheckpointError: if it is of other callbacks.
        """
        own = self.of_runs[run]
        if not isinstance(states, list) or len(states) != len(own):
            raise CheckpointError("the checkpoint is of other callbacks")
        for one, state in zip(own, states, strict=True):
            one.load(state)
