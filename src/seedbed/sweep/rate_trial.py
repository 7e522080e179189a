"""Tries many learning rates at once: a short run of each, with several seeds, in one stack."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

from seedbed.components import AllowList
from seedbed.config.hints import joined
from seedbed.config.schema import EarlyStopping, RunConfig
from seedbed.errors import ArgumentError
from seedbed.fused.build_stack import build_stack
from seedbed.fused.engine import fused_training
from seedbed.fused.fusion_key import fusion_blocker
from seedbed.fused.rows import NotAlikeError
from seedbed.fused.sizing import most_runs
from seedbed.fused.stack_components import StackComponents
from seedbed.fused.stack_data import KnownData
from seedbed.fused.stackable import vmap_blocker
from seedbed.sweep.rate_curve import RateCurve
from seedbed.training.build_run import build_run
from seedbed.training.interrupt import StopRequest, stop_request
from seedbed.training.loop import train
from seedbed.training.parameter_groups import settings_of_groups
from seedbed.training.recorder import NullRecorder
from seedbed.training.run_components import RunComponents
from seedbed.training.single import single_training
from seedbed.training.training import Ended, Training

MOST_RATES = 1000

LEAST_EPOCHS = 2
"""The loss of the last one counts: a first epoch begins with weights that nobody has trained."""


def spread_rates(least: float, greatest: float, count: int) -> list[float]:
    """Rates at equal ratios, of four digits.

    Raises:
        ArgumentError: if they are none, or not so many.
    """
    if not 0 < least < greatest < math.inf:
        raise ArgumentError(f"--from and --to must be rates with 0 < from < to, got {least:g} and "
                            f"{greatest:g}")  # fmt: skip
    if not 2 <= count <= MOST_RATES:
        limit = f" and <= {MOST_RATES}" if count > MOST_RATES else ""
        raise ArgumentError(f"--rates must be a whole number >= 2{limit}, got {count}")
    first, last = math.log(least), math.log(greatest)
    each = (first + (last - first) * number / (count - 1) for number in range(count))
    return [float(f"{math.exp(one):.4g}") for one in each]


def try_rates(
    config: RunConfig,
    rates: Sequence[float],
    seeds: int,
    steps: int,
    note: Callable[[str], None],
) -> RateCurve:
    """Trains a short run of each rate with each seed; nothing is written.

    The rates stay as they are: a schedule of the config is left out, and so is all that changes no
    `train/loss`, such as averages and profiles. The seeds are those from the config's on.

    Args:
        config: of a run.
        rates: rising.
        seeds: how many.
        steps: updates of each run, at least; it makes whole epochs, and `LEAST_EPOCHS` of them.
        note: hears why they do not train together, and which rates stay as they are.

    Raises:
        ArgumentError: if the optimizer has no rate, or nothing goes by it.
        SeedbedError: if a part cannot be built.
        KeyboardInterrupt: if the user stopped it.
    """
    if not isinstance(config.optimizer.get("lr"), int | float):
        raise ArgumentError("optimizer.lr: this optimizer has no learning rate to look for")
    groups = config.optimizer.get("groups") or {}
    if kept := [name for name, group in groups.items() if "lr" in group]:
        note(f"optimizer.groups: {joined(kept)} keep rates of their own")
    allow = AllowList(config.allow)
    first = build_run(config, allow)
    _refuse_rates_of_groups(first)
    epochs = max(LEAST_EPOCHS, math.ceil(steps / first.updates))
    short = _short(config, epochs)
    numbers = [config.seed + number for number in range(seeds)]
    configs = [
        replace(short, seed=seed, optimizer={**config.optimizer, "lr": rate})
        for rate in rates
        for seed in numbers
    ]
    with stop_request() as stop:
        reason = fusion_blocker(short)
        found = None
        if reason is None:
            try:
                found = _together(configs, allow, stop)
            except NotAlikeError as err:
                reason = str(err)
        if found is None:
            note(f"the rates run one by one: {reason}")
            found = [_alone(one, allow, stop) for one in configs]
        if stop.requested:
            raise KeyboardInterrupt
    losses = [found[at : at + seeds] for at in range(0, len(found), seeds)]
    return RateCurve(
        list(rates), losses, numbers, epochs, epochs * first.updates, together=reason is None
    )


def _refuse_rates_of_groups(plan: RunComponents) -> None:
    """Refuses groups of which none follows the optimizer's rate: all curves would be flat.

    Raises:
        ArgumentError: with what to change.
    """
    settings, groups = settings_of_groups(plan.config.optimizer), plan.optimizer.param_groups
    trained = [
        own
        for own, group in zip(settings, groups, strict=False)
        if any(one.requires_grad for one in group["params"])
    ]
    if all("lr" in own for own in trained):
        raise ArgumentError(
            "optimizer.lr: all parameters are in groups with rates of their own; leave lr out of "
            "one of optimizer.groups"
        )


def _short(config: RunConfig, epochs: int) -> RunConfig:
    """Without what ends a run early, looks at it, averages it or shares its batches."""
    trainer = replace(
        config.trainer,
        epochs=epochs,
        max_steps=None,
        max_time=None,
        select="last",
        checkpoint_every=f"{epochs + 1} epochs",
        early_stopping=EarlyStopping(None, 0.0),
        log_every="1 epochs",
        log_histograms=False,
        log_graph=False,
        log_gradients=False,
        detect_anomaly=False,
        profile=None,
        compile=False,
        strategy=None,
        devices=None,
    )
    sweep = replace(config.sweep, allow_random=False)
    return replace(config, trainer=trainer, scheduler={"_target_": None}, sweep=sweep)


def _together(configs: Sequence[RunConfig], allow: AllowList, stop: StopRequest) -> list[float]:
    """The losses of runs that train as stacks, as many at once as fit.

    Raises:
        NotAlikeError: if they cannot be stacked.
    """
    known: KnownData = {}
    pair: StackComponents = build_stack(configs[:2], allow, known=known)
    if (reason := vmap_blocker(pair)) is not None:
        raise NotAlikeError(reason)
    at_once = most_runs(pair)
    losses: list[float] = []
    for start in range(0, len(configs), at_once):
        some = configs[start : start + at_once]
        plan = build_stack(some, allow, known=known)
        last = _LastLosses()
        train(fused_training(plan, len(some)), last, stop)
        losses += [last.losses.get(run, math.inf) for run in range(len(some))]
        if stop.requested:
            break
    return losses


def _alone(config: RunConfig, allow: AllowList, stop: StopRequest) -> float:
    last = _LastLosses()
    if not stop.requested:
        train(single_training(build_run(config, allow)), last, stop)
    return last.losses.get(0, math.inf)


class _LastLosses(NullRecorder):
    """Keeps the loss of each run's last epoch; none of a run that diverged."""

    def __init__(self) -> None:
        self.losses: dict[int, float] = {}

    def ended(self, training: Training, ended: Ended) -> None:
        """See `Recorder`."""
        progress = training.progress
        for one in ended.runs:
            if one.error is None and (rows := progress.rows(one.slot)):
                self.losses[progress.runs[one.slot]] = rows[-1]["train/loss"]
