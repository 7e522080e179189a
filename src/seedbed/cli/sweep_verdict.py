"""The short form of `seedbed compare` at a sweep's end: the verdict, and what mattered."""

import shlex
from collections.abc import Hashable

from seedbed.analysis.comparing import DifferentRows, compare_settings
from seedbed.analysis.job_values import differing, setting_text, typed_settings
from seedbed.analysis.sentences import variance_sentence, verdict_sentence
from seedbed.analysis.settings import SEED, Trial
from seedbed.sweep.outcome import SweepState
from seedbed.sweep.yardstick import Yardstick
from seedbed.tasks.metrics import higher_is_better


def verdict_text(sweep: SweepState, monitor: str) -> str:
    """Whether the best setting is better than the next, and the command for more.

    Args:
        sweep: with the metrics of its jobs.
        monitor: `trainer.monitor`.
    """
    directory = shlex.quote(str(sweep.directory))
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
    keys = [key for key in differing(settings) if key != SEED]
    if len(metrics) != 1 or not keys:
        return []  # nothing compares them all, or they are one setting
    (metric,) = metrics
    trials = [
        Trial(
            setting=tuple(typed.get(key, "") for key in keys),
            seed=_seed(typed.get(SEED, "")),
            status=job.status,
            value=(job.metrics or {}).get(metric.name),
            rows=job.rows,
        )
        for job, typed in zip(sweep.jobs, settings, strict=True)
    ]
    try:
        compared = compare_settings(keys, trials, higher=higher_is_better(metric.name))
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


def _seed(typed: str) -> Hashable:
    return int(typed) if typed.isdecimal() else typed
