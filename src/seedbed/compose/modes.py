"""Keys that were typed where they do nothing: a sweep's for one run, or one run's for a sweep.

Only what stands on the command line is asked: a YAML may hold the settings of both.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from seedbed.compose.composed import ComposedConfig
from seedbed.errors import ConfigError

SWEEP = "type -m for a sweep"

FOLDER = f"type hydra.run.dir=FOLDER for this one, or {SWEEP}"
MAKING_JOBS = ("settings", "zip", "draw", "draws", "exclude")

OF_SWEEPS = {
    **dict.fromkeys(("hydra.sweep.dir", "hydra.sweep.subdir"), FOLDER),
    **dict.fromkeys(("hydra.sweeper.params", *(f"sweep.{key}" for key in MAKING_JOBS)), SWEEP),
}
"""What asks for jobs, or says where they go: one run without them is not what was asked for."""

OF_RUNS = {
    "hydra.run.dir": "type hydra.sweep.dir=FOLDER for the sweep, and hydra.sweep.subdir=NAME for "
    "the folders of its jobs"
}

DRAW = "type sweep.draw={KEY:{low:LOW,high:HIGH}}"
OF_DRAWS = {"sweep.draws": DRAW, "sweep.draw_seed": DRAW}

OF_JOBS = ("sweep", "hydra/launcher", "hydra.launcher")
"""What only says how jobs are run; of one run it changes nothing."""


def fitting_one_run(run: ComposedConfig) -> ComposedConfig:
    """The run, with a note on each word that does nothing without -m.

    Raises:
        ConfigError: naming each word that asks for a sweep's jobs or folders.
    """
    overrides = _typed(run.hydra)
    _refuse(overrides, OF_SWEEPS, "is a sweep's, and this is one run")
    notes = (*notes_on_repeated(overrides), *_notes_on_jobs(overrides))
    return replace(run, notes=(*notes, *run.notes)) if notes else run


def _notes_on_jobs(overrides: Sequence[str]) -> Iterator[str]:
    return (
        f"{override} is about the jobs of a sweep, and changes nothing in one run; {SWEEP}"
        for override in overrides
        if _is_about(override, OF_JOBS) and override != "hydra/launcher=seedbed"
    )


def notes_on_repeated(overrides: Sequence[str]) -> Iterator[str]:
    """What is said of keys that are typed more than once: the last holds, as ever in Hydra."""
    last: dict[str, str] = {}
    for override in overrides:
        key = override.lstrip("+").partition("=")[0]
        if key in last and last[key] != override:
            yield f"{key} is typed more than once; {override} takes the place of {last[key]}"
        last[key] = override


def refuse_idle_of_sweep(hydra: Mapping[str, Any], settings: Mapping[str, Any]) -> None:
    """Refuses, of a sweep, what says where one run goes, and how many values to draw of none.

    Args:
        hydra: Hydra's own part of the sweep's config, in plain containers.
        settings: the group `sweep`.

    Raises:
        ConfigError: naming each word.
    """
    overrides = _typed(hydra)
    _refuse(overrides, OF_RUNS, "is one run's, and this is a sweep")
    if not settings["draw"]:
        _refuse(overrides, OF_DRAWS, "changes nothing, as nothing is drawn")


def _refuse(overrides: Sequence[str], keys: Mapping[str, str], reason: str) -> None:
    problems = [
        f"{override} {reason}; {advice}"
        for override in overrides
        for key, advice in keys.items()
        if _is_about(override, (key,))
    ]
    if problems:
        raise ConfigError(*problems)


def _typed(hydra: Mapping[str, Any]) -> list[str]:
    """The overrides, Hydra's own included."""
    return [str(override) for kind in ("hydra", "task") for override in hydra["overrides"][kind]]


def _is_about(override: str, keys: Sequence[str]) -> bool:
    """Whether a word sets one of the keys, what is below it, or all that is around it."""
    name, _, value = override.lstrip("+~").partition("=")
    around = value.startswith("{") and any(
        key.startswith(f"{name}.") and key.rpartition(".")[2] in value for key in keys
    )
    return around or any(name == key or name.startswith(f"{key}.") for key in keys)
