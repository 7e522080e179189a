"""Every schedule and optimizer of torch that a config can name, in both engines, and resumed."""

import inspect
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
import torch
from support.resumed_runs import assert_run_goes_on, assert_stack_goes_on
from support.stacked_runs import Alone, Kept, alone, assert_alike, stacked, variants
from torch import nn, optim
from torch.optim import lr_scheduler

from seedbed.components import AllowList
from seedbed.config.schema import RunConfig
from seedbed.training.build_run import build_run
from seedbed.training.single import SingleEngine

BATCHES, EPOCHS = 6, 7
STOPS, STOPPED = (15, 18), ("within an epoch", "at its last step")
IRIS = ["data=sklearn", "loader.batch_size=20", f"trainer.epochs={EPOCHS}"]

SCHEDULERS: dict[str, dict[str, Any]] = {
    "StepLR": {"step_size": 2, "gamma": 0.5},
    "MultiStepLR": {"milestones": [1, 3, 3, 5], "gamma": 0.5},
    "ConstantLR": {"factor": 0.3, "total_iters": 3},
    "LinearLR": {"start_factor": 0.2, "total_iters": 4},
    "ExponentialLR": {"gamma": 0.8},
    "PolynomialLR": {"total_iters": 5, "power": 2.0},
    "CosineAnnealingLR": {"T_max": 5, "eta_min": 1e-4},
    "CosineAnnealingWarmRestarts": {"T_0": 2, "T_mult": 2},
    "CyclicLR": {"base_lr": 0.001, "max_lr": 0.1, "step_size_up": 5, "mode": "exp_range"},
    "OneCycleLR": {
        **{"max_lr": 0.1, "pct_start": 0.3, "div_factor": 25.0, "final_div_factor": 1e4},
        "total_steps": BATCHES * EPOCHS,
    },
    "ReduceLROnPlateau": {"factor": 0.5, "patience": 0, "threshold": 0.5, "min_lr": 0.0},
}
NEED_CODE = ("LambdaLR", "MultiplicativeLR")
"""These take functions."""

JOINED = ("SequentialLR", "ChainedScheduler")
"""These take others; see `test_joined_schedules.py`."""

BY_STEP = ("CyclicLR", "OneCycleLR")

OPTIMIZERS = (
    *("Adadelta", "Adafactor", "Adagrad", "Adam", "Adamax", "AdamW", "ASGD", "NAdam", "RAdam"),
    *("RMSprop", "Rprop", "SGD"),
)
REFUSED = {"LBFGS": "asks for the loss", "SparseAdam": "dense", "Muon": "matrices alone"}


def of(module: Any, base: type) -> set[str]:
    """The public classes in a module of torch's."""
    found = inspect.getmembers(module, inspect.isclass)
    return {name for name, kind in found if issubclass(kind, base) and name[0] != "_"} - {
        base.__name__
    }


def test_torch_has_no_others() -> None:
    assert of(lr_scheduler, lr_scheduler.LRScheduler) == {*SCHEDULERS, *NEED_CODE, *JOINED}
    assert of(optim, optim.Optimizer) == {*OPTIMIZERS, *REFUSED}


def words(name: str) -> list[str]:
    given = {k: v for k, v in SCHEDULERS[name].items() if k != "total_steps"}
    target = f"torch.optim.lr_scheduler.{name}"
    keys = [f"++scheduler.{key}={value}" for key, value in given.items()]
    return [*IRIS, "optimizer=sgd", "optimizer.momentum=0.9", f"scheduler._target_={target}", *keys]


@cache
def jobs(name: str) -> list[RunConfig]:
    """Two, at different rates."""
    return variants(words(name), [{"optimizer.lr": 0.05}, {"optimizer.lr": 0.02}])


@cache
def whole_stack(name: str) -> Kept:
    """The jobs of a schedule, trained to their end without a stop."""
    return stacked(jobs(name))


@cache
def whole_run(name: str, number: int) -> Alone:
    """A job of a schedule, trained alone to its end without a stop."""
    return alone(jobs(name)[number])


