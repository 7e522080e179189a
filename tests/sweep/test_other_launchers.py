"""Sweeps by other launchers than ours end as with ours; ours is of no use elsewhere."""

import csv
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support import processes

from seedbed.runs.layout import SWEEP_TABLE

LAUNCHER = '''
"""Runs the jobs in other processes, as the launchers for joblib and submitit do."""

from dataclasses import dataclass

import joblib

from hydra.core.config_store import ConfigStore
from hydra.core.hydra_config import HydraConfig
from hydra.core.singleton import Singleton
from hydra.core.utils import run_job, setup_globals
from hydra.plugins.launcher import Launcher
from omegaconf import open_dict


@dataclass
class Conf:
    _target_: str = "hydra_plugins.elsewhere.launcher.ElsewhereLauncher"


ConfigStore.instance().store(group="hydra/launcher", name="elsewhere", node=Conf)


def _job(context, config, task, words, number, state):
    setup_globals()
    Singleton.set_state(state)
    job = context.config_loader.load_sweep_config(config, list(words))
    with open_dict(job):
        job.hydra.job.id, job.hydra.job.num = str(number), number
    HydraConfig.instance().set_config(job)
    return run_job(
        hydra_context=context, task_function=task, config=job,
        job_dir_key="hydra.sweep.dir", job_subdir_key="hydra.sweep.subdir",
    )


class ElsewhereLauncher(Launcher):
    def setup(self, *, hydra_context, task_function, config):
        self.known = (hydra_context, config, task_function)

    def launch(self, job_overrides, initial_job_idx):
        state = Singleton.get_state()
        jobs = [(*self.known, words, n, state) for n, words in enumerate(job_overrides)]
        return joblib.Parallel(n_jobs=2, backend="loky")(joblib.delayed(_job)(*job) for job in jobs)
'''

PROGRAM = """
import hydra


@hydra.main(config_path=None, version_base="1.3")
def main(config):
    print("my own job")


main()
"""

MODEL = """
from torch import nn


class Net(nn.Linear):
    def __init__(self, in_features, out_features, word="well"):
        super().__init__(in_features, out_features)
        self.word, self.calls = word, 0

    def forward(self, x):
        self.calls += 1
        if self.word == "ill" and self.calls > 2:
            raise KeyError("broken")
        return super().forward(x)
"""


def _rows(sweep: Path) -> list[dict[str, Any]]:
    with (sweep / SWEEP_TABLE).open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_launcher_with_processes_runs_all_that_was_asked(
    seedbed_process: Callable, seedbed: Callable
) -> None:
    plugin = Path("plugins/hydra_plugins/elsewhere")
    plugin.mkdir(parents=True)
    (plugin / "__init__.py").touch()
    (plugin / "launcher.py").write_text(LAUNCHER)
    words = ["seed=1,2", "trainer.epochs=2", "sweep.settings=[{optimizer.lr: 0.002}]"]
    result = seedbed_process(
        "train", "-m", "hydra/launcher=elsewhere", *words,
        env={**os.environ, "PYTHONPATH": "plugins"},
    )  # fmt: skip
    assert (result.code, result.err) == (0, "")
    rows = _rows(result.sweep)
    assert [(row["status"], row["seed"], row["optimizer.lr"]) for row in rows] == [
        ("completed", "1", "0.002"),
        ("completed", "2", "0.002"),
    ]
    own = _rows(seedbed("train", "-m", *words).sweep)
    for row, other in zip(rows, own, strict=True):
        assert row["directory"] == other["directory"]
        assert float(row["train/loss"]) == pytest.approx(float(other["train/loss"]), rel=1e-4)


def test_settings_zip_draw_and_exclude_make_the_jobs(seedbed: Callable) -> None:
    result = seedbed(
        "train", "-m", "hydra/launcher=basic", "trainer.epochs=1", "sweep.zip={seed: [1, 2, 3]}",
        "sweep.draw={optimizer.lr: [0.002]}", "sweep.draws=1", "sweep.exclude=[{seed: 2}]",
    )  # fmt: skip
    assert result.code == 0, result.err
    assert [row["seed"] for row in _rows(result.sweep)] == ["1", "3"]
    assert [row["optimizer.lr"] for row in _rows(result.sweep)] == ["0.002", "0.002"]


def test_a_job_that_fails_elsewhere_is_told_and_can_be_resumed(seedbed: Callable) -> None:
    Path("mine.py").write_text(MODEL)
    words = ["allow=[mine]", "model._target_=mine.Net", "+model.word=well,ill", "trainer.epochs=2"]
    result = seedbed("train", "-m", "hydra/launcher=basic", *words)
    assert result.code == 1
    assert "1 of 2 jobs did not complete" in result.out
    assert [row["status"] for row in _rows(result.sweep)] == ["completed", "failed"]
    Path("mine.py").write_text(MODEL.replace("ill", "never"))
    os.environ["SEEDBED_ALLOW"] = "mine"
    sys.modules.pop("mine")
    resumed = seedbed("resume", result.sweep)
    assert resumed.code == 0, resumed.err
    assert [row["status"] for row in _rows(result.sweep)] == ["completed", "completed"]


def test_what_only_our_launcher_does_is_refused(seedbed: Callable) -> None:
    words = ["sweep.fuse=always", "sweep.workers=2", "sweep.on_error=stop", "sweep.compile=always"]
    result = seedbed("train", "-m", "hydra/launcher=basic", "seed=1,2", *words)
    assert (result.code, len(result.errors)) == (2, 4)
    assert all("is not obeyed by hydra/launcher=basic" in line for line in result.errors)
    assert not Path("outputs").exists()


def test_validate_writes_nothing_and_calls_nobody(
    seedbed: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ["hydra/launcher=basic", "+hydra.callbacks.one._target_=nowhere.Callback"]
    result = seedbed("validate", "-m", "seed=1,2", *words)
    assert (result.code, result.out, result.err) == (0, "valid: 2 jobs\n", "")
    assert not list(Path.cwd().iterdir())


@pytest.mark.parametrize("word", ["hydra/launcher=seedbed", "hydra/sweeper=seedbed"])
def test_ours_says_in_one_line_that_it_is_of_no_use_elsewhere(word: str) -> None:
    Path("program.py").write_text(PROGRAM)
    line = [sys.executable, "program.py", "-m", "+seed=1,2", word]
    settings = {name: value for name, value in os.environ.items() if name != "HYDRA_FULL_ERROR"}
    done = processes.run(
        line, capture_output=True, text=True, timeout=200, check=False, env=settings
    )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    part = word.partition("=")[0]
    assert done.stderr.splitlines()[0] == (
        f"error: {word} runs sweeps of the command 'seedbed train -m' alone; in your own "
        f"program type {part}=basic, or leave it out"
    )


def test_ctrl_c_ends_the_sweep_of_another_launcher() -> None:
    line = [sys.executable, "-m", "seedbed", "train", "-m", "hydra/launcher=basic", "seed=1,2"]
    process = processes.Process(
        [*line, "trainer.epochs=1000000", "hydra.sweep.dir=s"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    until = time.monotonic() + 200
    while not Path("s/0_seed=1/history.csv").exists() and time.monotonic() < until:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=200)
    assert process.returncode == 130
    assert "2 of 2 jobs did not complete" in out
    assert [row["status"] for row in _rows(Path("s"))] == ["interrupted", "pending"]
