"""What runs must have in common to be trained as one computation, and what forbids it."""

import json
from dataclasses import asdict
from typing import Any

from seedbed.config.schema import RunConfig
from seedbed.fused.optimizers import BATCHED
from seedbed.training.interval import parsed_interval

OF_THE_STACK = (
    "device",
    "precision",
    "deterministic",
    "threads",
    "monitor",
    "select",
    "log_every",
    "checkpoint_every",
)
"""Keys of `trainer` that a stack has one value of."""


def fusion_key(config: RunConfig) -> str:
    """Equal keys, one shape: the jobs can be stacked.

    Free are both seeds, the schedule, the epochs, clipping, early stopping, and every number of the
    optimizer; its switches, such as `nesterov`, are not.
    """
    trainer = {key: getattr(config.trainer, key) for key in OF_THE_STACK}
    switches = {
        key: value
        for key, value in config.optimizer.items()
        if isinstance(value, bool | str) or value is None
    }
    data = asdict(config.data)
    del data["split"]["seed"]
    parts: list[Any] = [
        data,
        asdict(config.loader),
        config.model,
        config.loss,
        switches,
        trainer,
    ]
    return json.dumps(parts, sort_keys=True, default=str)


def fusion_blocker(config: RunConfig) -> str | None:
    """Why a run of this config is never stacked, told from the config alone; None if it may be."""
    trainer = config.trainer
    if trainer.precision != "float32":
        return f"trainer.precision={trainer.precision}"
    if trainer.log_histograms or trainer.log_graph:
        return "trainer.log_histograms and trainer.log_graph look at one model"
    if parsed_interval(trainer.log_every).unit != "epochs":
        return f"trainer.log_every={trainer.log_every} counts no epochs"
    if config.data.source == "dataset" or config.loader.num_workers:
        return "rows come through a DataLoader"
    if config.optimizer["_target_"] not in BATCHED:
        return f"optimizer {config.optimizer['_target_']} is not one that fuses"
    return None
