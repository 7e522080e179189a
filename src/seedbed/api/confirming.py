"""Trains the best settings of a sweep again with fresh seeds, so that their values are fair."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from seedbed.analysis.folds import FOLD
from seedbed.analysis.rows import rows_of
from seedbed.analysis.runs_compared import Request, RunsCompared, compare_runs
from seedbed.analysis.settings import REPEATS, SEED, OneSetting
from seedbed.api.foreign_sweep import (
    refuse_foreign_overrides,
    refuse_other_settings,
    refuse_what_is_not_allowed,
    source_of,
)
from seedbed.api.handed import Handed
from seedbed.api.messages import Messages
from seedbed.api.sweep_relocation import refuse_other_data
from seedbed.api.sweep_resuming import refuse_what_is_not_handed_in
from seedbed.catalog.record import RunRecord
from seedbed.catalog.table import table_of
from seedbed.compose.composed import ComposedSweep
from seedbed.errors import ArgumentError, RunDirectoryError, SeedbedError
from seedbed.runs.layout import SWEEP_JOBS, RunPaths
from seedbed.runs.opening import Opening, files_of, opening
from seedbed.runs.relocation import Relocation
from seedbed.sweep.outcome import JobState, SweepState, read_sweep

if TYPE_CHECKING:
    from torch import nn

TEST = "test/"
"""Beginning of the metrics on test rows."""

TAKEN = ("hydra.sweep.", "sweep.")
"""Beginnings of overrides that say how the new sweep goes about it, and change no run."""


@dataclass(frozen=True)
class Plan:
    """What is to be trained.

    Args:
        sweep: in which the settings were chosen.
        before: its comparison.
        chosen: its best settings.
        seeds: fresh ones.
        test: name of the metric on the test rows; empty where it is not asked for.
    """

    sweep: SweepState
    before: RunsCompared
    chosen: list[OneSetting]
    seeds: range
    test: str

    @property
    def seed_draws_test(self) -> bool:
        """Whether the seed draws the test rows, of which others chose the settings."""
        return len({drawn for _, drawn, _ in rows_of(self.before.table.records)}) > 1

    def after(self, directory: Path) -> RunsCompared:
        """The comparison of the new sweep, of the same settings by the same metric.

        Args:
            directory: of it.
        """
        metric = self.before.metric
        better = None if metric.is_known else "higher" if metric.higher else "lower"
        request = Request(metric.name, self.before.over, better, self.before.keys)
        return compare_runs(table_of([directory]), request)


def planned(
    directory: Path, top: int, seeds: int, request: Request | None = None, *, test: bool = False
) -> Plan:
    """Chooses the best settings of a sweep, and fresh seeds.

    Args:
        directory: of the sweep, which may be a stranger's.
        top: how many settings.
        seeds: how many seeds for each.
        request: by which metric.
        test: whether the best is to be measured on the test rows.

    Raises:
        ArgumentError: if a number is not positive, there is nothing to choose, or no test rows.
        RunDirectoryError: if there is no sweep, or it is damaged.
    """
    for name, value in (("top", top), ("seeds", seeds)):
        if type(value) is not int or value < 1:
            raise ArgumentError(f"{name} must be an integer >= 1, got {value}")
    if not (directory / SWEEP_JOBS).is_file():
        raise RunDirectoryError(f"'{directory}' is no sweep: it has no {SWEEP_JOBS}")
    request = request or Request()
    sweep = read_sweep(directory)
    table = table_of([directory])
    over = REPEATS if FOLD in table.differing_keys() else (SEED,)
    before = compare_runs(table, Request(request.metric, over, request.better, None))
    assert before.settings is not None  # over seeds they are always ranked
    chosen = [one for one in before.settings.settings if one.mean is not None][:top]
    if not chosen:
        raise ArgumentError(f"no job of '{directory}' completed with a value; see seedbed runs")
    used = [seed for seed in map(_seed_of, before.table.records) if seed is not None]
    first = max([-1, *used, *filter(None, map(_typed_seed, sweep.jobs))]) + 1
    name = _test_metric(before, chosen) if test else ""
    return Plan(sweep, before, chosen, range(first, first + seeds), name)


def composed_confirmation(
    plan: Plan,
    overrides: Sequence[str] = (),
    config_dir: str | None = None,
    given: Handed | None = None,
) -> ComposedSweep:
    """The new sweep.

    Args:
        plan: what is to be trained.
        overrides: of `hydra.sweep` and `sweep`, for the new sweep.
        config_dir: the user's own config folder; None to look for one.
        given: rows and a model that were handed in when the sweep began, handed in again.

    Raises:
        SeedbedError: if the config or the data is not what it was.
    """
    for override in overrides:
        if not override.startswith(TAKEN):
            raise ArgumentError(
                f"the settings are trained as they are, and '{override}' would change them; "
                f"only {' and '.join(f'{one}KEY' for one in TAKEN)} may be given"
            )
    with opening(plan.sweep.directory) as bounds:
        return _composed(plan, overrides, config_dir, given or Handed(), bounds)


def _composed(
    plan: Plan, overrides: Sequence[str], config_dir: str | None, given: Handed, bounds: Opening
) -> ComposedSweep:
    # Imported here: they bring Hydra.
    from seedbed.compose.sweep_jobs import recomposed
    from seedbed.compose.sweeps import sweep_of_jobs

    runs = [_run_of(plan, one) for one in plan.chosen]
    originals = [job for job, _ in runs]
    refuse_foreign_overrides(originals)
    source = source_of(plan.sweep, config_dir)
    again = given.into(*recomposed([job.overrides for job in originals], source))
    refuse_what_is_not_allowed(again, plan.sweep, "confirm")
    bounds.justified_by({file for one in again for file in files_of(one.resolved)})
    refuse_other_data(plan.sweep, Relocation({}))
    refuse_what_is_not_handed_in(plan.sweep.directory, again[0], given, "confirm")
    for (job, run), one in zip(runs, again, strict=True):
        if one.config.identity != job.identity:
            raise SeedbedError(
                f"the config of '{job.directory}' is not what it was when it was trained; put it "
                "back, or begin a new sweep"
            )
        refuse_other_settings(job, one, run.settings)
    jobs = [
        [*_without_repeats(plan, job), *fold, f"{SEED}={seed}"]
        for job in originals
        for fold in _folds(plan)
        for seed in plan.seeds
    ]
    shared = [word for word in jobs[0] if all(word in job for job in jobs)]
    composed = sweep_of_jobs(jobs, [*shared, *overrides], source)
    composed.jobs[:] = given.into(*composed.jobs)
    return composed


def confirm_sweep(
    plan: Plan, request: ComposedSweep, messages: Messages, start: "nn.Module | None" = None
) -> SweepState:
    """Trains it; until the first job begins it is held to the bounds of a stranger's run.

    Args:
        plan: what is trained.
        request: the same, composed.
        messages: hears how it goes.
        start: as in `run_sweep`.
    """
    # Imported here: they bring torch.
    from seedbed.api.sweeping import run_sweep
    from seedbed.training.bounds import is_trusted

    with opening(plan.sweep.directory) as bounds:
        runs = [RunPaths(plan.sweep.directory / job.directory) for job in plan.sweep.jobs]
        bounds.justified_by(file for run in runs for file in (run.model, run.last, run.best))
        bounds.justified_by({file for one in request.jobs for file in files_of(one.resolved)})
        if any(is_trusted(one.config) for one in request.jobs):
            bounds.end()
        messages.hidden = TEST  # whoever sees those of all chooses by them
        return run_sweep(request, messages, start=start, opened=bounds.end)


def _run_of(plan: Plan, one: OneSetting) -> tuple[JobState, RunRecord]:
    """The first job of a setting, and its run."""
    names = {job.directory: job for job in plan.sweep.jobs}
    for run in plan.before.records[one.setting]:
        if run.path.name in names:
            return names[run.path.name], run
    raise RunDirectoryError(f"'{plan.sweep.directory / SWEEP_JOBS}' does not name all its runs")


def _without_repeats(plan: Plan, job: JobState) -> Iterable[str]:
    repeats = plan.before.over
    return (word for word in job.overrides if word.partition("=")[0].lstrip("+") not in repeats)


def _folds(plan: Plan) -> list[list[str]]:
    """Overrides for each fold that was trained; one without any where none was swept."""
    if FOLD not in plan.before.over:
        return [[]]
    folds = {run.settings.get(FOLD) for run in plan.before.table.records}
    return [[f"{FOLD}={fold}"] for fold in sorted(one for one in folds if type(one) is int)]


def _seed_of(run: RunRecord) -> int | None:
    seed = run.settings.get(SEED)
    return seed if type(seed) is int else None


def _typed_seed(job: JobState) -> int | None:
    """Of a job that has not begun, too."""
    typed = [
        word.partition("=")[2] for word in job.overrides if word.lstrip("+").startswith("seed=")
    ]
    return int(typed[-1]) if typed and typed[-1].isascii() and typed[-1].isdecimal() else None


def _test_metric(before: RunsCompared, chosen: Sequence[OneSetting]) -> str:
    """The metric of the test rows that goes with the one that is compared.

    Raises:
        ArgumentError: if the runs have none.
    """
    name = f"{TEST}{before.metric.name.rpartition('/')[2]}"
    runs = [run for one in chosen for run in before.records[one.setting]]
    if not any(name in run.metrics for run in runs):
        raise ArgumentError(
            f"test: the runs have no {name}, as they have no test rows; begin a sweep with "
            "data.split.test=0.2, say"
        )
    return name
