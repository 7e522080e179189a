"""Stacks that are trained by compiled steps, and the same by torch's."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from support.stacked_runs import Kept, planned, trained, variants

from seedbed.config.schema import RunConfig
from seedbed.fused.compiled.steps import CompiledSteps, Compiling
from seedbed.fused.engine import FusedEngine, fused_training
from seedbed.training.interrupt import StopRequest
from seedbed.training.recorder import Recorder


@dataclass
class Trained:
    """What a stack came to.

    Args:
        kept: of its runs.
        steps: made by compiled functions.
        notes: that were given.
    """

    kept: Kept
    steps: int
    notes: list[str] = field(default_factory=list)


def by(mode: Any, configs: Sequence[RunConfig], **given: Any) -> Trained:
    """Trains runs as one stack.

    Args:
        mode: of `sweep.compile`.
        configs: of the runs.
        given: `recorder`, `stop` and `resumed`, as `trained` takes them.
    """
    notes: list[str] = []
    recorder: Recorder = given.get("recorder") or Kept()
    training = fused_training(planned(configs), len(configs), Compiling(mode, notes.append))
    assert isinstance(training.engine, FusedEngine)
    compiled = training.engine.compiled
    counted = _Counted(compiled)
    compiled.make = counted.make  # type: ignore[method-assign]
    trained(training, recorder, given.get("stop") or StopRequest(), given.get("resumed"))
    assert isinstance(recorder, Kept)
    return Trained(recorder, counted.steps, notes)


class _Counted:
    def __init__(self, compiled: CompiledSteps) -> None:
        self.steps = 0
        self._make = compiled.make

    def make(self, several: Any) -> torch.Tensor:
        self.steps += several.steps
        return self._make(several)


def jobs(words: str, settings: Sequence[Mapping[str, Any]] = ({}, {}, {})) -> list[RunConfig]:
    """Configs of jobs, each with a seed of its own."""
    return variants(words.split(), list(settings))


def assert_same_bits(found: Kept, wanted: Kept) -> None:
    """Histories, weights, best epochs and errors, but for seconds."""
    assert found.status == wanted.status
    assert found.errors == wanted.errors
    for run, weights in wanted.weights.items():
        for name, tensor in weights.items():
            torch.testing.assert_close(
                found.weights[run][name], tensor, rtol=0, atol=0, equal_nan=True
            )
        rows = zip(found.history[run], wanted.history[run], strict=True)
        for one, other in rows:
            told, expected = (
                {k: v for k, v in row.items() if k != "seconds"} for row in (one, other)
            )
            assert repr(told) == repr(expected)
        assert found.best[run]["state"]["best"] == wanted.best[run]["state"]["best"]
        if wanted.errors[run] is None:  # what diverged goes on to the end of the call
            one, other = (each.runs[run].last["optimizer"] for each in (found, wanted))
            torch.testing.assert_close(one, other, rtol=0, atol=0)
