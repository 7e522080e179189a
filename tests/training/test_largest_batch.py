"""`loader.batch_size=largest`: found by steps, written as a number, and never by filling memory."""

import resource
import weakref
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from numpy.typing import NDArray
from support.command_line import Command
from support.composing import composed_quickly
from support.single_runs import prepared, train
from torch import nn

from seedbed.components import AllowList
from seedbed.config.schema import RunConfig
from seedbed.data.prepared import PreparedData
from seedbed.errors import ConfigError
from seedbed.process.tensor_bytes import TensorBytes
from seedbed.training import largest_batch
from seedbed.training.build_run import build_run
from seedbed.training.fitting_sizes import largest_that_fits, largest_within, sizes_up_to
from seedbed.training.largest_batch import build_with_largest, bytes_in_step
from seedbed.training.run_components import RunComponents
from seedbed.training.single import SingleEngine

DIGITS = ["data=sklearn", "data.dataset=digits", "trainer.epochs=1", "model.hidden=[64]"]
LARGEST = "loader.batch_size=largest"


def give(monkeypatch: pytest.MonkeyPatch, free: float) -> None:
    monkeypatch.setattr(largest_batch, "free_memory_bytes", lambda: free)


def batch_size(run: Path) -> int:
    found: int = yaml.safe_load((run / "config.yaml").read_text())["loader"]["batch_size"]
    return found


def test_all_rows_are_one_batch_where_there_is_memory_for_them(
    seedbed: Command, tmp_path: Path
) -> None:
    done = seedbed("train", *DIGITS, LARGEST, "hydra.run.dir=r")
    assert done.code == 0, done.err
    assert "note: loader.batch_size=largest: 1259 rows; a step takes " in done.out
    assert batch_size(tmp_path / "r") == 1259
    assert "loader.batch_size=largest: 1259" in (tmp_path / "r" / "run.log").read_text()


