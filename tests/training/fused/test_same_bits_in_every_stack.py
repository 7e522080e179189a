"""A run of linear layers has the same bits in every stack, whatever its width and slot."""

import random
from collections.abc import Iterator

import pytest
import torch
from support.stacks_by_hand import Stack, mlp
from torch import Tensor, nn

from seedbed.fused.clipping import clip_gradient
from seedbed.fused.lanes import in_lanes
from seedbed.fused.optimizers import BATCHED
from seedbed.models.manual import ManualMLP

WIDTHS = [1, 2, 3, 4, 5, 7, 8, 11, 13, 16, 30, 32, 50, 64]
BATCHES = [1, 2, 3, 5, 8, 21, 32, 33, 64, 100]
ACTIVATIONS = [nn.ReLU, nn.Tanh, nn.GELU, nn.Sigmoid, nn.SiLU, nn.ELU]
FLAGS = {"nesterov": False, "amsgrad": False, "centered": False}
SMALL = [1, 2, 3, 4, 5, 8]
CASES = 72
BFLOAT16 = 0.2


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """As the workers of a sweep have it."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def drawn(draw: random.Random) -> Stack:
    small = draw.random() < 0.4
    widths, batches = (SMALL, SMALL) if small else (WIDTHS, BATCHES)
    inputs, outputs = draw.choice(widths), draw.choice(widths)
    hidden = [draw.choice(widths) for _ in range(draw.choice([0, 1, 1, 2]))]
    model: nn.Module = mlp(inputs, hidden, outputs, draw.choice(ACTIVATIONS))
    if draw.random() < 0.3 and hidden:
        model = ManualMLP(inputs, outputs, hidden, bias=draw.random() < 0.5)
        model.in_features, model.out_features = inputs, outputs  # type: ignore[assignment]
    loss = draw.choice([nn.MSELoss(), nn.L1Loss(), nn.HuberLoss()])
    loss = nn.CrossEntropyLoss() if outputs > 1 and draw.random() < 0.6 else loss
    runs, rows = draw.choice([3, 4, 9, 17, 33]), draw.choice(batches)
    precision = torch.bfloat16 if draw.random() < BFLOAT16 else None
    return Stack(model, loss, runs, rows, precision)


def trained(stack: Stack, given: list[Tensor], optimizer: str, rows: Tensor) -> list[Tensor]:
    """Weights after two steps, the second of a smaller batch, their losses, and outputs."""
    weights, x, y = given
    batched = BATCHED[optimizer](FLAGS)
    numbers = {"lr": 0.1, "weight_decay": 0.01, "momentum": 0.5, "dampening": 0.0, "eps": 1e-8}
    numbers |= {"beta1": 0.9, "beta2": 0.99, "alpha": 0.9, "lr_decay": 0.1}
    numbers |= {"initial_accumulator_value": 0.1, "momentum_decay": 0.004, "rho": 0.9}
    numbers |= {"etaminus": 0.5, "etaplus": 1.2, "shortest": 1e-6, "longest": 50.0}
    told = {k: torch.full((len(x), 1), v, dtype=torch.float64) for k, v in numbers.items()}
    told["lr"] *= rows[:, None] % 3 + 1
    found = []
    stack.model.written.forget()
    with torch.no_grad():
        for last in (stack.rows, max(1, stack.rows // 2)):
            gradient, losses, _ = stack.model.gradient(weights, {}, x[:, :last], y[:, :last])
            clipped = clip_gradient(gradient, torch.full((len(x), 1), 0.5))
            batched.step(weights, clipped, told)
            found.append(losses)
        outputs = stack.model.outputs(weights, {}, x)
        found += [weights, outputs, stack.model.losses(outputs, y)]
    return found


@pytest.mark.parametrize("part", range(3))
def test_bits_do_not_depend_on_width_and_slot(part: int) -> None:
    draw = random.Random(part)
    small = rounded = 0
    for number in range(CASES // 3):
        stack = drawn(draw)
        given = stack.arguments(number)
        some = torch.tensor([draw.randrange(stack.runs) for _ in range(draw.choice([2, 3, 6]))])
        fewer = [stack.layout.arranged(given[0][some]), *(one[some] for one in given[1:])]
        optimizer = draw.choice(list(BATCHED))
        wide = trained(stack, given, optimizer, torch.arange(stack.runs))
        narrow = trained(stack, fewer, optimizer, some)
        for found, wanted in zip(narrow, wide, strict=True):
            shapes = list(stack.layout.shapes.values())
            assert torch.equal(found, wanted[some]), (number, shapes, stack.rows, stack.runs)
        small += stack.layout.runs_last
        rounded += stack.model.run.precision is not None
    assert 2 < small < CASES // 3 - 5
    assert rounded > 2


@pytest.mark.parametrize("optimizer", BATCHED)
def test_gaps_between_parameters_stay_zero(optimizer: str) -> None:
    stack = Stack(mlp(3, [5], 2), nn.CrossEntropyLoss(), 3, 8)
    given = stack.arguments(0)
    start = given[0].clone()
    trained(stack, given, optimizer, torch.arange(3))
    gaps = stack.layout.padded(torch.ones(3, sum(stack.layout.sizes))) == 0
    assert int(gaps.sum()) > 0
    assert not given[0][gaps].any()
    assert not torch.equal(start, given[0])


def test_padded_rows_without_gaps_are_the_packed_ones() -> None:
    layout = Stack(mlp(3, [5], 2), nn.MSELoss(), 2, 4).layout
    rows = torch.randn(2, sum(layout.sizes))
    named = layout.packed(layout.padded(rows))
    assert torch.equal(torch.cat([one.reshape(2, -1) for one in named.values()], 1), rows)
    storages = {one.untyped_storage().data_ptr() for one in named.values()}
    assert len(storages) == 1
    assert next(iter(named.values())).untyped_storage().nbytes() == rows.nbytes


@pytest.mark.parametrize(
    "tensor",
    [
        torch.randn(3, 5, 7),
        torch.randn(3, 5, 7).transpose(1, 2),
        torch.randn(4, 5, 7)[1:],
        torch.randn(6, 7)[1:].expand(3, 5, 7),
        torch.randn(3, 40, 1)[:, 3:8],
    ],
    ids=["contiguous", "turned", "later runs", "shared rows", "part of the rows"],
)
def test_parts_of_runs_in_lanes_lie_alike(tensor: Tensor) -> None:
    found = in_lanes(tensor)
    assert torch.equal(found, tensor)
    assert len({one.data_ptr() % 64 for one in found}) == 1
    assert in_lanes(found) is found
