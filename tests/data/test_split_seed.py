"""`data.split.seed`: the same rows for every seed of the run, or other rows for the same."""

import json
from pathlib import Path

import pytest
import torch
from support.command_line import Command
from support.single_runs import prepared, train
from support.stacked_runs import assert_alike, fused, singly

from seedbed.compose.compose import composed
from seedbed.config.check import checked
from seedbed.errors import ConfigError
from seedbed.training.run_components import RunComponents

DIABETES = ["data=sklearn", "data.dataset=diabetes", "loader.batch_size=64", "trainer.epochs=2"]


def rows_of(plan: RunComponents) -> list[list[float]]:
    parts = (plan.data.train, plan.data.validation, plan.data.test)
    return [part.tensors[1].tolist() for part in parts]


def plan_of(*words: str) -> RunComponents:
    return prepared(*DIABETES, *words)[1]


def test_runs_of_other_seeds_have_the_same_rows_and_other_weights() -> None:
    first, second = (plan_of(f"seed={seed}", "data.split.seed=7") for seed in (0, 1))
    assert rows_of(first) == rows_of(second)
    one, other = (next(plan.model.parameters()) for plan in (first, second))
    assert not torch.equal(one, other)
    orders = [[y.tolist() for _, y in plan.train.epoch(0)] for plan in (first, second)]
    assert orders[0] != orders[1]


def test_the_rows_are_those_that_a_run_of_that_seed_has() -> None:
    assert rows_of(plan_of("data.split.seed=7")) == rows_of(plan_of("seed=7"))
    assert rows_of(plan_of("data.split.seed=0", "seed=7")) == rows_of(plan_of("seed=0"))


def test_null_is_the_run_s_seed() -> None:
    assert rows_of(plan_of("data.split.seed=null", "seed=3")) == rows_of(plan_of("seed=3"))
    assert rows_of(plan_of("seed=3")) != rows_of(plan_of("seed=4"))


@pytest.mark.parametrize(
    "settings",
    [
        [["seed=0", "data.split.seed=5"], ["seed=1", "data.split.seed=5"]],
        [["data.split.seed=0"], ["data.split.seed=1"]],
        [["seed=2", "data.split.seed=0"], ["seed=0"], ["seed=0", "data.split.seed=2"]],
    ],
    ids=["one split", "one run seed", "both"],
)
def test_a_stack_has_the_rows_of_the_single_runs(tmp_path: Path, settings: list[list[str]]) -> None:
    jobs = [[*DIABETES, *words] for words in settings]
    assert_alike(fused(jobs), singly(tmp_path, jobs))


def test_a_sweep_over_splits_trains_as_one_stack(seedbed: Command) -> None:
    words = [*DIABETES, "sweep.fuse=always", "data.split.seed=0,1,2"]
    result = seedbed("train", "-m", *words)
    assert result.code == 0, result.err
    results = [json.loads(path.read_text()) for path in result.sweep.glob("*/result.json")]
    assert [one["K"] for one in results] == [3, 3, 3]
    assert len({one["metrics"]["test/mse"] for one in results}) == 3


def test_a_config_from_before_the_key_means_the_run_s_seed(tmp_path: Path) -> None:
    run = train(tmp_path / "run", *DIABETES)
    plain = composed(DIABETES).resolved
    del plain["data"]["split"]["seed"]
    assert checked(plain).data.split == run.plan.config.data.split


@pytest.mark.parametrize("wrong", ["-1", "1.5", "word", "9223372036854775808", "[1]"])
def test_what_is_no_seed_is_refused(wrong: str) -> None:
    with pytest.raises(ConfigError, match=r"data\.split\.seed must be a whole number"):
        composed([*DIABETES, f"data.split.seed={wrong}"])
