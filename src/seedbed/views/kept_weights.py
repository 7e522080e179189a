"""Whether pictures by epoch and of final values tell the same: a run keeps its best weights."""

from collections.abc import Iterable

from seedbed.catalog.record import RunRecord
from seedbed.catalog.values import BEST
from seedbed.config.hints import counted
from seedbed.runs.status import Status


def note_on_kept_weights(runs: Iterable[RunRecord], metric: str, kind: str) -> list[str]:
    """What is said where runs ended with the weights of an epoch before their last.

    Args:
        runs: that are drawn.
        metric: that is drawn; those of training are the last epoch's in any case.
        kind: of the picture.
    """
    if metric.startswith(("train/", BEST)):
        return []
    done = [run for run in runs if run.status == Status.COMPLETED and metric in run.metrics]
    earlier = sum(map(_kept_earlier, done))
    if not earlier:
        return []
    who = f"{earlier} of {counted(len(done), 'run')} kept the weights of an epoch before the last"
    if kind == "curves":
        return [f"{who}; other pictures and compare go by {metric} of those"]
    return [f"{who}; {metric} is that of those, and curves go on to the last epoch"]


def _kept_earlier(run: RunRecord) -> bool:
    """Whether `model.pth` is of an earlier epoch: the best, where there are validation rows."""
    best = run.best.get("epoch")
    chosen = run.settings.get("trainer.select") == "best" and "val/loss" in run.metrics
    return chosen and best is not None and run.epoch is not None and 0 < best < run.epoch
