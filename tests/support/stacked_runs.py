"""Trains stacks in process, and the same runs singly, for comparison."""

import importlib
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from support.composing import changed, composed_quickly
from support.memory_recorder import MemoryRecorder
from support.single_runs import Trained
from support.single_runs import train as train_into
from torch import Tensor

from seedbed.components import AllowList
from seedbed.config.schema import RunConfig
from seedbed.fused.build_stack import build_stack
from seedbed.fused.engine import fused_training
from seedbed.fused.stack_components import StackComponents
from seedbed.training.build_run import build_run
from seedbed.training.interrupt import StopRequest
from seedbed.training.loop import train
from seedbed.training.recorder import Recorder
from seedbed.training.run_components import RunComponents
from seedbed.training.single import single_training
from seedbed.training.state import HistoryRow
from seedbed.training.training import Training


class Kept(MemoryRecorder):
    """What runs come to, in memory, by their numbers."""

    @property
    def history(self) -> dict[int, list[HistoryRow]]:
        return {run: one.history for run, one in self.runs.items()}

    @property
    def weights(self) -> dict[int, dict[str, Tensor]]:
        return {run: one.weights for run, one in self.runs.items()}

    @property
    def best(self) -> dict[int, Any]:
        return {run: one.best for run, one in self.runs.items()}

    @property
    def metrics(self) -> dict[int, dict[str, float]]:
        return {run: one.metrics for run, one in self.runs.items()}

    @property
    def status(self) -> dict[int, str]:
        return {run: one.status for run, one in self.runs.items()}

    @property
    def errors(self) -> dict[int, str | None]:
        return {run: one.error for run, one in self.runs.items()}


class Stopping(Kept):
    """Takes the checkpoints after a step, as `checkpoint_every` does, and stops there.

    Args:
        step: to stop after.
        through_a_file: as a checkpoint comes back from the disk.
    """

    def __init__(self, step: int, through_a_file: Callable[[Any], Any]) -> None:
        super().__init__()
        self.at, self.stop = step, StopRequest()
        self.through_a_file = through_a_file
        self.taken: tuple[list[Any], list[Any]] = ([], [])

    def step(self, training: Training) -> None:
        if training.progress.step == self.at:
            for slot in range(training.progress.num_active):
                for which, into in zip(("last", "best"), self.taken, strict=True):
                    into.append(self.through_a_file(training.checkpoint(slot, which)))
            self.stop.wish(signal.SIGINT)


@dataclass(frozen=True)
class Alone:
    """What a single run comes to.

    Args:
        history: rows of `history.csv`.
        weights: `model.pth`.
        best: epoch of the best checkpoint.
        metrics: of `result.json`.
        status: of the run.
        error: of the run.
    """

    history: list[HistoryRow]
    weights: dict[str, Tensor]
    best: int
    metrics: dict[str, float]
    status: str
    error: str | None


