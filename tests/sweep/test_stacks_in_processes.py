"""Stacks in processes: the same bits with any number of them; one that dies takes nothing along."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from support import processes
from torch import nn

import seedbed as front
from seedbed.fused import sizing
from seedbed.process import workers
from seedbed.sweep import execution, stack_processes

OWN = """
import os
import signal
import traceback
from pathlib import Path

import torch
from torch import nn

main = Path("main")
if not main.exists():
    main.write_text(str(os.getpid()))


class Net(nn.Module):
    def __init__(self, in_features, out_features, how="well"):
        super().__init__()
        self.layer = nn.Linear(in_features, out_features)
        self.how = how

    def forward(self, x):
        files = [frame.filename for frame in traceback.extract_stack()]
        trained = any(name.endswith("fused/engine.py") for name in files)
        if trained and str(os.getpid()) != main.read_text() and torch.is_grad_enabled():
            if self.how == "raises":
                raise RuntimeError("told to")
            steps = Path(f"steps{os.getpid()}")
            made = int(steps.read_text()) + 1 if steps.exists() else 1
            steps.write_text(str(made))
            first = len(list(Path().glob("steps*"))) == 1
            if (made == 5 and self.how == "dies") or (made == 30 and first):
                os.kill(os.getpid(), signal.SIGKILL)
        return self.layer(x)
"""
OFTEN = "trainer.checkpoint_every='10 steps'"
OWN_WORDS = [
    "model._target_=own_nets.Net",
    "allow=[own_nets]",
    "sweep.fuse=always",
    "trainer.epochs=20",
    OFTEN,
]


@pytest.fixture
def _two_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every group has two stacks, each in a process of its own, however small."""
    monkeypatch.setattr(execution, "usable_cores", lambda: 2)
    monkeypatch.setattr(stack_processes, "usable_cores", lambda: 2)
    monkeypatch.setattr(sizing, "PROCESS", 1e-9)
    monkeypatch.setattr(stack_processes, "PROCESS", 0.0)
    monkeypatch.setattr(stack_processes, "SERVER", 0.0)


@pytest.fixture
def _own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "own_nets.py").write_text(OWN)
    (tmp_path / "main").write_text(str(os.getpid()))
    monkeypatch.syspath_prepend(str(tmp_path))


def runs_of(sweep: Path) -> dict[str, tuple]:
    """What each run leaves that must not depend on where it was trained."""
    found = {}
    for run in sorted(path.parent for path in sweep.glob("*/status.json")):
        result = json.loads((run / "result.json").read_text())
        history = [line.rpartition(",")[0] for line in (run / "history.csv").read_text().split()]
        told = [result.get(key) for key in ("status", "metrics", "best", "epochs", "K", "group")]
        found[run.name] = (told, history, (run / "model.pth").read_bytes())
    return found


def statuses(sweep: Path) -> list[str]:
    return [one["status"] for one in json.loads((sweep / "sweep.json").read_text())["jobs"]]


def groups(sweep: Path) -> list[int]:
    return [one["group"] for one in json.loads((sweep / "sweep.json").read_text())["jobs"]]


@pytest.mark.usefixtures("_two_cores")
def test_bits_and_order_do_not_depend_on_the_number_of_processes(
    seedbed: Callable, tmp_path: Path
) -> None:
    """Of runs that complete, stop early and diverge."""
    conf = tmp_path / "conf" / "sweep"
    conf.mkdir(parents=True)
    grid = ["optimizer.lr=0.001,1e6,0.1,0.2", "seed=1,2", "trainer.early_stopping.patience=1"]
    grid += ["trainer.epochs=6", "sweep.fuse=always", "data=sklearn", "data.dataset=iris"]
    found = {}
    for count in ("0", "1", "3", "auto"):
        out = f"hydra.sweep.dir={count}"
        # A file of one's own, so that the number is no override, and in no table.
        (conf / "default.yaml").write_text(
            (Path(__file__).parents[2] / "conf" / "sweep" / "default.yaml")
            .read_text()
            .replace("workers: auto", f"workers: {count}")
        )
        result = seedbed("train", "-m", *grid, out)
        assert result.code == 1, result.err
        assert ("more than the 2 cores" in result.out) == (count == "3")
        found[count] = (runs_of(result.sweep), (result.sweep / "results.csv").read_bytes())
    assert set(groups(tmp_path / "3")) == {1, 2}
    assert Counter(statuses(tmp_path / "0")) == {"completed": 6, "diverged": 2}
    assert found["0"] == found["1"] == found["3"] == found["auto"]
    for run in (tmp_path / "3", tmp_path / "0"):
        (job,) = run.glob("5_*")
        told = json.loads(seedbed("reproduce", job, "--json").out)
        assert (told["identical"], told["identical_in_its_stack"]) == (True, True)


