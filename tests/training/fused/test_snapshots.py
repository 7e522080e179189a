"""Checkpoints of a stack's runs: as a single run has them, and to go on from, to the bit."""

import io
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from support.single_runs import same_weights
from support.stacked_runs import (
    InMemory,
    Kept,
    alone,
    assert_same_rows,
    assert_same_weights,
    going_on,
    planned,
    stacked,
    variants,
)
from torch import Tensor

from seedbed.components import AllowList
from seedbed.config.schema import RunConfig
from seedbed.fused.snapshots import best_snapshot, last_snapshot
from seedbed.fused.stack import Stack
from seedbed.fused.train import train_stack
from seedbed.runs.layout import RunPaths
from seedbed.training import run as single
from seedbed.training.interrupt import StopRequest
from seedbed.training.plan import prepare_run
from seedbed.training.reporter import Silent
from seedbed.training.resume import restored
from seedbed.training.state import Interrupted, TrainingState

IRIS = ["data=sklearn", "loader.batch_size=20", "trainer.epochs=6"]  # 6 batches an epoch
MIDDLE, EDGE = 15, 18  # of the third epoch; its last step

KINDS = {
    "sgd": [],
    "momentum": ["optimizer.momentum=0.8"],
    "adam onecycle": ["optimizer=adam", "scheduler=onecycle"],
    "plateau": ["optimizer=rmsprop", "scheduler=plateau", "scheduler.patience=1"],
    "adagrad": ["optimizer=adagrad"],
    "amsgrad cosine": ["optimizer=adamw", "optimizer.amsgrad=true", "scheduler=cosine"],
    "batch_norm": ["optimizer.momentum=0.5", "model.batch_norm=true"],
}


def jobs(kind: str, number: int = 4) -> list[RunConfig]:
    rates = [{"optimizer.lr": 0.005 * (1 + n)} for n in range(number)]
    return variants([*IRIS, *KINDS[kind]], rates)


def through_a_file(content: Any) -> Any:
    """As it comes back from the disk, opened as checkpoints are."""
    buffer = io.BytesIO()
    torch.save(content, buffer)
    return torch.load(io.BytesIO(buffer.getvalue()), weights_only=True)


class Stopping(Kept):
    """Takes the checkpoints after a step, as `checkpoint_every` does, and stops there."""

    def __init__(self, step: int) -> None:
        super().__init__()
        self.at, self.stop = step, StopRequest()
        self.last: list[Any] = []
        self.so_far: list[Any] = []

    def progress(self, stack: Stack) -> None:
        if stack.step == self.at:
            standings = stack.plan.schedules.standings()
            places = range(stack.real)
            self.last = [through_a_file(last_snapshot(stack, p, standings[p])) for p in places]
            self.so_far = [through_a_file(best_snapshot(stack, p)) for p in places]
            self.stop.wish(signal.SIGINT)


def stopped(configs: Sequence[RunConfig], step: int) -> Stopping:
    recorder = Stopping(step)
    train_stack(planned(configs), len(configs), recorder, recorder.stop)
    return recorder


def single_checkpoints(config: RunConfig, step: int) -> tuple[Any, Any]:
    """The last and the best of a single run, taken after the same step."""
    taken: list[Any] = []

    class Taking(InMemory):
        def step_done(self, state: TrainingState) -> None:
            if state.step == step:
                taken.extend((self.snapshot(state), self.good))
                raise Interrupted("enough")

    plan = prepare_run(config, AllowList([]))
    state = TrainingState(best=plan.best)
    recorder = Taking(plan)
    torch.manual_seed(0)
    recorder.good = recorder.snapshot(state)
    with pytest.raises(Interrupted):
        single._epochs(plan, state, recorder, Silent(), StopRequest())
    return through_a_file(taken[0]), through_a_file(taken[1])


def shape(value: Any) -> Any:
    """Keys and types, all the way down."""
    if isinstance(value, Tensor):
        return (value.dtype, tuple(value.shape))
    if isinstance(value, dict):
        return (type(value), [(key, shape(item)) for key, item in value.items()])
    if isinstance(value, list | tuple):
        return (type(value), [shape(item) for item in value])
    return type(value)


def numbers(value: Any) -> Any:
    """What two checkpoints of one moment have in common, to be compared in numbers."""
    left_out = ("engine", "random", "seconds")
    if isinstance(value, dict):
        return {key: numbers(one) for key, one in value.items() if key not in left_out}
    if isinstance(value, list | tuple):
        return [numbers(one) for one in value]
    return value if isinstance(value, Tensor | float | int) else 0


@pytest.mark.parametrize("step", [1, MIDDLE, EDGE], ids=["first", "middle", "edge"])
@pytest.mark.parametrize("kind", KINDS)
def test_they_are_made_like_a_single_run_s(kind: str, step: int) -> None:
    configs = jobs(kind, 2)
    recorder = stopped(configs, step)
    for run, config in enumerate(configs):
        pairs = zip(
            (recorder.last[run], recorder.so_far[run]),
            single_checkpoints(config, step),
            strict=True,
        )
        for found, expected in pairs:
            assert found["engine"] == "fused"
            told = {key: found[key] for key in expected}
            assert set(found) == set(expected)
            assert shape(told) == shape(expected)
            torch.testing.assert_close(
                numbers(told), numbers(expected), rtol=1e-4, atol=1e-5, equal_nan=True
            )


