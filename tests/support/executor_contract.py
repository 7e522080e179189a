"""What holds of every executor. An executor's class of tests inherits this and makes one."""

import json
import pickle
from collections.abc import Iterator
from pathlib import Path

import pytest

from seedbed.api.handed import Handed
from seedbed.api.requests import sweep_of
from seedbed.api.sweeping import jobs_of
from seedbed.config.identity import config_hash
from seedbed.sweep.executors import Executor, ThisProcess, run_on
from seedbed.sweep.job import Job
from seedbed.sweep.outcome import JobState, SweepState

LAYERS = (
    "import sys, torch\n"
    "class Leaves(torch.nn.Linear):\n"
    "    def __init__(self):\n        super().__init__(2, 1)\n"
    "    def forward(self, x):\n        sys.exit(3)\n"
)


def sweep_jobs(folder: Path, *overrides: str) -> list[Job]:
    """The jobs of a sweep into `folder`, which is made."""
    folder.mkdir()
    composed = sweep_of(["trainer.epochs=2", *overrides], Handed(), folder).jobs
    records = [
        JobState(number, one.overrides_filled_in(), f"job_{number}", config_hash(one.resolved))
        for number, one in enumerate(composed)
    ]
    return jobs_of(SweepState(folder, records), records, composed)


class ExecutorContract:
    """A suite for one executor."""

    def make(self) -> Executor:
        """A new one."""
        raise NotImplementedError

    @pytest.fixture
    def executor(self) -> Iterator[Executor]:
        made = self.make()
        yield made
        made.shutdown()

    def test_it_takes_at_least_one_job(self, executor: Executor) -> None:
        assert executor.workers >= 1

    def test_the_outcome_is_that_of_the_run(self, executor: Executor, tmp_path: Path) -> None:
        (job,) = sweep_jobs(tmp_path / "sweep", "seed=5")
        outcome = executor.submit(job).result(timeout=200)
        result = json.loads((job.path / "result.json").read_text())
        assert (outcome.status, outcome.metrics) == ("completed", result["metrics"])
        assert json.loads((job.path / "status.json").read_text())["status"] == "completed"

    def test_weights_do_not_depend_on_where_they_are_trained(
        self, executor: Executor, tmp_path: Path
    ) -> None:
        there, here = (sweep_jobs(tmp_path / name, "seed=3") for name in ("there", "here"))
        executor.submit(there[0]).result(timeout=200)
        ThisProcess().submit(here[0])
        assert [(one.path / "model.pth").read_bytes() for one in there] == [
            (one.path / "model.pth").read_bytes() for one in here
        ]

    def test_a_job_crosses_as_bytes(self, executor: Executor, tmp_path: Path) -> None:
        (job,) = sweep_jobs(tmp_path / "sweep", "seed=5")
        crossed = pickle.loads(pickle.dumps(job))
        assert crossed == job
        assert executor.submit(crossed).result(timeout=200).status == "completed"

    def test_jobs_end_each_with_its_own_outcome(self, executor: Executor, tmp_path: Path) -> None:
        jobs = sweep_jobs(tmp_path / "sweep", "optimizer.lr=0.1,1e30,0.01")
        ended = [pair for together in run_on(executor, jobs) for pair in together]
        statuses = {job.number: outcome.status for job, outcome in ended}
        assert statuses == {0: "completed", 1: "diverged", 2: "completed"}

    def test_a_model_that_ends_the_process_ends_its_job_alone(
        self, executor: Executor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "leaving.py").write_text(LAYERS)
        monkeypatch.setenv("SEEDBED_ALLOW", "leaving")
        jobs = sweep_jobs(tmp_path / "sweep", "model._target_=leaving.Leaves", "seed=1,2")
        outcomes = [one for together in run_on(executor, jobs) for _, one in together]
        assert [one.status for one in outcomes] == ["failed", "failed"]
        assert "leaving.py" in (jobs[1].path / "run.log").read_text()

    def test_a_run_that_was_cut_off_goes_on(self, executor: Executor, tmp_path: Path) -> None:
        whole, cut = (sweep_jobs(tmp_path / name, "seed=2")[0] for name in ("whole", "cut"))
        ThisProcess().submit(whole)
        self.cut_off(cut)
        assert executor.submit(cut).result(timeout=200).status == "completed"
        assert (cut.path / "model.pth").read_bytes() == (whole.path / "model.pth").read_bytes()

    def cut_off(self, job: Job) -> None:
        """Leaves the job's run as a signal leaves it that comes after its first epoch."""
        from seedbed.training import interrupt

        with interrupt.stop_request() as stop:
            stop.wish(2)
            ThisProcess().submit(job)
        assert json.loads((job.path / "status.json").read_text())["status"] == "interrupted"

    def test_shutting_down_twice_is_harmless(self, executor: Executor) -> None:
        executor.shutdown()
        executor.shutdown()
