"""Warm-up and schedules: over 50 updates the rates are torch's own, in both engines."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from support.command_line import Command
from support.stacked_runs import variants
from torch import nn, optim
from torch.optim import lr_scheduler

from seedbed.components import AllowList
from seedbed.fused.schedules import Schedules
from seedbed.training.run_length import RunLength
from seedbed.training.schedule import build_schedule

EPOCHS, UPDATES, RATE = 10, 5, 0.2
LENGTH = RunLength(EPOCHS, UPDATES, EPOCHS * UPDATES)
WATCHED = [3.0, 2.0, 2.0, 2.0, 1.0, 1.0, 1.0, 1.0, 0.5, 0.5]
TORCHS = "torch.optim.lr_scheduler."

SCHEDULES: dict[str, dict[str, Any]] = {
    "StepLR": {"step_size": 3, "gamma": 0.5},
    "MultiStepLR": {"milestones": [2, 5, 8], "gamma": 0.3},
    "ConstantLR": {"factor": 0.3, "total_iters": 3},
    "LinearLR": {"start_factor": 0.2, "total_iters": 4},
    "ExponentialLR": {"gamma": 0.8},
    "PolynomialLR": {"total_iters": 10, "power": 2.0},
    "CosineAnnealingLR": {"T_max": 10, "eta_min": 1e-4},
    "CosineAnnealingWarmRestarts": {"T_0": 2, "T_mult": 2, "eta_min": 0.001},
    "CyclicLR": {"base_lr": 0.001, "max_lr": 0.1, "step_size_up": 7},
    "OneCycleLR": {"max_lr": 0.1, "total_steps": EPOCHS * UPDATES},
    "ReduceLROnPlateau": {"factor": 0.5, "patience": 0},
}
BY_UPDATE = ("CyclicLR", "OneCycleLR")
WARM_UPS = {"none": (None, 0), "steps": ("7 steps", 7), "epochs": (2, 10), "a part": (0.5, 25)}
"""What is typed, and the updates that it takes."""


def torchs(name: str | None, warm_up: int, rate: float = RATE) -> list[float]:
    """The rate of every update: torch's schedule, times a `LinearLR` that counts updates."""
    own, other = (
        optim.SGD([nn.Parameter(torch.zeros(1))], lr=lr, momentum=0.9) for lr in (rate, 1.0)
    )
    schedule = getattr(lr_scheduler, name)(own, **SCHEDULES[name]) if name else None
    start = 1 / (warm_up + 1)
    factor = lr_scheduler.LinearLR(other, start_factor=start, total_iters=warm_up)
    rates = []
    for epoch in range(EPOCHS):
        for _ in range(UPDATES):
            rates.append(own.param_groups[0]["lr"] * other.param_groups[0]["lr"])
            own.step()
            other.step()
            factor.step()
            if name in BY_UPDATE:
                schedule.step()
        if name == "ReduceLROnPlateau":
            if UPDATES * (epoch + 1) >= warm_up:
                schedule.step(WATCHED[epoch])
        elif schedule is not None and name not in BY_UPDATE:
            schedule.step()
    return rates


def spec(name: str | None, written: Any) -> dict[str, Any]:
    target = f"{TORCHS}{name}" if name else None
    return {"_target_": target, **(SCHEDULES[name] if name else {}), "warmup": written}


def single(name: str | None, written: Any) -> Iterator[float]:
    optimizer = optim.SGD([nn.Parameter(torch.zeros(1))], lr=RATE, momentum=0.9)
    schedule = build_schedule(
        spec(name, written), AllowList(), optimizer, length=LENGTH, higher_is_better=False
    )
    for epoch in range(EPOCHS):
        for _ in range(UPDATES):
            yield optimizer.param_groups[0]["lr"]
            optimizer.step()
            schedule.after_batch()
        schedule.after_epoch(WATCHED[epoch])


def stacked(name: str | None, written: Any, rates: Sequence[float]) -> np.ndarray:
    """Of runs of several rates, (updates, runs)."""
    words = ["optimizer=sgd", "optimizer.momentum=0.9", f"trainer.epochs={EPOCHS}"]
    configs = [
        replace(config, scheduler=spec(name, written))
        for config in variants(words, [{"optimizer.lr": rate} for rate in rates])
    ]
    schedules = Schedules(configs, AllowList(), updates=UPDATES, higher_is_better=False)
    told = []
    for epoch in range(EPOCHS):
        for _ in range(UPDATES):
            told.append(schedules.numbers["lr"][:, 0].numpy())
            schedules.after_batch()
        schedules.after_epoch(np.full(len(rates), WATCHED[epoch]))
    return np.array(told)


