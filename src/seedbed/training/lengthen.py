"""Whether a run may go on for longer, or under a changed config, from the checkpoint that it has.

One rule: it may where a run begun with the new config would have come the same way so far. So the
config tells all of the run, and `reproduce` gives its bits.
"""

import copy
import shlex
from collections.abc import Mapping
from typing import Any

from seedbed.components import AllowList
from seedbed.config.hints import counted
from seedbed.config.schema import RunConfig
from seedbed.errors import ArgumentError, CheckpointError
from seedbed.runs.checkpoint import Checkpoint
from seedbed.runs.files import printable
from seedbed.runs.layout import RunPaths
from seedbed.runs.reader import read_json, read_overrides
from seedbed.signatures import accepts
from seedbed.training.averaging import SWA
from seedbed.training.joined_schedules import JOINED, part_of
from seedbed.training.schedule import total_steps

WITHOUT_EFFECT = {
    "trainer": ("epochs", "log_every", "checkpoint_every", "strategy", "devices", "shard"),
    "sweep": None,
    "allow": None,
    "name": None,
}
"""Keys that a run's numbers do not depend on, but for rounding by ranks, and the epochs, which are
looked at apart; None: all of the group."""

LENGTHS = ("T_max", "total_iters")
"""Settings of torch's schedules that say after how many epochs they end or turn back."""

LONGEST_COMMAND = 400
"""Characters that an error quotes."""


def lengthening_blocker(
    config: Mapping[str, Any], before: int, after: int, allow: AllowList
) -> str | None:
    """Why a run of `before` epochs cannot become one of `after` by going on; None if it can.

    Args:
        config: resolved, as the run had it but for its epochs.
        before: epochs of the run.
        after: epochs that it is to have.
        allow: what the config may name.

    Raises:
        NotAllowedError: if the scheduler may not be built.
    """
    if after == before:
        return None
    scheduler, trainer = config["scheduler"], config["trainer"]
    if trainer.get("select") == SWA and isinstance(trainer.get("swa_start"), float):
        return f"weights are averaged in a part of it (trainer.swa_start={trainer['swa_start']})"
    if isinstance(scheduler.get("warmup"), float):
        return f"its warm-up is a part of the run (scheduler.warmup={scheduler['warmup']})"
    if scheduler.get("_target_") is None:
        return None
    found = allow.find(str(scheduler["_target_"]), "scheduler._target_")
    name = found.__name__
    if accepts(found, "total_steps") and total_steps(scheduler) is None:
        return f"{name} was laid out for {counted(before, 'epoch')}"
    if issubclass(found, JOINED):
        written = scheduler.get("schedulers") or []
        parts = [part_of(one, "scheduler.schedulers") for one in written]
        ends = [_end_of(part, target.rpartition(".")[2], before, after) for target, part in parts]
        return next(filter(None, ends), None)
    return _end_of(scheduler, name, before, after)


def _end_of(scheduler: Mapping[str, Any], name: str, before: int, after: int) -> str | None:
    """Why a schedule whose length is a key's, perhaps that of the run, is not the same now."""
    for key in LENGTHS:
        length = scheduler.get(key)
        if isinstance(length, int) and before <= length < after:
            return f"{name} comes to its end after {counted(length, 'epoch')} (scheduler.{key})"
    return None


def goes_on_alike(before: Mapping[str, Any], after: Mapping[str, Any], allow: AllowList) -> bool:
    """Whether a run of one resolved config may go on under another.

    Args:
        before: the config that the run began with.
        after: the one that it is to go on with.
        allow: what the configs may name.
    """
    if _bare(before) != _bare(after):
        return False
    epochs = [config["trainer"]["epochs"] for config in (before, after)]
    if epochs[1] < epochs[0]:
        return False
    return lengthening_blocker(before, epochs[0], epochs[1], allow) is None


def _bare(config: Mapping[str, Any]) -> dict[str, Any]:
    """Without the keys that do not matter here."""
    bare: dict[str, Any] = copy.deepcopy(dict(config))
    for group, keys in WITHOUT_EFFECT.items():
        if keys is None:
            bare.pop(group, None)
        elif isinstance(bare.get(group), dict):
            for key in keys:
                bare[group].pop(key, None)
    return bare


def refuse_other_path(
    plain: Mapping[str, Any], epochs_before: int, paths: RunPaths, allow: AllowList
) -> None:
    """Of more epochs, where a run begun with so many would have come another way so far.

    Args:
        plain: the resolved config, with the epochs that are asked for.
        epochs_before: of the run.
        paths: of the run.
        allow: what the config may name.

    Raises:
        ArgumentError: with the new run to type.
    """
    epochs = plain["trainer"]["epochs"]
    blocker = lengthening_blocker(plain, epochs_before, epochs, allow)
    if blocker is not None:
        raise ArgumentError(
            f"'{paths.root}' cannot go on to {epochs} epochs: {blocker}, so that a run of {epochs} "
            f"goes another way from its start; the run is unchanged; type {_new_run(paths, epochs)}"
        )


def refuse_stopped_early(snapshot: Checkpoint | None, config: RunConfig, paths: RunPaths) -> None:
    """Of a completed run that would stop again at once, or has nothing to go on from.

    Args:
        snapshot: its last checkpoint, or None.
        config: with what is asked for.
        paths: of the run.

    Raises:
        CheckpointError: if there is no checkpoint.
        ArgumentError: if early stopping ended the run, its steps or its time; with what to type.
    """
    if snapshot is None:
        raise CheckpointError(
            f"'{paths.root}' is completed and has no '{paths.last}' to go on from"
        )
    if ending := read_json(paths.result).get("stopped_by"):
        raise ArgumentError(
            f"'{paths.root}' ended by {printable(str(ending))}, and more epochs change nothing; "
            "train a new run with other values"
        )
    patience, best = config.trainer.early_stopping.patience, snapshot["state"]["best"]
    if patience is None or best["epochs_since"] < patience:
        return
    done, epochs = snapshot["state"]["epoch"], config.trainer.epochs
    since = f"since epoch {best['epoch']}" if best["epoch"] else "at all"
    raise ArgumentError(
        f"'{paths.root}' stopped early after epoch {done}: no better {printable(best['monitor'])} "
        f"{since}, for {counted(best['epochs_since'], 'epoch')} "
        f"(trainer.early_stopping.patience={patience}), "
        f"and more epochs do not change that; type seedbed resume {shlex.quote(str(paths.root))} "
        f"trainer.epochs={epochs} trainer.early_stopping.patience=null"
    )


def _new_run(paths: RunPaths, epochs: int) -> str:
    """The command of a run of so many epochs, as far as the run tells what was typed."""
    words = [word for word in read_overrides(paths) if not word.startswith("trainer.epochs=")]
    typed = shlex.join(["seedbed", "train", *words, f"trainer.epochs={epochs}"])
    if len(typed) > LONGEST_COMMAND:
        return f"seedbed train with the words of '{paths.hydra}' and trainer.epochs={epochs}"
    return typed