def test_the_number_found_is_that_of_a_run_which_goes_on_or_is_made_again(
    seedbed: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the bits of a run that was told the number, whatever memory is free by then."""
    give(monkeypatch, 8e5)
    words = [*DIGITS, "optimizer=adam", "trainer.accumulate=2"]
    done = seedbed("train", *words, LARGEST, "hydra.run.dir=r")
    assert done.code == 0, done.err
    number = batch_size(tmp_path / "r")
    assert 64 <= number <= 1259 // 2
    assert number in sizes_up_to(number)
    give(monkeypatch, 4e9)
    told = train(tmp_path / "s", *words, f"loader.batch_size={number}")
    weights = torch.load(tmp_path / "r" / "model.pth", weights_only=True)
    assert all(torch.equal(one, told.weights[name]) for name, one in weights.items())
    assert seedbed("reproduce", "r").out.endswith("identical\n")
    assert seedbed("resume", "r", "trainer.epochs=2").code == 0
    assert batch_size(tmp_path / "r") == number


def test_validate_says_what_a_run_would_take(
    seedbed: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    give(monkeypatch, 8e5)
    done = seedbed("validate", *DIGITS, LARGEST)
    assert done.code == 0
    assert "note: loader.batch_size=largest: " in done.out
    assert "1 batch an epoch" not in done.out


def test_the_model_that_was_tried_is_gone_before_that_of_the_run_is_built() -> None:
    """A device that holds one of them need not hold two."""
    tried: list[weakref.ref[nn.Module]] = []

    def build(config: RunConfig, data: PreparedData | None) -> RunComponents:
        assert not any(one() for one in tried)
        plan = build_run(config, AllowList(), data)
        tried.append(weakref.ref(plan.model))
        return plan

    build_with_largest(composed_quickly([*DIGITS, LARGEST]).config, build)
    assert len(tried) == 2


def test_a_number_leaves_no_batch_of_one_row(
    seedbed: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """1259 rows in batches of 629 leave one, which batch normalisation cannot train on."""
    _, plan = prepared(*DIGITS)
    assert largest_batch._whole(629, plan) == 628


def test_a_step_takes_what_was_told_of_smaller_ones() -> None:
    """Told of 2 and 4 rows, where the weights take the most; counted of 1,000; and measured."""
    _, plan = prepared(*DIGITS, "model.hidden=[1024,1024]", "trainer.threads=1", "optimizer=adam")
    engine = SingleEngine(plan)
    with engine.settings():
        bytes_in_step(engine, 2)
        few = {rows: bytes_in_step(engine, rows) for rows in (2, 4)}
        most = bytes_in_step(engine, 1000)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        all_rows = bytes_in_step(engine, 1259).max()
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 - before
    assert (few[2] + (few[4] - few[2]) / 2 * 998).max() == pytest.approx(most.max(), rel=0.01)
    assert most.max() > 1000 * 4 * (64 + 2 * 1024)  # rows and what the layers gave
    assert grown < 2 * (all_rows - most.max()) + 5e7


def test_tensors_are_counted_while_they_live() -> None:
    layer, x = nn.Linear(100, 50, bias=False), torch.ones(10, 100)
    with TensorBytes() as held:
        loss = layer(x).exp().sum()  # (10, 50), which the gradient needs, and one number
        assert held.now == 10 * 50 * 4 + 4
        assert held.peak == 2 * 10 * 50 * 4
        loss.backward()
        del loss
    assert held.now == 50 * 100 * 4
    assert held.peak > 50 * 100 * 4


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 100, 1023, 1024, 99_999, 10**9])
def test_a_device_that_refuses_is_asked_a_few_times(limit: int) -> None:
    """The way of a GPU, which says when its memory is full: never twice what fits and more."""
    asked: list[int] = []

    def fits(rows: int) -> bool:
        asked.append(rows)
        return rows <= limit

    sizes = sizes_up_to(50_000)
    found = largest_that_fits(fits, sizes)
    assert found == max(one for one in sizes if one <= limit)
    assert len(asked) < 25
    assert max(asked) <= 2 * limit + 1


def test_a_step_that_memory_is_too_small_for_is_told_from_one_that_fails() -> None:
    _, plan = prepared()
    engine = SingleEngine(plan)

    def step(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        if len(x) > 3:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate")
        if len(x) == 3:
            raise RuntimeError("of another kind")
        return torch.zeros(1)

    engine.step = step  # type: ignore[method-assign]
    assert [largest_batch._fits(engine, rows) for rows in (1, 2, 4)] == [True, True, False]
    with pytest.raises(RuntimeError, match="of another kind"):
        largest_batch._fits(engine, 3)


def test_memory_is_never_filled_to_find_out() -> None:
    """Of few rows most is taken where the weights move, of many where the gradients begin."""
    tried: list[float] = []

    def step(rows: int) -> NDArray[np.float64]:
        tried.append(max(1000.0 * rows, 1e6 + rows))
        return np.array([1000.0 * rows, 1e6 + rows])

    number, each = largest_within(step, 10**9, 1e9)
    assert each == 1000
    assert 0.8 * 1e6 <= number <= 1e6
    assert max(tried) <= 1e9 / 16


def test_rows_that_look_at_one_another_take_more_the_more_they_are() -> None:
    """Four times for twice as many: what a straight line tells would not fit."""
    tried: list[float] = []

    def step(rows: int) -> NDArray[np.float64]:
        tried.append(100.0 * rows * rows)
        return np.array(tried[-1:])

    number, _ = largest_within(step, 10**6, 1e9)
    assert max(tried) <= 1e9
    assert 1000 <= number <= (1e9 / 100) ** 0.5


def test_a_step_of_other_operations_for_other_rows_is_doubled() -> None:
    number, _ = largest_within(lambda rows: np.full(rows, 100.0 * rows), 10**4, 1e5)
    assert 250 <= number <= 1000


def test_a_row_that_does_not_fit_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"a row takes 1 GB in a step, and 500 MB may be taken"):
        largest_within(lambda rows: np.array([1e9 * rows]), 10, 5e8)
    with pytest.raises(ConfigError, match="not even a batch of one row"):
        largest_that_fits(lambda rows: False, [1, 2, 3])


REFUSED = {
    "ranks": (["trainer.strategy=ddp", "trainer.devices=2"], "shares a batch among ranks"),
    "a sweep": (["-m", "seed=1,2"], "loader.batch_size=largest is for one run"),
}


@pytest.mark.parametrize(("words", "told"), list(REFUSED.values()), ids=REFUSED)
def test_where_there_is_no_such_number_it_is_refused(
    seedbed: Command, words: list[str], told: str
) -> None:
    done = seedbed("validate", *DIGITS, LARGEST, *words)
    assert done.code == 2
    (error,) = done.errors
    assert told in error


def test_a_system_that_does_not_tell_is_told(
    seedbed: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    give(monkeypatch, float("inf"))
    assert "this system does not tell its free memory" in seedbed("train", LARGEST).err
    assert composed_quickly([LARGEST]).config.loader.batch_size == "largest"