PAIRS = [
    (name, warm_up)
    for name in (None, *SCHEDULES)
    for warm_up in WARM_UPS
    if name != "OneCycleLR" or warm_up == "none"  # with one it is refused
]


@pytest.mark.parametrize(("name", "warm_up"), PAIRS)
def test_rates_of_fifty_updates_are_torchs(name: str | None, warm_up: str) -> None:
    written, updates = WARM_UPS[warm_up]
    expected = torchs(name, updates)
    np.testing.assert_allclose(list(single(name, written)), expected, rtol=1e-12)
    rates = stacked(name, written, [RATE, 0.03])
    np.testing.assert_allclose(rates[:, 0], expected, rtol=1e-12)
    np.testing.assert_allclose(rates[:, 1], torchs(name, updates, 0.03), rtol=1e-12)


def test_each_group_of_parameters_rises_to_its_own_rate() -> None:
    groups = [{"params": [nn.Parameter(torch.zeros(1))], "lr": lr} for lr in (0.1, 0.4)]
    optimizer = optim.SGD(groups)
    schedule = build_schedule(
        spec("ExponentialLR", "3 steps"), AllowList(), optimizer, length=LENGTH,
        higher_is_better=False,
    )  # fmt: skip
    for part in (0.25, 0.5, 0.75, 1.0, 1.0):
        told = [group["lr"] for group in optimizer.param_groups]
        assert told == pytest.approx([0.1 * part, 0.4 * part], rel=1e-12)
        optimizer.step()
        schedule.after_batch()
    schedule.after_epoch(1.0)
    assert [group["lr"] for group in optimizer.param_groups] == pytest.approx([0.08, 0.32])


WRONG = {
    "longer than the run": (["scheduler.warmup=60"], "leave none of the run's 100 after them"),
    "as long as the run": (["scheduler.warmup='100 steps'"], "type scheduler.warmup=0.1"),
    "zero": (["scheduler.warmup=0"], "or null, got 0"),
    "more than the run": (["scheduler.warmup=1.5"], "a number > 0 and < 1"),
    "another unit": (["scheduler.warmup='5 s'"], "'N steps' or 'N epochs'"),
    "of another class": (
        ["scheduler._target_=torch.optim.lr_scheduler.ConstantLR", "scheduler.warmup=x"],
        "scheduler.warmup must be",
    ),
    "one cycle": (["scheduler=onecycle", "+scheduler.warmup=2"], "type scheduler.warmup=null"),
    "other names": (["scheduler.warmup_steps=5"], "did you mean 'scheduler.warmup'?"),
    "falling milestones": (
        ["scheduler=multistep", "scheduler.milestones=[5,3]"],
        "in rising order, got [5, 3]",
    ),
    "no milestones": (["scheduler=multistep"], "type scheduler.milestones="),
    "no scheduler": (
        ["scheduler._target_=torch.optim.lr_scheduler.CosineLR"],
        "no class 'CosineLR' in torch.optim.lr_scheduler",
    ),
    "an option": (["scheduler=polynomial_decay"], "did you mean 'polynomial'?"),
}


@pytest.mark.parametrize(("words", "told"), WRONG.values(), ids=WRONG.keys())
def test_what_is_wrong_is_told(seedbed: Command, words: list[str], told: str) -> None:
    result = seedbed("validate", *words)
    (error,) = result.errors
    assert result.code == 2
    assert told in error


def test_a_warm_up_of_a_part_of_the_run_is_not_made_longer(seedbed: Command) -> None:
    words = ["trainer.epochs=4", "scheduler.warmup=0.5", "hydra.run.dir=run"]
    assert seedbed("train", *words).code == 0
    result = seedbed("resume", "run", "trainer.epochs=8")
    (error,) = result.errors
    assert "its warm-up is a part of the run (scheduler.warmup=0.5)" in error
    assert seedbed("reproduce", "run").code == 0
