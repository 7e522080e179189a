"""Runs of a stack that diverge end as they would alone, and leave no trace in the others."""

from pathlib import Path
from typing import Any

import pytest
import torch
from support.single_runs import same_weights
from support.stacked_runs import Kept, alone, assert_alike, singly, stacked, variants

HEALTHY: list[dict[str, Any]] = [
    {"seed": seed, "optimizer.lr": 0.0002 * (1 + seed)} for seed in range(6)
]
SOON, LATER = {"seed": 6, "optimizer.lr": 1e6}, {"seed": 7, "optimizer.lr": 0.03}
"""One in the second epoch, one in the third."""

NO_FLOAT = {"optimizer.lr": 1e30, "optimizer.weight_decay": 1e30}
"""Whose first step leaves float32."""

WORDS = ["trainer.epochs=8", "model.activation=identity"]
"""Without an activation that could die before the weights explode."""


def assert_same_bits(kept: Kept, other: Kept, pairs: dict[int, int]) -> None:
    """Of runs by their numbers in both."""
    for one, two in pairs.items():
        assert same_weights(kept.weights[one], other.weights[two])
        assert same_weights(kept.best[one]["model"], other.best[two]["model"])
        rows = [
            [{**row, "seconds": 0} for row in stack.history[run]]
            for stack, run in ((kept, one), (other, two))
        ]
        assert rows[0] == rows[1]


@pytest.mark.parametrize(
    "words",
    [[], ["optimizer.momentum=0.5"], ["model=sequential"], ["scheduler=cosine"]],
    ids=lambda words: " ".join(words) or "plain",
)
def test_two_diverge_as_they_would_alone_and_the_others_do_not_notice(words: list[str]) -> None:
    jobs = [*HEALTHY[:2], SOON, *HEALTHY[2:4], LATER, *HEALTHY[4:]]
    configs = variants([*WORDS, *words], jobs)
    kept = stacked(configs)
    assert [kept.status[run] for run in (2, 5)] == ["diverged"] * 2
    assert [str(kept.errors[run]).partition(" (")[0] for run in (2, 5)] == [
        "train/loss is nan at step 3",
        "train/loss is inf at step 5",
    ]
    assert_alike(kept, [alone(config) for config in configs])
    without = stacked(variants([*WORDS, *words], HEALTHY))
    assert_same_bits(kept, without, {0: 0, 1: 1, 3: 2, 4: 3, 6: 4, 7: 5})


def test_the_directories_of_single_runs_say_the_same(tmp_path: Path) -> None:
    jobs = [[*WORDS, "seed=6", "optimizer.lr=1e6"], [*WORDS, "seed=7", "optimizer.lr=0.03"]]
    kept = stacked([config for words in jobs for config in variants(words, [{}], seeds=False)])
    assert_alike(kept, singly(tmp_path, jobs))


def test_weights_that_leave_float32_in_the_last_step_of_an_epoch() -> None:
    configs = variants(
        ["loader=full_batch", "trainer.epochs=3"],
        [{}, NO_FLOAT, {"optimizer.lr": 1e-4}],
    )
    kept = stacked(configs)
    assert kept.errors[1] == "a weight is infinite or NaN at step 1 (epoch 1, batch 1, lr 1e+30)"
    assert kept.history[1] == []
    assert_alike(kept, [alone(config) for config in configs])


def test_the_validation_rows_are_measured_with_the_last_good_weights() -> None:
    words = ["data=sklearn", "data.dataset=diabetes", "trainer.epochs=4", "loader.batch_size=32"]
    rates = [{"optimizer.lr": lr} for lr in (0.001, 1e8, 0.01)]
    configs = variants(words, rates)
    kept = stacked(configs)
    assert kept.status == {0: "completed", 1: "diverged", 2: "completed"}
    assert_alike(kept, [alone(config) for config in configs])


@pytest.mark.parametrize("batch_size", [1, 2, 4], ids=lambda size: f"batches of {size}")
def test_all_diverge(batch_size: int) -> None:
    rates = [{"optimizer.lr": 1e6}, NO_FLOAT, {"optimizer.lr": 1e8}, {"optimizer.lr": 1e6}]
    configs = variants([*WORDS, f"loader.batch_size={batch_size}"], rates)
    kept = stacked(configs)
    assert set(kept.status.values()) == {"diverged"}
    assert_alike(kept, [alone(config) for config in configs])


@pytest.mark.parametrize("job", [HEALTHY[3], SOON, LATER], ids=["healthy", "soon", "later"])
def test_one_run_alone_in_its_stack(job: dict[str, Any]) -> None:
    (config,) = variants(WORDS, [job])
    kept = stacked([config])
    assert list(kept.status) == [0]
    assert_alike(kept, [alone(config)])
    among = stacked(variants(WORDS, [*HEALTHY[:2], job, HEALTHY[5]]))
    assert_same_bits(kept, among, {0: 2})
    assert all(bool(one.isfinite().all()) for one in kept.weights[0].values())
    assert torch.is_tensor(next(iter(kept.weights[0].values())))