@pytest.mark.usefixtures("_two_cores")
def test_a_sweep_goes_on_with_the_stacks_that_it_had_planned(
    seedbed: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second stack of two had not begun, and the machine has another number of cores now."""
    grid = ["seed=range(0,8)", "trainer.epochs=3", "sweep.fuse=always", "sweep.workers=0"]
    sweep = seedbed("train", "-m", *grid, "hydra.sweep.dir=sweep").sweep
    before = runs_of(sweep)
    for number in range(4, 8):
        shutil.rmtree(sweep / f"{number}_seed={number}")
    monkeypatch.setattr(execution, "usable_cores", lambda: 4)
    assert seedbed("resume", "sweep").code == 0
    assert groups(sweep) == [1] * 4 + [3] * 4
    for name, (told, *rest) in runs_of(sweep).items():
        assert (told[:5], rest) == (before[name][0][:5], list(before[name][1:]))


@pytest.mark.usefixtures("_two_cores")
@pytest.mark.parametrize("reachable", [True, False], ids=["can be sent", "of the main program"])
def test_rows_and_modules_of_a_program_reach_the_stacks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reachable: bool
) -> None:
    """A class that no other process could import is trained in this one."""
    net = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))
    if not reachable:
        monkeypatch.setattr(nn.Tanh, "__module__", "__main__")
    x = np.arange(30.0).reshape(10, 3) % 7
    words = ["optimizer.lr=0.001,0.002,0.003,0.004", "trainer.epochs=2", "sweep.fuse=always"]
    for count in ("auto", "0"):
        sweep = front.sweep(
            *words, f"sweep.workers={count}", data=(x, x.sum(1)), model=net, directory=count
        )
        assert [run.status for run in sweep] == ["completed"] * 4
    told = [json.loads(one.read_text())["pid"] for one in tmp_path.glob("auto/*/status.json")]
    assert len(set(told)) == (2 if reachable else 1)
    one, two = (list(runs_of(tmp_path / name).values()) for name in ("auto", "0"))
    assert [rest for _, *rest in one] == [rest for _, *rest in two]


@pytest.mark.usefixtures("_two_cores", "_own")
def test_a_stack_whose_process_dies_trains_again_to_the_same_bits(seedbed: Callable) -> None:
    grid = [*OWN_WORDS, "+model.how=once", "seed=range(0,4)", "sweep.workers=1"]
    died = seedbed("train", "-m", *grid, "hydra.sweep.dir=died")
    assert died.code == 0, died.err
    line = "note: the process that trained 2 jobs died of signal SIGKILL; they train again"
    assert died.out.splitlines().count(line) == 1
    assert groups(died.sweep) == [3, 3, 2, 2]
    whole = seedbed("train", "-m", *grid, "hydra.sweep.dir=whole")
    assert groups(whole.sweep) == [1, 1, 2, 2]
    for (name, one), (other, two) in zip(
        runs_of(died.sweep).items(), runs_of(whole.sweep).items(), strict=True
    ):
        assert (name, one[0][:5], one[1:]) == (other, two[0][:5], two[1:])


@pytest.mark.usefixtures("_two_cores", "_own")
def test_a_stack_whose_processes_die_is_run_singly(seedbed: Callable) -> None:
    grid = [*OWN_WORDS, "+model.how=dies", "seed=range(0,4)", "sweep.workers=auto"]
    result = seedbed("train", "-m", *grid, "hydra.sweep.dir=sweep")
    assert result.code == 0, result.err
    assert "died of signal SIGKILL again" in result.out
    assert statuses(result.sweep) == ["completed"] * 4
    assert {engine(run) for run in result.sweep.glob("*_*/")} == {"single"}


@pytest.mark.usefixtures("_two_cores", "_own")
def test_a_stack_that_raises_in_its_process_is_run_singly(seedbed: Callable) -> None:
    grid = [*OWN_WORDS, "+model.how=raises", "seed=range(0,4)", "sweep.workers=2"]
    result = seedbed("train", "-m", *grid, "hydra.sweep.dir=sweep")
    assert result.code == 0, result.err
    reason = "note: 4 jobs run singly: together they stopped with RuntimeError: told to"
    assert reason in result.out
    assert {engine(run) for run in result.sweep.glob("*_*/")} == {"single"}


def engine(run: Path) -> str:
    return str(json.loads((run / "result.json").read_text())["engine"])


@pytest.mark.usefixtures("_two_cores")
def test_the_first_failure_stops_the_other_stacks_where_that_is_asked_for(
    seedbed: Callable,
) -> None:
    grid = ["sweep.zip={optimizer.lr:[1e20,2e20,0.001,0.002],trainer.epochs:[9,9,90000,90000]}"]
    grid += ["sweep.fuse=always", "sweep.workers=2", "sweep.on_error=stop"]
    result = seedbed("train", "-m", *grid, "hydra.sweep.dir=sweep")
    assert result.code == 1
    assert statuses(result.sweep) == ["diverged"] * 2 + ["interrupted"] * 2
    assert len(list(result.sweep.glob("*/checkpoints/last.pt"))) == 4


@pytest.mark.usefixtures("_two_cores")
@pytest.mark.parametrize(
    ("place", "name", "value", "said"),
    [
        (stack_processes, "free_memory_bytes", lambda: 0, "note: too little memory is free for 2"),
        (workers, "has_server", lambda: False, ""),
    ],
    ids=["too little memory", "no processes"],
)
def test_a_machine_that_lacks_something_trains_all_the_same(
    seedbed: Callable,
    monkeypatch: pytest.MonkeyPatch,
    place: object,
    name: str,
    value: object,
    said: str,
) -> None:
    monkeypatch.setattr(place, name, value)
    grid = ["seed=range(0,4)", "trainer.epochs=2", "sweep.fuse=always", "sweep.workers=2"]
    result = seedbed("train", "-m", *grid)
    assert result.code == 0, result.err
    assert said in result.out
    assert [engine(run) for run in result.sweep.glob("*_*/")] == ["fused"] * 4
    assert groups(result.sweep) == [1, 1, 2, 2]


LONG = ["model=custom,manual", "seed=range(0,3)", "sweep.fuse=always", "sweep.workers=2"]
LONG += ["trainer.checkpoint_every='200 steps'", "hydra.sweep.dir=sweep"]


def started(folder: Path, *words: str) -> subprocess.Popen:
    """A sweep of two stacks, once all of its runs have checkpoints."""
    line = [sys.executable, "-m", "seedbed", "train", "-m", *LONG, *words]
    process = processes.Process(
        line, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    until = time.monotonic() + 100
    while len(list(folder.glob("sweep/*/checkpoints/last.pt"))) < 6:
        if process.poll() is not None or time.monotonic() > until:
            process.kill()
            raise AssertionError(process.communicate())
        time.sleep(0.02)
    return process


def workers_of(pid: int) -> list[int]:
    """Its children, without the fork that composed, which nobody has asked for since."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    states = {int(one): Path(f"/proc/{one}/stat").read_text().split(")")[1] for one in children}
    return [one for one, state in states.items() if state.split()[0] != "Z"]


