"""A run of a stack and the same run alone agree step by step, also where their paths part."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from support.stacked_runs import Kept, alone, planned, stacked, train_stack, variants

from seedbed.components import AllowList
from seedbed.fused.optimizers import SGD
from seedbed.fused.own_steps import MOST_SAMPLES, OwnSteps
from seedbed.training.build_run import build_run

CHAOTIC = [
    *("data=sklearn", "data.dataset=wine", "model.hidden=[32,32,32,32,32,32]", "optimizer=sgd"),
    *("model.activation=tanh", "optimizer.lr=1", "optimizer.momentum=0.9"),
    *("loader.batch_size=8", "trainer.epochs=12"),
]
IRIS = ["data=sklearn", "loader.batch_size=20", "trainer.epochs=4"]
KINDS = {
    "onecycle": [*IRIS, "optimizer=adamw", "scheduler=onecycle"],
    "step": [*IRIS, "optimizer=rmsprop", "scheduler=step", "scheduler.step_size=1"],
    "full batch": [*IRIS, "loader=full_batch", "optimizer=adam", "scheduler=cosine"],
    "batch norm": [*IRIS, "model.batch_norm=true", "trainer.gradient_clip=0.1"],
    "rounding alone": [*IRIS, "model.batch_norm=true", "optimizer=adamw", "trainer.epochs=8"],
    "early stop": [*IRIS, "optimizer.lr=0.5", "trainer.early_stopping.patience=1"],
    "sum of losses": ["loss._target_=torch.nn.SmoothL1Loss", "+loss.reduction=sum"],
    "bfloat16": [*IRIS, "optimizer=adam", "trainer.precision=bfloat16", "trainer.epochs=30"],
    "a rate of 0": [
        *IRIS,
        *("scheduler=cosine", "scheduler.T_max=2", "scheduler.warmup='3 steps'"),
        *("trainer.epochs=6", "loader.batch_size=60"),
    ],
    "one step": ["trainer.epochs=1", "loader=full_batch"],
}


def own_steps(words: list[str], run: int = 1) -> OwnSteps:
    configs = variants(words, [{}, {}, {}])
    plan = planned(configs)
    steps = plan.batches.batches * configs[run].trainer.epochs
    own = OwnSteps(Kept(), build_run(configs[run], AllowList()), run, steps)
    train_stack(plan, len(configs), own)
    return own


def test_where_training_is_chaotic_each_step_is_alike_and_the_end_is_not() -> None:
    configs = variants(CHAOTIC, [{}, {}, {}])
    there, here = stacked(configs).history[1][-1], alone(configs[1]).history[-1]
    assert abs(there["train/loss"] - here["train/loss"]) > 1e-2 * here["train/loss"]
    own = own_steps(CHAOTIC)
    assert own.differences == []
    assert own.compared >= MOST_SAMPLES


@pytest.mark.parametrize("words", KINDS.values(), ids=KINDS)
def test_steps_are_alike(words: list[str]) -> None:
    own = own_steps(words)
    assert own.differences == []
    assert own.compared >= 1


@pytest.mark.parametrize("words", [CHAOTIC, KINDS["one step"]], ids=["many", "one"])
def test_a_step_that_is_wrong_by_a_hundredth_is_found(
    words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    step = SGD.step

    def wrong(self: SGD, weights: Any, gradient: torch.Tensor, numbers: Any) -> None:
        step(self, weights, gradient * 1.01, numbers)

    monkeypatch.setattr(SGD, "step", wrong)
    assert own_steps([*words, "optimizer=sgd"]).differences


def test_reproduce_judges_a_chaotic_run_by_its_steps(seedbed: Callable[..., Any]) -> None:
    words = [*CHAOTIC, "seed=1,2,3", "sweep.fuse=always", "hydra.sweep.dir=sweep"]
    assert seedbed("train", "-m", *words).code == 0
    result = seedbed("reproduce", "sweep/1_seed=2")
    assert result.code == 0, result.out
    *_, alike, identical, verdict = result.out.splitlines()
    assert alike.startswith("alike: run on its own, ")
    assert alike.endswith(" steps from the same weights, each within rounding")
    assert identical == "identical: trained among the same runs, bit for bit"
    assert verdict == "identical"


def test_a_run_that_draws_is_compared_among_its_stack_alone(seedbed: Callable[..., Any]) -> None:
    words = ["model.dropout=0.2", "seed=1,2", "sweep.allow_random=true", "sweep.fuse=always"]
    assert seedbed("train", "-m", *words, "trainer.epochs=2", "hydra.sweep.dir=sweep").code == 0
    result = seedbed("reproduce", "sweep/0_seed=1")
    assert result.code == 0, result.out
    assert "note: not compared on its own" in result.out
