"""What holds of a sweep wherever its stacks train. A class of tests inherits it, with its words."""

import csv
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support import processes

NETS = """
import os, signal, time, traceback
from pathlib import Path
import torch
from torch import nn
from seedbed.training.interrupt import stop_request

HERE = Path(__file__).parent


def is_told_to_stop():
    with stop_request() as stop:
        return stop.requested


class Net(nn.Module):
    def __init__(self, in_features, out_features, how="well"):
        super().__init__()
        self.layer = nn.Linear(in_features, out_features)
        self.how = how

    def forward(self, x):
        files = [frame.filename for frame in traceback.extract_stack()]
        trained = any(name.endswith(("fused/engine.py", "training/single.py")) for name in files)
        if trained and torch.is_grad_enabled():
            if self.how == "raises":
                raise RuntimeError("told to")
            steps = HERE / f"steps{os.getpid()}"
            made = int(steps.read_text()) + 1 if steps.exists() else 1
            steps.write_text(str(made))
            if (HERE / "kill").exists() and made == 30:
                (HERE / "kill").unlink()
                os.kill(os.getpid(), signal.SIGKILL)
            while (HERE / "wait").exists() and made == 30:
                if (HERE / "asked").exists() and is_told_to_stop():
                    break
                time.sleep(0.02)
        return self.layer(x)
"""

HEARING_SIGNALS = """
import runpy, signal
from seedbed.process.signals import SIGNALS

for number in SIGNALS:
    signal.signal(number, signal.SIG_DFL)
signal.signal(signal.SIGINT, signal.default_int_handler)
runpy.run_module("seedbed", run_name="__main__", alter_sys=True)
"""
"""The command, also where the tests run in the background, which hears no Ctrl-C."""

OFTEN = "trainer.checkpoint_every='10 steps'"
OWN = ["model._target_=own_nets.Net", "allow=[own_nets]", "sweep.fuse=always"]
GRID = ["seed=range(0,6)", "loader.batch_size=2", "trainer.epochs=20", OFTEN]
STEPS = 40
"""Of a run of the grid."""

MIXED = [*OWN, "+model.how=well,raises", "optimizer.lr=0.01,1e30", "seed=1,2", "trainer.epochs=5"]
MIXED += ["sweep.exclude=[{model.how: raises, optimizer.lr: 1e30}, {model.how: raises, seed: 2}]"]


def runs_of(sweep: Path) -> dict[str, Any]:
    """What each run leaves that must not depend on where it was trained."""
    found = {}
    for run in sorted(path.parent for path in sweep.glob("*/status.json")):
        status = json.loads((run / "status.json").read_text())["status"]
        history, weights = run / "history.csv", run / "model.pth"
        found[run.name] = (
            status,
            [line.rpartition(",")[0] for line in history.read_text().split()]
            if history.exists()
            else [],
            weights.read_bytes() if weights.exists() else b"",
        )
    return found


def table_of(sweep: Path) -> list[dict[str, str]]:
    """The sweep's table, without the settings that say where it runs."""
    with (sweep / "results.csv").open(newline="") as file:
        return [
            {key: value for key, value in row.items() if not key.startswith("sweep.")}
            for row in csv.DictReader(file)
        ]


def _errors(sweep: Path) -> list[str | None]:
    return [job["error"] for job in json.loads((sweep / "sweep.json").read_text())["jobs"]]


