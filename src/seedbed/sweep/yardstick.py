"""Which jobs of a sweep can be compared, and by what: the same rows, in the same unit.

It goes by the configs, so that it is known before the first job runs. Metrics of the same rows can
be compared; losses only where the loss and the scale of the target are the same too.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from seedbed.config.own_code import DIRECTIONS, TARGET
from seedbed.config.target_keys import is_balanced, with_absent
from seedbed.sweep.outcome import JobState
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

STEP = "step"
"""Key of the config."""

ABSOLUTE = "torch.nn.L1Loss"

OWN_UNIT = "in the target's own unit"


def note_basis(records: Sequence[JobState], resolved_configs: Sequence[Mapping[str, Any]]) -> None:
    """Writes into the records of jobs what their numbers depend on.

    Args:
        records: changed in place.
        resolved_configs: the resolved config of each.
    """
    digests: dict[tuple[str, int], str] = {}  # jobs share most groups: each is read once

    def digest(kind: str, group: Mapping[str, Any], content: Mapping[str, Any]) -> str:
        key = (kind, id(group))
        if key not in digests:
            text = json.dumps(content, sort_keys=True, default=str)
            digests[key] = sha256(text.encode()).hexdigest()[:8]
        return digests[key]

    for record, resolved in zip(records, resolved_configs, strict=True):
        data, loss = resolved["data"], resolved["loss"]
        rows = digest("data", data, _rows(data) if ("data", id(data)) not in digests else {})
        split = {**(data.get("split") or {}), "folds": data.get("folds")}
        drawn = drawn_by(split, data.get("validation_path"), resolved["seed"])
        record.rows = rows if drawn is None else f"{rows}-{drawn}"
        some = some_of_the_rows(resolved["trainer"], resolved["loader"])
        record.rows += "" if some is None else f"-{some}"
        record.loss = f"{loss.get('_target_')} {digest('loss', loss, with_absent(loss))}"
        weighed = weighed_by(loss, split, data, resolved["seed"])
        record.loss += "" if weighed is None else f"-{weighed}"
        step = resolved.get(STEP) or {}
        if step.get(TARGET) is not None:  # it makes the loss of the config's
            record.loss += f" {digest(STEP, step, loss_of_step(step))}"
        record.scale = "standardized" if data.get("standardize") else "own"


def loss_of_step(step: Mapping[str, Any]) -> dict[str, Any]:
    """What of a step of the user's own its loss depends on: all but which value is better."""
    return {key: value for key, value in step.items() if key != DIRECTIONS}


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
        self.monitor = monitor
        self.losses = {job.loss for job in jobs}
        self.scales = {job.scale for job in jobs}
        self.one_set_of_rows = len({job.rows for job in jobs}) < 2

    def metric(self, job: JobState) -> Metric:
        """By which a job is compared with others of its rows.

        A loss cannot compare where losses, or the scales of a real-valued target, differ: then it
        is the error in the target's own unit (its mean square, or for `loss=l1` its mean), or for
        classes the accuracy. Without validation rows there is neither; jobs of the same unit are
        compared then.
        """
        metrics = job.metrics or {}
        wanted = self.monitor
        if wanted == "auto":
            wanted = "val/loss" if "val/loss" in metrics else "train/loss"
        if not wanted.endswith("/loss") or not self._differ(metrics):
            return Metric(wanted, higher=higher_is_better(wanted, job.higher_is_better))
        own = "val/mae" if self._absolute else "val/mse"
        for name in (own, "val/accuracy"):
            if name in metrics:
                return Metric(name, instead=wanted, higher=higher_is_better(name))
        return Metric(wanted, unit=f"{job.loss} {job.scale}")

    def _differ(self, metrics: Mapping[str, float]) -> bool:
        """Whether losses of jobs of this kind are in different units."""
        classes = "val/accuracy" in metrics
        return len(self.losses) > 1 or (len(self.scales) > 1 and not classes)

    @property
    def _absolute(self) -> bool:
        return all(loss.partition(" ")[0] == ABSOLUTE for loss in self.losses)
