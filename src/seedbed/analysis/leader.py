"""The best job so far of a sweep that goes on."""

import math
from collections.abc import Sequence

from seedbed.analysis.job_values import value_of
from seedbed.sweep.outcome import JobState
from seedbed.sweep.yardstick import Yardstick


class Leader:
    """The best job so far, where all jobs of the sweep can be compared.

    Args:
        monitor: `trainer.monitor`; `auto` is val/loss where a job has it, else train/loss.
        jobs: of the sweep.
    """

    def __init__(self, monitor: str, jobs: Sequence[JobState] = ()) -> None:
        self.yardstick = Yardstick(jobs, monitor)
        self.metric = "train/loss" if monitor == "auto" else monitor
        self.folder = ""
        self.value = math.nan

    def take(self, job: JobState) -> None:
        """Takes in a job that ended."""
        metric = self.yardstick.metric(job)
        value = value_of(job, metric.name)
        if value is None or metric.unit or not self.yardstick.one_set_of_rows:
            return
        if not self.folder or metric.name.startswith("val/") > self.metric.startswith("val/"):
            self.metric, self.value = metric.name, math.nan
        if metric.name != self.metric:
            return
        if math.isnan(self.value) or (value > self.value if metric.higher else value < self.value):
            self.value, self.folder = value, job.directory
