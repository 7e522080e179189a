"""Every optimizer that fuses against torch's own for 50 steps, with torch's own test inputs.

The settings that torch's tests give to an optimizer are the runs of a stack, each flag one stack.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
import torch
from support.torchs_optimizer_inputs import right_inputs
from torch import Tensor, nn

from seedbed.components import SHIPPED
from seedbed.fused.lanes import inside
from seedbed.fused.optimizers import BATCHED, numbers_of
from seedbed.optimizers import Lion

STEPS = 50
SHAPES = [(4, 3), (3,), (2, 2)]
SIZES = [torch.Size(shape).numel() for shape in SHAPES]

INPUTS = right_inputs() | {
    "lion": [
        {},
        {"weight_decay": 0.1},
        {"lr": 0.01, "betas": [0.95, 0.98]},
        {"maximize": True, "weight_decay": 0.1},
    ]
}
SINGLE_ONLY = {"adafactor", "asgd", "lbfgs", "muon", "sparseadam"}
STACKED = sorted(BATCHED)


def named(target: str) -> str:
    return target.rpartition(".")[2].lower()


def kind_of(target: str) -> type[torch.optim.Optimizer]:
    name = target.rpartition(".")[2]
    return Lion if name == "Lion" else getattr(torch.optim, name)


def stacks_of(target: str) -> list[list[Mapping[str, Any]]]:
    """The settings that differ in numbers alone; of each at least two runs."""
    by_flags: dict[str, list[Mapping[str, Any]]] = {}
    for settings in INPUTS[named(target)]:
        flags = {key: value for key, value in settings.items() if isinstance(value, bool)}
        by_flags.setdefault(json.dumps(flags, sort_keys=True), []).append(settings)
    return [[*runs, *runs[:1]] for runs in by_flags.values()]


def built(target: str, settings: Mapping[str, Any], seed: int) -> torch.optim.Optimizer:
    torch.manual_seed(seed)
    parameters = [nn.Parameter(torch.randn(shape, dtype=torch.float64)) for shape in SHAPES]
    return kind_of(target)(parameters, **settings)


def flat(optimizer: torch.optim.Optimizer) -> Tensor:
    return torch.cat([one.detach().reshape(-1) for one in optimizer.param_groups[0]["params"]])


def step(optimizer: torch.optim.Optimizer, gradient: Tensor) -> None:
    parameters = optimizer.param_groups[0]["params"]
    for parameter, part in zip(parameters, gradient.split(SIZES), strict=True):
        parameter.grad = part.reshape(parameter.shape).clone()
    optimizer.step()


def numbers(optimizers: Sequence[torch.optim.Optimizer]) -> dict[str, Tensor]:
    each = [numbers_of(one.param_groups[0]) for one in optimizers]
    return {
        name: torch.tensor([[one[name]] for one in each], dtype=torch.float64) for name in each[0]
    }


def test_each_list_of_torch_is_used_or_told_to_be_of_single_runs() -> None:
    assert {named(one) for one in STACKED} | SINGLE_ONLY == set(INPUTS)
    assert "seedbed.optimizers" in SHIPPED


@pytest.mark.parametrize("lie_inside", [False, True], ids=["rows", "inside"])
@pytest.mark.parametrize("target", STACKED, ids=named)
def test_fifty_steps_are_torch_s(target: str, lie_inside: bool) -> None:
    for runs in stacks_of(target):
        own = [built(target, settings, seed) for seed, settings in enumerate(runs)]
        flags = {key: one for key, one in own[0].param_groups[0].items() if isinstance(one, bool)}
        batched = BATCHED[target](flags)
        weights = torch.stack([flat(one) for one in own])
        weights = inside(weights) if lie_inside else weights
        told = numbers(own)
        for number in range(STEPS):
            drawn = torch.Generator().manual_seed(number)
            gradient = torch.randn(weights.shape, dtype=torch.float64, generator=drawn)
            gradient[:, 0] = 0  # as of a unit that is never used
            gradient[:, 1] = gradient[:, 1].abs()
            batched.step(weights, inside(gradient) if lie_inside else gradient.clone(), told)
            for one, row in zip(own, gradient, strict=True):
                step(one, row)
        expected = torch.stack([flat(one) for one in own])
        torch.testing.assert_close(weights, expected, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("lie_inside", [False, True], ids=["rows", "inside"])
@pytest.mark.parametrize("target", STACKED, ids=named)
def test_groups_with_numbers_of_their_own_are_torch_s_param_groups(
    target: str, lie_inside: bool
) -> None:
    """The matrices are one group, the vector between them another; no two runs are alike."""
    own = []
    for run, (rate, decay) in enumerate([(0.1, 0.0), (0.02, 0.3), (0.5, 0.01)]):
        settings = {"lr": rate} if named(target) == "rprop" else {"lr": rate, "weight_decay": decay}
        first, second, third = built(target, {}, run).param_groups[0]["params"]
        groups = [{"params": [first, third]}, {"params": [second], **settings}]
        own.append(kind_of(target)(groups))
    columns = torch.tensor([0, 1, 0]).repeat_interleave(torch.tensor(SIZES))
    each = [[numbers_of(group) for group in one.param_groups] for one in own]
    told = {
        name: torch.tensor([[group[name] for group in one] for one in each], dtype=torch.float64)
        for name in each[0][0]
    }

    def ordered(one: torch.optim.Optimizer) -> list[nn.Parameter]:
        (first, third), (second,) = (group["params"] for group in one.param_groups)
        return [first, second, third]

    def rows() -> Tensor:
        return torch.stack([torch.cat([p.detach().reshape(-1) for p in ordered(o)]) for o in own])

    flags = dict.fromkeys(["nesterov", "amsgrad", "centered"], False)
    batched, weights = BATCHED[target](flags, columns), rows()
    weights = inside(weights) if lie_inside else weights
    for number in range(STEPS):
        drawn = torch.Generator().manual_seed(number)
        gradient = torch.randn(weights.shape, dtype=torch.float64, generator=drawn)
        batched.step(weights, inside(gradient) if lie_inside else gradient.clone(), told)
        for one, row in zip(own, gradient, strict=True):
            for parameter, part in zip(ordered(one), row.split(SIZES), strict=True):
                parameter.grad = part.reshape(parameter.shape).clone()
            one.step()
    torch.testing.assert_close(weights, rows(), rtol=1e-12, atol=1e-15)