def rates(name: str, lr: float, watched: list[float]) -> list[float]:
    """By torch's own schedule: the rate of each epoch's last step."""
    optimizer = optim.SGD([nn.Parameter(torch.zeros(1))], lr=lr, momentum=0.9)
    schedule = getattr(lr_scheduler, name)(optimizer, **SCHEDULERS[name])
    told = []
    for epoch in range(EPOCHS):
        for _ in range(BATCHES):
            optimizer.step()
            used = optimizer.param_groups[0]["lr"]
            if name in BY_STEP:
                schedule.step()
        told.append(used)
        if name == "ReduceLROnPlateau":
            schedule.step(watched[epoch])
        elif name not in BY_STEP:
            schedule.step()
    return told


@pytest.mark.parametrize("name", SCHEDULERS)
def test_history_tells_the_rate_of_the_last_step(name: str) -> None:
    kept, runs = whole_stack(name), [whole_run(name, number) for number in range(2)]
    assert_alike(kept, runs)
    for number, (config, one) in enumerate(zip(jobs(name), runs, strict=True)):
        watched = [row["val/loss"] for row in one.history]
        expected = rates(name, config.optimizer["lr"], watched)
        assert [row["lr"] for row in one.history] == pytest.approx(expected, rel=1e-12)
        assert [row["lr"] for row in kept.history[number]] == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("step", STOPS, ids=STOPPED)
@pytest.mark.parametrize("name", SCHEDULERS)
def test_a_stack_goes_on_from_its_checkpoints(name: str, step: int) -> None:
    assert_stack_goes_on(jobs(name), step, whole_stack(name))


@pytest.mark.parametrize("step", STOPS, ids=STOPPED)
@pytest.mark.parametrize("name", SCHEDULERS)
def test_a_run_goes_on_from_its_checkpoint(name: str, step: int) -> None:
    assert_run_goes_on(jobs(name)[0], step, whole=whole_run(name, 0))


def named(name: str) -> list[str]:
    known = name.lower() in ("adagrad", "adam", "adamw", "rmsprop", "sgd")
    option = f"optimizer={name.lower()}" if known else f"optimizer._target_=torch.optim.{name}"
    return [*IRIS, option, "optimizer.lr=0.01"]


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_an_optimizer_s_weights_are_those_of_a_plain_loop(name: str) -> None:
    (config,) = variants(named(name), [{}])
    plan, twin = (build_run(config, AllowList()) for _ in range(2))
    kind = getattr(optim, name)
    takes = inspect.signature(kind).parameters
    optimizer = kind(
        twin.model.parameters(), **{k: v for k, v in config.optimizer.items() if k in takes}
    )
    for x, y in twin.train.epoch(0):
        optimizer.zero_grad()
        nn.functional.cross_entropy(twin.model(x), y).backward()
        optimizer.step()
    engine = SingleEngine(plan)
    for x, y in plan.train.epoch(0):
        engine.step(x, y)
    for ours, theirs in zip(plan.model.parameters(), twin.model.parameters(), strict=True):
        assert torch.equal(ours, theirs)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_an_optimizer_goes_on_from_its_checkpoint(name: str) -> None:
    (config,) = variants(named(name), [{}])
    assert_run_goes_on(config, STOPS[0])


@pytest.mark.parametrize(("name", "reason"), REFUSED.items(), ids=REFUSED)
def test_an_optimizer_that_cannot_train_is_refused(
    seedbed: Callable[..., Any], name: str, reason: str
) -> None:
    result = seedbed("validate", *named(name))
    assert (result.code, len(result.errors)) == (2, 1)
    assert reason in result.err


@pytest.mark.parametrize("name", NEED_CODE)
def test_a_schedule_that_takes_code_is_refused(seedbed: Callable[..., Any], name: str) -> None:
    result = seedbed("validate", f"scheduler._target_=torch.optim.lr_scheduler.{name}")
    assert (result.code, len(result.errors)) == (2, 1)
    assert "takes a function" in result.err