@pytest.mark.parametrize("step", [2, MIDDLE, EDGE], ids=["first epoch", "middle", "edge"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_single_run_goes_on_from_them(kind: str, step: int, tmp_path: Path) -> None:
    configs = jobs(kind, 3)
    recorder = stopped(configs, step)
    for run, config in enumerate(configs):
        plan = prepare_run(config, AllowList([]))
        state = restored(plan, recorder.last[run], RunPaths(tmp_path))
        found, expected = going_on(plan, state, recorder.so_far[run]), alone(config)
        assert found.best == expected.best
        assert_same_rows(found.history, expected.history, 1e-4, f"run {run}")
        assert_same_rows([found.metrics], [expected.metrics], 1e-4, f"run {run}")
        assert_same_weights(found.weights, expected.weights, 1e-4, f"run {run}")


@pytest.mark.parametrize("kind", KINDS)
def test_a_single_run_goes_on_from_the_best_epoch(kind: str, tmp_path: Path) -> None:
    (config, _) = configs = jobs(kind, 2)
    best = stopped(configs, MIDDLE).so_far[0]
    plan = prepare_run(config, AllowList([]))
    state = restored(plan, best, RunPaths(tmp_path))
    found, expected = going_on(plan, state, best), alone(config)
    assert_same_rows(found.history, expected.history, 1e-4, kind)
    assert_same_weights(found.weights, expected.weights, 1e-4, kind)


@pytest.mark.parametrize("real", [1, 4], ids=["one run", "four runs"])
@pytest.mark.parametrize("step", [2, MIDDLE, EDGE], ids=["first epoch", "middle", "edge"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_stack_goes_on_to_the_same_bits(kind: str, step: int, real: int) -> None:
    configs = jobs(kind, real)
    recorder, again = stopped(configs, step), Kept()
    resumed = (recorder.last, recorder.so_far)
    train_stack(planned(configs), real, again, StopRequest(), resumed)
    whole = stacked(configs)
    for run in range(real):
        assert same_weights(again.weights[run], whole.weights[run])
        assert same_weights(again.best[run]["model"], whole.best[run]["model"])
        assert shape(again.best[run]) == shape(whole.best[run])
        assert numbers(again.history[run]) == numbers(whole.history[run])
        assert again.metrics[run] == whole.metrics[run]
        for one, other in zip(*map(_tensors, (again.best[run], whole.best[run])), strict=True):
            assert torch.equal(one, other)


@pytest.mark.parametrize("step", [2, MIDDLE, EDGE], ids=["first epoch", "middle", "edge"])
def test_a_stack_that_draws_at_random_goes_on_to_the_same_bits(step: int) -> None:
    settings = [{"trainer.epochs": epochs, "optimizer.lr": 0.01} for epochs in (1, 6, 5)]
    configs = variants([*IRIS, "optimizer=adam", "model.dropout=0.3"], settings)
    whole, again, cut = Kept(), Kept(), Stopping(step)
    train_stack(planned(configs, "different"), 3, whole, StopRequest())
    train_stack(planned(configs, "different"), 3, cut, cut.stop)
    runs = [0, 1, 2] if step == 2 else [1, 2]
    left = planned([configs[run] for run in runs], "different")
    train_stack(left, len(runs), again, StopRequest(), (cut.last, cut.so_far))
    for place, run in enumerate(runs):
        assert same_weights(again.weights[place], whole.weights[run])
        assert numbers(again.history[place]) == numbers(whole.history[run])


def test_runs_that_ended_before_the_checkpoint_are_not_missed() -> None:
    """Those that are left go on together, whatever the stack was before."""
    settings = [{"trainer.epochs": epochs, "optimizer.lr": 0.01} for epochs in (1, 6, 2, 5)]
    configs = variants([*IRIS, "optimizer=adam"], settings)
    recorder, again = stopped(configs, MIDDLE), Kept()
    left = [configs[1], configs[3]]
    assert [one["state"]["epoch"] for one in recorder.last] == [2, 2]
    train_stack(planned(left), 2, again, StopRequest(), (recorder.last, recorder.so_far))
    whole = stacked(configs)
    for place, run in enumerate((1, 3)):
        assert same_weights(again.weights[place], whole.weights[run])
        assert numbers(again.history[place]) == numbers(whole.history[run])


def test_a_run_that_is_stopped_says_where() -> None:
    recorder = stopped(jobs("momentum", 2), MIDDLE)
    assert recorder.status == {0: "interrupted", 1: "interrupted"}
    assert recorder.errors[0] == f"stopped in epoch 3 after step {MIDDLE}"


def test_checkpoints_of_another_scheduler_are_refused() -> None:
    recorder = stopped(jobs("plateau", 2), MIDDLE)
    other = variants([*IRIS, "optimizer=rmsprop", "scheduler=step"], [{}, {}])
    plan, resumed = planned(other), (recorder.last, recorder.so_far)
    with pytest.raises(ValueError, match="the scheduler is another"):
        train_stack(plan, 2, Kept(), StopRequest(), resumed)


@pytest.mark.parametrize("kind", KINDS)
def test_a_single_run_begins_from_a_stack_that_made_no_step(kind: str, tmp_path: Path) -> None:
    (config, _) = configs = jobs(kind, 2)
    stack = Stack(planned(configs), 2)
    start = last_snapshot(stack, 0, stack.plan.schedules.standings()[0])
    plan = prepare_run(config, AllowList([]))
    state = restored(plan, through_a_file(start), RunPaths(tmp_path))
    found, expected = going_on(plan, state), alone(config)
    assert same_weights(found.weights, expected.weights)


def _tensors(value: Any) -> list[Tensor]:
    if isinstance(value, Tensor):
        return [value]
    items = value.values() if isinstance(value, dict) else value
    return [t for one in items for t in _tensors(one)] if isinstance(value, dict | list) else []
