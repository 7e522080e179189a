"""Curves of `trainer.log_gradients`: norms of gradients, and how much of the weights steps change.

A point is of one step: of the one that `trainer.log_every` counts to, of the first one after so
many seconds, or of the last of an epoch.
"""

import time
from collections.abc import Iterator, Sequence

import numpy as np

from seedbed.recording import tfrecords
from seedbed.recording.event_files import EventFiles, epoch_is_logged
from seedbed.runs.checkpoint import Checkpoint
from seedbed.training.interval import MANY, parsed_interval
from seedbed.training.progress import Progress
from seedbed.training.recorder import Forwarding, Recorder
from seedbed.training.run_components import RunComponents
from seedbed.training.training import Training

GRADIENT, RATIO = "weights (gradient norm)", "weights (update ratio)"
"""Groups of tags in TensorBoard; they sort behind all others, whose first few HPARAMS shows."""

ALL = "all parameters"
"""In place of a parameter's name, which holds no blank."""


def with_gradients(recorder: Recorder, events: EventFiles, plan: RunComponents) -> Recorder:
    """The recorder, which keeps these curves as well where the config asks for them.

    Args:
        recorder: hears the same.
        events: that it writes.
        plan: of the first run.
    """
    trainer = plan.config.trainer
    if not trainer.log_gradients:
        return recorder
    names = [name for name, one in plan.model.named_parameters() if one.requires_grad]
    return GradientPoints(recorder, events, names, trainer.log_every)


class GradientPoints(Forwarding):
    """Has the steps measured that are logged, and keeps what comes of them.

    Args:
        recorder: hears the same.
        events: of the runs, by number.
        names: of the parameters that are trained, in the order of the model.
        log_every: as the config has it.
    """

    def __init__(
        self, recorder: Recorder, events: EventFiles, names: Sequence[str], log_every: int | str
    ) -> None:
        super().__init__(recorder)
        self.events = events
        self.interval = parsed_interval(log_every)
        every = [*names, ALL]
        self.tags = [f"{group}/{name}" for group in (GRADIENT, RATIO) for name in every]
        self._left = 1

    def begin(self, training: Training, resumed: Sequence[Checkpoint] | None) -> None:
        """See `Recorder`."""
        super().begin(training, resumed)
        self._look_ahead(training)

    def steps_left(self, step: int) -> int:
        """See `Recorder`; a step that is measured is made by itself."""
        return min(super().steps_left(step), max(1, self._left - 1))

    def step(self, training: Training) -> None:
        """See `Recorder`."""
        measured = training.engine.norms
        if measured is not None and measured.found is not None:
            self._add(training.progress, measured.found.cpu().numpy())
            measured.found = None
        super().step(training)
        self._look_ahead(training)

    def _look_ahead(self, training: Training) -> None:
        """Says whether the next step is measured."""
        self._left = self._steps_until(training.progress)
        if training.engine.norms is not None:
            training.engine.norms.due = self._left == 1

    def _steps_until(self, progress: Progress) -> int:
        """How many steps there are up to one that has a point, itself among them."""
        unit = self.interval.unit
        if unit == "seconds":
            return 1 if self.interval.after_step(progress.step) else MANY
        if unit == "steps":
            return self.interval.steps_left(progress.step)
        ended = progress.batch >= progress.batches_now
        epoch, left = progress.epoch + 1, progress.batches_now - progress.batch
        if ended:
            epoch, left = epoch + 1, min(progress.batches, progress.steps_left)
        return left if any(True for _ in self._slots(progress, epoch)) else MANY

    def _slots(self, progress: Progress, epoch: int) -> Iterator[int]:
        """Of the runs for which an epoch has points."""
        for slot in range(progress.num_active):
            if epoch_is_logged(self.interval, epoch, progress.configs[slot].trainer.epochs):
                yield slot

    def _add(self, progress: Progress, values: np.ndarray) -> None:
        """A point of each run that goes on."""
        steps, times = np.array([progress.step]), np.array([time.time()])
        slots = [s for s in self._slots(progress, progress.epoch + 1)
                 if progress.runs[s] not in progress.diverged]  # fmt: skip
        points = values[slots][:, None, :].astype(np.float32)
        contents = tfrecords.scalar_records(self.tags, steps, times, points)
        for slot, content in zip(slots, contents, strict=True):
            self.events.add_records(progress.runs[slot], content)
