"""What a user's code draws and counts in the process is each run's own."""

import math
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from support.stacked_runs import write_module

OWN = """
import random
import numpy as np
import torch
from torch import nn


class Dice(nn.Module):
    def __init__(self, in_features, out_features):
        super().__init__()
        self.layer = nn.Linear(in_features, out_features)

    def forward(self, x):
        moved = random.gauss(0, 0.1) + np.random.normal(0, 0.1) if self.training else 0
        return self.layer(x + moved)


class Counting(nn.Module):
    calls = 0

    def forward(self, output, y):
        Counting.calls += 1
        return nn.functional.mse_loss(output, y) * (1 + 0.01 * Counting.calls)
"""
DICE = ["model._target_=own_of_process.Dice", "allow=[own_of_process]"]
COUNTING = ["loss._target_=own_of_process.Counting", "allow=[own_of_process]", "trainer.epochs=2"]


@pytest.fixture(autouse=True)
def own(seedbed: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_module(tmp_path, "own_of_process", OWN, monkeypatch)
    monkeypatch.setenv("SEEDBED_ALLOW", "own_of_process")


def weights_of(run: Path) -> dict[str, Any]:
    found: dict[str, Any] = torch.load(run / "model.pth", weights_only=True)
    return found


def same(one: Path, other: Path) -> bool:
    first, second = weights_of(one), weights_of(other)
    return all(torch.equal(first[name], second[name]) for name in first)


def test_what_a_model_draws_from_python_and_numpy_comes_from_the_seed(seedbed: Callable) -> None:
    seedbed("train", *DICE, "trainer.epochs=3", "hydra.run.dir=one")
    before = random.getstate(), np.random.get_state()[1].tolist()
    seedbed("train", *DICE, "trainer.epochs=3", "hydra.run.dir=again")
    assert same(Path("one"), Path("again"))
    assert (random.getstate(), np.random.get_state()[1].tolist()) == before
    seedbed("train", *DICE, "trainer.epochs=3", "seed=1", "hydra.run.dir=other")
    assert not same(Path("one"), Path("other"))
    assert seedbed("reproduce", "one").out.splitlines()[-1] == "identical"


def test_so_it_does_where_the_environment_alone_allows_the_class(seedbed: Callable) -> None:
    words = [DICE[0], "trainer.epochs=3"]
    seedbed("train", *words, "hydra.run.dir=one")
    assert seedbed("reproduce", "one").out.splitlines()[-1] == "identical"
    seedbed("train", *words, "trainer.epochs=2", "hydra.run.dir=cut")
    assert seedbed("resume", "cut", "trainer.epochs=3").code == 0
    assert same(Path("cut"), Path("one"))


@pytest.mark.parametrize(
    "state",
    [torch.zeros(3), torch.full((626,), math.nan).double(), torch.full((626,), -1.0).double()],
    ids=["short", "nan", "negative"],
)
def test_a_state_that_is_none_is_damage(seedbed: Callable, state: torch.Tensor) -> None:
    seedbed("train", *DICE, "trainer.epochs=2", "hydra.run.dir=run")
    last = Path("run/checkpoints/last.pt")
    content = torch.load(last, weights_only=True)
    content["random"]["python"] = state
    torch.save(content, last)
    before = Path("run/status.json").read_text(), Path("run/history.csv").read_text()
    result = seedbed("resume", "run", "trainer.epochs=5")
    assert (result.code, len(result.errors)) == (2, 1)
    assert "last.pt' is damaged" in result.errors[0]
    assert (Path("run/status.json").read_text(), Path("run/history.csv").read_text()) == before


def test_a_resumed_run_goes_on_with_what_python_and_numpy_draw_next(seedbed: Callable) -> None:
    seedbed("train", *DICE, "trainer.epochs=2", "hydra.run.dir=cut")
    assert seedbed("resume", "cut", "trainer.epochs=5").code == 0
    seedbed("train", *DICE, "trainer.epochs=5", "hydra.run.dir=whole")
    assert same(Path("cut"), Path("whole"))


@pytest.mark.parametrize("fuse", ["auto", "never"])
def test_a_count_in_a_class_reaches_no_other_job(seedbed: Callable, fuse: str) -> None:
    words = [*COUNTING, "seed=1,2,3", f"sweep.fuse={fuse}", "hydra.sweep.dir=sweep"]
    assert seedbed("train", "-m", *words).code == 0
    for number, seed in enumerate((1, 2, 3)):
        seedbed("train", *COUNTING, f"seed={seed}", f"hydra.run.dir=alone{seed}")
        assert same(Path(f"alone{seed}"), Path("sweep") / f"{number}_seed={seed}")
