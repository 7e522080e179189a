"""A step by the rules gives what the traced one gives, in memory of its own."""

from typing import Any

import pytest
import torch
from support.stacks_by_hand import Stack, mlp
from torch import Tensor, nn

from seedbed.fused import rewriting
from seedbed.fused.program import Program
from seedbed.fused.rewriting import RULES, faster
from seedbed.fused.runs_last import RunsLast, is_small
from seedbed.fused.tracing import Function, recorded
from seedbed.fused.values import Value

RUNS, ROWS = 4, 6
CLOSE = {"rtol": 1e-5, "atol": 1e-6}


def traced(model: nn.Module, loss: nn.Module) -> tuple[Function, list[Tensor], list[Tensor]]:
    """A step as it is traced, arguments for it, and others of the same shapes."""
    stack = Stack(model, loss, RUNS, ROWS)
    step = stack.plain_step()
    first, others = stack.arguments(1), stack.arguments(2)
    return recorded(step, first), first, others


MODELS = {
    "relu": (mlp(3, [5], 4), nn.CrossEntropyLoss()),
    "one output": (mlp(2, [8], 1), nn.MSELoss()),
    "two layers": (mlp(3, [5, 7], 2, nn.Tanh), nn.CrossEntropyLoss()),
    "gelu": (mlp(3, [5], 2, nn.GELU), nn.L1Loss()),
    "no bias": (nn.Sequential(nn.Linear(3, 2, bias=False)), nn.MSELoss()),
    "linear alone": (nn.Sequential(nn.Linear(3, 5), nn.Linear(5, 4)), nn.CrossEntropyLoss()),
    "layer norm": (nn.Sequential(nn.Linear(3, 8), nn.LayerNorm(8), nn.Linear(8, 2)), nn.MSELoss()),
    "residues": (nn.Sequential(nn.Linear(3, 6), nn.GLU(), nn.Linear(3, 2)), nn.HuberLoss()),
}


@pytest.mark.parametrize("name", MODELS)
def test_rules_change_nothing_but_rounding(name: str) -> None:
    written, first, others = traced(*MODELS[name])
    program = faster(written, first, keeps=True)
    assert isinstance(program, Program)
    for given in (others, first, others):  # other weights, too
        for found, wanted in zip(program(*given), written(*given), strict=True):
            torch.testing.assert_close(found, wanted, **CLOSE)


@pytest.mark.parametrize(
    ("model", "loss"),
    [
        (mlp(2, [8], 1), nn.MSELoss()),
        (mlp(3, [5, 4], 2, nn.Tanh), nn.L1Loss()),
        (nn.Sequential(nn.Linear(5, 2), nn.Identity(), nn.Linear(2, 1)), nn.HuberLoss()),
        (nn.Sequential(nn.Linear(4, 1, bias=False)), nn.SmoothL1Loss()),
    ],
    ids=["article", "two layers", "no activation", "line"],
)
def test_small_runs_lie_inside_and_come_to_the_same(model: nn.Module, loss: nn.Module) -> None:
    assert is_small(model, loss, 3)
    stack = Stack(model, loss, RUNS, 3)
    fast = RunsLast(stack.plain_step(), stack.arguments(1))
    assert isinstance(fast.step, Program)
    for seed in (2, 1, 3):
        given = stack.arguments(seed)
        gradient, losses = fast(*given)
        wanted = stack.plain_step()(*given)
        assert gradient.stride() == given[0].stride()
        torch.testing.assert_close(gradient, wanted[0], **CLOSE)
        torch.testing.assert_close(losses, wanted[1], **CLOSE)


@pytest.mark.parametrize(
    ("model", "loss", "rows"),
    [
        (mlp(2, [8], 1), nn.MSELoss(), 64),
        (mlp(2, [8], 3), nn.CrossEntropyLoss(), 2),
        (nn.Sequential(nn.Linear(2, 4), nn.LayerNorm(4)), nn.MSELoss(), 2),
        (nn.Sequential(nn.Linear(1, 1, bias=False)), nn.MSELoss(), 2),
    ],
    ids=["many rows", "classes", "normalised", "one number"],
)
def test_others_lie_outside(model: nn.Module, loss: nn.Module, rows: int) -> None:
    assert not is_small(model, loss, rows)


