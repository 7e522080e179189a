"""Several batches for an update: the update of their rows at once, in one run and in a stack."""

from pathlib import Path
from typing import Any

import pytest
import torch
from support.command_line import Command
from support.resumed_runs import assert_run_goes_on, assert_stack_goes_on
from support.stacked_runs import Alone, alone, stacked, variants

from seedbed.components import AllowList
from seedbed.config.schema import RunConfig
from seedbed.training.build_run import build_run
from seedbed.training.single import single_training

WINE = ["data=sklearn", "data.dataset=wine", "data.split={validation:0.2,test:0.0}"]
LEARNING = ["optimizer.lr=0.05", "optimizer.momentum=0.9", "trainer.epochs=3"]
EIGHT, THIRTY_TWO = {"loader.batch_size": 8, "trainer.accumulate": 4}, {"loader.batch_size": 32}
"""Of 142 rows: 18 batches of 8 and a last of 6, in four updates of 32 rows and one of 14."""

KINDS: dict[str, list[str]] = {
    "cross entropy": [],
    "classes weighed": ["loss=cross_entropy", "loss.class_weights={class_0:0.2,class_1:3}"],
    "rows of no weight": ["loss=cross_entropy", "loss.class_weights={class_0:1e-30,class_1:3}"],
    "focal, weighed": ["loss=focal", "loss.class_weights=auto"],
    "rows weighed": ["data.weight=alcohol"],
    "clipped": ["trainer.gradient_clip=0.05"],
    "schedule": ["scheduler=onecycle", "scheduler.max_lr=0.1"],
    "warm-up": ["scheduler=step", "scheduler.step_size=2", "scheduler.warmup='7 steps'"],
    "sums": ["loss._target_=torch.nn.NLLLoss", "+loss.reduction=sum", "optimizer.lr=0.0001"],
}


def of(words: list[str], *settings: dict[str, Any]) -> list[RunConfig]:
    return variants([*WINE, *LEARNING, *words], settings, seeds=False)


def assert_same(one: Alone | Any, other: Any, tolerance: float = 1e-6) -> None:
    """Weights, steps, losses and metrics are the same."""
    for name, tensor in one.weights.items():
        torch.testing.assert_close(tensor, other.weights[name], rtol=0, atol=tolerance)
    for row, wanted in zip(one.history, other.history, strict=True):
        assert {**row, "seconds": 0} == pytest.approx({**wanted, "seconds": 0}, abs=1e-5)


@pytest.mark.parametrize("words", KINDS.values(), ids=KINDS.keys())
def test_four_batches_of_eight_are_one_of_thirty_two(words: list[str]) -> None:
    eight, whole = of(words, EIGHT, THIRTY_TWO)
    kept, expected = stacked([eight, eight]), alone(whole)
    assert_same(alone(eight), expected)
    assert [row["step"] for row in expected.history] == [5, 10, 15]
    assert_same(Alone(kept.history[1], kept.weights[1], 0, {}, "", None), expected)


def test_rows_that_count_nothing_alone_in_a_batch_change_nothing() -> None:
    """A mean over no weight is not a number; the mean over all rows is one."""
    words = ["loss._target_=torch.nn.NLLLoss", "+loss.ignore_index=1", "optimizer.lr=0.001"]
    ones, whole = of(
        [*words, "trainer.epochs=1"],
        {"loader.batch_size": 1, "trainer.accumulate": 32},
        {"loader.batch_size": 32},
    )
    kept, expected = stacked([ones, ones]), alone(whole)
    assert expected.status == "completed"
    assert_same(alone(ones), expected)
    assert_same(Alone(kept.history[0], kept.weights[0], 0, {}, "", None), expected)


@pytest.mark.parametrize(
    ("words", "ends"),
    [
        (["data.weight=few"], "completed"),
        (["loss._target_=torch.nn.NLLLoss", "+loss.ignore_index=0"], "diverged"),
    ],
    ids=["rows weighed", "ignored"],
)
def test_an_update_of_rows_that_count_nothing_is_that_of_them_at_once(
    tmp_path: Path, words: list[str], ends: str
) -> None:
    """The first update is of two such rows: their mean is 0 by weight, and no number if ignored."""
    rows = ["x,few,name", *(f"{n},{n // 4},{'ab'[n // 4]}" for n in range(8))]
    (tmp_path / "rows.csv").write_text("\n".join(rows))
    data = [f"data.path={tmp_path / 'rows.csv'}", "data.target=name", "data.features=[x]"]
    words = [*words, "data=csv", *data, "data.split={validation:0.0,test:0.0}", "trainer.epochs=2"]
    few, whole = variants(
        [*words, "loader.shuffle=false"],
        [{"loader.batch_size": 1, "trainer.accumulate": 2}, {"loader.batch_size": 2}],
        seeds=False,
    )
    kept, expected = stacked([few, few]), alone(whole)
    assert expected.status == alone(few).status == kept.status[1] == ends
    if ends == "completed":
        assert_same(alone(few), expected)
        assert_same(Alone(kept.history[1], kept.weights[1], 0, {}, "", None), expected)


def test_drop_last_leaves_out_rows_of_a_batch_and_no_batch() -> None:
    """128 of 142 rows are in whole batches of 16: 8 of them, by threes."""
    (config,) = of([], {"loader.batch_size": 16, "loader.drop_last": True, "trainer.accumulate": 3})
    plan = build_run(config, AllowList())
    engine = single_training(plan).engine
    sizes = [[len(y) for y in ys] for _, ys in engine.batches(0, 0)]
    assert (len(plan.train), plan.updates) == (8, 3)
    assert sizes == [[16, 16, 16], [16, 16, 16], [16, 16]]
    assert [row["step"] for row in alone(config).history] == [3, 6, 9]


@pytest.mark.parametrize("together", [False, True], ids=["single", "stacked"])
@pytest.mark.parametrize("step", [7, 10], ids=["within an epoch", "at its end"])
def test_a_stopped_run_goes_on_to_the_same_bits(step: int, *, together: bool) -> None:
    batch_norm = {**EIGHT, "model.batch_norm": True, "scheduler.warmup": "8 steps"}
    (config,) = of([], batch_norm)
    if together:
        both = [config, config]
        assert_stack_goes_on(both, step)
    else:
        assert_run_goes_on(config, step)


def test_more_batches_than_an_epoch_has_are_refused(seedbed: Command) -> None:
    result = seedbed("validate", "trainer.accumulate=3")
    (error,) = result.errors
    assert (result.code, "type trainer.accumulate=2" in error) == (2, True)


def test_a_sweep_over_it_groups_the_jobs_that_share_it(seedbed: Command) -> None:
    words = [*WINE, "trainer.epochs=1", "loader.batch_size=8", "trainer.accumulate=1,4", "seed=0,1"]
    result = seedbed("train", "-m", *words, "sweep.fuse=always", "sweep.compile=always")
    assert result.code == 0, result.err
    assert "steps are not compiled: an update takes the gradients of several batches" in result.out
    run = next(one for one in result.sweep.iterdir() if "accumulate=4" in one.name)
    assert seedbed("reproduce", run).code == 0
