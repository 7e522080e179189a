"""Keys that change nothing beside another key: typed ones are refused or told, never passed over.

A sweep over such a key trains the same run many times, and ends by saying that the key does not
matter.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from seedbed.config.interpolated import is_used
from seedbed.config.key_paths import NOTHING, value_at
from seedbed.config.schema import RayConfig, SlurmConfig
from seedbed.config.strategies import SHARDED
from seedbed.config.task_names import MULTILABEL
from seedbed.errors import ConfigError

PATIENCE = "trainer.early_stopping.patience"

TORCHS = "torch.optim.lr_scheduler."
CYCLES = (f"{TORCHS}OneCycleLR", f"{TORCHS}CyclicLR")
"""Schedulers that set the learning rate, and the momentum, whatever the optimizer was given."""

Values = Mapping[str, Any]
"""A config, resolved, in plain containers."""


@dataclass(frozen=True)
class Idle:
    """Keys, and when they change nothing.

    Args:
        keys: dotted.
        where: whether they change nothing in a config.
        reason: goes on after the name of a key.
        contradicts: whether nobody can want both, so that it is refused; else it is told.
    """

    keys: tuple[str, ...]
    where: Callable[[Values], bool]
    reason: str
    contradicts: bool = False


IDLE = (
    Idle(
        ("model.hidden", "model.activation", "model.bias", "preset.hidden"),
        lambda values: (
            _at(values, "model._target_") == "seedbed.models.SequentialMLP"
            and not _unset(values, "model.layers")
        ),
        "changes nothing beside model.layers, which lists every layer; leave one of the two out",
        contradicts=True,
    ),
    Idle(
        ("trainer.early_stopping.min_delta",),
        lambda values: _at(values, PATIENCE) is None,
        "changes nothing while trainer.early_stopping.patience is null",
    ),
    Idle(
        ("trainer.ema_decay",),
        lambda values: _at(values, "trainer.select") != "ema",
        "changes nothing but with trainer.select=ema",
    ),
    Idle(
        ("trainer.swa_start",),
        lambda values: _at(values, "trainer.select") != "swa",
        "changes nothing but with trainer.select=swa",
    ),
    Idle(
        ("optimizer.no_decay",),
        lambda values: (
            not _at(values, "optimizer.weight_decay") and not _at(values, "optimizer.groups")
        ),
        "changes nothing while optimizer.weight_decay is 0",
    ),
    Idle(
        ("trainer.devices",),
        lambda values: _at(values, "trainer.strategy") in (None, "single", NOTHING),
        "changes nothing without ranks; type trainer.strategy=ddp beside it",
        contradicts=True,
    ),
    Idle(
        ("trainer.shard",),
        lambda values: _at(values, "trainer.strategy") not in (SHARDED, NOTHING),
        "changes nothing but with trainer.strategy=fsdp",
        contradicts=True,
    ),
    Idle(
        ("optimizer.dampening",),
        lambda values: (
            _at(values, "optimizer._target_") == "torch.optim.SGD"
            and _at(values, "optimizer.momentum") == 0
            and _leaves_momentum(values)
        ),
        "changes nothing while optimizer.momentum is 0",
    ),
    Idle(
        ("optimizer.lr",),
        lambda values: _at(values, "scheduler._target_") in CYCLES,
        "changes nothing, as the scheduler takes every rate from scheduler.max_lr",
    ),
    Idle(
        ("optimizer.momentum",),
        lambda values: (
            _at(values, "optimizer._target_") in ("torch.optim.SGD", "torch.optim.RMSprop")
            and _moves_momentum(values)
        ),
        "changes nothing, as the scheduler moves the momentum by itself",
    ),
    Idle(
        ("optimizer.betas",),
        lambda values: (
            _at(values, "optimizer._target_") in ("torch.optim.Adam", "torch.optim.AdamW")
            and _moves_momentum(values)
        ),
        "changes nothing by its first number, which the scheduler moves by itself",
    ),
    Idle(
        ("data.split.seed", "data.split.stratify"),
        lambda values: _takes_no_rows(values),
        "changes nothing, as data.split.validation and data.split.test take no rows",
    ),
    Idle(
        ("data.split.validation",),
        lambda values: (
            not _unset(values, "data.folds")
            and _at(values, "data.split.validation") not in (0, NOTHING)
        ),
        "changes nothing beside data.folds, one of which validates; leave one of the two out",
        contradicts=True,
    ),
    Idle(
        ("data.split.stratify",),
        lambda values: not _unset(values, "data.split.by", "data.split.time"),
        "changes nothing beside data.split.by or data.split.time, which decide where rows go",
    ),
    Idle(
        ("data.split.seed",),
        lambda values: not _unset(values, "data.split.time"),
        "changes nothing beside data.split.time, by which nothing is drawn",
    ),
    Idle(
        ("data.split.by", "data.split.time"),
        lambda values: (
            _takes_no_rows(values) and _unset(values, "data.validation_path", "data.test_path")
        ),
        "changes nothing, as data.split.validation and data.split.test take no rows",
        contradicts=True,
    ),
    Idle(
        ("data.threshold",),
        lambda values: _at(values, "data.task") != MULTILABEL,
        "changes nothing but with data.task=multilabel",
        contradicts=True,
    ),
    Idle(
        ("loader.pad_value",),
        lambda values: _unset(values, "loader.collate"),
        "changes nothing but with loader.collate=pad",
        contradicts=True,
    ),
    Idle(
        ("data.memory",),
        lambda values: _at(values, "data.stream") is not True,
        "changes nothing but with data.stream=true",
    ),
    Idle(
        ("init.reset", "init.strict", "init.fingerprint"),
        lambda values: _at(values, "init.run") is None and _at(values, "init.weights") is None,
        "changes nothing but with init.run or init.weights",
    ),
    Idle(
        ("init.checkpoint", "init.preprocessing"),
        lambda values: _at(values, "init.run") is None,
        "changes nothing but with init.run",
    ),
    Idle(
        ("init.frozen_eval",),
        lambda values: not _at(values, "init.freeze"),
        "changes nothing but with init.freeze",
        contradicts=True,
    ),
    Idle(
        ("sweep.compile", "sweep.allow_random"),
        lambda values: _at(values, "sweep.fuse") == "never",
        "changes nothing with sweep.fuse=never, as no jobs train together",
    ),
    Idle(
        tuple(f"sweep.slurm.{one.name}" for one in fields(SlurmConfig)),
        lambda values: _at(values, "sweep.executor") != "submitit",
        "changes nothing but with sweep.executor=submitit",
    ),
    Idle(
        tuple(f"sweep.ray.{one.name}" for one in fields(RayConfig)),
        lambda values: _at(values, "sweep.executor") != "ray",
        "changes nothing but with sweep.executor=ray",
    ),
)

PRESETS = {
    "preset.hidden": "model.hidden",
    "preset.batch_size": "loader.batch_size",
    "preset.epochs": "trainer.epochs",
    "preset.patience": PATIENCE,
}
"""What stands for each key of a preset, where nothing else is said."""


def notes_on_idle(values: Values, raw: Values, overrides: Sequence[str]) -> tuple[str, ...]:
    """What is said of typed keys that change nothing.

    Args:
        values: the config that came of the overrides.
        raw: the same with its interpolations; one that names a key makes use of it.
        overrides: as typed, for this run.

    Raises:
        ConfigError: naming the typed keys that contradict others.
    """
    typed = {_key(override): override for override in overrides}
    refused: list[str] = []
    notes: list[str] = []
    for idle in IDLE:
        keys = [key for key in idle.keys if key in typed]
        if keys and idle.where(values):
            said = refused if idle.contradicts else notes
            unused = [key for key in keys if not is_used(key, raw, idle.keys)]
            said += [f"{typed[key]} {idle.reason}" for key in unused]
    notes += [
        f"{typed[preset]} changes nothing, as {key} is set by itself"
        for preset, key in PRESETS.items()
        if preset in typed
        and _at(values, key) not in (_at(values, preset), NOTHING)
        and not is_used(preset, raw)
    ]
    if refused:
        raise ConfigError(*refused)
    return tuple(notes)


def _key(override: str) -> str:
    return override.lstrip("+").partition("=")[0]


def _at(values: Values, key: str) -> Any:
    found = value_at(values, tuple(key.split(".")))
    if key == PATIENCE and found is NOTHING:  # `trainer.early_stopping=10` is short for it
        return _at(values, "trainer.early_stopping")
    return found


def _unset(values: Values, *keys: str) -> bool:
    """Whether none of the keys has a value."""
    return all(_at(values, key) in (None, NOTHING) for key in keys)


def _takes_no_rows(values: Values) -> bool:
    taken = [_at(values, f"data.split.{part}") for part in ("validation", "test")]
    return _unset(values, "data.folds") and all(one == 0 for one in taken)


def _moves_momentum(values: Values) -> bool:
    target, moves = _at(values, "scheduler._target_"), _at(values, "scheduler.cycle_momentum")
    return target in CYCLES and moves is not False


def _leaves_momentum(values: Values) -> bool:
    """Whether no scheduler gives a momentum where there was none; one's own may."""
    target = _at(values, "scheduler._target_")
    return target is None or (target.startswith(TORCHS) and not _moves_momentum(values))
