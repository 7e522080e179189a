"""How many runs are stacked at a time, and whether that is faster."""

from collections.abc import Callable

import pytest
import torch
from support.stacked_runs import planned, variants
from training.fused.test_recording import Counted

from seedbed.components import AllowList
from seedbed.fused import sizing
from seedbed.fused.build_stack import build_stack
from seedbed.fused.engine import fused_training
from seedbed.fused.sizing import (
    StackSize,
    measured_width,
    most_runs,
    parts_for,
    seconds_each,
    width,
)
from seedbed.fused.stack_components import NARROWEST, StackComponents
from seedbed.fused.written_steps import WrittenSteps
from seedbed.training.interrupt import StopRequest
from seedbed.training.loop import train
from seedbed.training.recorder import NullRecorder


def stack(*words: str, runs: int = 2) -> StackComponents:
    return planned(variants(words, [{}] * runs))


def operations(step: Callable[[], object], _: torch.device) -> float:
    """Stands in for the clock: what a step costs on any machine, however busy."""
    step()  # what is loaded once
    with Counted() as counted:
        step()
    return float(counted.operations)


def test_sixty_four_runs_of_the_article_are_cheaper_together(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sizing, "_seconds", operations)
    width = measured_width(stack(runs=64), 64)
    assert width.runs == 64
    assert width.pays
    assert 0 < width.stacked * 16 < width.single


def test_a_step_is_measured_in_seconds() -> None:
    width = measured_width(stack(runs=4), 4)
    assert 0 < width.stacked < 60
    assert 0 < width.single < 60


@pytest.mark.parametrize(("stacked", "pays"), [(0.0012, False), (0.0008, True)])
def test_stack_pays_where_its_step_takes_less_for_each_run(stacked: float, pays: bool) -> None:
    assert StackSize(4, single=0.001, stacked=stacked).pays == pays


@pytest.mark.parametrize(("clearly", "close"), [(0.0, False), (1e9, True)])
def test_a_close_call_is_measured_as_the_step_will_be(
    clearly: float, close: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Writing a step out takes longer than trying it, and is spared where it changes nothing."""
    written: list[object] = []
    monkeypatch.setattr(
        WrittenSteps, "_as_fast", lambda _, name, function, given: written.append(given) or function
    )
    monkeypatch.setattr(sizing, "CLEARLY", clearly)
    measured_width(stack("trainer.epochs=200", "model.hidden=[64]", "loader.batch_size=4"), 2)
    assert bool(written) == close


def test_a_small_step_is_written_out_once_for_all_stacks_of_a_group(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """By the trial, for two runs again and again; what trains is computed to the same bits."""
    configs = variants((), [{"seed": seed} for seed in range(12)])
    tried = planned([configs[place % 2] for place in range(6)])
    assert tried.are_alike
    measured_width(tried, 6)
    weights = []
    for written in (None, tried.model):
        with monkeypatch.context() as patch:
            if written is not None:
                patch.setattr(WrittenSteps, "_as_fast", None)  # nothing is written out any more
            plan = build_stack(configs[6:], AllowList(), written=written)
            training = fused_training(plan, 6)
            train(training, NullRecorder(), StopRequest())
            weights.append(plan.weights)
    assert torch.equal(*weights)
    assert not torch.equal(weights[0][0], weights[0][1])


def test_runs_that_may_differ_in_more_than_numbers_are_not_alike() -> None:
    assert not planned(variants(("data.split.test=0.5",), [{"seed": 1}, {"seed": 2}])).are_alike


def test_a_stack_of_one_run_is_measured_too() -> None:
    assert measured_width(stack(runs=1), 1).runs == 1


def test_all_runs_that_fit_into_memory_are_taken() -> None:
    most = most_runs(stack())
    assert [width(most, runs, parts=1) for runs in (1, 2, 7, 500)] == [1, 2, 7, 500]


def test_more_runs_than_a_stack_holds_are_divided_evenly() -> None:
    assert sizing.MOST_RUNS == 2048
    assert width(most_runs(stack()), 5000, parts=1) == 1667


def test_memory_sets_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = stack()
    found = []
    for most in (0, 100_000, 10_000_000):
        monkeypatch.setattr(sizing, "MOST_BYTES", most)
        found.append(width(most_runs(plan), 1000, parts=1))
    assert found[0] == NARROWEST
    assert found[0] < found[1] < found[2] == 1000


@pytest.mark.parametrize(
    ("runs", "parts", "expected"),
    [(100, 2, 50), (5000, 2, 1250), (5, 2, 3), (3, 2, 3), (2, 2, 2), (2049, 1, 1025)],
    ids=str,
)
def test_stacks_are_shared_out_evenly_and_none_has_one_run(
    runs: int, parts: int, expected: int
) -> None:
    """The number of stacks is a multiple of what the cores take; of 5,000 that is four."""
    assert width(2048, runs, parts) == expected


@pytest.mark.parametrize(
    ("runs", "seconds", "at_once", "expected"),
    [
        (1000, 1.0, 2, 2),
        (1000, 1.0, 1, 1),
        (1000, 1.0, 64, 64),
        (6, 100.0, 64, 3),
        (4, 1e-3, 2, 1),
        (1, 100.0, 2, 1),
    ],
    ids=["two cores", "one core", "many cores", "few runs", "little work", "one run"],
)
def test_a_group_is_split_where_its_work_is_worth_processes(
    runs: int, seconds: float, at_once: int, expected: int
) -> None:
    assert parts_for(runs, seconds, at_once) == expected


def test_the_work_of_a_run_is_told_from_its_config_alone() -> None:
    few, many = seconds_each(stack(), 10), seconds_each(stack(), 1000)
    assert seconds_each(stack(), 10) == few < many
    assert seconds_each(stack("model.hidden=[500]"), 10) > few


@pytest.mark.parametrize(
    "words",
    [
        ["model.hidden=[200]"],
        ["loader.batch_size=4"],
        ["trainer.epochs=5000"],
    ],
    ids=" ".join,
)
def test_runs_that_take_more_are_fewer_at_a_time(
    words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sizing, "MOST_BYTES", 200_000)
    assert most_runs(stack(*words)) < most_runs(stack())
