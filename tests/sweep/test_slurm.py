"""Stacks train alike in tasks of a real SLURM: killed, preempted, out of time, or never started.

Its controller and its node run on this machine as long as these tests do.
"""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.slurm import missing, slurm
from support.stack_executor_contract import (
    GRID,
    NETS,
    OWN,
    StackExecutorContract,
    runs_of,
    table_of,
)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.slurm,
    pytest.mark.skipif(bool(missing()), reason=missing()),
]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("slurm")
    for above in folder.parents:  # munge asks that others may look, and only the owner write
        if above.stat().st_mode & 0o755 == 0o700:
            above.chmod(0o755)
    try:
        with slurm(folder) as config:
            yield config
    except RuntimeError as err:
        pytest.skip(str(err))


@pytest.fixture(autouse=True)
def _asked_by_its_file(cluster: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLURM_CONF", str(cluster))


class TestSlurm(StackExecutorContract):
    words = ("sweep.executor=submitit", "sweep.slurm.array_parallelism=2", "sweep.slurm.time=5")

    def test_a_task_near_its_time_limit_saves_goes_back_into_the_queue_and_goes_on(
        self, seedbed: Callable, tmp_path: Path
    ) -> None:
        """SLURM signals the task itself, some time before the limit; here a person does."""
        whole = seedbed("train", "-m", *OWN, *GRID, "sweep.workers=0", "hydra.sweep.dir=whole")
        (tmp_path / "wait").touch()
        watcher = threading.Thread(target=_signal, args=(tmp_path,))
        watcher.start()
        words = ["sweep.executor=submitit", "sweep.slurm.time=5", "hydra.sweep.dir=cut"]
        cut = seedbed("train", "-m", *OWN, *GRID, *words)
        watcher.join()
        assert cut.code == 0, cut.err
        assert len(list(tmp_path.glob("steps*"))) == 3  # this process's, and the task's two
        assert runs_of(cut.sweep) == runs_of(whole.sweep)


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (
            ["sweep.slurm.partition=nigth"],
            "sweep.slurm.partition: no partition 'nigth'; sinfo says debug, night, closed; did "
            "you mean 'night'?",
        ),
        (
            ["sweep.slurm.partition=night", "sweep.slurm.time=2-0"],
            "sweep.slurm.time=2-0 is more than partition 'night' allows, 1-12:00:00",
        ),
        (["sweep.slurm.cpus=64"], "sweep.slurm.cpus=64: nodes of 'debug' have 2"),
        (["sweep.slurm.gpus=1"], "sweep.slurm.gpus=1: nodes of 'debug' have none"),
        (
            ["sweep.slurm.partition=closed"],
            "sweep.slurm.partition: 'closed' takes no tasks now: sinfo says inactive",
        ),
    ],
    ids=lambda value: value[-1] if isinstance(value, list) else "",
)
def test_what_the_cluster_has_not_is_told_before(
    seedbed: Callable, words: list[str], error: str
) -> None:
    result = seedbed("validate", "-m", "seed=1,2", "sweep.executor=submitit", *words)
    assert (result.code, result.err) == (2, f"error: {error}\n")


MANY = [*OWN, "+model.how=one,other,third", "optimizer.lr=1e-4,3e-4,1e-3", "seed=range(0,60)"]
MANY += ["loader.batch_size=2", "trainer.epochs=20"]


