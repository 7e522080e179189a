"""Sweeps whose jobs train together: each job is a whole run, and none harms another."""

import csv
import json
import os
import re
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

from seedbed.fused.sizing import StackSize

OWN = """
import traceback

import torch
from torch import nn


class Branching(nn.Module):
    def __init__(self, in_features, out_features):
        super().__init__()
        self.layer = nn.Linear(in_features, out_features)

    def forward(self, x):
        if x.sum() > 0:
            return self.layer(x)
        return -self.layer(x)


class Failing(nn.Module):
    def __init__(self, in_features, out_features, where):
        super().__init__()
        self.layer = nn.Linear(in_features, out_features)
        self.where = (where, "training/single.py")

    def forward(self, x):
        callers = [frame.filename for frame in traceback.extract_stack()]
        if any(one.endswith(self.where) for one in callers):
            raise RuntimeError("told to")
        return self.layer(x)
"""

FILES = {
    "config.yaml", "environment.json", "history.csv", "model.pth", "preprocessing.json",
    "result.json", "run.log", "status.json", "checkpoints/best.pt", "checkpoints/last.pt",
    ".hydra/config.yaml", ".hydra/hydra.yaml", ".hydra/overrides.yaml",
}  # fmt: skip


def rows(sweep: Path) -> list[dict[str, str]]:
    """The sweep's table."""
    with (sweep / "results.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def result_of(run: Path) -> dict:
    return json.loads((run / "result.json").read_text())


def job(sweep: Path, number: int) -> Path:
    """The directory of a job; seeds vary slower than learning rates."""
    (run,) = sweep.glob(f"{number}_*")
    return run


def files_of(run: Path) -> set[str]:
    return {str(path.relative_to(run)) for path in run.rglob("*") if path.is_file()}


@pytest.fixture
def sweep(seedbed: Callable) -> Path:
    """Eight jobs together; always, as which is faster depends on what else the machine does."""
    words = ["seed=range(0,4)", "optimizer.lr=0.001,0.002", "sweep.fuse=always"]
    return seedbed("train", "-m", *words).sweep


def test_every_job_is_a_whole_run(sweep: Path, seedbed: Callable) -> None:
    runs = sorted(path for path in sweep.iterdir() if path.is_dir())
    assert len(runs) == 8
    single = seedbed("train", "seed=2", "optimizer.lr=0.002", "hydra.run.dir=single").run
    expected = {name for name in files_of(single) if "tfevents" not in name} - {"loss.png"}
    assert expected == FILES
    for run in runs:
        found = files_of(run)
        assert {name for name in found if "tfevents" not in name} == FILES
        assert len([name for name in found if "tfevents" in name]) == 1
        result = result_of(run)
        assert (result["status"], result["engine"], result["group"], result["K"]) == (
            "completed", "fused", 1, 8,
        )  # fmt: skip
    alike = result_of(job(sweep, 5))
    assert set(alike) == set(result_of(single)) | {"group", "K"}
    assert alike["config_hash"] == result_of(single)["config_hash"]


def test_every_command_reads_a_job(sweep: Path, seedbed: Callable) -> None:
    run = job(sweep, 3)
    for words in (
        ["predict", run, "--input", "[[10,11]]"],
        ["inspect", run, "--weights"],
        ["summary", run],
        ["plot", run, "--output", "curve.png"],
        ["resume", run],
        ["reproduce", run],
    ):
        result = seedbed(*words)
        assert result.code == 0, result.err
    assert seedbed("resume", run, "trainer.epochs=60").code == 0
    assert result_of(run)["epochs"] == 60


def test_a_job_goes_on_singly_with_more_epochs(sweep: Path, seedbed: Callable) -> None:
    run = job(sweep, 4)
    assert seedbed("resume", run, "trainer.epochs=70").code == 0
    longer = seedbed("train", "seed=2", "trainer.epochs=70", "hydra.run.dir=longer").run
    one, two = result_of(run), result_of(longer)
    assert one["metrics"]["train/loss"] == pytest.approx(two["metrics"]["train/loss"], rel=1e-4)
    assert one["engine"] == "fused"


@pytest.mark.parametrize("fuse", ["auto", "never"])
def test_always_agrees_with(sweep: Path, seedbed: Callable, fuse: str) -> None:
    words = ["seed=range(0,4)", "optimizer.lr=0.001,0.002", f"sweep.fuse={fuse}"]
    other = seedbed("train", "-m", *words, "hydra.sweep.dir=other").sweep
    for one, two in zip(rows(sweep), rows(other), strict=True):
        assert one["directory"] == two["directory"]
        assert one["status"] == two["status"] == "completed"
        assert float(one["train/loss"]) == pytest.approx(float(two["train/loss"]), rel=1e-4)
    engines = {result_of(path.parent)["engine"] for path in other.glob("*/result.json")}
    assert engines <= ({"single"} if fuse == "never" else {"single", "fused"})


def test_a_job_with_no_like_runs_singly(seedbed: Callable) -> None:
    sweep = seedbed("train", "-m", "model.hidden=[4],[5]", "trainer.epochs=2").sweep
    assert [result_of(run.parent)["engine"] for run in sweep.glob("*/result.json")] == [
        "single"
    ] * 2


def test_always_fuses_a_job_alone(seedbed: Callable) -> None:
    words = ["model.hidden=[4],[5]", "trainer.epochs=2", "sweep.fuse=always"]
    sweep = seedbed("train", "-m", *words).sweep
    results = [result_of(path) for path in sorted(sweep.glob("*_*"))]
    assert [(one["engine"], one["K"]) for one in results] == [("fused", 1)] * 2


@pytest.mark.slow
def test_each_job_of_a_mixed_sweep_ends_as_it_should(
    seedbed: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """200 jobs: 3 that diverge, 2 models that cannot be stacked, 1 that raises."""
    monkeypatch.setattr(StackSize, "pays", lambda *_: True)  # whatever else the machine does
    (tmp_path / "mixed_nets.py").write_text(OWN)
    settings = [
        *({"seed": seed} for seed in range(194)),
        *({"seed": 0, "optimizer.lr": lr} for lr in ("1e6", "2e6", "3e6")),
        *({"seed": s, "model._target_": "mixed_nets.Branching"} for s in (0, 1)),
        {"seed": 0, "model._target_": "mixed_nets.Failing", "+model.where": "training/single.py"},
    ]
    file = tmp_path / "conf" / "experiment" / "mixed.yaml"
    file.parent.mkdir(parents=True)
    listed = ["sweep:", "  settings:"]
    for one in settings:
        listed.append("    - {" + ", ".join(f'"{k}": {v}' for k, v in one.items()) + "}")
    listed += ["trainer: {epochs: 5}", "allow: [mixed_nets]"]
    file.write_text("# @package _global_\n" + "\n".join(listed) + "\n")
    result = seedbed("train", "-m", "experiment=mixed")
    assert result.code == 1, result.err
    assert re.search(
        r"note: 2 jobs run singly: forward branches on data \(model Branching\)", result.out
    )
    table = rows(result.sweep)
    statuses = Counter(row["status"] for row in table)
    assert statuses == {"completed": 196, "diverged": 3, "failed": 1}
    assert [row["status"] for row in table[194:]] == ["diverged"] * 3 + ["completed"] * 2 + [
        "failed"
    ]
    engines = Counter(
        result_of(path.parent)["engine"] for path in result.sweep.glob("*/result.json")
    )
    assert engines == {"fused": 197, "single": 2}
    for row in table[194:197]:
        run = result.sweep / row["directory"]
        weights = torch.load(run / "model.pth", weights_only=True)
        assert all(tensor.isfinite().all() for tensor in weights.values())
        assert json.loads((run / "status.json").read_text())["error"].startswith("train/loss is")


def test_dropout_is_fused_only_when_allowed(seedbed: Callable) -> None:
    words = ["model.dropout=0.2", "seed=range(0,16)", "trainer.epochs=2"]
    result = seedbed("train", "-m", *words, "hydra.sweep.dir=a")
    assert "sweep.allow_random=true fuses it" in result.out
    engines = [result_of(path)["engine"] for path in result.sweep.glob("*_*")]
    assert engines == ["single"] * 16
    result = seedbed(
        "train", "-m", *words, "sweep.allow_random=true", "sweep.fuse=always", "hydra.sweep.dir=b"
    )
    assert [result_of(path)["engine"] for path in result.sweep.glob("*_*")] == ["fused"] * 16


@pytest.mark.parametrize("words", [["model.dropout=0.2"], ["trainer.log_graph=true"]])
def test_always_refuses_what_cannot_fuse(
    seedbed: Callable, tmp_path: Path, words: list[str]
) -> None:
    result = seedbed("train", "-m", *words, "seed=1,2", "sweep.fuse=always")
    assert result.code == 2
    (error,) = result.errors
    assert "sweep.fuse=always" in error
    assert "2 jobs" in error
    assert not (tmp_path / "outputs").exists()


@pytest.mark.parametrize(
    "where", ["fused/sizing.py", "fused/engine.py"], ids=["when it is measured", "in training"]
)
def test_a_stack_that_raises_is_run_singly(
    seedbed_process: Callable, tmp_path: Path, where: str
) -> None:
    (tmp_path / "failing_nets.py").write_text(OWN)
    words = ["model._target_=failing_nets.Failing", "allow=[failing_nets]", f"+model.where={where}"]
    words += ["seed=range(0,16)", "trainer.epochs=30", "sweep.fuse=always"]
    result = seedbed_process("train", "-m", *words)
    assert result.code == 1
    assert result.err == ""
    assert "together they stopped with RuntimeError: told to" in result.out
    assert [row["status"] for row in rows(result.sweep)] == ["failed"] * 16


def test_a_fused_job_is_reproduced(sweep: Path, seedbed: Callable, tmp_path: Path) -> None:
    told = seedbed("reproduce", job(sweep, 5), "--json")
    answer = json.loads(told.out)
    assert (told.code, answer["identical"]) == (0, True)
    assert (answer["identical_in_its_stack"], answer["alike_on_its_own"]) == (True, True)
    run = job(sweep, 6)
    weights = torch.load(run / "model.pth", weights_only=True)
    weights["hidden_to_output_layer.bias"] += 1e-6
    torch.save(weights, run / "model.pth")
    told = seedbed("reproduce", run, "--json")
    answer = json.loads(told.out)
    assert (told.code, answer["identical_in_its_stack"], answer["alike_on_its_own"]) == (
        1,
        False,
        True,
    )
    run.rename(tmp_path / "elsewhere")
    told = seedbed("reproduce", tmp_path / "elsewhere", "--json")
    answer = json.loads(told.out)
    assert (told.code, answer["identical"], answer["identical_in_its_stack"]) == (2, None, None)


def test_another_run_of_the_stack_that_is_damaged_is_named(sweep: Path, seedbed: Callable) -> None:
    config = job(sweep, 3) / "config.yaml"
    config.write_bytes(config.read_bytes()[:100])
    result = seedbed("reproduce", job(sweep, 5))
    assert result.code == 2
    (error,) = result.errors
    assert str(config) in error
    assert "of a run of the same stack, is damaged: " in error


@pytest.mark.slow
def test_a_fused_sweep_killed_half_way_goes_on_to_the_table_of_one_that_was_not(
    tmp_path: Path,
) -> None:
    """Killed again and again, at any moment of writing and training."""
    grid = ["seed=range(0,3)", "optimizer.lr=0.001,0.002", "model=custom,manual"]
    grid += [
        "trainer.epochs=300,400",
        "trainer.checkpoint_every='40 steps'",
        "optimizer.momentum=0.5",
    ]
    line = [sys.executable, "-m", "seedbed"]
    whole = [*line, "train", "-m", *grid, "hydra.sweep.dir=whole"]
    done = processes.run(whole, cwd=tmp_path, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr
    start = [*line, "train", "-m", *grid, "hydra.sweep.dir=sweep"]
    for attempt in range(3):
        words = start if not attempt else [*line, "resume", "sweep"]
        with processes.Process(words, cwd=tmp_path, stdout=subprocess.DEVNULL) as process:
            until = time.monotonic() + 200
            seen = len(list(tmp_path.glob("sweep/*/checkpoints/last.pt")))
            while process.poll() is None and time.monotonic() < until:
                now = len(list(tmp_path.glob("sweep/*/model.pth")))
                if (
                    len(list(tmp_path.glob("sweep/*/checkpoints/last.pt"))) > seen
                    or now > 6 * attempt
                ):
                    break
                time.sleep(0.01)
            time.sleep(0.05 * attempt)
            os.kill(process.pid, signal.SIGKILL)
    done = processes.run(
        [*line, "resume", "sweep"], cwd=tmp_path, capture_output=True, text=True, timeout=200
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert rows(tmp_path / "sweep") == rows(tmp_path / "whole")
    for weights in sorted(tmp_path.glob("whole/*/model.pth")):
        other = tmp_path / "sweep" / weights.parent.name
        one, two = (torch.load(path, weights_only=True) for path in (weights, other / "model.pth"))
        assert all(torch.equal(one[name], two[name]) for name in one)
        assert len(list(other.glob("*tfevents*"))) == 1


@pytest.mark.slow
def test_ctrl_c_saves_every_run_of_a_stack(tmp_path: Path) -> None:
    words = [
        "train",
        "-m",
        "seed=1,2,3",
        "sweep.fuse=always",
        "trainer.epochs=1000000",
        "hydra.sweep.dir=sweep",
    ]
    words += ["trainer.checkpoint_every='500 steps'"]
    line = [sys.executable, "-m", "seedbed", *words]
    with processes.Process(line, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as process:
        until = time.monotonic() + 200
        while (
            len(list(tmp_path.glob("sweep/*/checkpoints/last.pt"))) < 3 and time.monotonic() < until
        ):
            time.sleep(0.05)
        os.kill(process.pid, signal.SIGINT)
        try:
            out, _ = process.communicate(timeout=200)
        finally:
            process.kill()
    assert process.returncode == 130, out
    jobs = json.loads((tmp_path / "sweep" / "sweep.json").read_text())["jobs"]
    assert [one["status"] for one in jobs] == ["interrupted"] * 3
    for run in tmp_path.glob("sweep/*_seed*"):
        assert json.loads((run / "status.json").read_text())["status"] == "interrupted"
        last = torch.load(run / "checkpoints" / "last.pt", weights_only=True)
        assert last["state"]["step"] == result_of(run)["steps"] > 0


def test_splits_that_give_other_widths_are_not_stacked(seedbed: Callable, tmp_path: Path) -> None:
    """A category that only some seeds see in training is a column of theirs alone."""
    lines = [f"{n},{'abc'[n % 2] if n else 'c'},{n}" for n in range(12)]
    (tmp_path / "rare.csv").write_text("\n".join(["size,kind,price", *lines]) + "\n")
    words = ["data=csv", "data.path=rare.csv", "data.target=price", "data.split.validation=0.3"]
    result = seedbed("train", "-m", *words, "seed=range(0,8)", "trainer.epochs=1")
    assert "rows of different number or width" in result.out
    assert [row["status"] for row in rows(result.sweep)] == ["completed"] * 8
