"""Trains stacks in process, and the same runs singly, for comparison."""

import copy
import importlib
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from omegaconf import OmegaConf
from support.single_runs import Trained, train
from torch import Tensor

from seedbed.components import AllowList
from seedbed.compose.compose import composed, resolved
from seedbed.compose.composed import ComposedConfig
from seedbed.config.check import checked
from seedbed.config.schema import RunConfig
from seedbed.data.seeds import stream_seed
from seedbed.fused.plan import StackPlan, prepare_stack
from seedbed.fused.snapshots import best_snapshot, history_rows, state_dict
from seedbed.fused.stack import Stack
from seedbed.fused.step import Randomness
from seedbed.fused.train import Ended, train_stack
from seedbed.recording.recorder import Recorder
from seedbed.runs.checkpoint import copied
from seedbed.training import run as single
from seedbed.training.device import process_settings
from seedbed.training.interrupt import StopRequest
from seedbed.training.plan import Plan, prepare_run
from seedbed.training.reporter import Silent
from seedbed.training.state import Diverged, HistoryRow, TrainingState


@dataclass
class Kept:
    """What a stack hands over, in memory.

    Args:
        history: rows of `history.csv` of each run.
        weights: `model.pth`.
        best: the best checkpoint.
        metrics: of `result.json`.
        status: of each run.
        errors: of each run.
        notes: said of the stack.
    """

    history: dict[int, list[HistoryRow]] = field(default_factory=dict)
    weights: dict[int, dict[str, Tensor]] = field(default_factory=dict)
    best: dict[int, Any] = field(default_factory=dict)
    metrics: dict[int, dict[str, float]] = field(default_factory=dict)
    status: dict[int, str] = field(default_factory=dict)
    errors: dict[int, str | None] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def note(self, text: str) -> None:
        self.notes.append(text)

    def save(self, stack: Stack) -> None:
        pass

    def progress(self, stack: Stack) -> None:
        pass

    def ended(self, stack: Stack, ended: Ended) -> None:
        for at, place in enumerate(ended.places):
            run = stack.runs[place]
            diverged = stack.diverged.get(run)
            epochs = diverged.epochs if diverged else stack.epoch
            self.history[run] = history_rows(stack, run, epochs)
            self.weights[run] = state_dict(stack, ended.weights[place], ended.kept, place)
            self.best[run] = best_snapshot(stack, place)
            self.metrics[run] = dict(ended.measured[at].metrics)
            self.status[run] = ended.status[at]
            self.errors[run] = ended.errors[at]


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
    base = _base(tuple(words))
    jobs = []
    for number, own in enumerate(settings):
        job: Any = OmegaConf.create(copy.deepcopy(base.job))
        seed = {"seed": number} if common.get("seeds", True) else {}
        for key, value in {**seed, **own}.items():
            OmegaConf.update(job, key, value, force_add=True)
        jobs.append(checked(resolved(job)))
    return jobs


@cache
def _base(words: tuple[str, ...]) -> ComposedConfig:
    """Tests ask for few configs, and often; nothing in one is changed."""
    return composed(words)


def planned(configs: Sequence[RunConfig], randomness: Randomness = "error") -> StackPlan:
    """A stack that is ready to start."""
    return prepare_stack(configs, AllowList(configs[0].allow), randomness=randomness)


def stacked(configs: Sequence[RunConfig]) -> Kept:
    """Trains runs as one stack."""
    kept = Kept()
    train_stack(planned(configs), len(configs), kept, StopRequest())
    return kept


def fused(jobs: Sequence[Sequence[str]], *, randomness: Randomness = "error") -> Kept:
    """Trains jobs, told by their overrides, as one stack."""
    configs = [composed(words).config for words in jobs]
    kept = Kept()
    train_stack(planned(configs, randomness), len(jobs), kept, StopRequest())
    return kept


def singly(folder: Path, jobs: Sequence[Sequence[str]]) -> list[Alone]:
    """Trains the same jobs one by one, and reads them back from their directories."""
    return [_read(train(folder / str(number), *words)) for number, words in enumerate(jobs)]


def alone(config: RunConfig) -> Alone:
    """Trains one run by the loop of `training/run.py`, and writes nothing."""
    plan = prepare_run(config, AllowList(config.allow))
    return going_on(plan, TrainingState(best=plan.best))


def going_on(plan: Plan, state: TrainingState, good: Any = None) -> Alone:
    """Trains a plan from a state to its end; `good` is the best checkpoint so far."""
    recorder = InMemory(plan)
    status, error = "completed", None
    trainer = plan.config.trainer
    seed = stream_seed(plan.config.seed, "training")
    with process_settings(trainer, plan.engine.device, seed, plan.threads):
        recorder.good = good or recorder.snapshot(state)
        try:
            single._epochs(plan, state, recorder, Silent(), StopRequest())
        except Diverged as err:
            status, error = "diverged", str(err)
        if error or ("validation" in plan.parts and trainer.select == "best"):
            plan.model.load_state_dict(recorder.good["model"])
        metrics = {"train/loss": state.history[-1]["train/loss"]} if state.history else {}
        for part, prefix in (("validation", "val"), ("test", "test")):
            if part in plan.parts:
                measured = plan.engine.evaluate(plan.parts[part])
                metrics |= {f"{prefix}/{name}": value for name, value in measured.items()}
    weights = copied(plan.model.state_dict())
    return Alone(state.history, weights, state.best.epoch, metrics, status, error)


class InMemory(Recorder):
    """Keeps the best epoch, as a run's recorder does, and writes nothing."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.engine = {"engine": "single"}
        self.good = None

    def step_done(self, state: TrainingState) -> None:
        pass

    def epoch_done(self, state: TrainingState, row: HistoryRow, *, is_best: bool) -> None:
        if is_best:
            self.good = self.snapshot(state, into=self.good)


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
