"""Trains the stack of a finished run again, to compare its bits."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seedbed.components import AllowList
from seedbed.config.check import checked
from seedbed.config.schema import RunConfig
from seedbed.errors import ConfigError, RunDirectoryError
from seedbed.fused.build_stack import build_stack
from seedbed.fused.engine import fused_training
from seedbed.fused.fusion_key import fusion_blocker, fusion_key
from seedbed.fused.own_steps import OwnSteps
from seedbed.fused.rows import NotAlikeError
from seedbed.fused.sizing import MOST_RUNS, most_runs
from seedbed.fused.stack_components import StackComponents
from seedbed.process.scratch import scratch_folder
from seedbed.recording.directory import DirectoryRecorder
from seedbed.recording.recorded_run import RecordedRun
from seedbed.runs.directory import claim
from seedbed.runs.layout import SWEEP_JOBS, RunPaths
from seedbed.runs.reader import read_config, read_json
from seedbed.sweep.outcome import JobState, has_begun, read_sweep
from seedbed.training.build_run import build_run
from seedbed.training.calling import calling_of_stack
from seedbed.training.interrupt import stop_request
from seedbed.training.loop import train
from seedbed.training.resume import with_threads
from seedbed.training.run_length import RunLength


def members(paths: RunPaths) -> list[JobState] | None:
    """The jobs that the run was trained with, itself among them; None if not all are there.

    Raises:
        RunDirectoryError: if the sweep beside it is damaged.
    """
    directory = paths.root.resolve().parent
    if not (directory / SWEEP_JOBS).is_file():
        return None
    number = read_json(paths.result).get("group")
    jobs = [job for job in read_sweep(directory).jobs if number and job.group == number]
    if len(jobs) > MOST_RUNS:
        raise RunDirectoryError(f"'{directory / SWEEP_JOBS}' names {len(jobs)} runs of one stack")
    own = paths.root.resolve().name in [job.directory for job in jobs]
    return jobs if own and all(has_begun(directory, job) for job in jobs) else None


@dataclass(frozen=True)
class Rerun:
    """A run of a stack, trained once more among others.

    Args:
        paths: of the rerun.
        compared: steps that the run made on its own too, from the same weights; none where it draws
            at random, as it draws otherwise there.
        differences: where such a step came out otherwise.
    """

    paths: RunPaths
    compared: int
    differences: list[str]


def rerun_stack(
    paths: RunPaths,
    jobs: Sequence[JobState] | None,
    allow: AllowList,
    scratch: Path,
    relocate: Callable[[dict[str, Any]], None],
    *,
    look: Callable[[RunPaths, dict[str, Any], AllowList], object],
    opened: Callable[[], None],
) -> Rerun:
    """Trains the jobs together as they were; only the one run is written.

    Args:
        paths: of the run; strangers' ones are safe to open.
        jobs: what `members` gave; without them the run is trained beside itself.
        allow: what the reader allows.
        scratch: folder for the rerun.
        relocate: says in a config where the data lies now.
        look: refuses a run whose model is larger than its weights.
        opened: called once all is read, before it trains.

    Raises:
        SeedbedError: if a run is missing or damaged, or is of another shape.
    """
    directory = paths.root.resolve().parent
    runs = [paths] if jobs is None else [RunPaths(directory / job.directory) for job in jobs]
    resolved_configs = [read_config(run) for run in runs]
    for resolved in resolved_configs:
        relocate(resolved)
    configs = [
        with_threads(_config(resolved, run), paths)
        for resolved, run in zip(resolved_configs, runs, strict=True)
    ]
    slot = [run.root.resolve().name for run in runs].index(paths.root.resolve().name)
    _refuse_another_shape(configs, slot, runs)
    for run, resolved in zip(runs, resolved_configs, strict=True):
        look(run, resolved, allow)
    plan = _stack_of(configs, allow, directory)
    config, draws = configs[slot], plan.model.randomness != "error"
    recorded = RecordedRun(configs[slot], claim(scratch), plan.data[slot])
    steps = RunLength.of(config.trainer, plan.first.updates).steps
    own_run = build_run(config, allow, plan.data[slot])
    again: list[RecordedRun | None] = [None] * len(configs)
    again[slot] = recorded
    with (
        stop_request() as stop,
        DirectoryRecorder(plan.first, again, threads=plan.threads, stop=stop, stack={}) as recorder,
        scratch_folder() as others,
    ):
        opened()
        own = OwnSteps(recorder, own_run, slot, 0 if draws else steps)
        training = fused_training(plan, len(configs))
        places = _places(others, runs, config)
        places[slot] = recorded.directory.root
        hears = calling_of_stack(own, training, configs, places, plan.first.model)
        train(training, hears, stop)
        if stop.requested:
            raise KeyboardInterrupt
    return Rerun(RunPaths(scratch), own.compared, own.differences)


def _places(folder: Path, runs: Sequence[RunPaths], config: RunConfig) -> list[Path]:
    """Folders for callbacks to write into, of runs that are not kept."""
    places = [folder / run.root.resolve().name for run in runs]
    for place in places if config.callbacks else ():
        place.mkdir()
    return places


def _stack_of(configs: Sequence[RunConfig], allow: AllowList, directory: Path) -> StackComponents:
    """The runs as they were trained.

    Raises:
        RunDirectoryError: if they do not fit into memory, or are not trained together any more, as
            their code or the rule of what may be has changed.
    """
    try:
        plan = build_stack(configs[:2], allow)
        if most_runs(plan) < len(configs):
            raise RunDirectoryError(f"'{directory}': its stack does not fit into memory here")
        return build_stack(configs, allow)
    except NotAlikeError as err:
        raise RunDirectoryError(
            f"'{directory}': its runs were trained together, and are not any more, so there is "
            f"nothing to compare with: {err}"
        ) from err


def _config(resolved: dict[str, Any], run: RunPaths) -> RunConfig:
    """The config of another run than the one that was named; a mistake is told with its file."""
    try:
        return checked(resolved)
    except ConfigError as err:
        more = f" (and {len(err.problems) - 1} more)" if len(err.problems) > 1 else ""
        raise RunDirectoryError(
            f"'{run.config}', of a run of the same stack, is damaged: {err.problems[0]}{more}"
        ) from err


def _refuse_another_shape(
    configs: Sequence[RunConfig], slot: int, runs: Sequence[RunPaths]
) -> None:
    shape = fusion_key(configs[slot])
    for config, run in zip(configs, runs, strict=True):
        if fusion_blocker(config) or fusion_key(config) != shape:
            raise RunDirectoryError(
                f"'{run.root}' cannot have been trained with the run: its config"
            )
