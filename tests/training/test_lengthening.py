"""More epochs for a run: as if it had been begun with them, or refused; it never becomes less."""

import json
import shutil
import signal
import subprocess
import sys
import time
from hashlib import sha256
from pathlib import Path

import pytest
import torch
import yaml
from support import processes
from support.command_line import Command
from support.single_runs import history, same_weights, train

from seedbed.components import AllowList
from seedbed.errors import NotAllowedError
from seedbed.runs.keepsake import FOLDER
from seedbed.runs.layout import RunPaths
from seedbed.training.run_length import RunLength
from seedbed.training.schedule import build_schedule

WINE = ["data=sklearn", "data.dataset=wine", "loader.batch_size=16", "trainer.epochs=4"]
ENDING = {
    "onecycle": ["scheduler=onecycle"],
    "cosine": ["scheduler=cosine"],
    "cosine, typed": ["scheduler=cosine", "scheduler.T_max=6"],
    "linear": ["scheduler._target_=torch.optim.lr_scheduler.LinearLR", "+scheduler.total_iters=4"],
    "polynomial": [
        "scheduler._target_=torch.optim.lr_scheduler.PolynomialLR",
        "+scheduler.total_iters=${trainer.epochs}",
    ],
}
ENDLESS = {
    "none": [],
    "step": ["scheduler=step", "scheduler.step_size=3"],
    "plateau": ["scheduler=plateau", "scheduler.patience=0"],
    "cosine of a longer run": ["scheduler=cosine", "scheduler.T_max=20"],
    "cosine of a shorter one": ["scheduler=cosine", "scheduler.T_max=3"],
    "restarts": [
        "scheduler._target_=torch.optim.lr_scheduler.CosineAnnealingWarmRestarts",
        "+scheduler.T_0=4",
    ],
}


def contents(run: Path) -> dict[str, str]:
    """A digest of every file but the log, which is added to."""
    files = [path for path in sorted(run.rglob("*")) if path.is_file() and path.name != "run.log"]
    return {str(p.relative_to(run)): sha256(p.read_bytes()).hexdigest() for p in files}


@pytest.mark.parametrize("words", ENDING.values(), ids=ENDING.keys())
def test_a_schedule_that_ends_with_the_run_is_not_made_longer(
    seedbed: Command, tmp_path: Path, words: list[str]
) -> None:
    assert seedbed("train", *WINE, *words, "hydra.run.dir=run").code == 0
    before = contents(tmp_path / "run")
    result = seedbed("resume", "run", "trainer.epochs=9")
    assert (result.code, result.out) == (2, "")
    (error,) = result.errors
    assert "'run' cannot go on to 9 epochs" in error
    assert error.endswith("trainer.epochs=9")
    assert "seedbed train data=sklearn data.dataset=wine loader.batch_size=16 " in error
    assert contents(tmp_path / "run") == before
    assert seedbed("reproduce", "run").code == 0


@pytest.mark.parametrize("words", ENDLESS.values(), ids=ENDLESS.keys())
def test_any_other_goes_on_as_if_begun_with_more_epochs(
    seedbed: Command, tmp_path: Path, words: list[str]
) -> None:
    whole = train(tmp_path / "whole", *WINE, *words, "trainer.epochs=9")
    seedbed("train", *WINE, *words, "hydra.run.dir=run")
    result = seedbed("resume", "run", "trainer.epochs=9")
    assert result.code == 0, result.err
    told = history(RunPaths(tmp_path / "run"))
    told.pop("seconds")
    assert told == whole.history
    assert same_weights(torch.load("run/model.pth", weights_only=True), whole.weights)
    assert not (tmp_path / "run" / FOLDER).exists()


@pytest.mark.parametrize(
    "words", [ENDING["onecycle"], ENDING["cosine"]], ids=["onecycle", "cosine"]
)
@pytest.mark.parametrize("fuse", ["always", "never"])
def test_so_it_is_with_jobs_of_a_sweep(
    seedbed: Command, tmp_path: Path, words: list[str], fuse: str
) -> None:
    sweep = seedbed("train", "-m", *WINE, *words, "seed=1,2", f"sweep.fuse={fuse}").sweep
    (job, _) = sorted(sweep.glob("*_seed=*"))
    before = contents(sweep)
    refused = seedbed("resume", job, "trainer.epochs=9")
    assert (refused.code, len(refused.errors)) == (2, 1)
    told = seedbed("resume", sweep, "trainer.epochs=9")
    assert (told.code, f"type seedbed resume {sweep}/JOB trainer.epochs=9" in told.err) == (2, True)
    assert contents(sweep) == before


@pytest.mark.parametrize("told", [{"total_steps": 20}, {"epochs": 2, "steps_per_epoch": 10}])
def test_a_length_that_is_too_short_is_refused_when_it_is_built(told: dict[str, int]) -> None:
    """Torch itself would stop the run in its middle."""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1)
    spec = {"_target_": "torch.optim.lr_scheduler.OneCycleLR", "max_lr": 0.1, **told}
    built = build_schedule(
        spec, AllowList(()), optimizer, length=RunLength(1, 20, 20), higher_is_better=False
    )
    for _ in range(20):
        optimizer.step()
        built.after_batch()
    with pytest.raises(NotAllowedError, match="ends after 20 steps, and the run makes 21"):
        build_schedule(
            spec, AllowList(()), optimizer, length=RunLength(1, 21, 21), higher_is_better=False
        )


