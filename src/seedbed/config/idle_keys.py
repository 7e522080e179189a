"""Keys that change nothing beside another key: typed ones are refused or told, never passed over.

A sweep over such a key trains the same run many times, and ends by saying that the key does not
matter.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from seedbed.config.key_paths import NOTHING, value_at
from seedbed.errors import ConfigError

PATIENCE = "trainer.early_stopping.patience"

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
            _is(values, "model", "seedbed.models.SequentialMLP")
            and _at(values, "model.layers") not in (None, NOTHING)
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
        ("optimizer.dampening",),
        lambda values: (
            _is(values, "optimizer", "torch.optim.SGD") and _at(values, "optimizer.momentum") == 0
        ),
        "changes nothing while optimizer.momentum is 0",
    ),
    Idle(
        ("data.split.seed", "data.split.stratify"),
        lambda values: _takes_no_rows(values),
        "changes nothing, as data.split.validation and data.split.test take no rows",
    ),
)

PRESETS = {
    "preset.hidden": "model.hidden",
    "preset.batch_size": "loader.batch_size",
    "preset.epochs": "trainer.epochs",
    "preset.patience": PATIENCE,
}
"""What stands for each key of a preset, where nothing else is said."""


def notes_on_idle(values: Values, overrides: Sequence[str]) -> tuple[str, ...]:
    """What is said of typed keys that change nothing.

    Args:
        values: the config that came of the overrides.
        overrides: as typed, for this run.

    Raises:
        ConfigError: naming the typed keys that contradict others.
    """
    typed = {_key(override): override for override in overrides}
    refused: list[str] = []
    notes: list[str] = []
    for idle in IDLE:
        words = [typed[key] for key in idle.keys if key in typed]
        if words and idle.where(values):
            said = refused if idle.contradicts else notes
            said += [f"{word} {idle.reason}" for word in words]
    notes += [
        f"{typed[preset]} changes nothing, as {key} is set by itself"
        for preset, key in PRESETS.items()
        if preset in typed and _at(values, key) not in (_at(values, preset), NOTHING)
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


def _is(values: Values, group: str, target: str) -> bool:
    return bool(_at(values, f"{group}._target_") == target)


def _takes_no_rows(values: Values) -> bool:
    return all(_at(values, f"data.split.{part}") == 0 for part in ("validation", "test"))
