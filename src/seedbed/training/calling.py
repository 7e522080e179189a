"""Tells the callbacks of runs what happens, between the loop and what is recorded."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from seedbed.components import AllowList
from seedbed.config.own_code import CHECKPOINT, EPOCH_END, RUN_END, RUN_START, STEP_END
from seedbed.config.schema import RunConfig
from seedbed.runs.checkpoint import Checkpoint
from seedbed.training.built_callbacks import build_callbacks
from seedbed.training.callbacks import Callbacks, copied_for_callbacks
from seedbed.training.recorder import Forwarding, Recorder
from seedbed.training.training import Ended, Training

Agreed = Callable[[Mapping[int, str]], Mapping[int, str]]
"""Which runs are to stop, and why: what the first rank says, told to all."""

NOT_TOLD = ("epoch", "step", "seconds")
"""Columns of the history that are no metrics."""


class Following(Forwarding):
    """Hears on a rank that is not the first what the callbacks of the first ask for.

    Args:
        recorder: hears the same.
        agreed: what the first rank says.
        hear_steps: whether one of them hears of every step.
    """

    def __init__(self, recorder: Recorder, agreed: Agreed, *, hear_steps: bool) -> None:
        super().__init__(recorder)
        self.agreed = agreed
        self.hear_steps = hear_steps

    def step(self, training: Training) -> None:
        """See `Recorder`."""
        super().step(training)
        if self.hear_steps:
            stop(training, self.agreed(self._tell(training, STEP_END)))

    def epoch(self, training: Training) -> None:
        """See `Recorder`."""
        super().epoch(training)
        stop(training, self.agreed(self._tell(training, EPOCH_END)))

    def _tell(self, training: Training, name: str) -> dict[int, str]:
        """Tells the callbacks here, of which there are none; which runs are to stop, and why."""
        return {}


class Calling(Following):
    """Tells the callbacks of each run; what they ask for is kept in `Progress.asked`.

    Args:
        recorder: hears the same, and before them but at the end.
        callbacks: of the runs.
        agreed: tells other ranks.
    """

    def __init__(
        self, recorder: Recorder, callbacks: Callbacks, agreed: Agreed = lambda asked: asked
    ) -> None:
        super().__init__(recorder, agreed, hear_steps=callbacks.hear_steps)
        self.callbacks = callbacks

    def begin(self, training: Training, resumed: Sequence[Checkpoint] | None) -> None:
        """See `Recorder`."""
        super().begin(training, resumed)
        self._tell(training, RUN_START)

    def steps_left(self, step: int) -> int:
        """See `Recorder`."""
        return 1 if self.hear_steps else super().steps_left(step)

    def save(self, training: Training) -> None:
        """See `Recorder`."""
        super().save(training)
        self._tell(training, CHECKPOINT)

    def ended(self, training: Training, ended: Ended) -> None:
        """See `Recorder`; they hear of it first, so that a run fails if they raise."""
        progress = training.progress
        for one in ended.runs:
            self.callbacks.tell(
                progress.runs[one.slot],
                RUN_END,
                epoch=progress.epochs_of(one.slot),
                step=progress.steps_of(one.slot),
                metrics=lambda one=one: one.measured.metrics,  # type: ignore[misc]
                weights=partial(training.engine.state_dict, one.slot, ended.weights),
                status=str(one.status),
            )
        super().ended(training, ended)

    def _tell(self, training: Training, name: str) -> dict[int, str]:
        """Tells the runs that are well; which are to stop, and why."""
        progress, asked = training.progress, {}
        for slot, run in enumerate(progress.runs):
            if run in progress.diverged:
                continue
            why = self.callbacks.tell(
                run,
                name,
                epoch=progress.epoch,
                step=progress.step,
                metrics=partial(_metrics, training, slot, name),
                weights=partial(_weights, training, slot),
            )
            if why is not None:
                asked[run] = why
        return asked


def calling_of_stack(
    recorder: Recorder,
    training: Training,
    configs: Sequence[RunConfig],
    paths: Sequence[Path],
    model: nn.Module,
) -> Recorder:
    """The recorder, which tells the callbacks of each run as well where there are any.

    Args:
        recorder: hears the same.
        training: of the runs; their checkpoints hold the states of the callbacks from now on.
        configs: of each run.
        paths: of their directories.
        model: of one of them.
    """
    if not configs[0].callbacks:
        return recorder
    allow = AllowList(configs[0].allow)
    of_runs = {at: build_callbacks(one, allow) for at, one in enumerate(configs)}
    own = dict(enumerate(paths))
    training.callbacks = Callbacks(of_runs, own, copied_for_callbacks(model))
    return Calling(recorder, training.callbacks)


def stop(training: Training, asked: Mapping[int, str]) -> None:
    """Has runs end: at the epoch that ends, or at the step just made."""
    progress = training.progress
    if not asked:
        return
    progress.asked = {**asked, **progress.asked}
    if progress.batch:
        progress.last_step = progress.step


def _metrics(training: Training, slot: int, name: str) -> Mapping[str, float]:
    progress = training.progress
    if name == STEP_END:
        return {column: float(one[slot]) for column, one in progress.train_means().items()}
    rows = progress.rows(slot)
    return {key: one for key, one in rows[-1].items() if key not in NOT_TOLD} if rows else {}


def _weights(training: Training, slot: int) -> Mapping[str, Tensor]:
    state: Any = training.engine.checkpoint(slot, "last")
    weights: Mapping[str, Tensor] = state["model"]
    return weights
