"""What is wrong with what a sweep asks of a cluster is told before anything runs."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from support import processes

from seedbed.config.schema import SlurmConfig
from seedbed.sweep.clusters.durations import minutes
from seedbed.sweep.clusters.submitit_cluster import SubmititCluster

LOCAL = ("sweep.executor=submitit", "sweep.slurm.cluster=local")
JOBS = ("seed=1,2", "trainer.epochs=1")
QUEUE_THAT_HANGS = {
    "sinfo": "echo 'debug*|1:00:00|2|(null)|up'",
    "sbatch": "touch out/asked; exec sleep 1000",
    "srun": "exit 1",
    "squeue": "exit 1",
    "scancel": "exit 1",
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (60, 60),
        ("90", 90),
        ("1:30", 2),
        ("10:00", 10),
        ("0:30", 1),
        ("2:00:00", 120),
        ("2:00:01", 121),
        ("1-0", 1440),
        ("1-12", 2160),
        ("1-12:30", 2190),
        ("1-12:30:30", 2191),
    ],
)
def test_a_time_is_read_as_slurm_reads_it(text: int | str, expected: int) -> None:
    assert minutes(text) == expected


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (
            ("sweep.slurm.time=10h",),
            "sweep.slurm.time must be a whole number or a text (as SLURM reads it: MINUTES, "
            "'HOURS:MM:SS', 'MINUTES:SS' or 'DAYS-HOURS'), got '10h'",
        ),
        (
            ("sweep.slurm.memory=16",),
            "sweep.slurm.memory must be a text (a number and K, M, G or T, such as 16G) or null, "
            "got 16",
        ),
        (
            ("sweep.executor=slurm",),
            "sweep.executor must be one of local, submitit, ray, got 'slurm'",
        ),
        (
            (*LOCAL, "sweep.workers=4"),
            "sweep.workers=4: workers are processes of sweep.executor=local; type "
            "sweep.slurm.array_parallelism=N for so many tasks at a time",
        ),
        (
            (*LOCAL, "sweep.slurm.python=/none/python -I"),
            "sweep.slurm.python=/none/python -I: no such command here; leave it out for the "
            "Python of this process",
        ),
        (
            (*LOCAL, "sweep.slurm.python='a \" b'"),
            'sweep.slurm.python=a " b: no closing quotation',
        ),
        (
            (*LOCAL, "sweep.slurm.gpus=2"),
            "sweep.slurm.gpus=2: a task trains on one device; type sweep.slurm.gpus=1",
        ),
        (
            (*LOCAL, "trainer.device=cuda"),
            "trainer.device=cuda needs a GPU a task; type sweep.slurm.gpus=1",
        ),
        (
            (*LOCAL, "trainer.device=cpu", "sweep.slurm.gpus=1"),
            "sweep.slurm.gpus=1: trainer.device=cpu uses none; leave out the one",
        ),
        (
            (*LOCAL, "trainer.threads=8"),
            "trainer.threads=8 is more than sweep.slurm.cpus=1; type sweep.slurm.cpus=8",
        ),
    ],
    ids=lambda value: value[-1] if isinstance(value, tuple) else "",
)
def test_a_mistake_is_one_line(seedbed: Callable, words: tuple[str, ...], error: str) -> None:
    result = seedbed("validate", "-m", *JOBS, *words)
    assert result.code == 2
    assert result.errors == [f"error: {error}"] or error in result.errors[0]
    assert seedbed("train", "-m", *JOBS, *words, "hydra.sweep.dir=out").code == 2
    assert not Path("out").exists()


@pytest.mark.parametrize(("executor", "extra"), [("submitit", "slurm"), ("ray", "ray")])
def test_without_the_extra_the_line_that_installs_it_is_told(
    seedbed: Callable, monkeypatch: pytest.MonkeyPatch, executor: str, extra: str
) -> None:
    monkeypatch.setitem(sys.modules, executor, None)
    result = seedbed("train", "-m", *JOBS, f"sweep.executor={executor}", "hydra.sweep.dir=out")
    assert (result.code, result.err) == (
        2,
        f"error: sweep.executor={executor} needs {executor}, which is not installed; "
        f"type: pip install 'seedbed[{extra}]'\n",
    )
    assert not Path("out").exists()


def test_a_machine_that_submits_nothing_says_so(
    seedbed: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    result = seedbed("validate", "-m", *JOBS, "sweep.executor=submitit")
    assert (result.code, result.err) == (
        2,
        "error: sweep.executor=submitit: there is no sbatch and srun here; type it on a machine "
        "that submits to the cluster, or sweep.slurm.cluster=local to try it out\n",
    )


def test_a_machine_without_the_gpus_of_the_tasks_checks_them_all_the_same(
    seedbed: Callable,
) -> None:
    words = [*LOCAL, "trainer.device=cuda", "sweep.slurm.gpus=1", "sweep.fuse=always"]
    result = seedbed("validate", "-m", *JOBS, *words)
    assert (result.code, result.out) == (0, "valid: 2 jobs\n")
    assert seedbed("validate", "-m", *JOBS, "trainer.device=cuda").code == 2


def test_another_launcher_does_not_obey_it(seedbed: Callable) -> None:
    result = seedbed("validate", "-m", *JOBS, *LOCAL, "hydra/launcher=basic")
    assert result.code == 2
    assert "sweep.executor=submitit is not obeyed by hydra/launcher=basic" in result.errors[0]


def test_a_class_of_the_program_itself_does_not_reach_other_machines(tmp_path: Path) -> None:
    program = (
        "import seedbed, torch\n"
        "class Net(torch.nn.Linear):\n"
        "    def __init__(self):\n        super().__init__(2, 1)\n"
        f"words = {[*LOCAL, *JOBS]}\n"
        "try:\n    seedbed.sweep(*words, model=Net(), directory='out')\n"
        "except seedbed.errors.SeedbedError as err:\n    print(err)\n"
    )
    (tmp_path / "program.py").write_text(program)
    line = [sys.executable, "program.py"]
    done = processes.run(line, cwd=tmp_path, capture_output=True, text=True, timeout=100)
    assert "__main__.Net is a class of this program itself, and does not reach" in done.stdout


def test_a_task_that_ends_without_a_word_is_told_with_the_last_line_that_it_printed(
    tmp_path: Path,
) -> None:
    """As a terminal may show it, however much it printed and in whatever encoding."""
    python = tmp_path / "python"
    shown = r"\033]0;title\007 no room \377"
    python.write_text(f"#!/bin/sh\nhead -c 1000000 /dev/zero >&2\nprintf '\\n{shown}\\n' >&2\n")
    python.chmod(0o755)
    settings = SlurmConfig(
        cluster="local",
        partition=None,
        time=5,
        start_within=None,
        cpus=1,
        gpus=0,
        memory=None,
        account=None,
        array_parallelism=1,
        python=str(python),
        setup=[],
        extra=None,
    )
    cluster = SubmititCluster(settings, tmp_path)
    cluster.submit(["00000"])
    while (standing := cluster.look()["00000"]).kind == "running":
        time.sleep(0.05)
    assert standing.kind == "lost"
    last = "\\x1b]0;title\\x07 no room \N{REPLACEMENT CHARACTER}"
    assert standing.why.startswith(f"an end without a word ({last}; see ")


@pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")
def test_ctrl_c_ends_a_sweep_whose_queue_takes_no_tasks_and_does_not_say_so(
    tmp_path: Path,
) -> None:
    """A terminal's Ctrl-C, which reaches sbatch as well."""
    programs = tmp_path / "programs"
    programs.mkdir()
    for name, does in QUEUE_THAT_HANGS.items():
        (programs / name).write_text(f"#!/bin/sh\n{does}\n")
        (programs / name).chmod(0o755)
    words = ["train", "-m", *JOBS, "sweep.executor=submitit", "hydra.sweep.dir=out"]
    process = processes.Process(
        [sys.executable, "-m", "seedbed", *words],
        cwd=tmp_path,
        env={**os.environ, "PATH": f"{programs}:{os.environ['PATH']}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    until = time.monotonic() + 100
    while not (tmp_path / "out" / "asked").exists():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < until
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=100)
    assert (process.returncode, err) == (130, "error: interrupted\n")
    assert "to run these again: seedbed resume out" in out
    assert not (tmp_path / "out" / ".tasks").exists()
