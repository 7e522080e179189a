"""What a run leaves at its end, whichever engine made it: history, picture and `result.json`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from seedbed.config.identity import config_hash
from seedbed.runs.directory import RunDirectory, Status
from seedbed.runs.files import write_bytes
from seedbed.training.events import EventFile
from seedbed.training.figure import Curve, loss_figure
from seedbed.training.plan import Plan
from seedbed.training.state import Best, HistoryRow

LOSS_PICTURE = "view/loss_curve"
"""Tag of the picture; it sorts behind the curves, which would be off the screen otherwise."""


def history_text(rows: Sequence[HistoryRow], metrics: Sequence[str]) -> str:
    """The content of `history.csv`.

    Args:
        rows: of each epoch.
        metrics: names of its losses and metrics, in order.
    """
    names = ["epoch", "step", *metrics, "lr", "seconds"]
    lines = [",".join(names), *(",".join([repr(row[name]) for name in names]) for row in rows)]
    return "\n".join(lines) + "\n"


def draw_loss(history: Sequence[HistoryRow], directory: RunDirectory, events: EventFile) -> None:
    """Writes `loss.png`, and the same picture for TensorBoard; nothing where no epoch ended."""
    curves: dict[str, Curve] = {}
    for name in ("train/loss", "val/loss"):
        if history and name in history[0]:
            curves[name] = ([row["epoch"] for row in history], [row[name] for row in history])
    if curves:
        picture, step = loss_figure(curves), int(history[-1]["step"])
        write_bytes(directory.figure, picture.png)
        events.image(LOSS_PICTURE, picture.png, picture.width, picture.height, step)


@dataclass(frozen=True)
class Ending:
    """How a run ended.

    Args:
        status: completed, diverged or interrupted.
        metrics: over every part of the data.
        best: the best epoch.
        epochs: finished.
        steps: made.
        seconds: that the training took.
        error: of a run that did not complete.
    """

    status: Status
    metrics: Mapping[str, float]
    best: Best
    epochs: int
    steps: int
    seconds: float
    error: str | None = None


def result_of(
    plan: Plan, plain: Mapping[str, Any], ending: Ending, engine: Mapping[str, Any]
) -> dict[str, Any]:
    """The content of `result.json`.

    Args:
        plan: of the run, or of another of its shape.
        plain: the resolved config.
        ending: of the run.
        engine: which engine made it, and with how many others.
    """
    best = ending.best
    result = {
        "status": ending.status,
        "metrics": dict(ending.metrics),
        "best": {"epoch": best.epoch, best.monitor: best.value} if best.epoch else {},
        "epochs": ending.epochs,
        "steps": ending.steps,
        "seconds": round(ending.seconds, 6),
        "parameters": plan.parameters,
        "loss": plan.engine.objective.loss_name,
        "task": plan.data.preprocessing.task,
        "device": str(plan.engine.device),
        **engine,
        "config_hash": config_hash(plain),
    }
    if ending.error:
        result["error"] = ending.error
    return result
