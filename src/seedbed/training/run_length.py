"""How long a run is: its epochs, its updates, the time that it may take, and parts of these."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from seedbed.config.schema import RunConfig, TrainerConfig
from seedbed.training.interval import parsed_interval

SECONDS = {"s": 1, "min": 60, "h": 3600, "d": 86400}

MAX_TIME = "trainer.max_time"


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
        steps = trainer.epochs * updates
        if trainer.max_steps is not None:
            steps = min(steps, trainer.max_steps)
        return cls(trainer.epochs, updates, steps, trainer.is_tried_out)

    def updates_in(self, written: float | str) -> int:
        """Updates in `3` or `3 epochs`, `100 steps`, or a part of the run such as `0.1`; >= 1.

        The schema has checked the form.
        """
        if isinstance(written, float):
            return max(1, round(written * self.steps))
        interval = parsed_interval(written)
        return interval.every * (self.updates if interval.unit == "epochs" else 1)


def seconds_in(written: str) -> float:
    """Of a time span such as `90 s`, `1.5 h`; the schema has checked the form."""
    number, unit = re.fullmatch(r"([\d.]+) ?([a-z]+)", written).groups()  # type: ignore[union-attr]
    return float(number) * SECONDS[unit]


def as_it_ended(config: RunConfig, result: Mapping[str, Any]) -> RunConfig:
    """The config of a run that `trainer.max_time` ended, to end after the same step again.

    Args:
        config: of the run.
        result: content of its `result.json`.
    """
    steps = result.get("steps")
    if config.trainer.max_time is None or type(steps) is not int or steps < 1:
        return config
    limit = steps if config.trainer.max_steps is None else min(steps, config.trainer.max_steps)
    return replace(config, trainer=replace(config.trainer, max_steps=limit, max_time=None))
