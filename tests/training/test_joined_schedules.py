"""Schedules one after the other and all at once: torch's rates in both engines, and resumed."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from support.command_line import Command
from support.resumed_runs import assert_run_goes_on, assert_stack_goes_on
from support.stacked_runs import variants
from torch import nn, optim
from torch.optim.lr_scheduler import (
    ChainedScheduler,
    ConstantLR,
    CosineAnnealingLR,
    CyclicLR,
    ExponentialLR,
    LinearLR,
    LRScheduler,
    PolynomialLR,
    SequentialLR,
)

from seedbed.components import AllowList
from seedbed.fused.schedules import Schedules
from seedbed.training.run_length import RunLength
from seedbed.training.schedule import build_schedule

EPOCHS, UPDATES, RATE = 10, 5, 0.2
TORCHS = "torch.optim.lr_scheduler."

SEQUENCE = {
    "_target_": f"{TORCHS}SequentialLR",
    "schedulers": [
        {"LinearLR": {"start_factor": 0.1, "total_iters": 3}},
        {"_target_": f"{TORCHS}CosineAnnealingLR", "T_max": 4},
        {"ExponentialLR": {"gamma": 0.7}},
    ],
    "milestones": [3, 7],
}
CHAIN = {
    "_target_": f"{TORCHS}ChainedScheduler",
    "schedulers": ["ConstantLR", {"PolynomialLR": {"total_iters": 8}}],
}
BY_UPDATES = {
    "_target_": f"{TORCHS}SequentialLR",
    "schedulers": [
        {"CyclicLR": {"base_lr": 0.01, "max_lr": 0.1, "step_size_up": 4}},
        {"CyclicLR": {"base_lr": 0.001, "max_lr": 0.05, "step_size_up": 3}},
    ],
    "milestones": [20],
}
KINDS: dict[str, dict[str, Any]] = {"sequence": SEQUENCE, "chain": CHAIN, "by updates": BY_UPDATES}


def torchs(kind: str, optimizer: optim.Optimizer) -> LRScheduler:
    if kind == "chain":
        return ChainedScheduler([ConstantLR(optimizer), PolynomialLR(optimizer, 8)], optimizer)
    if kind == "by updates":
        first = CyclicLR(optimizer, 0.01, 0.1, step_size_up=4)
        return SequentialLR(optimizer, [first, CyclicLR(optimizer, 0.001, 0.05, 3)], [20])
    parts = [
        LinearLR(optimizer, start_factor=0.1, total_iters=3),
        CosineAnnealingLR(optimizer, T_max=4),
        ExponentialLR(optimizer, gamma=0.7),
    ]
    return SequentialLR(optimizer, parts, [3, 7])


def one_number(rate: float = RATE) -> optim.Optimizer:
    return optim.SGD([nn.Parameter(torch.zeros(1))], lr=rate, momentum=0.9)


def expected(kind: str, rate: float) -> list[float]:
    optimizer = one_number(rate)
    schedule = torchs(kind, optimizer)
    rates = []
    for _ in range(EPOCHS):
        for _ in range(UPDATES):
            rates.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            if kind == "by updates":
                schedule.step()
        if kind != "by updates":
            schedule.step()
    return rates


@pytest.mark.parametrize("kind", KINDS)
def test_rates_of_fifty_updates_are_torchs(kind: str) -> None:
    length = RunLength(EPOCHS, UPDATES, EPOCHS * UPDATES)
    optimizer = one_number()
    own = build_schedule(KINDS[kind], AllowList(), optimizer, length=length, higher_is_better=False)
    words = ["optimizer=sgd", "optimizer.momentum=0.9", f"trainer.epochs={EPOCHS}"]
    jobs = variants(words, [{"optimizer.lr": RATE}, {"optimizer.lr": 0.03}])
    configs = [replace(config, scheduler=KINDS[kind]) for config in jobs]
    together = Schedules(configs, AllowList(), updates=UPDATES, higher_is_better=False)
    single, rows = [], []
    for _ in range(EPOCHS):
        for _ in range(UPDATES):
            single.append(optimizer.param_groups[0]["lr"])
            rows.append(together.numbers["lr"][:, 0].tolist())
            optimizer.step()
            own.after_batch()
            together.after_batch()
        own.after_epoch(1.0)
        together.after_epoch(np.ones(2))
    wanted = np.array([expected(kind, RATE), expected(kind, 0.03)])
    np.testing.assert_allclose(single, wanted[0], rtol=1e-12)
    np.testing.assert_allclose(np.array(rows).T, wanted, rtol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_stopped_runs_go_on_to_the_same_bits(kind: str) -> None:
    words = ["data=sklearn", "loader.batch_size=30", f"trainer.epochs={EPOCHS}"]
    words += ["optimizer.momentum=0.9"]
    spec = {**KINDS[kind], "warmup": "12 steps"}
    configs = [replace(config, scheduler=spec) for config in variants(words, [{}, {}])]
    assert_stack_goes_on(configs, 18)
    assert_run_goes_on(configs[0], 18)


def test_the_state_of_other_schedules_is_refused() -> None:
    length = RunLength(EPOCHS, UPDATES, EPOCHS * UPDATES)
    others = {**SEQUENCE, "schedulers": [{"StepLR": {"step_size": 2}}, "ConstantLR", "ConstantLR"]}
    one, other = (
        build_schedule(spec, AllowList(), one_number(), length=length, higher_is_better=False)
        for spec in (SEQUENCE, others)
    )
    with pytest.raises(ValueError, match="another"):
        one.load_state_dict(other.state_dict())


def typed(option: str, schedulers: str, *more: str) -> list[str]:
    return [f"scheduler={option}", f"scheduler.schedulers={schedulers}", *more]


WRONG = {
    "none": (["scheduler=chain"], "type scheduler.schedulers="),
    "empty": (typed("chain", "[]"), "one schedule or more"),
    "unknown": (typed("chain", "[StepLRR]"), "did you mean"),
    "no arguments": (typed("chain", "[StepLR]"), "step_size"),
    "a number": (typed("chain", "[3]"), "names no scheduler; type {StepLR: {step_size: 3}}"),
    "plateau": (typed("chain", "[ReduceLROnPlateau]"), "looks at a metric"),
    "one cycle": (typed("chain", "[{OneCycleLR:{max_lr:0.1}}]"), "is as long as the run"),
    "two counts": (
        typed("chain", "[ConstantLR,{CyclicLR:{base_lr:0.1,max_lr:0.2}}]"),
        "some count updates and some epochs",
    ),
    "milestones": (
        typed("sequence", "[ConstantLR,ConstantLR]", "scheduler.milestones=[2,3]"),
        "2 schedules take 1 milestone",
    ),
    "falling milestones": (
        typed("sequence", "[ConstantLR,ConstantLR,ConstantLR]", "scheduler.milestones=[3,2]"),
        "that rise",
    ),
    "a module of one's own": (typed("chain", "[{_target_: os.system}]"), "is not allowed"),
}


@pytest.mark.parametrize(("words", "told"), WRONG.values(), ids=WRONG.keys())
def test_what_is_wrong_is_told(seedbed: Command, words: list[str], told: str) -> None:
    result = seedbed("validate", *words)
    assert (result.code, len(result.errors)) == (2, 1), result.err
    assert told in result.errors[0]
