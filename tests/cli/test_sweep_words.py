"""A sweep is composed as Hydra composes it, and left to Hydra where others are to run it."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from seedbed.cli import hydra_flags
from seedbed.compose.composed import ComposedSweep
from seedbed.compose.launchers import launched_job
from seedbed.compose.sweeps import composed_sweep

SWEEPS = {
    "grid": ["model=custom,manual", "optimizer.lr=1e-3,1e-2", "seed=range(0,3)"],
    "one job": ["trainer.epochs=3"],
    "quoted": ["name='a','b'", "model.hidden=[4],[8,2]"],
    "glob": ["model=glob(*)", "data=sklearn"],
    "hydra's own": ["seed=1,2", "hydra.sweep.dir=here", "hydra.job.name=mine"],
    "references": ["optimizer.lr=0.1,0.2", "optimizer.weight_decay=${optimizer.lr}"],
    "mode": ["seed=1,2", "hydra.mode=MULTIRUN"],
    "zip and draws": ["sweep.zip={seed:[1,2]}", "sweep.draw={optimizer.lr:[1e-3,1e-2]}"],
}

PARAMS = """
defaults: [seedbed, _self_]
hydra: {sweeper: {params: {seed: '1,2,3'}}}
"""

CALLBACK = """
from hydra.experimental.callback import Callback


class Counting(Callback):
    def on_multirun_start(self, config, **_):
        print("called back")
"""


def by_hydra(words: list[str]) -> ComposedSweep:
    """What Hydra's own program hands to our launcher."""
    flags = ["-m", *words]
    with mock.patch("seedbed.api.sweeping.run_sweep") as run:
        run.return_value.jobs = []
        hydra_flags.through_hydra(flags, hydra_flags.parse(flags), launched_job)
    (asked, _) = run.call_args.args
    assert isinstance(asked, ComposedSweep)
    return asked


def told(asked: ComposedSweep | None) -> Any:
    """All of a sweep, but for the moment, and for what Hydra calls the program."""
    assert asked is not None
    multirun = asked.multirun
    multirun["hydra"]["job"]["name"] = ""
    jobs = []
    for one in asked.jobs:
        one.hydra["job"]["name"] = ""
        jobs.append([one.config, one.resolved, one.raw, one.hydra, one.overrides])
    directory = re.sub(r"\d", "0", str(asked.directory))
    return directory, asked.origin, multirun, jobs


def test_each_job_fills_in_its_own_references() -> None:
    words = ["optimizer.lr=0.1,0.2", "optimizer.weight_decay=${optimizer.lr}", "name=s${seed}"]
    asked = composed_sweep([*words, "seed=1,2"])
    assert asked is not None
    made = [(one.config.optimizer["weight_decay"], one.config.name) for one in asked.jobs]
    assert made == [(0.1, "s1"), (0.1, "s2"), (0.2, "s1"), (0.2, "s2")]


def test_a_sweep_keeps_what_references_stood_for(
    seedbed: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RATE", "0.5")
    word = "optimizer.momentum='${oc.decode:${oc.env:RATE}}'"
    words = ["trainer.epochs=1", word, "optimizer.weight_decay=${optimizer.lr}"]
    sweep = seedbed("train", "-m", *words, "optimizer.lr=0.1,0.2").sweep
    jobs = json.loads((sweep / "sweep.json").read_text())["jobs"]
    assert [job["overrides"][1:3] for job in jobs] == [
        ["optimizer.momentum=0.5", f"optimizer.weight_decay={rate}"] for rate in (0.1, 0.2)
    ]
    monkeypatch.delenv("RATE")
    shutil.rmtree(sweep / jobs[1]["directory"])
    resumed = seedbed("resume", sweep)
    assert resumed.code == 0, resumed.err
    assert "1 of 2 jobs are complete" in resumed.out


@pytest.mark.parametrize("words", SWEEPS.values(), ids=SWEEPS)
def test_a_sweep_is_what_hydra_makes_of_its_words(words: list[str]) -> None:
    assert told(composed_sweep(words)) == told(by_hydra(words))


def test_parameters_of_the_sweeper_make_jobs(seedbed: Callable) -> None:
    Path("conf").mkdir()
    Path("conf/config.yaml").write_text(PARAMS)
    result = seedbed("validate", "-m", "model=custom,manual")
    assert (result.code, result.out) == (0, "valid: 6 jobs\n")


@pytest.mark.parametrize(
    "word",
    ["hydra/launcher=basic", "+hydra.callbacks.one._target_=mine.Counting"],
)
def test_hydra_runs_what_others_are_to_run(word: str) -> None:
    assert composed_sweep(["seed=1,2", word]) is None


def test_callbacks_are_called(seedbed: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("mine.py").write_text(CALLBACK)
    monkeypatch.syspath_prepend(Path.cwd())
    word = "+hydra.callbacks.one._target_=mine.Counting"
    result = seedbed("train", "-m", "seed=1,2", "trainer.epochs=1", word)
    assert result.code == 0, result.err
    assert result.out.startswith("called back\n")
    assert len(list(result.sweep.glob("*/result.json"))) == 2
