"""A step that is captured and replayed; without a GPU, by what replays a list of operations."""

from collections.abc import Callable, Sequence

import pytest
import torch
from support.stacks_by_hand import Stack, mlp
from torch import Tensor, nn

from seedbed.fused.cuda_graph import Replayed
from seedbed.fused.rewriting import faster
from seedbed.fused.tracing import Function, recorded

Captured = tuple[Callable[[], object], Sequence[Tensor]]


def stack() -> Stack:
    return Stack(mlp(3, [5], 4), nn.CrossEntropyLoss(), 3, 6)


def program(given: Sequence[Tensor]) -> Function:
    return faster(recorded(stack().plain_step(), given), given, keeps=True)


def in_place(function: Function, given: Sequence[Tensor]) -> Captured:
    """What a graph does: reads and writes where it did when it was captured."""
    results = [one.clone() for one in function(*given)]

    def replay() -> None:
        for mine, new in zip(results, function(*given), strict=True):
            mine.copy_(new)

    return replay, results


def test_a_replay_reads_the_batch_that_it_is_given() -> None:
    given = stack().arguments(1)
    replayed, wanted = Replayed(program(given), in_place), program(given)
    kept = []
    for seed in (2, 3, 2):
        _, x, y = stack().arguments(seed)
        given[0].mul_(1.01)  # as an optimizer does, in place
        for found, right in zip(replayed(given[0], x, y), wanted(given[0], x, y), strict=True):
            assert torch.equal(found, right)
        kept.append((replayed(given[0], x, y)[1], wanted(given[0], x, y)[1].clone()))
    assert all(torch.equal(losses, right) for losses, right in kept)


def test_weights_that_lie_elsewhere_are_captured_anew() -> None:
    first, second = stack().arguments(1), stack().arguments(2)
    replayed = Replayed(program(first), in_place)
    for given in (first, second, first):
        for found, right in zip(replayed(*given), program(given)(*given), strict=True):
            assert torch.equal(found, right)


def wrong(function: Function, given: Sequence[Tensor]) -> Captured:
    return lambda: None, [one + 1 for one in function(*given)]


def refused(function: Function, given: Sequence[Tensor]) -> Captured:
    raise RuntimeError("operation not permitted when stream is capturing")


@pytest.mark.parametrize("capture", [wrong, refused])
def test_without_a_right_capture_the_operations_are_made_one_by_one(
    capture: Callable[[Function, Sequence[Tensor]], Captured],
) -> None:
    given = stack().arguments(1)
    replayed = Replayed(program(given), capture)
    for _ in range(2):
        for found, right in zip(replayed(*given), program(given)(*given), strict=True):
            assert torch.equal(found, right)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="this machine has no cuda")
def test_a_graph_of_cuda() -> None:
    given = [one.cuda() for one in stack().arguments(1)]
    replayed = Replayed(program(given))
    for found, right in zip(replayed(*given), program(given)(*given), strict=True):
        assert torch.equal(found, right)
    assert replayed._replay is not None