def test_operations_are_fewer_than_traced() -> None:
    written, first, _ = traced(*MODELS["relu"])
    program: Any = faster(written, first, keeps=True)
    called = [node for node in program.nodes if node.op == "call_function"]
    assert len(program._calls) < 0.6 * len(called)


def test_weights_are_read_where_they_lie() -> None:
    """An optimizer changes them in place."""
    written, first, _ = traced(*MODELS["relu"])
    program = faster(written, first, keeps=True)
    first[0].mul_(2)
    torch.testing.assert_close(program(*first)[0], written(*first)[0], **CLOSE)


def test_gradient_is_written_over_and_losses_are_not() -> None:
    written, first, others = traced(*MODELS["relu"])
    program = faster(written, first, keeps=True)
    gradient, losses = program(*first)
    before = gradient.clone(), losses.clone()
    again, _ = program(first[0], *others[1:])
    assert again.data_ptr() == gradient.data_ptr()
    assert torch.equal(losses, before[1])
    assert not torch.equal(gradient, before[0])


def test_without_memory_of_its_own_nothing_is_written_over() -> None:
    def scaled(weights: Tensor, x: Tensor) -> list[Tensor]:
        return [torch.tanh(weights * x)]

    written = recorded(scaled, [torch.ones(2, 5), torch.ones(2, 5)])
    program = faster(written, [torch.ones(2, 5), torch.ones(2, 5)], keeps=False)
    assert isinstance(program, Program)
    weights, x = torch.randn(2, 5), torch.randn(2, 5)
    (first,) = program(weights, x)
    before = first.clone()
    program(weights, x + 1)
    assert torch.equal(first, before)


def test_values_that_are_read_later_are_not_written_over() -> None:
    def step(weights: Tensor, x: Tensor) -> list[Tensor]:
        product = weights * x
        squashed = torch.tanh(product)
        return [torch.cat([squashed * product, squashed + product], 1), product.sum(1)]

    given = [torch.randn(3, 32), torch.randn(3, 32)]
    written = recorded(step, given)
    program = faster(written, given, keeps=True)
    assert isinstance(program, Program)
    torch.testing.assert_close(program(*given)[0], written(*given)[0], **CLOSE)


def test_what_changes_tensors_in_place_is_left_as_traced() -> None:
    def step(weights: Tensor, x: Tensor) -> list[Tensor]:
        return [weights.clone().mul_(x), x.sum(1)]

    given = [torch.randn(2, 4), torch.randn(2, 4)]
    written = recorded(step, given)
    assert faster(written, given, keeps=True) is written


def test_label_smoothing_changes_tensors_in_place_and_is_left() -> None:
    written, first, _ = traced(mlp(3, [5], 4), nn.CrossEntropyLoss(label_smoothing=0.1))
    assert faster(written, first, keeps=True) is written


def test_rules_that_give_other_numbers_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    written, first, _ = traced(*MODELS["relu"])

    def wrong(program: Program, node: Any, args: Any) -> Any:
        found = rewriting.pointwise(program, node, args)
        return Value(found.tensor * 2) if found is not None else None

    rules = [wrong if rule is rewriting.pointwise else rule for rule in RULES]
    monkeypatch.setattr(rewriting, "RULES", rules)
    assert faster(written, first, keeps=True) is written


@pytest.mark.parametrize("name", ["relu", "one output"])
def test_a_run_that_explodes_does_not_decide_how_the_others_are_computed(name: str) -> None:
    model, loss = MODELS[name]
    stack = Stack(model, loss, RUNS, ROWS)
    calm = stack.arguments(1)
    wild = [calm[0].clone(), *calm[1:]]
    wild[0][2] *= 1e30
    steps = [faster(recorded(stack.plain_step(), one), one, keeps=True) for one in (calm, wild)]
    assert all(isinstance(step, Program) for step in steps)
    others = torch.tensor([0, 1, 3])
    for found, wanted in zip(steps[1](*wild), steps[0](*calm), strict=True):
        assert torch.equal(found[others], wanted[others])