class StackExecutorContract:
    """A suite for one executor."""

    words: tuple[str, ...] = ()

    @pytest.fixture(autouse=True)
    def _nets(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "own_nets.py").write_text(NETS)
        monkeypatch.syspath_prepend(str(tmp_path))

    def test_a_sweep_gives_the_same_table_weights_and_histories(self, seedbed: Callable) -> None:
        """Of jobs that complete, that diverge, and that fail."""
        here = seedbed("train", "-m", *MIXED, "sweep.workers=0", "hydra.sweep.dir=here")
        there = seedbed("train", "-m", *MIXED, *self.words, "hydra.sweep.dir=there")
        assert (here.code, there.code) == (1, 1), there.err
        assert table_of(there.sweep) == table_of(here.sweep)
        assert runs_of(there.sweep) == runs_of(here.sweep)
        statuses = Counter(row["status"] for row in table_of(there.sweep))
        assert statuses == {"completed": 2, "diverged": 2, "failed": 1}
        errors = [_errors(one.sweep) for one in (here, there)]
        assert errors[0] == errors[1]
        assert sum("told to" in str(error) for error in errors[0]) == 1
        assert not (there.sweep / ".tasks").exists()

    def test_a_task_whose_process_is_killed_trains_again_to_the_same_bits(
        self, seedbed: Callable, tmp_path: Path
    ) -> None:
        whole = seedbed("train", "-m", *OWN, *GRID, "sweep.workers=0", "hydra.sweep.dir=whole")
        assert whole.code == 0, whole.err
        ours = f"steps{os.getpid()}"
        (tmp_path / "kill").touch()
        killed = seedbed("train", "-m", *OWN, *GRID, *self.words, "hydra.sweep.dir=killed")
        assert killed.code == 0, killed.err
        assert not (tmp_path / "kill").exists()
        assert runs_of(killed.sweep) == runs_of(whole.sweep)
        assert table_of(killed.sweep) == table_of(whole.sweep)
        made = [int(path.read_text()) for path in tmp_path.glob("steps*") if path.name != ours]
        assert sum(made) <= STEPS * (len(made) - 1) + 15, "it began anew"

    def test_ctrl_c_ends_tasks_after_their_step_and_resume_goes_on_to_the_same_bits(
        self, seedbed: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        whole = seedbed("train", "-m", *OWN, *GRID, "sweep.workers=0", "hydra.sweep.dir=whole")
        (tmp_path / "wait").touch()
        words = ["train", "-m", *OWN, *GRID, *self.words, "hydra.sweep.dir=cut"]
        process = processes.Process(
            [sys.executable, "-c", HEARING_SIGNALS, *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self._await(lambda: any(tmp_path.glob("cut/*/checkpoints/last.pt")), process)
        (tmp_path / "asked").touch()
        os.kill(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=100)
        assert (process.returncode, err) == (130, "error: interrupted\n"), out + err
        statuses = {row["status"] for row in table_of(tmp_path / "cut")}
        assert statuses == {"interrupted"}
        (tmp_path / "wait").unlink()
        monkeypatch.setenv("SEEDBED_ALLOW", "own_nets")
        resumed = seedbed("resume", "cut")
        assert resumed.code == 0, resumed.err
        assert runs_of(resumed.sweep) == runs_of(whole.sweep)
        assert table_of(resumed.sweep) == table_of(whole.sweep)

    def test_resume_ends_what_a_killed_sweep_left_running_and_goes_on_to_the_same_bits(
        self, seedbed: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        whole = seedbed("train", "-m", *OWN, *GRID, "sweep.workers=0", "hydra.sweep.dir=whole")
        (tmp_path / "wait").touch()
        words = ["train", "-m", *OWN, *GRID, *self.words, "hydra.sweep.dir=cut"]
        line = [sys.executable, "-m", "seedbed", *words]
        with processes.Process(line, stdout=subprocess.DEVNULL, text=True) as process:
            self._await(lambda: any(tmp_path.glob("cut/*/checkpoints/last.pt")), process)
            process.kill()
        timer = threading.Timer(2.0, (tmp_path / "wait").unlink)  # it takes a while for a step
        timer.start()
        monkeypatch.setenv("SEEDBED_ALLOW", "own_nets")
        resumed = seedbed("resume", "cut")
        timer.join()
        assert resumed.code == 0, resumed.err
        assert runs_of(resumed.sweep) == runs_of(whole.sweep)
        assert table_of(resumed.sweep) == table_of(whole.sweep)

    def _await(self, is_so: Callable[[], bool], process: "subprocess.Popen[str]") -> None:
        until = time.monotonic() + 100
        while not is_so():
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < until, "it takes too long"
            time.sleep(0.05)
