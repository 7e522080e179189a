"""How long a run is: its epochs, its steps, or the time that it may take."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from seedbed.config.schema import RunConfig, TrainerConfig

SECONDS = {"s": 1, "min": 60, "h": 3600, "d": 86400}

MAX_TIME = "trainer.max_time"


def seconds_in(written: str) -> float:
    """Of a time span such as `90 s`, `1.5 h`; the schema has checked the form."""
    number, unit = re.fullmatch(r"([\d.]+) ?([a-z]+)", written).groups()  # type: ignore[union-attr]
    return float(number) * SECONDS[unit]


def total_steps(trainer: TrainerConfig, batches: int) -> int:
    """Steps that a run makes at most.

    Args:
        trainer: of the run.
        batches: in an epoch.
    """
    steps = trainer.epochs * batches
    return steps if trainer.max_steps is None else min(steps, trainer.max_steps)


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
