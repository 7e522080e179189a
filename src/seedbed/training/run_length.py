"""How long a run is, and lengths that a config gives in epochs, in updates or as a part of it."""

from dataclasses import dataclass

from seedbed.config.schema import TrainerConfig
from seedbed.training.duration import total_steps
from seedbed.training.interval import parsed_interval


@dataclass(frozen=True)
class RunLength:
    """How long a run is, if nothing ends it early.

    Args:
        epochs: of the run.
        updates: of the weights in an epoch.
        steps: updates of the whole run, which `trainer.max_steps` may end.
        is_tried_out: on a few batches, which a longer run's settings need not suit.
    """

    epochs: int
    updates: int
    steps: int
    is_tried_out: bool = False

    @classmethod
    def of(cls, trainer: TrainerConfig, updates: int) -> "RunLength":
        """Of a config, and the updates in an epoch."""
        few = trainer.limit_batches is not None or trainer.overfit_batches is not None
        return cls(trainer.epochs, updates, total_steps(trainer, updates), is_tried_out=few)

    def updates_in(self, written: float | str) -> int:
        """Updates in `3` or `3 epochs`, `100 steps`, or a part of the run such as `0.1`; >= 1.

        The schema has checked the form.
        """
        if isinstance(written, float):
            return max(1, round(written * self.steps))
        interval = parsed_interval(written)
        return interval.every * (self.updates if interval.unit == "epochs" else 1)
