"""The batched optimizers against `torch.optim`, step by step in float64."""

from collections.abc import Iterator, Mapping
from functools import partial
from itertools import product
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from seedbed.fused.adam import WIDE
from seedbed.fused.clipping import clip_gradient
from seedbed.fused.lanes import inside
from seedbed.fused.optimizers import (
    BATCHED,
    numbers_of,
    stacked_states,
)
from seedbed.optimizers import Lion

RUNS, SHAPES, STEPS = 5, [(4, 3), (3,), ()], 7
SIZES = [torch.Size(shape).numel() for shape in SHAPES]
WIDTH = sum(SIZES)
NUMBERED = dict(enumerate(SIZES))

SGD = {"lr": [0.1, 0.01], "momentum": [0.9, 0.5, 0.7], "weight_decay": [0.0, 0.1]}
ADAM = {
    "lr": [0.01, 0.1, 0.001],
    "betas": [(0.9, 0.999), (0.5, 0.9)],
    "eps": [1e-8, 1e-3],
    "weight_decay": [0.0, 0.1, 0.5],
}
RMSPROP = {"lr": [0.01, 0.1], "alpha": [0.99, 0.5, 0.9], "eps": [1e-8, 1e-2], "weight_decay": [0.1]}
MIXED = {"momentum": [0.9, 0.0, 0.5]}

CASES: dict[str, tuple[str, Mapping[str, Any], Mapping[str, list[Any]]]] = {
    "sgd": ("SGD", {"nesterov": False}, {"lr": [0.1, 0.01], "weight_decay": [0.0, 0.1]}),
    "sgd momentum": ("SGD", {"nesterov": False}, SGD),
    "sgd dampening": ("SGD", {"nesterov": False}, {**SGD, "dampening": [0.0, 0.3]}),
    "sgd some with momentum": ("SGD", {"nesterov": False}, {**SGD, **MIXED}),
    "sgd nesterov": ("SGD", {"nesterov": True}, SGD),
    "adam": ("Adam", {"amsgrad": False}, ADAM),
    "adam amsgrad": ("Adam", {"amsgrad": True}, ADAM),
    "adamw": ("AdamW", {"amsgrad": False}, ADAM),
    "adamw amsgrad": ("AdamW", {"amsgrad": True}, ADAM),
    "rmsprop": ("RMSprop", {"centered": False}, RMSPROP),
    "rmsprop momentum": ("RMSprop", {"centered": False}, {**RMSPROP, **MIXED}),
    "rmsprop centered": ("RMSprop", {"centered": True}, {**RMSPROP, **MIXED}),
    "adagrad": (
        "Adagrad",
        {},
        {
            "lr": [0.1, 0.5],
            "lr_decay": [0.0, 0.1, 1.0],
            "weight_decay": [0.0, 0.1],
            "initial_accumulator_value": [0.0, 0.5],
        },
    ),
    "sgd maximize": ("SGD", {"nesterov": False, "maximize": True}, SGD),
    "adam maximize": ("Adam", {"amsgrad": False, "maximize": True}, ADAM),
    "adam decoupled": ("Adam", {"amsgrad": False, "decoupled_weight_decay": True}, ADAM),
    "nadam": ("NAdam", {}, {**ADAM, "momentum_decay": [0.004, 0.1]}),
    "nadam decoupled": ("NAdam", {"decoupled_weight_decay": True}, ADAM),
    "radam": ("RAdam", {}, {**ADAM, "betas": [(0.9, 0.999), (0.5, 0.3)]}),
    "radam decoupled": ("RAdam", {"decoupled_weight_decay": True, "maximize": True}, ADAM),
    "adamax": ("Adamax", {"maximize": True}, ADAM),
    "adadelta": (
        "Adadelta",
        {},
        {"lr": [1.0, 0.1], "rho": [0.9, 0.5], "eps": [1e-6, 1e-3], "weight_decay": [0.0, 0.1]},
    ),
    "rprop": (
        "Rprop",
        {"maximize": True},
        {
            "lr": [0.01, 0.1],
            "etas": [(0.5, 1.2), (0.1, 2.0)],
            "step_sizes": [(1e-6, 50), (1e-3, 1)],
        },
    ),
    "lion": ("Lion", {}, {"lr": [0.01, 0.001], "betas": [(0.9, 0.99)], "weight_decay": [0.0, 0.1]}),
}
"""Class, switches, and by key the values that the runs take in turn."""

CHANGES: dict[str, Mapping[str, Any]] = {
    "the same numbers": {},
    "another lr": {"lr": 0.3},
    "another momentum": {"momentum": 0.8},
    "other betas": {"betas": (0.8, 0.95)},
    "no momentum for a while": {"momentum": 0.0},
}
"""Factors on numbers from the third step to the fifth, as schedulers change them."""

POSSIBLE = [
    (case, change)
    for case, change in product(CASES, CHANGES)
    if set(CHANGES[change]) <= set(CASES[case][2])
    and not (CHANGES[change].get("momentum") == 0 and case == "sgd nesterov")
]


