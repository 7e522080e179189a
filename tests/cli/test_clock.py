"""A clock that stands, or goes backwards, tells wrong times and changes nothing else."""

import itertools
import time
from collections.abc import Callable
from pathlib import Path

import pytest

CLOCKS = {
    "stands at 1970": lambda: itertools.repeat(0.0),
    "goes backwards": lambda: itertools.count(1.7e9, -3600.0),
}


@pytest.mark.parametrize("clock", CLOCKS.values(), ids=CLOCKS)
def test_commands_end_whatever_the_clock_tells(
    seedbed: Callable, monkeypatch: pytest.MonkeyPatch, clock: Callable
) -> None:
    told = clock()
    monkeypatch.setattr(time, "time", lambda: next(told))
    assert seedbed("train", "trainer.epochs=2").code == 0
    sweep = ("train", "-m", "seed=1,2", "sweep.fuse=always", "trainer.epochs=2")
    assert seedbed(*sweep, "hydra.sweep.dir=sweep").code == 0
    done = seedbed("reproduce", "sweep/0_seed=1")
    assert (done.code, done.out.splitlines()[-1]) == (0, "identical"), done.err
    assert len(list(Path().rglob("events.out.tfevents.*"))) == 3
