"""What a run leaves at its end, whichever engine made it: history, picture and `result.json`."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from seedbed.config.hints import counted
from seedbed.config.own_code import TARGET
from seedbed.config.schema import RunConfig
from seedbed.process.ahead import done_aside
from seedbed.recording.figure import Curve, Picture, loss_figure
from seedbed.runs.status import Status
from seedbed.training.progress import Progress
from seedbed.training.run_components import RunComponents
from seedbed.training.run_ends import stopped_by
from seedbed.training.state import HistoryRow
from seedbed.training.training import EndedRun


def history_text(rows: Sequence[HistoryRow], metrics: Sequence[str]) -> str:
    """The content of `history.csv`.

    Args:
        rows: of each epoch.
        metrics: names of its losses and metrics, in order.
    """
    names = ["epoch", "step", *metrics, "lr", "seconds"]
    lines = [",".join(names), *(",".join([repr(row[name]) for name in names]) for row in rows)]
    return "\n".join(lines) + "\n"


def loss_picture(history: Sequence[HistoryRow]) -> Picture | None:
    """The curve of the losses; None where no epoch ended."""
    curves: dict[str, Curve] = {}
    for name in ("train/loss", "val/loss"):
        if history and name in history[0]:
            curves[name] = ([row["epoch"] for row in history], [row[name] for row in history])
    return done_aside(loss_figure, curves) if curves else None


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
    if "stopped_by" in result:
        steps = counted(result["steps"], "step")
        parts.append(f"({steps}, as {result['stopped_by']})")
    elif result["status"] == Status.COMPLETED and result["epochs"] < epochs:
        parts.append(f"(stopped early, {_since(result)})")
    if "overfit" in result:
        first, last = result["overfit"]["first"], result["overfit"]["last"]
        fell = "fell" if last < first else "did not fall"
        parts.append(f"(overfit: train/loss {fell}, from {first:.5g} to {last:.5g})")
    took = f"{result['seconds']:.3g} s"
    trained = counted(result["epochs"], "epoch")
    return f"{result['status']} after {trained}, {took}: {'  '.join(parts)}"


def _since(result: Mapping[str, Any]) -> str:
    best = result["best"]
    return f"epoch {best['epoch']} was best" if best else "no epoch could be called the best"


def result_of(
    plan: RunComponents,
    config: RunConfig,
    ended: EndedRun,
    progress: Progress,
    engine: Mapping[str, Any],
) -> dict[str, Any]:
    """The content of `result.json`.

    Args:
        plan: of the run, or of another of its shape.
        config: of the run.
        ended: how the run ended.
        progress: of the runs that it was trained with.
        engine: which engine made it, and with how many others.
    """
    best, slot = progress.best.of(ended.slot), ended.slot
    result = {
        "status": ended.status,
        "metrics": dict(ended.measured.metrics),
        "measured_at": dict(ended.measured.epochs),
        "best": {"epoch": best.epoch, best.monitor: best.value} if best.epoch else {},
        "epochs": progress.epochs_of(slot),
        "steps": progress.steps_of(slot),
        "seconds": round(progress.seconds_of(slot), 6),
        "parameters": plan.parameters,
        "loss": plan.head.loss_name,
        "task": plan.head.task.name,
        **_directions(plan),
        "device": str(plan.device),
        **engine,
        **_of_ranks(plan),
        **_of_own_code(config),
        "config_hash": config.identity,
    }
    if config.trainer.overfit_batches is not None and (epochs := progress.epochs_of(slot)):
        losses = progress.history.columns["train/loss"][:epochs, progress.runs[slot]]
        result["overfit"] = {"first": float(losses[0]), "last": float(losses[-1])}
    if why := stopped_by(progress, slot):
        result["stopped_by"] = why
    if ended.error:
        result["error"] = ended.error
    return result


def _directions(plan: RunComponents) -> dict[str, dict[str, bool | None]]:
    """Whether higher is better, for tables of runs, of metrics that are not Seedbed's."""
    of_step = plan.step.higher_is_better if plan.step is not None else {}
    told = {**plan.head.directions, **{name: of_step.get(name) for name in plan.step_names}}
    return {"higher_is_better": told} if told else {}


def _of_own_code(config: RunConfig) -> dict[str, Any]:
    """The step and the callbacks of the user's own, where there are any."""
    told: dict[str, Any] = {}
    if config.own_step is not None:
        told["step"] = config.own_step[TARGET]
    if config.callbacks:
        told["callbacks"] = [one[TARGET] for one in config.callbacks]
    return told


def _of_ranks(plan: RunComponents) -> dict[str, int]:
    """How many there were, and the rows of a batch over all of them; of a run with a strategy."""
    if not plan.config.trainer.is_ranked:
        return {}
    return {"ranks": plan.ranks, "batch_size": plan.train.batch_size}