def stacks(case: str, dtype: torch.dtype) -> tuple[Any, list[torch.optim.Optimizer]]:
    """A batched optimizer, and one of torch's for each run."""
    name, switches, in_turn = CASES[case]
    torch.manual_seed(1)
    optimizers = []
    for run in range(RUNS):
        parameters = [nn.Parameter(torch.randn(shape, dtype=dtype)) for shape in SHAPES]
        numbers = {key: values[run % len(values)] for key, values in in_turn.items()}
        optimizers.append(kind_of(name)(parameters, **switches, **numbers))
    (target,) = (one for one in BATCHED if one.endswith(f".{name}"))
    return BATCHED[target](switches), optimizers


def kind_of(name: str) -> Any:
    return Lion if name == "Lion" else partial(getattr(torch.optim, name), foreach=False)


def rows_of(optimizers: list[torch.optim.Optimizer]) -> Tensor:
    """Weights of all runs, (runs, width)."""
    groups = [one.param_groups[0]["params"] for one in optimizers]
    return torch.stack([torch.cat([p.detach().reshape(-1) for p in group]) for group in groups])


def numbers(optimizers: list[torch.optim.Optimizer]) -> dict[str, Tensor]:
    told = [numbers_of(one.param_groups[0]) for one in optimizers]
    return {
        name: torch.tensor([[one[name]] for one in told], dtype=torch.float64) for name in told[0]
    }


def stepped(
    case: str, change: str = "the same numbers", dtype: torch.dtype = torch.float64
) -> Iterator[tuple[Any, Tensor, list[torch.optim.Optimizer]]]:
    """Both after each step: the batched optimizer and its weights, and torch's."""
    batched, optimizers = stacks(case, dtype)
    weights = rows_of(optimizers)
    before = [dict(one.param_groups[0]) for one in optimizers]
    for step in range(STEPS):
        for one, first in zip(optimizers, before, strict=True):
            group = one.param_groups[0]
            for key, value in CHANGES[change].items():
                changed = value if key == "betas" else value * first[key]
                group[key] = changed if 2 <= step < 5 else first[key]
        gradient = torch.randn(RUNS, WIDTH, dtype=dtype) * 3 ** torch.randn(RUNS, 1, dtype=dtype)
        batched.step(weights, gradient.clone(), numbers(optimizers))
        for one, row in zip(optimizers, gradient, strict=True):
            parts = row.split(SIZES)
            for parameter, part in zip(one.param_groups[0]["params"], parts, strict=True):
                parameter.grad = part.reshape(parameter.shape).clone()
            one.step()
        yield batched, weights, optimizers