def test_540_jobs_with_a_task_killed_and_one_preempted_give_the_local_table(
    seedbed: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each of three stacks is a task of one array; each waits for what is done to it."""
    (tmp_path / "own_nets.py").write_text(NETS)
    monkeypatch.syspath_prepend(str(tmp_path))
    often = "trainer.checkpoint_every='20 steps'"
    here = seedbed("train", "-m", *MANY, often, "sweep.workers=0", "hydra.sweep.dir=here")
    assert here.code == 0, here.err
    (tmp_path / "wait").touch()
    hit: dict[str, str] = {}
    watcher = threading.Thread(target=_kill_one_and_preempt_one, args=(tmp_path, hit))
    watcher.start()
    words = ["sweep.executor=submitit", "sweep.slurm.array_parallelism=2"]
    there = seedbed("train", "-m", *MANY, often, *words, "hydra.sweep.dir=there")
    watcher.join()
    assert there.code == 0, there.err
    assert set(hit) == {"killed", "preempted"}
    assert len(table_of(there.sweep)) == 540
    assert table_of(there.sweep) == table_of(here.sweep)
    assert runs_of(there.sweep) == runs_of(here.sweep)


def _kill_one_and_preempt_one(folder: Path, hit: dict[str, str]) -> None:
    """The first two tasks that have begun to train; then none waits any more."""
    until = time.monotonic() + 100
    while len(hit) < 2 and time.monotonic() < until:
        for beat in sorted(folder.glob("there/.tasks/0/*.alive")):
            told = json.loads(beat.read_text())
            steps = folder / f"steps{told['pid']}"
            if beat.stem in hit.values() or not steps.exists() or steps.read_text() != "30":
                continue
            if "killed" not in hit:
                os.kill(told["pid"], signal.SIGKILL)
                hit["killed"] = beat.stem
            else:
                queue = ["squeue", "-h", "-r", "-t", "R", "-o", "%F_%K"]
                running = subprocess.run(queue, capture_output=True, text=True, check=True)
                (task,) = [id_ for id_ in running.stdout.split() if id_.endswith(_index(beat))]
                subprocess.run(["scontrol", "requeue", task], check=True)
                hit["preempted"] = beat.stem
            break
        time.sleep(0.02)
    (folder / "wait").unlink()


def _index(beat: Path) -> str:
    return f"_{int(beat.stem)}"


def _signal(folder: Path) -> None:
    until = time.monotonic() + 60
    while not any(folder.glob("cut/*/checkpoints/last.pt")) and time.monotonic() < until:
        time.sleep(0.05)
    subprocess.run(["scancel", "--signal=USR2", "--user=root", "--state=RUNNING"], check=True)
    time.sleep(0.5)
    (folder / "wait").unlink()


def test_a_task_that_never_starts_fails_with_what_the_queue_says(
    seedbed: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    from seedbed.sweep.clusters import submitit_cluster

    monkeypatch.setattr(submitit_cluster, "MINUTE", 3.0)
    words = ["sweep.executor=submitit", "sweep.slurm.start_within=1"]
    words += ["sweep.slurm.extra={hold: true}"]
    result = seedbed("train", "-m", "seed=1,2", *words, "hydra.sweep.dir=late")
    assert result.code == 1, result.err
    errors = [job["error"] for job in json.loads(Path("late/sweep.json").read_text())["jobs"]]
    assert all("did not start within 3 s: squeue -j " in error for error in errors)
    assert all("debug seedbed PD JobHeldUser" in error for error in errors)
    queue = subprocess.run(["squeue", "-h"], capture_output=True, text=True, check=True)
    assert "JobHeldUser" not in queue.stdout


def test_other_packages_on_the_nodes_are_refused_before_the_first_step(
    seedbed: Callable, tmp_path: Path
) -> None:
    """The Python of the nodes has a torch of another version."""
    other = tmp_path / "other" / "torch-1.0.0.dist-info"
    other.mkdir(parents=True)
    (other / "METADATA").write_text("Metadata-Version: 2.1\nName: torch\nVersion: 1.0.0\n")
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nPYTHONPATH={other.parent} exec {sys.executable} "$@"\n')
    python.chmod(0o755)
    words = ["sweep.executor=submitit", f"sweep.slurm.python={python}", "hydra.sweep.dir=out"]
    result = seedbed("train", "-m", "seed=1,2", *words)
    assert result.code == 2
    (line,) = result.errors
    assert "has torch 1.0.0, and this process torch 2." in line
    assert not list(Path("out").glob("*/config.yaml"))


def test_what_sbatch_refuses_is_one_line(seedbed: Callable) -> None:
    words = ["sweep.executor=submitit", "sweep.slurm.extra={constraint: none-such}"]
    result = seedbed("train", "-m", "seed=1,2", *words, "hydra.sweep.dir=out")
    assert result.code == 2
    assert result.err.startswith("error: sbatch does not take the tasks: ")
    assert result.err.count("\n") == 1
