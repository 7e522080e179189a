"""`loader.batch_size=largest`: the most rows whose step the device's memory holds.

Steps are tried on a model that is thrown away; of how many rows, `fitting_sizes.py` decides. On a
CPU the bytes of tensors are counted: memory that is really filled ends a process, or the machine. A
GPU says when its memory is full. That was never run on one.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from seedbed.config.hints import size_text
from seedbed.config.schema import RunConfig
from seedbed.data.batches import training_batches
from seedbed.data.prepared import PreparedData
from seedbed.data.row_loader import RowLoader
from seedbed.errors import ConfigError
from seedbed.models.shared_values import kept_to_the_run
from seedbed.process.memory import free_memory_bytes
from seedbed.process.tensor_bytes import TensorBytes
from seedbed.process.torch_private import tree_leaves
from seedbed.training.fitting_sizes import (
    FIRST,
    Bytes,
    largest_that_fits,
    largest_within,
    sizes_up_to,
)
from seedbed.training.run_components import RunComponents
from seedbed.training.single import SingleEngine

Build = Callable[[RunConfig, PreparedData | None], RunComponents]
"""Builds the parts of a run."""

SHARE = 0.5
"""Of the free memory, that a step may take: others need some, and what is counted is not all."""


def build_with_largest(config: RunConfig, build: Build) -> RunComponents:
    """The parts of a run with a number in place of `largest`, also as `config.yaml` will have it.

    Args:
        config: of the run.
        build: builds its parts, of data that is prepared already if there is some.

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
    tried = build(replace(config, trainer=trainer, loader=loader), None)
    number, told = _found(tried, max(1, tried.train.rows // config.trainer.accumulate))
    resolved = {**config.resolved, "loader": {**config.resolved["loader"], "batch_size": number}}
    loader = replace(config.loader, batch_size=number)
    data = None if config.trainer.is_tried_out else tried.data  # which depends on the number
    del tried  # a device need not hold its model beside that of the run
    plan = build(replace(config, loader=loader, resolved=resolved), data)
    return replace(plan, notes=[f"loader.batch_size=largest: {number} rows{told}", *plan.notes])


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
    told = (
        f"; a step takes {size_text(bytes_a_row)} a row, and {size_text(free * SHARE)} may be taken"
    )
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
