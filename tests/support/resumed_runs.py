"""Runs that are stopped after a step and go on from their checkpoints, alone and in a stack."""

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol

import torch
from support.stacked_runs import (
    Kept,
    Stopping,
    alone,
    going_on,
    planned,
    stacked,
    train_stack,
    trained,
)
from torch import Tensor

from seedbed.components import AllowList
from seedbed.config.schema import RunConfig
from seedbed.recording.archives import archive
from seedbed.runs.checkpoint import load
from seedbed.training.build_run import build_run
from seedbed.training.single import single_training
from seedbed.training.state import HistoryRow


class Ended(Protocol):
    """What a run came to."""

    @property
    def history(self) -> list[HistoryRow]: ...
    @property
    def weights(self) -> dict[str, Tensor]: ...
    @property
    def metrics(self) -> dict[str, float]: ...


def through_a_file(content: Any) -> Any:
    """A checkpoint as a run writes it and resuming reads it."""
    with TemporaryDirectory() as folder:
        path = Path(folder, "checkpoint.pt")
        path.write_bytes(archive({**content, "events": 0}))
        return load(path)


def assert_run_goes_on(config: RunConfig, *steps: int, whole: Ended | None = None) -> None:
    """A run that was stopped after any of the steps ends with the bits of one that was not.

    Args:
        config: of the run.
        steps: after which it is stopped.
        whole: what it came to without a stop, where it was trained before.
    """
    whole = whole or alone(config)
    for step in steps:
        plan, fresh = (build_run(config, AllowList(config.allow)) for _ in range(2))
        stopping = Stopping(step, through_a_file)
        trained(single_training(plan), stopping, stopping.stop)
        (last,), (best,) = stopping.taken
        assert_same_bits(whole, going_on(fresh, last, best), f"after step {step}")


def assert_stack_goes_on(
    configs: Sequence[RunConfig], step: int, whole: Kept | None = None
) -> None:
    """The same of all runs of a stack."""
    whole = whole or stacked(configs)
    stopping, rest = Stopping(step, through_a_file), Kept()
    train_stack(planned(configs), len(configs), stopping, stopping.stop)
    train_stack(planned(configs), len(configs), rest, resumed=stopping.taken)
    assert sorted(rest.runs) == list(range(len(configs)))
    for number, run in whole.runs.items():
        assert_same_bits(run, rest.runs[number], f"run {number}")


def assert_same_bits(one: Ended, other: Ended, where: str) -> None:
    """Histories but for the seconds, metrics, and weights."""
    first, second = ([{**row, "seconds": 0.0} for row in run.history] for run in (one, other))
    assert first == second, where
    assert one.metrics == other.metrics, where
    assert list(one.weights) == list(other.weights), where
    for name, tensor in one.weights.items():
        assert torch.equal(tensor, other.weights[name]), (where, name)
