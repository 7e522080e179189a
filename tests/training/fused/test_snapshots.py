"""Checkpoints of a stack's runs: as a single run has them, and to go on from, to the bit."""

import copy
import io
from collections.abc import Sequence
from functools import cache
from typing import Any

import pytest
import torch
from support.single_runs import same_weights
from support.stacked_runs import (
    Alone,
    Kept,
    Stopping,
    alone,
    assert_same_rows,
    assert_same_weights,
    going_on,
    planned,
    stacked,
    train_stack,
    trained,
    variants,
)
from torch import Tensor

from seedbed.components import AllowList
from seedbed.config.schema import RunConfig
from seedbed.fused.engine import fused_training
from seedbed.training.build_run import build_run
from seedbed.training.single import single_training

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


@cache
def jobs(kind: str, number: int = 4) -> list[RunConfig]:
    rates = [{"optimizer.lr": 0.005 * (1 + n)} for n in range(number)]
    return variants([*IRIS, *KINDS[kind]], rates)


def through_a_file(content: Any) -> Any:
    """As it comes back from the disk, opened as checkpoints are."""
    buffer = io.BytesIO()
    torch.save(content, buffer)
    return torch.load(io.BytesIO(buffer.getvalue()), weights_only=True)


def stopped(configs: Sequence[RunConfig], step: int) -> Stopping:
    recorder = Stopping(step, through_a_file)
    train_stack(planned(configs), len(configs), recorder, recorder.stop)
    return recorder


@cache
def _taken_of_four(kind: str, step: int) -> tuple[list[Any], list[Any]]:
    recorder = stopped(jobs(kind), step)
    assert set(recorder.status.values()) == {"interrupted"}
    return recorder.taken


def taken_of_four(kind: str, step: int) -> tuple[list[Any], list[Any]]:
    """The last and the best checkpoints of four jobs of a kind, stopped after a step; a copy."""
    return copy.deepcopy(_taken_of_four(kind, step))


@cache
def whole_stack(kind: str, number: int) -> Kept:
    """The jobs of a kind, trained to their end without a stop."""
    return stacked(jobs(kind, number))


@cache
def whole_run(kind: str, run: int) -> Alone:
    """A job of a kind, trained alone to its end without a stop."""
    return alone(jobs(kind)[run])


def single_checkpoints(config: RunConfig, step: int) -> tuple[Any, Any]:
    """The last and the best of a single run, taken after the same step."""
    recorder = Stopping(step, through_a_file)
    trained(single_training(build_run(config, AllowList([]))), recorder, recorder.stop)
    (last,), (best,) = recorder.taken
    return last, best


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
    last, best = taken_of_four(kind, step)
    for run, config in enumerate(jobs(kind)[:2]):
        pairs = zip(
            (last[run], best[run]),
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
def test_a_single_run_goes_on_from_them(kind: str, step: int) -> None:
    last, best = taken_of_four(kind, step)
    for run, config in enumerate(jobs(kind)[:3]):
        plan = build_run(config, AllowList([]))
        found, expected = going_on(plan, last[run], best[run]), whole_run(kind, run)
        assert found.best == expected.best
        assert_same_rows(found.history, expected.history, 1e-4, f"run {run}")
        assert_same_rows([found.metrics], [expected.metrics], 1e-4, f"run {run}")
        assert_same_weights(found.weights, expected.weights, 1e-4, f"run {run}")


@pytest.mark.parametrize("kind", KINDS)
def test_a_single_run_goes_on_from_the_best_epoch(kind: str) -> None:
    best = taken_of_four(kind, MIDDLE)[1][0]
    plan = build_run(jobs(kind)[0], AllowList([]))
    found, expected = going_on(plan, best, best), whole_run(kind, 0)
    assert_same_rows(found.history, expected.history, 1e-4, kind)
    assert_same_weights(found.weights, expected.weights, 1e-4, kind)


@pytest.mark.parametrize("real", [1, 4], ids=["one run", "four runs"])
@pytest.mark.parametrize("step", [2, MIDDLE, EDGE], ids=["first epoch", "middle", "edge"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_stack_goes_on_to_the_same_bits(kind: str, step: int, real: int) -> None:
    configs, again = jobs(kind, real), Kept()
    taken = taken_of_four(kind, step) if real == 4 else stopped(configs, step).taken
    train_stack(planned(configs), real, again, resumed=taken)
    whole = whole_stack(kind, real)
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
    words = ["optimizer=adam", "model.dropout=0.3", "sweep.allow_random=true"]
    configs = variants([*IRIS, *words], settings)
    whole, again, cut = Kept(), Kept(), Stopping(step, through_a_file)
    train_stack(planned(configs), 3, whole)
    train_stack(planned(configs), 3, cut, cut.stop)
    runs = [0, 1, 2] if step == 2 else [1, 2]
    left = planned([configs[run] for run in runs])
    train_stack(left, len(runs), again, resumed=cut.taken)
    for place, run in enumerate(runs):
        assert same_weights(again.weights[place], whole.weights[run])
        assert numbers(again.history[place]) == numbers(whole.history[run])


def test_runs_that_ended_before_the_checkpoint_are_not_missed() -> None:
    """Those that are left go on together, whatever the stack was before."""
    settings = [{"trainer.epochs": epochs, "optimizer.lr": 0.01} for epochs in (1, 6, 2, 5)]
    configs = variants([*IRIS, "optimizer=adam"], settings)
    recorder, again = stopped(configs, MIDDLE), Kept()
    left = [configs[1], configs[3]]
    assert [one["state"]["epoch"] for one in recorder.taken[0]] == [2, 2]
    train_stack(planned(left), 2, again, resumed=recorder.taken)
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
    with pytest.raises(ValueError, match="the scheduler is another"):
        train_stack(planned(other), 2, Kept(), resumed=recorder.taken)


@pytest.mark.parametrize("kind", KINDS)
def test_a_single_run_begins_from_a_stack_that_made_no_step(kind: str) -> None:
    (config, _) = configs = jobs(kind, 2)
    start = fused_training(planned(configs), 2).checkpoint(0, "last")
    plan = build_run(config, AllowList([]))
    found, expected = going_on(plan, through_a_file(start)), whole_run(kind, 0)
    assert same_weights(found.weights, expected.weights)


def _tensors(value: Any) -> list[Tensor]:
    if isinstance(value, Tensor):
        return [value]
    items = value.values() if isinstance(value, dict) else value
    return [t for one in items for t in _tensors(one)] if isinstance(value, dict | list) else []
