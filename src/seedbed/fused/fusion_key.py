"""What runs must have in common to be trained as one computation, and what forbids it."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from seedbed.components import AllowList
from seedbed.config.schema import DataConfig, InitConfig, RunConfig, TrainerConfig
from seedbed.errors import NotAllowedError
from seedbed.fused.optimizers import BATCHED
from seedbed.training.built_callbacks import hears_steps
from seedbed.training.interval import parsed_interval

OF_THE_STACK = (
    "device",
    "precision",
    "deterministic",
    "threads",
    "monitor",
    "select",
    "log_every",
    "log_gradients",
    "checkpoint_every",
    "max_steps",
    "limit_batches",
    "overfit_batches",
    "accumulate",
)
"""Keys of `trainer` that a stack has one value of."""


KnownParts = dict[tuple[str, int], tuple[Any, str]]
"""What was turned into text before, by how and its `id`; kept, so that nothing else gets its id."""


def fusion_key(config: RunConfig, known: KnownParts | None = None) -> str:
    """Equal keys, one shape: the jobs can be stacked.

    Free are both seeds, the fold, what a run starts from, the schedule, the epochs, clipping, early
    stopping, and every number of the optimizer; its switches, such as `nesterov`, are not.

    Args:
        config: of the run.
        known: parts of configs, which jobs of a sweep share; added to.
    """
    known = {} if known is None else known
    parts = [
        _text(config.data, _of_data, known),
        _text(config.loader, asdict, known),
        _text(config.model, dict, known),
        _text(config.loss, dict, known),
        _text(config.optimizer, _switches, known),
        _text(config.trainer, _of_trainer, known),
        _text(config.init, _of_init, known),
        json.dumps(
            [config.metrics, config.own_step, config.callbacks], sort_keys=True, default=str
        ),
    ]
    return "\n".join(parts)


def _text(part: Any, plain: Callable[[Any], dict[str, Any]], known: KnownParts) -> str:
    key = (plain.__name__, id(part))
    if key not in known:
        known[key] = (part, json.dumps(plain(part), sort_keys=True, default=str))
    return known[key][1]


def _of_data(data: DataConfig) -> dict[str, Any]:
    parts = asdict(data)
    del parts["split"]["seed"], parts["fold"]
    return parts


def _switches(optimizer: Mapping[str, Any]) -> dict[str, Any]:
    switches = {
        key: value
        for key, value in optimizer.items()
        if isinstance(value, bool | str) or value is None
    }
    groups = optimizer.get("groups")
    return {
        **switches,
        "groups": [[k, _switches(v)] for k, v in groups.items()] if groups else None,
    }


def _of_trainer(trainer: TrainerConfig) -> dict[str, Any]:
    return {key: getattr(trainer, key) for key in OF_THE_STACK}


def _of_init(init: InitConfig) -> dict[str, Any]:
    """Which parameters train; a stack's runs may start from different weights."""
    return {"freeze": init.freeze, "frozen_eval": init.frozen_eval}


def _hears_steps(config: RunConfig) -> str | None:
    """A callback that has to be called after each step; one that is not there is told elsewhere."""
    try:
        return hears_steps(config, AllowList(config.allow)) if config.callbacks else None
    except NotAllowedError:
        return None


def fusion_blocker(config: RunConfig) -> str | None:
    """Why a run of this config is never stacked, told from the config alone; None if it may be."""
    trainer = config.trainer
    if trainer.is_ranked:
        return f"trainer.strategy={trainer.strategy} trains each job on ranks of its own"
    if trainer.precision == "float16":  # its losses are scaled, each run's by a number of its own
        return f"trainer.precision={trainer.precision}"
    if trainer.max_time is not None:
        return f"trainer.max_time={trainer.max_time} is the time of a run on its own"
    if (listener := _hears_steps(config)) is not None:
        return f"the callback {listener} hears of every step of a run"
    if trainer.detect_anomaly or trainer.profile is not None:
        return "trainer.detect_anomaly and trainer.profile look into one model"
    if trainer.compile:
        return "trainer.compile is for a run on its own; sweep.compile compiles stacks"
    if trainer.log_histograms or trainer.log_graph:
        return "trainer.log_histograms and trainer.log_graph look at one model"
    if parsed_interval(trainer.log_every).unit != "epochs":
        return f"trainer.log_every={trainer.log_every} counts no epochs"
    if getattr(config.data, "stream", False):
        return "data.stream=true reads the rows of each run by itself"
    if config.data.source == "npy":
        return "data=npy reads the rows of each run by itself"
    if config.loader.num_workers:
        return "rows come through a DataLoader"
    if config.data.source == "dataset" and not getattr(config.data, "in_memory", False):
        return "rows come through a DataLoader; data.in_memory=true keeps them"
    for name, group in (config.optimizer.get("groups") or {}).items():
        switch = next((key for key in _switches(group) if key not in ("params", "groups")), None)
        if switch is not None:
            return f"optimizer.groups.{name}.{switch} is a switch, which a stack has one of"
    if config.optimizer["_target_"] not in BATCHED:
        return f"optimizer {config.optimizer['_target_']} is not one that fuses"
    return None
