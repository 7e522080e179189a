"""How many CPU threads a run computes with, told from the run alone.

Threads wait for one another at the end of every operation. Where an operation is small that gains
nothing, and on a machine that is busy otherwise it costs milliseconds each time. What is measured
would depend on the load, and the bits of a run on that; so the work of a step decides. A stack has
one thread: its runs do not need each other, and other cores take other stacks.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import torch
from torch import Tensor, nn

from seedbed.config.schema import TrainerConfig
from seedbed.process.cores import usable_cores

OWN_STEP = 2**24
"""Multiplications in the forward pass of a batch, from which on a run on its own uses the cores."""


def threads_for(trainer: TrainerConfig, multiplications: int, ranks: int = 1) -> int:
    """The number of threads of a run on its own.

    Args:
        trainer: whose `threads` is asked for by the user, or null.
        multiplications: of its batch.
        ranks: that share the cores.
    """
    if trainer.threads is not None:
        return trainer.threads
    return max(1, most_threads() // ranks) if multiplications >= OWN_STEP else 1


def most_threads() -> int:
    """Torch's choice, which knows nothing of the limits of a container."""
    return min(torch.get_num_threads(), usable_cores())


@contextmanager
def using(threads: int) -> Iterator[None]:
    """Inside, torch computes with so many."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def counting(model: nn.Module) -> Iterator[Callable[[], int]]:
    """Counts multiplications in the forward passes made inside, about.

    A weight is used once for each place that its layer tells of.

    Args:
        model: whose forward is called.

    Returns:
        What tells the count.
    """
    found: dict[nn.Module, int] = {}

    def add(module: nn.Module, inputs: Any, output: Any) -> None:
        sizes = [one.numel() for one in module.parameters(recurse=False) if one.ndim > 1]
        found[module] = found.get(module, 0) + _places(output) * sum(sizes)

    handles = []
    for module in model.modules():
        with suppress(Exception):  # a scripted layer takes no hooks
            handles.append(module.register_forward_hook(add))
    try:
        yield lambda: sum(found.values())
    finally:
        for handle in handles:
            handle.remove()


def _places(output: Any) -> int:
    """Rows of a batch, points of an image, steps of a sequence: all but the channels."""
    while isinstance(output, tuple | list) and output:
        output = output[0]
    if not isinstance(output, Tensor) or not output.ndim:
        return 1
    channels = output.shape[1] if output.ndim > 3 else output.shape[-1]
    return output.numel() // max(1, channels)
