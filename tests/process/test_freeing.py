"""Memory of stacks and jobs that only the collector frees."""

import contextlib
import gc
import sys
import weakref
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from support import processes

from seedbed.process import freeing
from seedbed.process.freeing import freed
from seedbed.process.memory import resident_bytes

PROGRAM = """
import gc, sys, torch, seedbed
gc.disable()
shapes = ",".join(f"[{size},{size}]" for size in range(1000, 1000 + int(sys.argv[2])))
sweep = seedbed.sweep(f"model.hidden={shapes}", sys.argv[1], "trainer.epochs=1", "optimizer=adam",
                      "sweep.workers=0", "sweep.plot=false")
assert all(run.status == "completed" for run in sweep)
print(sum(one.nbytes for one in gc.get_objects() if isinstance(one, torch.Tensor)))
"""


class Holding:
    """Holds itself, and some memory."""

    def __init__(self, size: int) -> None:
        self.itself = self
        self.memory = np.ones(size, np.uint8)


@pytest.fixture
def collector_off(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nothing is collected but what is asked for, and the process has not grown."""
    gc.collect()
    monkeypatch.setattr(freeing, "_least", sys.maxsize)
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def is_left(size: int) -> bool:
    """Whether what holds so many bytes is still there after all."""
    with freed():
        seen = weakref.ref(Holding(size))
    return seen() is not None


@pytest.mark.usefixtures("collector_off")
def test_much_that_holds_itself_is_freed_at_once_and_little_at_some_time() -> None:
    assert is_left(1)
    assert not is_left(2 * freeing.WORTH)


@pytest.mark.usefixtures("collector_off")
def test_little_that_is_left_again_and_again_is_freed_too() -> None:
    part = freeing.WORTH // 5
    left = [is_left(part) for _ in range(20)]
    assert left[0]
    assert 2 <= left.count(False) <= 10


@pytest.mark.usefixtures("collector_off")
def test_it_is_freed_where_the_system_tells_no_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(freeing, "resident_bytes", lambda: 0)
    assert not is_left(1)


@pytest.mark.usefixtures("collector_off")
def test_it_is_freed_where_tensors_have_memory_of_a_device(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert not is_left(1)


@pytest.mark.usefixtures("collector_off")
def test_it_is_freed_whatever_is_raised() -> None:
    seen = []

    def failing() -> None:
        held = Holding(2 * freeing.WORTH)
        seen.append(weakref.ref(held))
        raise ValueError

    with freed(), contextlib.suppress(ValueError):
        failing()
    assert seen[0]() is None


def test_the_size_of_the_process_is_the_systems() -> None:
    before = resident_bytes()
    held = np.ones(200 * 2**20, np.uint8)
    assert 190 * 2**20 <= resident_bytes() - before <= 260 * 2**20
    assert held.all()


@pytest.mark.parametrize(("fuse", "shapes", "each"), [("always", 4, 180e6), ("never", 12, 25e6)])
def test_weights_of_stacks_and_jobs_that_have_ended_are_gone(
    tmp_path: Path, fuse: str, shapes: int, each: float
) -> None:
    """Each holds itself, and so many bytes. Where one was, another fits in, and nothing grows."""
    line = [sys.executable, "-c", PROGRAM, f"sweep.fuse={fuse}", str(shapes)]
    kind = processes.ProcessWithTorch
    done = processes.run(line, capture_output=True, text=True, cwd=tmp_path, kind=kind)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) <= 2 * each + freeing.WORTH
