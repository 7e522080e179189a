"""What a run leaves at its end, whichever engine made it: history, picture and `result.json`."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from seedbed.config.identity import config_hash
from seedbed.recording.events import EventFile
from seedbed.recording.figure import Curve, loss_figure
from seedbed.runs.directory import RunDirectory, Status
from seedbed.runs.files import write_bytes
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
class Measured:
    """The metrics of a run at its end.

    Args:
        metrics: over every part of the data.
        epochs: of each metric, the one whose weights it measures; 0 for the starting weights.
    """

    metrics: Mapping[str, float]
    epochs: Mapping[str, int]


def epochs_of(names: Iterable[str], last: int, chosen: int) -> dict[str, int]:
    """The epoch of each metric: `train/…` are the last one's, the others those of `model.pth`.

    Args:
        names: of the metrics.
        last: epochs that the run finished.
        chosen: the epoch whose weights `model.pth` holds.
    """
    return {name: last if name.startswith("train/") else chosen for name in names}


def closing_text(result: Mapping[str, Any], epochs: int) -> str:
    """The line that ends a run: its metrics, each with its epoch.

    Args:
        result: content of `result.json`.
        epochs: that the config asked for.
    """
    shown = {name: value for name, value in result["metrics"].items() if value is not None}
    parts: list[str] = []
    for epoch, names in groupby(shown, key=lambda name: result["measured_at"][name]):
        best = result["best"].get("epoch") == epoch != result["epochs"]
        numbers = "  ".join(f"{name} {shown[name]:.5g}" for name in names)
        parts.append(f"{numbers} (epoch {epoch}{', the best' if best else ''})")
    if result["status"] == "completed" and result["epochs"] < epochs:
        parts.append(f"(stopped early, {_since(result)})")
    took = f"{result['seconds']:.3g} s"
    return f"{result['status']} after {result['epochs']} epochs, {took}: {'  '.join(parts)}"


def _since(result: Mapping[str, Any]) -> str:
    best = result["best"]
    return f"epoch {best['epoch']} was best" if best else "no epoch could be called the best"


@dataclass(frozen=True)
class Ending:
    """How a run ended.

    Args:
        status: completed, diverged or interrupted.
        measured: its metrics.
        best: the best epoch.
        epochs: finished.
        steps: made.
        seconds: that the training took.
        error: of a run that did not complete.
    """

    status: Status
    measured: Measured
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
        "metrics": dict(ending.measured.metrics),
        "measured_at": dict(ending.measured.epochs),
        "best": {"epoch": best.epoch, best.monitor: best.value} if best.epoch else {},
        "epochs": ending.epochs,
        "steps": ending.steps,
        "seconds": round(ending.seconds, 6),
        "parameters": plan.parameters,
        "loss": plan.engine.head.loss_name,
        "task": plan.data.preprocessing.task,
        "device": str(plan.engine.device),
        **engine,
        "config_hash": config_hash(plain),
    }
    if ending.error:
        result["error"] = ending.error
    return result
