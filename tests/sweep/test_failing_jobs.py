"""A sweep loses nothing to one bad job, to a kill, or to a second start."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from support import processes

OWN = """
import os
import signal
import sys
import time
from pathlib import Path

import torch
from torch import nn


class Net(nn.Module):
    def __init__(self, in_features, out_features, how="well"):
        super().__init__()
        self.layer = nn.Linear(in_features, out_features)
        self.how, self.calls = how, 0

    def forward(self, x):
        self.calls += 1
        if self.how == "slow":
            time.sleep(0.02)
        if self.training and self.calls > 3 and not Path("mended").exists():
            if self.how == "raise":
                raise RuntimeError("told to")
            if self.how == "diverge":
                return self.layer(x) * float("nan")
            if self.how == "exit":
                sys.exit(3)
            if self.how == "crash":
                os.kill(os.getpid(), signal.SIGSEGV)
            if self.how == "memory":
                torch.empty(10**14)
        return self.layer(x)
"""
WAYS = {
    "raise": ("failed", "RuntimeError: told to"),
    "diverge": ("diverged", "train/loss is nan"),
    "exit": ("failed", "SystemExit: 3"),
    "memory": ("failed", "RuntimeError"),
    "crash": ("failed", "the worker process died of signal SIGSEGV"),
}
WORDS = ["model._target_=bad_nets.Net", "allow=[bad_nets]", "trainer.epochs=4", "trainer.threads=1"]


@pytest.fixture(autouse=True)
def _own_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seedbed: Callable) -> None:
    (tmp_path / "bad_nets").mkdir()
    (tmp_path / "bad_nets" / "__init__.py").write_text(OWN)
    monkeypatch.setenv("SEEDBED_ALLOW", "bad_nets")


def rows(sweep: Path) -> list[dict[str, str]]:
    with (sweep / "results.csv").open() as file:
        return list(csv.DictReader(file))


@pytest.mark.slow
def test_five_ways_of_failing_leave_the_other_jobs_and_resume_runs_only_these(
    tmp_path: Path, seedbed: Callable
) -> None:
    ways = "+model.how=" + ",".join(["well", *WAYS])
    grid = [*WORDS, ways, "seed=0,1", "sweep.workers=2"]
    ended = seedbed("train", "-m", *grid, "hydra.sweep.dir=sweep")
    assert ended.code == 1, ended.err
    jobs = json.loads((tmp_path / "sweep" / "sweep.json").read_text())["jobs"]
    assert len(jobs) == 12
    for job in jobs:
        how = next(word.partition("=")[2] for word in job["overrides"] if ".how=" in word)
        status, error = WAYS.get(how, ("completed", ""))
        assert job["status"] == status, job
        assert error in (job["error"] or "")
        told = json.loads((tmp_path / "sweep" / job["directory"] / "status.json").read_text())
        assert told["status"] == status
        log = (tmp_path / "sweep" / job["directory"] / "run.log").read_text()
        assert ("Traceback" in log) == (how in ("raise", "exit", "memory"))
    assert "10 of 12 jobs did not complete:" in ended.out

    untouched = {p: p.stat().st_mtime_ns for p in tmp_path.glob("sweep/*how=well*/*")}
    (tmp_path / "mended").touch()
    resumed = seedbed("resume", "sweep")
    assert resumed.code == 0, resumed.err
    assert resumed.out.count(": completed") == 10
    assert untouched == {p: p.stat().st_mtime_ns for p in tmp_path.glob("sweep/*how=well*/*")}
    seedbed("train", "-m", *grid, "hydra.sweep.dir=whole")
    assert rows(tmp_path / "sweep") == rows(tmp_path / "whole")


@pytest.mark.slow
@pytest.mark.parametrize("workers", [0, 2])
def test_a_sweep_killed_half_way_goes_on_to_the_table_of_one_that_was_not(
    tmp_path: Path, workers: int, seedbed: Callable
) -> None:
    grid = [*WORDS, "+model.how=slow", "seed=range(0,6)", f"sweep.workers={workers}"]
    grid += ["trainer.epochs=10", "trainer.checkpoint_every='3 steps'"]
    whole = seedbed("train", "-m", *grid, "hydra.sweep.dir=whole")
    assert whole.code == 0, whole.err
    line = [sys.executable, "-m", "seedbed", "train", "-m", *grid, "hydra.sweep.dir=sweep"]
    with processes.Process(line, cwd=tmp_path, stdout=subprocess.DEVNULL) as process:
        until = time.monotonic() + 200
        while len(list(tmp_path.glob("sweep/*/model.pth"))) < 2 and time.monotonic() < until:
            time.sleep(0.05)
        os.kill(process.pid, signal.SIGKILL)
    resumed = seedbed("resume", "sweep")
    assert resumed.code == 0, resumed.err + resumed.out
    assert rows(tmp_path / "sweep") == rows(tmp_path / "whole")
    for weights in sorted(tmp_path.glob("whole/*/model.pth")):
        other = tmp_path / "sweep" / weights.parent.name / "model.pth"
        one, two = torch.load(weights, weights_only=True), torch.load(other, weights_only=True)
        assert all(torch.equal(one[name], two[name]) for name in one)


@pytest.mark.slow
def test_a_job_is_the_same_run_in_a_worker_in_the_sweep_and_alone(
    tmp_path: Path, seedbed: Callable
) -> None:
    words = ["trainer.epochs=3", "trainer.threads=1", "model.dropout=0.2"]
    for workers in ("0", "2"):
        grid = ["seed=1,2", f"sweep.workers={workers}", f"hydra.sweep.dir=by{workers}"]
        assert seedbed("train", "-m", *words, *grid).code == 0
    assert seedbed("train", *words, "seed=2", "hydra.run.dir=alone").code == 0
    weights = [
        torch.load(next(tmp_path.glob(pattern)), weights_only=True)
        for pattern in ("alone/model.pth", "by0/1_*/model.pth", "by2/1_*/model.pth")
    ]
    for name in weights[0]:
        assert torch.equal(weights[0][name], weights[1][name])
        assert torch.equal(weights[0][name], weights[2][name])


def test_every_checkpoint_of_a_sweep_opens_with_weights_only(seedbed: Callable) -> None:
    words = ["optimizer=sgd,adamw", "scheduler=none,plateau", "trainer.epochs=2"]
    sweep = seedbed("train", "-m", *words).sweep
    files = [*sweep.rglob("*.pt"), *sweep.rglob("*.pth")]
    assert Counter(file.name for file in files) == {"last.pt": 4, "best.pt": 4, "model.pth": 4}
    for file in files:
        torch.load(file, weights_only=True)


def test_jobs_with_equal_settings_run_once(seedbed: Callable) -> None:
    result = seedbed("train", "-m", "seed=1,1,2", "trainer.epochs=1")
    assert "note: 1 of 3 jobs repeat another's settings; left out" in result.out
    assert len(rows(result.sweep)) == 2


def test_a_complete_sweep_is_left_alone(seedbed: Callable) -> None:
    sweep = seedbed("train", "-m", "seed=1,2", "trainer.epochs=1").sweep
    result = seedbed("resume", str(sweep))
    assert (result.code, result.out) == (0, f"complete already\nsweep: {sweep}\n")


def test_a_config_that_changed_since_is_refused_unless_told(
    tmp_path: Path, seedbed: Callable
) -> None:
    option = tmp_path / "conf" / "experiment" / "mine.yaml"
    option.parent.mkdir(parents=True)
    option.write_text("# @package _global_\ntrainer: {epochs: 2}\n")
    grid = ["experiment=mine", "hydra.sweep.dir=sweep", *WORDS[:2], "+model.how=well,raise"]
    assert seedbed("train", "-m", *grid, "trainer.epochs=4").code == 1
    (tmp_path / "mended").touch()
    option.write_text("# @package _global_\noptimizer: {lr: 0.002}\n")
    refused = seedbed("resume", "sweep")
    assert refused.code == 2
    assert "is not what it was when the sweep began" in refused.errors[0]
    assert seedbed("resume", "sweep", "--changed").code == 0


def test_one_wrong_value_of_many_is_refused_with_its_job(tmp_path: Path, seedbed: Callable) -> None:
    grid = ["seed=range(0,30)", "optimizer.lr=0.1,-1"]
    result = seedbed("train", "-m", *grid, "hydra.sweep.dir=sweep")
    assert (result.code, (tmp_path / "sweep").exists()) == (2, False)
    assert result.errors == [
        "error: job 1 (seed=0 optimizer.lr=-1) and 29 more jobs: optimizer.lr must be a number > "
        "0, got -1"
    ]


def test_a_job_that_cannot_be_built_is_refused_before_any_starts(
    tmp_path: Path, seedbed: Callable
) -> None:
    grid = ["seed=1,2", "model.in_features=null,5", "hydra.sweep.dir=sweep"]
    result = seedbed("train", "-m", *grid)
    assert (result.code, (tmp_path / "sweep").exists()) == (2, False)
    assert result.errors == [
        "error: job 1 (seed=1 model.in_features=5): model.in_features is 5, the data has 2; type "
        "model.in_features=null to have it inferred"
    ]


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("allow=[os]", "the sweep names classes of os, which is not allowed"),
        ("loss._target_=subprocess.Popen", "'subprocess.Popen' is not allowed"),
        ("name=${oc.env:HOME}", "which is not taken from a sweep's own files"),
        ("hydra.searchpath=[file://elsewhere]", "which is not taken from a sweep's own files"),
    ],
    ids=["allow", "target", "environment", "hydra"],
)
def test_a_hostile_sweep_cannot_say_more_than_its_reader(
    word: str, message: str, seedbed: Callable
) -> None:
    sweep = seedbed("train", "-m", "seed=1,2", "trainer.epochs=1").sweep
    told = json.loads((sweep / "sweep.json").read_text())
    told["jobs"][0]["overrides"].append(word)
    (sweep / "sweep.json").write_text(json.dumps(told))
    (sweep / told["jobs"][0]["directory"] / "status.json").unlink()
    result = seedbed("resume", str(sweep), "--changed")
    assert result.code == 2
    assert message in result.errors[0]


def test_a_hostile_sweep_names_no_folder_outside(tmp_path: Path, seedbed: Callable) -> None:
    sweep = seedbed("train", "-m", "seed=1,2", "trainer.epochs=1").sweep
    told = json.loads((sweep / "sweep.json").read_text())
    told["jobs"][0]["directory"] = "../../elsewhere"
    (sweep / "sweep.json").write_text(json.dumps(told))
    result = seedbed("resume", str(sweep))
    assert result.code == 2
    assert "names the folder '../../elsewhere'" in result.errors[0]


def test_a_group_that_is_no_number_is_damage(tmp_path: Path, seedbed: Callable) -> None:
    sweep = seedbed("train", "-m", "seed=1,2", "trainer.epochs=1").sweep
    told = json.loads((sweep / "sweep.json").read_text())
    told["jobs"][1]["group"] = ["1"]
    (sweep / "sweep.json").write_text(json.dumps(told))
    result = seedbed("resume", str(sweep))
    assert result.code == 2
    assert "group of a job must be a whole number" in result.errors[0]
