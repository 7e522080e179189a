"""What is wrong with what a sweep asks of a cluster is told before anything runs."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from seedbed.sweep.clusters.durations import minutes

LOCAL = ("sweep.executor=submitit", "sweep.slurm.cluster=local")
JOBS = ("seed=1,2", "trainer.epochs=1")


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
    import subprocess

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
    done = subprocess.run(line, cwd=tmp_path, capture_output=True, text=True, timeout=100)
    assert "__main__.Net is a class of this program itself, and does not reach" in done.stdout
