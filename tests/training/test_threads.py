"""How many threads a run has: told from its work, recorded, and no matter for small ones."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from support.single_runs import prepared, same_weights, train
from support.stacked_runs import planned, stacked, variants
from torch import nn

from seedbed.training.threads import OWN_STEP, counting

DIGITS = ["data=sklearn", "data.dataset=digits", "loader.batch_size=64", "trainer.epochs=1"]


@pytest.fixture
def two_threads() -> Iterator[None]:
    """Torch's choice on a machine of two cores."""
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


LAYERS = {
    "linear": (nn.Linear(20, 30), (7, 20), 7 * 20 * 30),
    "convolution": (nn.Conv2d(3, 8, 3), (5, 3, 10, 10), 5 * 8 * 8 * 8 * 3 * 9),
    "recurrent": (nn.GRU(4, 6, batch_first=True), (2, 9, 4), 2 * 9 * 3 * 6 * (4 + 6)),
    "two": (nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2)), (3, 4), 3 * (32 + 16)),
}


@pytest.mark.parametrize(("layer", "shape", "expected"), LAYERS.values(), ids=LAYERS)
def test_work_is_counted(layer: nn.Module, shape: tuple[int, ...], expected: int) -> None:
    with counting(layer) as count:
        layer(torch.zeros(shape))
    assert count() == expected
    assert not any(module._forward_hooks for module in layer.modules())


@pytest.mark.parametrize(
    ("hidden", "threads"), [([32], 1), ([256, 256], 1), ([1024, 1024], 2)], ids=str
)
def test_work_decides(two_threads: None, hidden: list[int], threads: int) -> None:
    _, plan = prepared(*DIGITS, f"model.hidden={hidden}")
    assert plan.threads == threads
    assert (plan.multiplications >= OWN_STEP) == (threads == 2)


def test_the_user_decides_first(two_threads: None) -> None:
    _, plan = prepared(*DIGITS, "trainer.threads=2")
    assert plan.threads == 2


@pytest.mark.parametrize(
    ("words", "threads"),
    [([], 1), ([*DIGITS, "model.hidden=[1024,1024]"], 1), (["trainer.threads=2"], 2)],
    ids=["small", "large", "as the user says"],
)
def test_a_stack_has_one_thread_unless_told_otherwise(
    two_threads: None, words: list[str], threads: int
) -> None:
    plans = [planned(variants(words, [{}] * runs)) for runs in (1, 2, 3)]
    assert [plan.threads for plan in plans] == [threads] * 3


def test_a_small_run_has_its_bits_with_any_number_of_threads(tmp_path: Path) -> None:
    """The digits', whose sums over a batch would be split among threads."""
    before, runs = torch.get_num_threads(), []
    for threads in (1, 2):
        torch.set_num_threads(threads)
        runs.append(train(tmp_path / str(threads), *DIGITS, "model.batch_norm=true"))
        assert torch.get_num_threads() == threads
    torch.set_num_threads(before)
    assert runs[0].history == runs[1].history
    assert same_weights(runs[0].weights, runs[1].weights)
    for run in runs:
        assert json.loads(run.directory.environment.read_text())["threads"] == 1


def test_a_stack_records_its_threads(two_threads: None, seedbed: Callable[..., Any]) -> None:
    result = seedbed("train", "-m", "seed=1,2", "sweep.fuse=always", "trainer.epochs=1")
    for path in result.sweep.glob("*/environment.json"):
        assert json.loads(path.read_text())["threads"] == 1


def test_reproduce_names_the_setting_that_differs(
    seedbed: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OMP_DYNAMIC", raising=False)
    run = seedbed("train", "trainer.epochs=1").run
    told = json.loads((run / "environment.json").read_text())["arithmetic"]
    assert told["deterministic"] is True
    assert told["instructions"] == torch.backends.cpu.get_cpu_capability()
    monkeypatch.setenv("OMP_DYNAMIC", "true")
    result = seedbed("reproduce", str(run))
    assert "environment: arithmetic.variables.OMP_DYNAMIC was None, is true" in result.out
    assert result.code == 0


def test_the_same_environment_is_not_named(seedbed: Callable[..., Any]) -> None:
    run = seedbed("train", "trainer.epochs=1").run
    assert "arithmetic" not in seedbed("reproduce", str(run)).out


def test_bits_of_a_stack_stay_when_runs_leave(two_threads: None) -> None:
    """As the number of threads stays."""
    words = [*DIGITS, "model.hidden=[32]", "optimizer=adam", "trainer.threads=2"]
    many, two = (stacked(variants(words, [{}] * runs)) for runs in (7, 2))
    for number in range(2):
        assert same_weights(many.weights[number], two.weights[number])
