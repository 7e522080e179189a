"""What a sweep is asked before its first job starts: duplicates, mistakes, room on the disk."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seedbed.components import AllowList
from seedbed.compose.composed import ComposedConfig
from seedbed.config.hints import cut
from seedbed.errors import ConfigError, SeedbedError
from seedbed.sweep.clusters.prepared_here import prepared_here
from seedbed.sweep.job import Job

if TYPE_CHECKING:
    from seedbed.sweep.disk import Footprint
    from seedbed.sweep.groups import Unfused
    from seedbed.training.starting_point import Starts

Note = Callable[[str], object]
"""Called with what a person should know."""

TRAINER = (
    *("device", "precision", "monitor", "accumulate", "select", "swa_start"),
    *("strategy", "devices", "compile", "detect_anomaly", "log_gradients", "log_histograms"),
    *("log_graph", "limit_batches", "overfit_batches"),
)
"""Keys of `trainer` that decide whether a job can be built."""

PARTS = ("data", "model", "loader", "loss", "optimizer", "scheduler", "trainer")
WHOLE = ("init", "step", "callbacks", "metrics")
KIND = (*PARTS, *WHOLE)


def without_duplicates(composed: Sequence[ComposedConfig], note: Note) -> list[ComposedConfig]:
    """The first job of each resolved config; `note` hears how many others there were."""
    kept: dict[str, ComposedConfig] = {}
    for one in composed:
        kept.setdefault(one.config.identity, one)
    if len(kept) < len(composed):
        left_out = len(composed) - len(kept)
        note(f"{left_out} of {len(composed)} jobs repeat another's settings; left out")
    return list(kept.values())


def refuse_what_cannot_run(
    composed: Sequence[ComposedConfig], note: Note, starts: "Starts | None" = None
) -> "list[Footprint]":
    """Prepares one job of each kind: same data, model, loss, optimizer and schedule.

    Args:
        composed: the jobs.
        note: hears what a person should know of their data and configs.
        starts: of jobs that go on, which need no more what they started from.

    Returns:
        What each job takes on the disk.

    Raises:
        SeedbedError: with the mistakes of every kind, each named by its first job.
    """
    # Imported here: torch takes a second, and a misspelt key is answered before it.
    from seedbed.sweep.disk import footprint
    from seedbed.tables.sources import read_once
    from seedbed.training.build_run import build_run

    read = read_once()
    kinds = _kinds(composed)
    sizes: dict[str, Footprint] = {}
    problems: list[str] = []
    notes: list[str] = []
    first: SeedbedError | None = None
    for kind in dict.fromkeys(kinds):
        number = kinds.index(kind)
        one = composed[number]
        try:
            config = prepared_here(one.config)
            plan = build_run(config, AllowList(config.allow), read=read, starts=starts or {})
            sizes[kind] = footprint(plan)
            notes += [*one.notes, *plan.notes]
        except SeedbedError as err:
            first = first or err
            typed = " ".join(one.overrides)
            problems += [f"job {number} ({typed}): {line}" for line in err.problems]
    if problems:
        raise SeedbedError(*cut(problems)) from first
    for text in dict.fromkeys(notes):
        note(text)
    return [sizes[kind] for kind in kinds]


def refuse_what_cannot_fuse(composed: Sequence[ComposedConfig], directory: Path) -> None:
    """For `sweep.fuse=always`.

    Raises:
        ConfigError: naming the jobs, and why.
    """
    if composed[0].config.sweep.fuse != "always":
        return
    blockers = "; ".join(
        one.describe("cannot fuse", "cannot fuse") for one in _not_stacked(composed, directory)
    )
    if blockers:
        raise ConfigError(f"sweep.fuse=always: {blockers}; type sweep.fuse=auto")


def refuse_without_compiler(composed: Sequence[ComposedConfig]) -> None:
    """For `sweep.compile=always`.

    Raises:
        ConfigError: saying what is missing.
    """
    if composed[0].config.sweep.compile != "always":
        return
    # Imported here: it brings torch.
    from seedbed.compiler.compilation import CompilerError, check
    from seedbed.training.device import resolved_device

    devices = {one.config.trainer.device for one in composed}
    if all(resolved_device(name).type == "cuda" for name in devices):  # it has graphs instead
        return
    try:
        check()
    except CompilerError as err:
        raise ConfigError(f"sweep.compile=always: {err}; or type sweep.compile=auto") from err


def notes_on_fusing(composed: Sequence[ComposedConfig], directory: Path) -> list[str]:
    """Which jobs cannot train together, and why; which of the others do is measured later."""
    return [one.note for one in _not_stacked(composed, directory) if one.reason]


def _not_stacked(composed: Sequence[ComposedConfig], directory: Path) -> "list[Unfused]":
    # Imported here: they bring torch.
    from seedbed.sweep.choice import not_stacked
    from seedbed.sweep.groups import grouped

    jobs = [
        Job(number, one.overrides, directory / str(number), one.config, {})
        for number, one in enumerate(composed)
    ]
    return not_stacked(*grouped(jobs, composed[0].config.sweep.fuse))


def _kinds(composed: Sequence[ComposedConfig]) -> list[str]:
    """What decides whether each job can be built; jobs share groups, and each is looked at once."""
    known: dict[tuple[int, ...], str] = {}
    kinds = []
    for one in composed:
        key = tuple(id(one.resolved.get(group)) for group in KIND)
        if key not in known:
            known[key] = _kind_of(one.resolved)
        kinds.append(known[key])
    return kinds


def _kind_of(resolved: Mapping[str, Any]) -> str:
    """Numbers that the schema has checked are left out."""
    groups = {key: resolved[key] for key in ("data", "model", "loader", "loss")}
    named = {key: resolved[key].get("_target_") for key in ("optimizer", "scheduler")}
    settings = {
        key: sorted(set(resolved[key]) - {"_target_"}) for key in ("optimizer", "scheduler")
    }
    trainer = [resolved["trainer"].get(key) for key in TRAINER]
    warm_up = resolved["scheduler"].get("warmup")
    averaged = resolved["trainer"].get("select") == "swa"
    named["epochs"] = [warm_up, resolved["trainer"]["epochs"] if warm_up or averaged else None]
    groups |= {key: resolved.get(key) for key in WHOLE}
    flags = {k: v for k, v in resolved["optimizer"].items() if isinstance(v, bool | list)}
    return json.dumps([groups, named, settings, trainer, flags], default=str, sort_keys=True)
