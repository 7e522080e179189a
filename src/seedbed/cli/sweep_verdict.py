"""The short form of `seedbed compare` at a sweep's end: the verdict, and what mattered."""

import shlex
from collections.abc import Hashable
from contextlib import suppress

from seedbed.analysis.comparing import DifferentRows, compare_settings
from seedbed.analysis.folds import FOLD, Folds, folds_told
from seedbed.analysis.job_values import differing, setting_text, typed_settings
from seedbed.analysis.sentences import variance_sentence, verdict_sentence
from seedbed.analysis.settings import REPEATS, Trial
from seedbed.errors import RunDirectoryError
from seedbed.remote.places import shown
from seedbed.runs.layout import RunPaths
from seedbed.runs.reader import read_config
from seedbed.runs.status import Status
from seedbed.sweep.outcome import SweepState
from seedbed.sweep.yardstick import Yardstick


def verdict_text(sweep: SweepState, monitor: str) -> str:
    """Whether the best setting is better than the next, and the command for more.

    Args:
        sweep: with the metrics of its jobs.
        monitor: `trainer.monitor`.
    """
    directory = shlex.quote(shown(sweep.directory))
    said = _sentences(sweep, monitor)
    again = [f"the best again, with fresh seeds: seedbed confirm {directory}"] if said else []
    return "\n".join(
        [
            *said,
            f"more: seedbed compare {directory}",
            f"as a page: seedbed report {directory}",
            *again,
        ]
    )


def _sentences(sweep: SweepState, monitor: str) -> list[str]:
    yardstick = Yardstick(sweep.jobs, monitor)
    metrics = {yardstick.metric(job) for job in sweep.jobs if job.metrics}
    settings = [typed_settings(job) for job in sweep.jobs]
    varied = differing(settings)
    keys, repeats = (
        [key for key in varied if (key in REPEATS) == repeated] for repeated in (False, True)
    )
    if len(metrics) != 1 or not keys:
        return []  # nothing compares them all, or they are one setting
    (metric,) = metrics
    trials = [
        Trial(
            setting=tuple(typed.get(key, "") for key in keys),
            seed=tuple(_seed(typed.get(key, "")) for key in repeats),
            status=job.status,
            value=(job.metrics or {}).get(metric.name),
            rows=job.rows,
        )
        for job, typed in zip(sweep.jobs, settings, strict=True)
    ]
    try:
        folds = _folds(sweep) if FOLD in repeats else None
        compared = compare_settings(keys, trials, higher=metric.higher, folds=folds)
    except DifferentRows:
        return []
    labels = {
        one.setting: dict(zip(keys, map(setting_text, map(str, one.setting)), strict=True))
        for one in compared.settings
    }
    told = [verdict_sentence(compared, labels, metric.name)]
    if compared.variance is not None:
        told.append(variance_sentence(compared.variance))
    return told


def _folds(sweep: SweepState) -> Folds | None:
    """Of the cross-validation that the sweep is, by what a job of it has in its config."""
    for job in sweep.jobs:
        if job.status == Status.COMPLETED:
            with suppress(RunDirectoryError):
                data = read_config(RunPaths(sweep.directory / job.directory)).get("data") or {}
                return folds_told(data.get("folds"), (data.get("split") or {}).get("time"))
    return None


def _seed(typed: str) -> Hashable:
    return int(typed) if typed.isdecimal() else typed