STOPPED = [*WINE, "optimizer.lr=0.5", "optimizer.momentum=0.9", "trainer.epochs=30"]
STOPPED += ["trainer.early_stopping=3"]


def test_after_an_early_stop_more_epochs_are_refused_with_what_to_type(
    seedbed: Command, tmp_path: Path
) -> None:
    seedbed("train", *STOPPED, "hydra.run.dir=run")
    done = json.loads(Path("run/result.json").read_text())
    assert done["epochs"] < 30
    before = contents(tmp_path / "run")
    result = seedbed("resume", "run", "trainer.epochs=40")
    assert result.code == 2
    (error,) = result.errors
    assert f"stopped early after epoch {done['epochs']}: no better val/loss since epoch" in error
    assert contents(tmp_path / "run") == before
    typed = error.partition("type seedbed ")[2].split()
    assert typed == ["resume", "run", "trainer.epochs=40", "trainer.early_stopping.patience=null"]
    again = seedbed(*typed)
    assert again.code == 0, again.err
    whole = train(tmp_path / "whole", *STOPPED, "trainer.epochs=40", "trainer.early_stopping=null")
    assert same_weights(torch.load("run/model.pth", weights_only=True), whole.weights)
    assert seedbed("reproduce", "run").code == 0


@pytest.mark.parametrize(
    "word", ["trainer.epochs=²", "trainer.epochs=" + "9" * 5000, "trainer.epochs=0x9",
             "trainer.early_stopping=0", "trainer.early_stopping.min_delta=0", "optimizer.lr=1"],
    ids=["superscript", "digits", "hexadecimal", "no patience", "another key", "a rate"],
)  # fmt: skip
def test_nothing_else_can_be_changed(seedbed: Command, sum_run: Path, word: str) -> None:
    before = contents(sum_run)
    result = seedbed("resume", sum_run, word)
    assert (result.code, len(result.errors)) == (2, 1)
    assert contents(sum_run) == before


BREAKS = """
from pathlib import Path

from torch import nn


class Breaks(nn.Module):
    '''Raises once it has been called so often as `limit.txt` says.'''

    def __init__(self, in_features, out_features):
        super().__init__()
        self.layer = nn.Linear(in_features, out_features)
        self.calls = 0

    def forward(self, x):
        self.calls += self.training
        if self.calls > int(Path("limit.txt").read_text()):
            raise RuntimeError("out of patience")
        return self.layer(x)
"""
OWN = ["model._target_=breaks.Breaks", "allow=[breaks]", "trainer.epochs=4", "hydra.run.dir=run"]


def own(tmp_path: Path, calls: int, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "breaks.py").write_text(BREAKS)
    (tmp_path / "limit.txt").write_text(str(calls))
    monkeypatch.setenv("SEEDBED_ALLOW", "breaks")


@pytest.mark.parametrize("how", ["raises", "diverges"])
def test_a_run_that_fails_at_more_epochs_is_what_it_was(
    seedbed: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    own(tmp_path, 1000, monkeypatch)
    trained = seedbed("train", *OWN)
    assert trained.code == 0, trained.err
    before = contents(tmp_path / "run")
    if how == "raises":
        (tmp_path / "limit.txt").write_text("3")
    else:
        monkeypatch.setattr("seedbed.training.single.all_finite", lambda weights: False)
    result = seedbed("resume", "run", "trainer.epochs=9")
    assert result.code == 1
    assert "note: 'run' is what it was, a completed run" in result.out
    assert "Traceback" not in result.err
    assert contents(tmp_path / "run") == before
    log = Path("run/run.log").read_text()
    assert ("out of patience" if how == "raises" else "a weight is infinite") in log
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    own(tmp_path, 1000, monkeypatch)
    assert seedbed("resume", "run", "trainer.epochs=9").code == 0
    assert json.loads(Path("run/result.json").read_text())["epochs"] == 9


def test_a_run_killed_at_more_epochs_goes_on_or_is_put_back(
    seedbed: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own(tmp_path, 10**9, monkeypatch)
    trained = seedbed("train", *OWN)
    assert trained.code == 0, trained.err
    before = contents(tmp_path / "run")
    words = ["resume", "run", "trainer.epochs=1000000"]
    with processes.Process(
        [sys.executable, "-m", "seedbed", *words],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        until = time.monotonic() + 200
        while yaml.safe_load(Path("run/config.yaml").read_text())["trainer"]["epochs"] < 1000000:
            assert time.monotonic() < until
            assert process.poll() is None
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
    assert (tmp_path / "run" / FOLDER).is_dir()
    (tmp_path / "limit.txt").write_text("3")
    result = seedbed("resume", "run")
    assert result.code == 1, result.out
    assert contents(tmp_path / "run") == before


def test_a_completed_run_without_a_checkpoint_is_left_alone(
    seedbed: Command, tmp_path: Path, sum_run: Path
) -> None:
    shutil.copytree(sum_run, "run")
    shutil.rmtree("run/checkpoints")
    before = contents(tmp_path / "run")
    result = seedbed("resume", "run", "trainer.epochs=9")
    assert (result.code, "to go on from" in result.err) == (2, True)
    assert contents(tmp_path / "run") == before
