"""What `seedbed resume RUN KEY=VALUE` may change: epochs, a later early stop, ranks, workers."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from seedbed.config.strategies import RANKED, SINGLE
from seedbed.errors import ArgumentError

EPOCHS = "trainer.epochs"
PATIENCE = "trainer.early_stopping.patience"
DEVICES = "trainer.devices"
STRATEGY = "trainer.strategy"
SHORT_PATIENCE = "trainer.early_stopping"
WORKERS = "loader.num_workers"
NUMBER = re.compile(r"[1-9][0-9]{0,14}")
FROM_ZERO = re.compile(rf"0|{NUMBER.pattern}")


@dataclass
class Raised:
    """What was asked for beside going on.

    Args:
        epochs_before: of the run.
        epochs: that it is to have.
        patient: whether early stopping waits for longer than before, or is off.
    """

    epochs_before: int
    epochs: int
    patient: bool = False

    def __bool__(self) -> bool:
        return self.patient or self.epochs > self.epochs_before


def raised(resolved: dict[str, Any], overrides: Sequence[str]) -> Raised:
    """Puts what is asked for into the config.

    Args:
        resolved: the config of the run; changed in place.
        overrides: as typed.

    Raises:
        ArgumentError: if a key may not be changed, or a value is no number or a smaller one.
    """
    trainer = resolved.get("trainer")
    if not isinstance(trainer, dict) or not isinstance(trainer.get("epochs"), int):
        if overrides:
            raise ArgumentError(f"the run's config has no {EPOCHS}, got '{overrides[0]}'")
        return Raised(0, 0)
    more, loader = Raised(trainer["epochs"], trainer["epochs"]), resolved.get("loader")
    strategy_first = sorted(overrides, key=lambda one: not one.startswith(f"{STRATEGY}="))
    for override in strategy_first:  # it decides whether there are ranks
        key, _, value = override.partition("=")
        if key == EPOCHS and NUMBER.fullmatch(value):
            trainer["epochs"] = more.epochs = _larger(EPOCHS, more.epochs_before, int(value))
        elif key == DEVICES and _is_ranked(trainer) and NUMBER.fullmatch(value):
            trainer["devices"] = int(value)
        elif key == STRATEGY and value in (SINGLE, *RANKED):
            trainer["strategy"] = value
            trainer["devices"] = trainer.get("devices") if _is_ranked(trainer) else None
        elif key in (PATIENCE, SHORT_PATIENCE) and (value == "null" or NUMBER.fullmatch(value)):
            more.patient = _wait_longer(trainer, value) or more.patient
        elif key == WORKERS and FROM_ZERO.fullmatch(value) and isinstance(loader, dict):
            _read_by(loader, int(value))
        else:
            ranks = f", {DEVICES}=N" if _is_ranked(trainer) else ""
            raise ArgumentError(
                f"resume takes {EPOCHS}=N, {PATIENCE}=N or null, {STRATEGY}="
                f"{' or '.join((SINGLE, *RANKED))}{ranks}, {WORKERS}=N, and data.path=FILE, "
                f"got '{override}'"
            )
    return more


def _is_ranked(trainer: Mapping[str, Any]) -> bool:
    return trainer.get("strategy") in RANKED


def _read_by(loader: dict[str, Any], workers: int) -> None:
    """Puts in how many processes read rows; what is asked of these goes where there are none."""
    loader["num_workers"] = workers
    if not workers:
        asked_of_workers = {"persistent_workers", "prefetch_factor"} & {*loader}
        loader.update(dict.fromkeys(asked_of_workers))


def _larger(key: str, before: int, after: int) -> int:
    if after < before:
        raise ArgumentError(f"{key} can be raised, from {before}, got {after}")
    return after


def _wait_longer(trainer: dict[str, Any], value: str) -> bool:
    """Whether early stopping waits for longer than it did; it never waits shorter."""
    stopping = trainer.get("early_stopping")
    before = stopping.get("patience") if isinstance(stopping, dict) else stopping
    if not isinstance(before, int):
        if value != "null":
            raise ArgumentError(f"{PATIENCE} of the run is null, which stays; got {value}")
        return False
    after = None if value == "null" else _larger(PATIENCE, before, int(value))
    trainer["early_stopping"] = (
        {**stopping, "patience": after} if isinstance(stopping, dict) else after
    )
    return after != before
