"""A recorded function gives the bits that the function itself gives, or is refused."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap
from torch.utils._python_dispatch import TorchDispatchMode

from seedbed.fused.operation_list import CALLS
from seedbed.fused.tracing import NotRecordableError, recorded

RUNS, ROWS = 4, 6


class Counted(TorchDispatchMode):
    """Counts the operations that are carried out."""

    operations = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> object:
        self.operations += 1
        return func(*args, **(kwargs or {}))


def step_of(model: nn.Module) -> tuple[list[Tensor], object]:
    """A step of many such models as one function, and arguments for it."""
    named = dict(model.named_parameters())
    weights = [torch.randn(RUNS, *one.shape) for one in named.values()]
    x, y = torch.randn(RUNS, ROWS, 3), torch.randint(0, 2, (RUNS, ROWS))

    def loss(named: dict[str, Tensor], x: Tensor, y: Tensor) -> Tensor:
        return nn.functional.cross_entropy(functional_call(model, named, (x,)), y)

    def step(x: Tensor, y: Tensor, *weights: Tensor) -> list[Tensor]:
        learnt = [one.detach().requires_grad_() for one in weights]
        losses = vmap(loss)(dict(zip(named, learnt, strict=True)), x, y)
        return [losses.detach(), *torch.autograd.grad(losses.sum(), learnt)]

    return [x, y, *weights], step


@pytest.mark.parametrize(
    "model",
    [
        nn.Sequential(nn.Linear(3, 5), nn.ReLU(), nn.Linear(5, 2)),
        nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.LayerNorm(5), nn.Linear(5, 2, bias=False)),
        nn.Sequential(nn.Unflatten(1, (1, 3)), nn.Conv1d(1, 2, 2), nn.Flatten(), nn.Linear(4, 2)),
    ],
    ids=["perceptron", "layer_norm", "convolution"],
)
def test_a_step_on_other_values_has_the_same_bits(model: nn.Module) -> None:
    torch.manual_seed(1)
    examples, step = step_of(model)
    written = recorded(step, examples)  # type: ignore[arg-type]
    others, _ = step_of(model)
    expected = step(*others)  # type: ignore[operator]
    for _ in range(CALLS + 1):  # the last are of the list as Python code
        assert all(torch.equal(a, b) for a, b in zip(written(*others), expected, strict=True))


def test_the_list_is_shorter_than_what_was_called() -> None:
    """`vmap` expands and views what has its shape already."""
    examples, step = step_of(nn.Sequential(nn.Linear(3, 5), nn.ReLU(), nn.Linear(5, 2)))
    graph = recorded(step, examples).graph  # type: ignore[arg-type]
    called = [str(node.target) for node in graph.nodes if node.op == "call_function"]
    assert "aten.bmm.default" in called
    assert "aten.expand.default" not in called[: called.index("aten.bmm.default")]
    with Counted() as counted:
        step(*examples)  # type: ignore[operator]
    assert len(called) < 0.8 * counted.operations


def test_what_is_changed_in_place_is_not_mistaken_for_its_like() -> None:
    def function(x: Tensor) -> list[Tensor]:
        one, other = torch.zeros_like(x), torch.zeros_like(x)
        one.add_(x)
        other.add_(2 * x)
        return [one, other, x.clone().mul_(1)]

    x = torch.randn(3)
    written = recorded(function, [x])
    assert all(torch.equal(a, b) for a, b in zip(written(x), function(x), strict=True))


def test_a_constant_of_the_function_is_kept() -> None:
    table = torch.arange(3.0)
    written = recorded(lambda x: [x + table, x * torch.tensor(2.0)], [torch.ones(3)])
    assert written(torch.zeros(3))[0].tolist() == [0.0, 1.0, 2.0]
    assert written(torch.ones(3))[1].tolist() == [2.0, 2.0, 2.0]


def test_a_function_that_looks_at_a_value_is_refused() -> None:
    with pytest.raises(NotRecordableError, match="looks at a value"):
        recorded(lambda x: [x * x.sum().item()], [torch.ones(3)])


def test_a_function_that_counts_its_calls_is_refused() -> None:
    calls = []

    def function(x: Tensor) -> list[Tensor]:
        calls.append(x)
        return [x * len(calls)]

    with pytest.raises(NotRecordableError, match="more than its operations"):
        recorded(function, [torch.ones(3)])
