"""A stack from top to bottom: the loop of `training/run.py`, with a row of runs in place of one."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from torch import Tensor

from seedbed.data.seeds import stream_seed
from seedbed.fused.flat import Named
from seedbed.fused.plan import NARROWEST, StackPlan
from seedbed.fused.snapshots import restore, restore_random
from seedbed.fused.stack import Stack
from seedbed.recording.results import Measured, epochs_of
from seedbed.runs.checkpoint import Snapshot
from seedbed.runs.directory import Status
from seedbed.training.device import process_settings
from seedbed.training.interrupt import StopRequest
from seedbed.training.interval import parsed_interval


@dataclass(frozen=True)
class Ended:
    """Runs of a stack that end together.

    Args:
        places: of the runs in the stack.
        weights: that `model.pth` will hold, (runs, width).
        kept: buffers, likewise.
        measured: the metrics of each run.
        status: of each run.
        errors: of each run.
    """

    places: list[int]
    weights: Tensor
    kept: Named
    measured: list[Measured]
    status: list[Status]
    errors: list[str | None]


class StackRecorder(Protocol):
    """Writes down the runs of a stack."""

    def save(self, stack: Stack) -> None:
        """Checkpoints of every run."""
        ...

    def ended(self, stack: Stack, ended: Ended) -> None:
        """All that is left of runs at their end."""
        ...

    def progress(self, stack: Stack) -> None:
        """Called after every step."""
        ...

    def note(self, text: str) -> None:
        """Something a person should know, said once."""
        ...


def train_stack(
    plan: StackPlan,
    real: int,
    recorder: StackRecorder,
    stop: StopRequest,
    resumed: tuple[Sequence[Snapshot], Sequence[Snapshot]] | None = None,
) -> Stack:
    """Trains every run of a stack to its own end.

    Args:
        plan: built for these runs.
        real: how many they are.
        recorder: writes them down.
        stop: whether the user asked to stop; the runs left are interrupted then.
        resumed: the last and the best checkpoints of each run to go on from.

    Raises:
        Exception: whatever the user's own model raises.
    """
    trainer = plan.configs[0].trainer
    seed = stream_seed(plan.configs[0].seed, "training")
    with process_settings(trainer, plan.device, seed, plan.threads):
        stack = Stack(plan, real)
        if resumed is not None:
            last, best = ([*one, one[-1]] if len(one) < NARROWEST else one for one in resumed)
            restore(stack, last, best)
            restore_random(last, plan.device)
        interval = parsed_interval(trainer.checkpoint_every)
        while _leave(stack, recorder) and not stop.requested:
            began = time.perf_counter()
            for x, y in plan.batches.epoch(stack.epoch, stack.batch):
                stack.learn(x, y)
                recorder.progress(stack)
                if interval.unit != "epochs" and interval.after_step(stack.step):
                    stack.check_weights()
                    recorder.save(stack)
                if stop.requested or stack.all_diverged:
                    break
            if stack.batch < plan.batches.batches:
                continue
            if note := stack.close_epoch(began):
                recorder.note(note)
            if interval.after_epoch(stack.epoch):
                recorder.save(stack)
        if stack.real:
            _interrupt(stack, recorder)
    return stack


def _leave(stack: Stack, recorder: StackRecorder) -> bool:
    """Hands over the runs that are done, and closes the gaps; whether any is left."""
    places = stack.ended()
    if places:
        recorder.ended(stack, _ended(stack, places))
        left = sorted(set(range(stack.real)) - set(places))
        if not left:
            stack.runs = []
            return False
        stack.keep(left)
    return True


def _interrupt(stack: Stack, recorder: StackRecorder) -> None:
    places = list(range(stack.real))
    why = f"stopped in epoch {stack.epoch + 1} after step {stack.step}"
    ended = _ended(stack, places)
    status: list[Status] = ["diverged" if error else "interrupted" for error in ended.errors]
    errors: list[str | None] = [error or why for error in ended.errors]
    recorder.ended(stack, replace(ended, status=status, errors=errors))


def _ended(stack: Stack, places: list[int]) -> Ended:
    """Chooses the weights that each run ends with, and measures them on every part."""
    runs = [stack.runs[place] for place in places]
    errors = [one.error if one else None for one in map(stack.diverged.get, runs)]
    validated = "validation" in stack.parts
    keep_best = validated and stack.configs[0].trainer.select == "best"
    best = [
        error is not None or bool(keep_best and stack.good.epoch[place])
        for place, error in zip(places, errors, strict=True)
    ]
    weights, kept = stack.weights.clone(), {n: t.clone() for n, t in stack.kept.items()}
    chosen = [place for place, is_best in zip(places, best, strict=True) if is_best]
    weights[chosen] = stack.good.weights[chosen]
    for name, tensor in kept.items():
        tensor[chosen] = stack.good.kept[name][chosen]
    metrics: list[dict[str, float]] = [{} for _ in places]
    for place, run, told in zip(places, runs, metrics, strict=True):
        if epochs := stack.epochs_of(place):
            told["train/loss"] = float(stack.history["train/loss"][epochs - 1, run])
    for part, prefix in (("validation", "val"), ("test", "test")):
        if part in stack.parts:
            for name, values in stack.evaluate(weights, kept, part).items():
                for place, told in zip(places, metrics, strict=True):
                    told[f"{prefix}/{name}"] = float(values[place])
    chosen = [
        int(stack.good.copied_at[place]) if is_best else stack.epochs_of(place)
        for place, is_best in zip(places, best, strict=True)
    ]
    measured = [
        Measured(told, epochs_of(told, stack.epochs_of(place), epoch))
        for place, told, epoch in zip(places, metrics, chosen, strict=True)
    ]
    status: list[Status] = ["diverged" if error else "completed" for error in errors]
    return Ended(places, weights, kept, measured, status, errors)
