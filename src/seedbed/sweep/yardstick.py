"""Which jobs of a sweep can be compared, and by what: the same rows, in the same unit.

It goes by the configs, so that it is known before the first job runs; `units.py` has the units.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from typing import Any

from seedbed.config.target_keys import NONE, is_balanced
from seedbed.sweep.outcome import JobState
from seedbed.sweep.units import STEP, Units, units_of
from seedbed.tasks.metrics import higher_is_better

SAME_ROWS = (
    "name",
    "standardize",
    "features",
    "drop",
    "categories",
    "max_categories",
    "dates",
    "unknown",
    "check_rows",
    "threshold",
    "stream",
    "memory",
)
"""Keys of `data` that leave the rows and the targets as they are; any other may change them."""

ABSOLUTE = "torch.nn.L1Loss"

OWN_UNIT = "in the target's own unit"


def note_basis(records: Sequence[JobState], resolved_configs: Sequence[Mapping[str, Any]]) -> None:
    """Writes into the records of jobs what their numbers depend on.

    Args:
        records: changed in place.
        resolved_configs: the resolved config of each.
    """
    digests: dict[int, str] = {}  # jobs share most groups: each is read once
    units: dict[tuple[Any, ...], Units] = {}
    for record, resolved in zip(records, resolved_configs, strict=True):
        data, loss, step = (resolved.get(key) or NONE for key in ("data", "loss", STEP))
        metrics = resolved.get("metrics")
        if id(data) not in digests:
            text = json.dumps(_rows(data), sort_keys=True, default=str)
            digests[id(data)] = sha256(text.encode()).hexdigest()[:8]
        split = {**(data.get("split") or {}), "folds": data.get("folds")}
        drawn = drawn_by(split, data.get("validation_path"), resolved["seed"])
        record.rows = digests[id(data)] + ("" if drawn is None else f"-{drawn}")
        some = some_of_the_rows(resolved["trainer"], resolved["loader"])
        record.rows += "" if some is None else f"-{some}"
        weighed = weighed_by(loss, split, data, resolved["seed"])
        scaled = bool(data.get("standardize"))
        key = (id(loss), weighed, id(step), id(metrics), scaled)
        if key not in units:
            units[key] = units_of(loss, weighed, step, metrics, standardize=scaled)
        own = units[key]
        record.loss, record.scale, record.metric_units = own.loss, own.scale, dict(own.metric_units)


def _rows(data: Mapping[str, Any]) -> dict[str, Any]:
    """What decides which rows are measured, and their targets, beside the seed."""
    split = {key: value for key, value in (data.get("split") or {}).items() if key != "seed"}
    return {**{key: value for key, value in data.items() if key not in SAME_ROWS}, "split": split}


def drawn_by(split: Mapping[str, Any], own_file: object, seed: Any) -> Any:
    """The seed that draws the validation rows, or else those to train on; None if none does.

    Args:
        split: `data.split`, and `folds` of `data`.
        own_file: `data.validation_path`.
        seed: of the run.
    """
    validates = split.get("validation") or split.get("folds")
    if own_file or not (validates or split.get("test")) or split.get("time") is not None:
        return None
    return seed if split.get("seed") is None else split["seed"]


def some_of_the_rows(trainer: Mapping[str, Any], loader: Mapping[str, Any]) -> Any:
    """Of a run that tries things out on some rows, how many batches, of how many; else None.

    Args:
        trainer: `limit_batches` and `overfit_batches` of it.
        loader: `batch_size` of it.
    """
    batches = trainer.get("limit_batches"), trainer.get("overfit_batches")
    quick = 0 if trainer.get("fast_dev_run") else None
    if (*batches, quick) == (None, None, None):
        return None
    return "-".join(map(str, (*batches, quick, loader.get("batch_size"))))


def weighed_by(
    loss: Mapping[str, Any], split: Mapping[str, Any], files: Mapping[str, Any], seed: Any
) -> Any:
    """The seed that draws the rows by which a loss weighs classes; None if all runs have the same.

    Where it draws the rows that are measured too, only runs that have both in common are compared.

    Args:
        loss: `class_weights` and `pos_weight` of it.
        split: as in `drawn_by`.
        files: `validation_path` and `test_path` of `data`.
        seed: of the run.
    """
    own_file = files.get("validation_path")
    if not is_balanced(loss) or drawn_by(split, own_file, seed) is not None:
        return None
    if files.get("test_path") or not split.get("test") or split.get("time") is not None:
        return None
    return seed if split.get("seed") is None else split["seed"]


@dataclass(frozen=True)
class Metric:
    """What jobs are compared by.

    Args:
        name: of the metric.
        unit: equal for jobs that it can compare; empty if it can compare all on the same rows.
        instead: the loss that it stands in for; empty if it is what `trainer.monitor` says.
        higher: whether higher is better.
    """

    name: str
    unit: str = ""
    instead: str = ""
    higher: bool = False


class Yardstick:
    """Chooses the metric for each job of a sweep.

    Args:
        jobs: all of them.
        monitor: `trainer.monitor`; `auto` is val/loss where a job has it, else train/loss.
    """

    def __init__(self, jobs: Sequence[JobState], monitor: str) -> None:
        self.jobs, self.monitor = jobs, monitor
        self._differing: dict[tuple[str, bool], bool] = {}
        self.one_set_of_rows = len({job.rows for job in jobs}) < 2

    def metric(self, job: JobState) -> Metric:
        """By which a job is compared with others of its rows.

        A loss cannot compare where losses, or the scales of a real-valued target, differ: then it
        is the error in the target's own unit (its mean square, or for `loss=l1` its mean), or for
        classes the accuracy. Where there is neither, as without validation rows, and where what a
        metric of the config's is made with differs, jobs of the same unit are compared.
        """
        metrics = job.metrics or {}
        wanted = self.monitor
        if wanted == "auto":
            wanted = "val/loss" if "val/loss" in metrics else "train/loss"
        classes = "val/accuracy" in metrics
        higher = higher_is_better(wanted, job.higher_is_better)
        if not self._differ(wanted, classes=classes):
            return Metric(wanted, higher=higher)
        own = "val/mae" if self._absolute else "val/mse"
        for name in (own, "val/accuracy") if wanted.endswith("/loss") else ():
            if name in metrics:
                return Metric(name, instead=wanted, higher=higher_is_better(name))
        return Metric(wanted, unit=job.units.of(wanted, classes=classes), higher=higher)

    def _differ(self, column: str, *, classes: bool) -> bool:
        """Whether a number is in different units in some of the jobs."""
        key = column, classes
        if key not in self._differing:
            units = {job.units.of(column, classes=classes) for job in self.jobs}
            self._differing[key] = len(units) > 1
        return self._differing[key]

    @cached_property
    def _absolute(self) -> bool:
        return all(job.loss.partition(" ")[0] == ABSOLUTE for job in self.jobs)