def wait_for_the_end_of(pids: list[int]) -> None:
    until = time.monotonic() + 100
    while any(Path(f"/proc/{pid}").exists() for pid in pids):
        assert time.monotonic() < until, "a worker outlives its sweep"
        time.sleep(0.02)


@pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")
@pytest.mark.parametrize("twice", [False, True], ids=["once", "twice"])
def test_a_signal_ends_the_processes_with_true_statuses(tmp_path: Path, twice: bool) -> None:
    with started(tmp_path, "trainer.epochs=10000000") as process:
        ours = workers_of(process.pid)
        for at in range(1 + twice):
            time.sleep(0.5 * at)
            process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=100)
    assert process.returncode == 130, out + err
    wait_for_the_end_of(ours)
    assert len(ours) == 2
    assert err.splitlines()[0] == "error: interrupted"
    for run in tmp_path.glob("sweep/*/status.json"):
        assert json.loads(run.read_text())["status"] == "interrupted"
    if not twice:
        assert statuses(tmp_path / "sweep") == ["interrupted"] * 6


@pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")
def test_a_killed_sweep_of_processes_goes_on_to_the_bits_of_one_that_was_not(
    tmp_path: Path, seedbed: Callable
) -> None:
    with started(tmp_path, "trainer.epochs=1500") as process:
        ours = workers_of(process.pid)
        process.kill()
    wait_for_the_end_of(ours)
    told = [json.loads(one.read_text()) for one in tmp_path.glob("sweep/*/status.json")]
    assert {one["status"] for one in told} <= {"interrupted", "completed"}
    assert seedbed("resume", "sweep").code == 0
    whole = ["sweep.workers=0", "trainer.epochs=1500", "hydra.sweep.dir=whole"]
    seedbed("train", "-m", *LONG[:3], LONG[4], *whole)
    for (name, one), (other, two) in zip(
        runs_of(tmp_path / "sweep").items(), runs_of(tmp_path / "whole").items(), strict=True
    ):
        assert (name, one[0][:4], one[1:]) == (other, two[0][:4], two[1:])