@pytest.mark.parametrize(("case", "change"), POSSIBLE)
def test_every_step_is_torch_s(case: str, change: str) -> None:
    for _, weights, optimizers in stepped(case, change):
        torch.testing.assert_close(weights, rows_of(optimizers), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("case", CASES)
def test_runs_that_lie_inside_make_the_same_steps(case: str) -> None:
    torch.manual_seed(3)
    outside, optimizers = stacks(case, torch.float64)
    within, _ = stacks(case, torch.float64)
    weights = rows_of(optimizers)
    turned = inside(weights)
    assert not turned.is_contiguous()
    told = numbers(optimizers)
    for _ in range(STEPS):
        gradient = torch.randn(RUNS, WIDTH, dtype=torch.float64)
        outside.step(weights, gradient.clone(), told)
        within.step(turned, inside(gradient), told)
    torch.testing.assert_close(turned, weights, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("case", CASES)
def test_the_state_is_torch_s(case: str) -> None:
    for batched, _, optimizers in stepped(case, dtype=torch.float32):
        found, steps = stacked_states([one.state_dict() for one in optimizers], NUMBERED)
        assert set(found) == set(batched.state)
        assert steps == (batched.steps if batched.counts_steps else 0)
        for name, rows in found.items():
            torch.testing.assert_close(batched.state[name], rows, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("case", CASES)
def test_the_names_of_the_state_are_those_in_torch_s(case: str) -> None:
    *_, (batched, _, optimizers) = stepped(case)
    for one in optimizers:
        names = list(one.state_dict()["state"].get(0, {}))
        told = batched.names_of(numbers_of(one.param_groups[0]))
        assert sorted(told) == sorted(name for name in names if name != "step")
        assert batched.counts_steps == ("step" in names)


@pytest.mark.parametrize("case", CASES)
def test_going_on_from_torch_s_state_gives_the_next_step(case: str) -> None:
    """As a stack does that is resumed from checkpoints."""
    dtype = torch.float32
    *_, (batched, _, optimizers) = stepped(case, dtype=dtype)
    fresh = type(batched)(batched.switches)
    state, _ = stacked_states([one.state_dict() for one in optimizers], NUMBERED)
    fresh.state, fresh.steps = state, STEPS
    weights, gradient = rows_of(optimizers), torch.randn(RUNS, WIDTH)
    fresh.step(weights, gradient.clone(), numbers(optimizers))
    for one, row in zip(optimizers, gradient, strict=True):
        parameters = one.param_groups[0]["params"]
        for parameter, part in zip(parameters, row.split(SIZES), strict=True):
            parameter.grad = part.reshape(parameter.shape).clone()
        one.step()
    torch.testing.assert_close(weights, rows_of(optimizers), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("case", CASES)
def test_in_float32_what_meets_the_weights_is_rounded_last(case: str) -> None:
    """As torch has it: 1 - 0.999 formed in float32 would be wrong by 5e-5 of itself."""
    batched, _, optimizers = next(stepped(case, dtype=torch.float32))
    found, _ = stacked_states([one.state_dict() for one in optimizers], NUMBERED)
    for name, rows in found.items():
        torch.testing.assert_close(batched.state[name], rows, rtol=5e-7, atol=0)


def test_runs_that_have_no_buffer_yet_get_zeros() -> None:
    *_, (_, _, optimizers) = stepped("sgd some with momentum", dtype=torch.float32)
    rows, _ = stacked_states([one.state_dict() for one in optimizers], NUMBERED)
    assert rows["momentum_buffer"][1].count_nonzero() == 0
    assert rows["momentum_buffer"][0].count_nonzero() == WIDTH


def test_states_of_optimizers_that_keep_nothing_are_empty() -> None:
    *_, (_, _, optimizers) = stepped("sgd")
    assert stacked_states([one.state_dict() for one in optimizers], NUMBERED) == ({}, 0)


@pytest.mark.parametrize("largest", [1e-3, 1.0, 1e9, None], ids=str)
def test_clipping_is_torch_s(largest: float | None) -> None:
    """Of each run by its own norm; the others here are clipped to 2."""
    torch.manual_seed(2)
    gradient = torch.randn(RUNS, WIDTH, dtype=torch.float64) * 3
    norms = [largest, *[2.0] * (RUNS - 1)]
    limits = torch.tensor([[float("inf") if n is None else n] for n in norms], dtype=torch.float64)
    clipped = clip_gradient(gradient, limits)
    for row, norm, found in zip(gradient, norms, clipped, strict=True):
        parameters = [nn.Parameter(torch.zeros(shape, dtype=torch.float64)) for shape in SHAPES]
        for parameter, part in zip(parameters, row.split(SIZES), strict=True):
            parameter.grad = part.reshape(parameter.shape).clone()
        if norm is not None:
            nn.utils.clip_grad_norm_(parameters, norm)
        expected = torch.cat([p.grad.reshape(-1) for p in parameters])
        torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("width", [33, 48, WIDE], ids=["odd", "even", "wide"])
@pytest.mark.parametrize("name", ["Adam", "AdamW"])
def test_a_runs_bits_do_not_depend_on_the_numbers_of_others(name: str, width: int) -> None:
    """Runs that share their numbers are updated together, others not."""
    settings = {"lr": 0.01, "betas": (0.9, 0.99), "eps": 1e-8, "weight_decay": 0.1}
    own = {one: torch.tensor([[value]]).double() for one, value in numbers_of(settings).items()}
    start, gradients = torch.randn(width), torch.randn(STEPS, width)

    def ended(others: Mapping[str, float], runs: int, place: int) -> Tensor:
        numbers = {one: own[one].repeat(runs, 1) for one in own}
        for one, factor in others.items():
            numbers[one] *= torch.linspace(factor, 1.0, runs).double()[:, None]
            numbers[one][place] = own[one]
        optimizer = BATCHED[f"torch.optim.{name}"]({"amsgrad": False})
        weights = start.repeat(runs, 1)
        for gradient in gradients:
            optimizer.step(weights, gradient.repeat(runs, 1), numbers)
        return weights[place]

    alone = ended({}, 2, 0)
    assert not torch.equal(alone, start)
    for others in ({}, {"lr": 0.5}, {"beta1": 0.9}, {"eps": 0.1, "weight_decay": 0.0}):
        for runs, place in ((2, 1), (5, 2), (7, 6)):
            assert torch.equal(ended(others, runs, place), alone), (others, runs, place)


def test_a_wide_run_takes_the_step_of_torch() -> None:
    weights, gradient = torch.randn(2, WIDE), torch.randn(2, WIDE)
    settings = [{"lr": rate, "weight_decay": 0.1} for rate in (0.01, 0.5)]
    parameters = [nn.Parameter(row.clone()) for row in weights]
    theirs = [torch.optim.Adam([p], **one) for p, one in zip(parameters, settings, strict=True)]
    groups = [numbers_of(one.param_groups[0]) for one in theirs]
    numbers = {k: torch.tensor([[one[k]] for one in groups]).double() for k in groups[0]}
    ours = BATCHED["torch.optim.Adam"]({"amsgrad": False})
    for _ in range(3):
        ours.step(weights, gradient, numbers)
        for parameter, row, one in zip(parameters, gradient, theirs, strict=True):
            parameter.grad = row.clone()
            one.step()
    torch.testing.assert_close(weights, torch.stack([p.detach() for p in parameters]))
