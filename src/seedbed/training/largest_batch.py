"""`loader.batch_size=largest`: the most rows whose step the device's memory holds.

Steps are tried on a model that is thrown away. On a CPU the bytes of tensors are counted after each
operation of steps of few rows, and told from these for more: memory that is really filled ends a
process, or the machine. A GPU says when its memory is full, so batches double there until it
does, and the last step between is halved. That was never run on one.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from seedbed.config.schema import RunConfig
from seedbed.data.batches import training_batches
from seedbed.data.prepared import PreparedData
from seedbed.data.row_loader import RowLoader
from seedbed.errors import ConfigError
from seedbed.models.shared_values import kept_to_the_run
from seedbed.process.memory import free_memory_bytes
from seedbed.process.tensor_bytes import TensorBytes
from seedbed.process.torch_private import tree_leaves
from seedbed.training.run_components import RunComponents
from seedbed.training.single import SingleEngine

Bytes = NDArray[np.float64]
"""That live after each operation of a step."""

Build = Callable[[RunConfig, PreparedData | None], RunComponents]
"""Builds the parts of a run."""

SHARE = 0.5
"""Of the free memory, that a step may take: others need some, and what is counted is not all."""

TRIED = 1 / 16
"""Of that, what the step of the most rows that are tried takes, about."""

FIRST, SECOND = 2, 4
"""Rows of the first two steps; batch normalisation takes no fewer."""

STEEPER = 1.05
"""How much more than told a step may take; beyond, memory grows faster than rows do."""

APART = 4
"""Times the rows of the step before, that are tried next; of rows that each look at each other they
take the square of it."""


def build_with_largest(config: RunConfig, build: Build) -> RunComponents:
    """The parts of a run with a number in place of `largest`.

    Args:
        config: of the run.
        build: builds its parts, of data that is prepared already if there is some.

    Raises:
        ConfigError: if there is no such number of this run.
        SeedbedError: if a part cannot be built, or a step cannot be made.
    """
    config, data, note = with_largest_batch(config, build)
    plan = build(config, data)
    return replace(plan, notes=[note, *plan.notes])


def with_largest_batch(
    config: RunConfig, build: Build
) -> tuple[RunConfig, PreparedData | None, str]:
    """The config with a number in place of `largest`.

    Args:
        config: of the run.
        build: builds its parts.

    Returns:
        The config; its data, where that does not depend on the number; and what was found.

    Raises:
        ConfigError: if there is no such number of this run.
        SeedbedError: if a part cannot be built, or a step cannot be made.
    """
    _refuse(config)
    trainer = replace(
        config.trainer,
        limit_batches=None,
        overfit_batches=None,
        accumulate=1,
        compile=False,
        detect_anomaly=False,
    )
    loader = replace(config.loader, batch_size="auto", drop_last=True, num_workers=0)
    plan = build(replace(config, trainer=trainer, loader=loader), None)
    most = max(1, plan.train.rows // config.trainer.accumulate)
    number, told = _found(plan, most)
    note = f"loader.batch_size=largest: {number} rows{told}"
    data = None if config.trainer.is_tried_out else plan.data
    return with_batch_size(config, number), data, note


def with_batch_size(config: RunConfig, rows: int) -> RunConfig:
    """The config with so many rows a batch, also as `config.yaml` will have it."""
    resolved = {**config.resolved, "loader": {**config.resolved["loader"], "batch_size": rows}}
    return replace(config, loader=replace(config.loader, batch_size=rows), resolved=resolved)


def _refuse(config: RunConfig) -> None:
    if config.trainer.is_ranked:
        raise ConfigError(
            f"loader.batch_size=largest: trainer.strategy={config.trainer.strategy} shares a batch "
            "among ranks; type a number of rows"
        )
    if getattr(config.data, "stream", False):
        raise ConfigError(
            "loader.batch_size=largest: data.memory says how many rows data.stream=true holds; "
            "type a number of rows"
        )
    if config.loader.pads:
        raise ConfigError(
            "loader.batch_size=largest: rows of unequal length take unequal memory; type a number "
            "of rows"
        )


def _found(plan: RunComponents, most: int) -> tuple[int, str]:
    """How many rows, and what is said of them."""
    engine = SingleEngine(plan)
    with engine.settings(), kept_to_the_run(plan.packages, plan.config.seed):
        if plan.device.type != "cpu":
            fitting = largest_that_fits(lambda rows: _fits(engine, rows), sizes_up_to(most))
            return _whole(fitting, plan), f", as {plan.device} has memory for no more"
        bytes_in_step(engine, min(FIRST, most))  # an optimizer makes its state at its first step
        free = free_memory_bytes()
        if free == float("inf"):
            raise ConfigError(
                "loader.batch_size=largest: this system does not tell its free memory; type a "
                "number of rows"
            )
        number, bytes_a_row = largest_within(
            lambda rows: bytes_in_step(engine, rows), most, free * SHARE
        )
    told = f"; a step takes {_size(bytes_a_row)} a row, and {_size(free * SHARE)} may be taken"
    return _whole(number, plan), told


def _whole(number: int, plan: RunComponents) -> int:
    """As many rows, or fewer: none is left for a batch of its own, which has no variance."""
    while number > 2 and plan.train.rows % number == 1 and not plan.config.loader.drop_last:
        number -= 1
    return number


def _batch(plan: RunComponents, rows: int) -> Any:
    loader = replace(plan.config.loader, batch_size=rows)
    reader = RowLoader(loader, plan.config.seed, plan.device)
    data, seed = plan.data.train, plan.config.seed
    batches = training_batches(data, loader, seed, plan.device, None, reader)
    return next(iter(batches.epoch(0)))


def bytes_in_step(engine: SingleEngine, rows: int) -> Bytes:
    """What the tensors take that a step makes, and its rows, after each operation.

    The rows lie there twice: as they were gathered, and as a batch.
    """
    x, y = _batch(engine.plan, rows)
    given = sum(one.nbytes for one in tree_leaves((x, y)) if isinstance(one, Tensor))
    with TensorBytes() as held:
        engine.step(x, y)
    return np.array(held.after_each, dtype=np.float64) + 2 * given


def _fits(engine: SingleEngine, rows: int) -> bool:
    try:
        x, y = _batch(engine.plan, rows)
        engine.step(x, y).sum().item()  # waits for the device
    except RuntimeError as err:
        if isinstance(err, torch.OutOfMemoryError) or "out of memory" in str(err):
            return False
        raise
    finally:
        engine.optimizer.zero_grad()
        if engine.plan.device.type == "cuda":
            torch.cuda.empty_cache()
    return True


def largest_within(step: Callable[[int], Bytes], most: int, budget: float) -> tuple[int, float]:
    """The most rows whose step stays within a budget, told from steps that take little of it.

    What lives after an operation is a line over the number of rows, and so two steps tell it for
    any number. The peak alone is none: of few rows it is where the weights move, of many where the
    gradients begin. Steps of more and more rows are looked at for whether the lines hold.

    Args:
        step: bytes after each operation of a step with so many rows.
        most: rows.
        budget: bytes.

    Returns:
        The rows, of three binary digits unless they are all; and bytes of each further one.

    Raises:
        ConfigError: if not even a row fits.
    """
    first, second = (min(rows, most) for rows in (FIRST, SECOND))
    one, two = step(first), step(second)
    if first == second:
        _refuse_large(one.max() / first, first if one.max() <= budget else 0, budget)
        return most, one.max() / first
    if len(one) != len(two):
        return _by_doubling(step, second, two.max(), most, budget)
    slopes = (two - one) / (second - first)
    fixed = one - slopes * first
    rows, taken = second, two.max()
    while rows < most and APART**2 * taken <= budget:
        more = min(APART * rows, most)
        told = (fixed + slopes * more).max()
        if told > budget * TRIED:
            break
        rows, taken = more, step(more).max()
        if taken > STEEPER * told:
            return _by_doubling(step, rows, taken, most, budget)
    number = _last_within(fixed, slopes, sizes_up_to(most), budget)
    each = float(slopes[np.argmax(fixed + slopes * max(number, 1))])
    _refuse_large(each, number, budget)
    return number, each


def _last_within(fixed: Bytes, slopes: Bytes, sizes: Sequence[int], budget: float) -> int:
    """The last size of a step that stays within a budget; 0 if none does."""
    return max((rows for rows in sizes if (fixed + slopes * rows).max() <= budget), default=0)


def _by_doubling(
    step: Callable[[int], Bytes], rows: int, taken: float, most: int, budget: float
) -> tuple[int, float]:
    """As of rows that each look at each other: twice as many take four times as much at most."""
    while 2 * rows <= most and 4 * taken <= budget:
        rows *= 2
        taken = step(rows).max()
    _refuse_large(taken / rows, rows if taken <= budget else 0, budget)
    return rows, taken / rows


def _refuse_large(bytes_a_row: float, fitting: int, budget: float) -> None:
    if fitting < 1:
        raise ConfigError(
            f"loader.batch_size=largest: a row takes {_size(bytes_a_row)} in a step, and "
            f"{_size(budget)} may be taken; a smaller model takes less"
        )


def sizes_up_to(most: int) -> list[int]:
    """Numbers of three binary digits, and the last: each is a fourth to an eighth more."""
    found = [digits << shift for shift in range(most.bit_length()) for digits in (4, 5, 6, 7)]
    return [*(one for one in (1, 2, 3, *found) if one < most), most]


def largest_that_fits(fits: Callable[[int], bool], sizes: Sequence[int]) -> int:
    """The last size that fits: each is tried that is twice the one before, then those between.

    Raises:
        ConfigError: if none does.
    """
    low, high = -1, len(sizes)  # what fits, and what does not
    step = 0
    while step < high:
        if not fits(sizes[step]):
            high = step
            break
        low = step
        if step == len(sizes) - 1:
            break
        twice = next((n for n, one in enumerate(sizes) if one >= 2 * sizes[step]), len(sizes) - 1)
        step = twice
    while high - low > 1:
        middle = (low + high) // 2
        if fits(sizes[middle]):
            low = middle
        else:
            high = middle
    if low < 0:
        raise ConfigError(
            "loader.batch_size=largest: not even a batch of one row fits into the device's memory; "
            "a smaller model takes less"
        )
    return sizes[low]


def _size(number: float) -> str:
    for unit in ("B", "kB", "MB", "GB"):
        if number < 1000 or unit == "GB":
            break
        number /= 1000
    return f"{number:.3g} {unit}"