def write_module(folder: Path, name: str, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A module of the user's, outside the package, as long as the test runs."""
    (folder / f"{name}.py").write_text(text)
    monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.syspath_prepend(folder)
    importlib.invalidate_caches()


def variants(
    words: Sequence[str], settings: Sequence[Mapping[str, Any]], **common: Any
) -> list[RunConfig]:
    """Configs of jobs that differ in a few keys, composed once.

    Args:
        words: overrides of all.
        settings: keys and values of each.
        common: `seeds=False` leaves the seed of `words`; otherwise each job has one of its own.
    """
    jobs = []
    for number, own in enumerate(settings):
        seed = {"seed": number} if common.get("seeds", True) else {}
        jobs.append(changed(words, {**seed, **own}).config)
    return jobs


def planned(configs: Sequence[RunConfig]) -> StackComponents:
    """A stack that is ready to start."""
    return build_stack(configs, AllowList(configs[0].allow))


def train_stack(
    plan: StackComponents,
    runs: int,
    recorder: Recorder,
    stop: StopRequest | None = None,
    resumed: tuple[Sequence[Any], Sequence[Any]] | None = None,
) -> Training:
    """Trains the runs of a stack, from the last and the best checkpoints of each if there are."""
    training = fused_training(plan, runs)
    return trained(training, recorder, stop, resumed)


def trained(
    training: Training,
    recorder: Recorder,
    stop: StopRequest | None = None,
    resumed: tuple[Sequence[Any], Sequence[Any]] | None = None,
) -> Training:
    """Trains to the end of every run."""
    if resumed is not None:
        training.restore(*resumed)
    train(training, recorder, stop or StopRequest(), resumed[0] if resumed is not None else None)
    return training


def stacked(configs: Sequence[RunConfig], plan: StackComponents | None = None) -> Kept:
    """Trains runs as one stack, by their plan if there is one that was not trained yet."""
    kept = Kept()
    train_stack(plan or planned(configs), len(configs), kept)
    return kept


def fused(jobs: Sequence[Sequence[str]]) -> Kept:
    """Trains jobs, told by their overrides, as one stack."""
    configs = [composed_quickly(words).config for words in jobs]
    kept = Kept()
    train_stack(planned(configs), len(jobs), kept)
    return kept


def singly(folder: Path, jobs: Sequence[Sequence[str]]) -> list[Alone]:
    """Trains the same jobs one by one, and reads them back from their directories."""
    return [_read(train_into(folder / str(number), *words)) for number, words in enumerate(jobs)]


def alone(config: RunConfig) -> Alone:
    """Trains one run by itself, and writes nothing."""
    return going_on(build_run(config, AllowList(config.allow)))


def going_on(plan: RunComponents, last: Any = None, best: Any = None) -> Alone:
    """Trains a plan to its end, from its last and its best checkpoint if there is one."""
    kept = Kept()
    resumed = ([last], [best or last]) if last is not None else None
    trained(single_training(plan), kept, resumed=resumed)
    (run,) = kept.runs.values()
    epoch = run.best["state"]["best"]["epoch"]
    return Alone(run.history, run.weights, epoch, run.metrics, run.status, run.error)


def assert_alike(kept: Kept, runs: Sequence[Alone], tolerance: float = 1e-4) -> None:
    """Histories, weights, metrics and best epochs are those of the single runs."""
    assert len(kept.status) == len(runs)
    for number, run in enumerate(runs):
        where = f"run {number}"
        assert kept.status[number] == run.status, (where, kept.errors[number])
        assert kept.errors[number] == run.error, where
        assert_same_rows(kept.history[number], run.history, tolerance, where)
        assert_same_rows([kept.metrics[number]], [run.metrics], tolerance, where)
        assert kept.best[number]["state"]["best"]["epoch"] == run.best, where
        assert_same_weights(kept.weights[number], run.weights, tolerance, where)


def assert_same_rows(
    told: Sequence[Mapping[str, float]],
    expected: Sequence[Mapping[str, float]],
    tolerance: float,
    where: str,
) -> None:
    """Equal columns, but for the seconds that an epoch took."""
    assert len(told) == len(expected), where
    for found, wanted in zip(told, expected, strict=True):
        assert list(found) == list(wanted), where
        columns = [name for name in wanted if name != "seconds"]
        torch.testing.assert_close(
            {name: float(found[name]) for name in columns},
            {name: float(wanted[name]) for name in columns},
            rtol=tolerance,
            atol=1e-6,
            equal_nan=True,
            msg=lambda text: f"{where}: {text}",
        )


def assert_same_weights(
    told: Mapping[str, Tensor], expected: Mapping[str, Tensor], tolerance: float, where: str
) -> None:
    """Equal names in equal order, and equal numbers."""
    assert list(told) == list(expected), where
    torch.testing.assert_close(
        dict(told),
        dict(expected),
        rtol=tolerance,
        atol=tolerance,
        msg=lambda text: f"{where}: {text}",
    )


def _read(run: Trained) -> Alone:
    columns = run.history
    names = list(columns)
    history = [
        {**dict(zip(names, values, strict=True)), "seconds": 0.0}
        for values in zip(*columns.values(), strict=True)
    ]
    best = torch.load(run.directory.best, weights_only=True)
    return Alone(
        history,
        run.weights,
        best["state"]["best"]["epoch"],
        run.result["metrics"],
        run.result["status"],
        run.result.get("error"),
    )
