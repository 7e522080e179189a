"""What is called in somebody else's process leaves it as it was, also where it fails."""

import json
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
from support import processes

import seedbed as front


def differences(program: str, tmp_path: Path, kind: type[processes.Process]) -> tuple[dict, str]:
    """What a process of its own finds changed in it, and what it printed."""
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    line = [sys.executable, str(Path(__file__).with_name("watched.py")), program]
    done = processes.run(
        line,
        capture_output=True,
        text=True,
        timeout=500,
        cwd=tmp_path,
        env=environment,
        kind=kind,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads((tmp_path / "found.json").read_text()), done.stdout + done.stderr


@pytest.mark.slow
def test_every_call_leaves_the_process_as_it_was_and_says_nothing(tmp_path: Path) -> None:
    """Also where it imports what it needs; only torch is there."""
    assert differences("each", tmp_path, processes.ProcessWithTorch) == ({}, "")


@pytest.mark.slow
def test_it_works_under_a_running_loop(tmp_path: Path) -> None:
    assert differences("loop", tmp_path, processes.Process) == ({}, "")


def test_two_threads_at_once_give_the_bits_of_two_alone(tmp_path: Path) -> None:
    """One waits for the other: torch's generators and flags are the process's."""
    words = {name: ["trainer.epochs=3", f"seed={name}", "model.dropout=0.5"] for name in (1, 2)}
    alone = {name: front.train(*words[name], directory=tmp_path / f"a{name}") for name in words}
    together: dict[int, front.Run] = {}

    def train(name: int) -> None:
        together[name] = front.train(*words[name], directory=tmp_path / f"t{name}")

    threads = [threading.Thread(target=train, args=(name,)) for name in words]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for name, run in together.items():
        assert run.history["train/loss"].tolist() == alone[name].history["train/loss"].tolist()
        for key, weights in run.model().state_dict().items():
            assert torch.equal(weights, alone[name].model().state_dict()[key])
        log = (run.path / "run.log").read_text()
        assert log.count("completed after 3 epochs") == 1


def test_a_second_run_in_a_process_has_the_bits_of_the_first(tmp_path: Path) -> None:
    runs = [
        front.train("trainer.epochs=3", "model.dropout=0.5", directory=tmp_path / n) for n in "ab"
    ]
    assert runs[0].weights().keys() == runs[1].weights().keys()
    assert all((runs[0].weights()[k] == v).all() for k, v in runs[1].weights().items())


@contextmanager
def doubles() -> Iterator[None]:
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        yield
        assert torch.get_default_dtype() == torch.float64
    finally:
        torch.set_default_dtype(before)


MODES: dict[str, Callable[[], AbstractContextManager[Any]]] = {
    "no_grad": torch.no_grad,
    "inference_mode": torch.inference_mode,
    "autocast": lambda: torch.autocast("cpu", dtype=torch.bfloat16),
    "another device": lambda: torch.device("meta"),
    "another dtype": doubles,
}


@pytest.mark.parametrize("mode", MODES.values(), ids=MODES)
def test_modes_of_torch_that_a_call_stands_in_change_no_bit(
    tmp_path: Path, mode: Callable[[], AbstractContextManager[Any]]
) -> None:
    rows = [[10, 11]]
    alone = front.train("trainer.epochs=3", directory=tmp_path / "alone")
    with mode():
        within = front.train("trainer.epochs=3", directory=tmp_path / "within")
        predicted = within.predict(rows)
        stack = front.sweep("trainer.epochs=3", "seed=0,1", directory=tmp_path / "stack")
    assert within.metrics == alone.metrics == stack[0].metrics
    assert predicted == alone.predict(rows)


def test_progress_is_printed_where_it_is_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = front.train("trainer.epochs=2", directory=tmp_path / "run", progress=True)
    said = capsys.readouterr().out
    assert "epoch 2/2  train/loss" in said
    assert said.splitlines()[-1] == f"run: {run.path}"
    sweep = front.sweep("seed=1,2", "trainer.epochs=2", directory=tmp_path / "s", progress=True)
    assert capsys.readouterr().out.splitlines()[-1] == f"sweep: {sweep.path}"
    front.train("trainer.epochs=2", directory=tmp_path / "quiet")
    assert capsys.readouterr() == ("", "")
