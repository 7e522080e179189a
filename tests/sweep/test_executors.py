"""This process, worker processes and an executor that is not ours run jobs alike."""

import os
import pickle
import signal
import subprocess
import sys
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest
from support import processes
from support.executor_contract import ExecutorContract, sweep_jobs

import seedbed
from seedbed.sweep.executors import Executor, ThisProcess, run_on
from seedbed.sweep.job import Job, Outcome
from seedbed.sweep.worker_processes import WorkerProcesses


class TestThisProcess(ExecutorContract):
    def make(self) -> Executor:
        return ThisProcess()


class TestWorkerProcesses(ExecutorContract):
    def make(self) -> Executor:
        return WorkerProcesses(2)

    def test_a_worker_that_is_killed_takes_one_job_with_it(
        self, executor: Executor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "killed.py").write_text(KILLED)
        monkeypatch.setenv("SEEDBED_ALLOW", "killed")
        jobs = sweep_jobs(tmp_path / "sweep", "model._target_=killed.Killed", "seed=1,2,3")
        ended = {job.number: one for pairs in run_on(executor, jobs) for job, one in pairs}
        assert {one.status for one in ended.values()} == {"failed"}
        assert {one.error for one in ended.values()} == {
            "the worker process died of signal SIGKILL"
        }

    def test_jobs_that_run_at_its_shutdown_are_interrupted(
        self, executor: Executor, tmp_path: Path
    ) -> None:
        (job,) = sweep_jobs(tmp_path / "sweep", "trainer.epochs=10000000")
        future = executor.submit(job)
        while not (job.path / "history.csv").exists() and not (job.path / "config.yaml").exists():
            assert not future.done()
        executor.shutdown()
        assert future.result(timeout=0).status == "interrupted"


KILLED = f"""
import os, torch
class Killed(torch.nn.Linear):
    def __init__(self):
        super().__init__(2, 1)
    def forward(self, x):
        if os.getppid() != {os.getpid()}:
            os.kill(os.getpid(), {int(signal.SIGKILL)})
        return super().forward(x)
"""


class Elsewhere:
    """An executor of somebody else's: each job is sent as bytes to a new Python."""

    workers = 2
    program = (
        "import pickle, sys; from seedbed.sweep.job import run_job; "
        "out = sys.stdout.buffer; sys.stdout = sys.stderr; "
        "out.write(pickle.dumps(run_job(pickle.load(sys.stdin.buffer))))"
    )

    def __init__(self) -> None:
        self.threads = ThreadPoolExecutor(self.workers)

    def submit(self, job: Job) -> "Future[Outcome]":
        return self.threads.submit(self._sent, pickle.dumps(job))

    def _sent(self, job: bytes) -> Outcome:
        line = [sys.executable, "-c", self.program]
        done = processes.run(line, input=job, stdout=subprocess.PIPE, check=True)
        outcome: Outcome = pickle.loads(done.stdout)
        return outcome

    def shutdown(self) -> None:
        self.threads.shutdown(cancel_futures=True)


class TestElsewhere(ExecutorContract):
    def make(self) -> Executor:
        return Elsewhere()

    def test_a_sweep_takes_it(self, tmp_path: Path) -> None:
        words = ("trainer.epochs=2", "seed=1,2", "sweep.fuse=never")
        there = seedbed.sweep(*words, executor=Elsewhere(), directory=tmp_path / "there")
        here = seedbed.sweep(*words, directory=tmp_path / "here")
        assert [run.status for run in there] == ["completed", "completed"]
        for one, other in zip(there, here, strict=True):
            ours, theirs = (run.path / "model.pth" for run in (one, other))
            assert ours.read_bytes() == theirs.read_bytes()


def test_the_executor_of_the_docs_runs_a_sweep(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "sweeps.md").read_text(encoding="utf-8")
    program = page.split("```python\n")[1].split("```")[0]
    script = tmp_path / "pool.py"
    script.write_text(program)
    line = [sys.executable, script.name]
    done = processes.run(line, cwd=tmp_path, capture_output=True, text=True, timeout=200)
    assert (done.stdout, done.stderr) == ("['completed', 'completed']\n", "")


UNGUARDED = """
import seedbed
sweep = seedbed.sweep("seed=1,2", "trainer.epochs=2", "sweep.fuse=never", "sweep.workers=2")
print([run.status for run in sweep])
"""


def test_worker_processes_do_not_run_the_script_again(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(UNGUARDED)
    line = [sys.executable, "script.py"]
    done = processes.run(line, cwd=tmp_path, capture_output=True, text=True, timeout=200)
    assert (done.stdout, done.stderr) == ("['completed', 'completed']\n", "")
